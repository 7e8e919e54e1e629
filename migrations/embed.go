// Package migrations holds the migrations that install postern in a database, in the form of tern
// (github.com/jackc/tern), which can run them as well.
package migrations

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"

	"postern/sql"
)

// Schema is the schema of postern, and VersionTable the table in it where tern keeps how far a database is, as in
// tern.conf.
const (
	Schema       = "postern"
	VersionTable = Schema + ".schema_version"
)

// Files are the migrations and, in snapshots, the sources that each release installs.
var Files fs.FS = files{}

//go:embed *.sql snapshots
var scripts embed.FS

// unreleased is the snapshot that is the sources themselves, that of the newest migration. On disk, where the command
// tern looks, it is a link to them, which embed does not follow; make freeze puts a copy in place of the link.
var unreleased = func() string {
	names, _ := fs.Glob(scripts, "*.sql")
	number, _, _ := strings.Cut(slices.Max(names), "_")
	return "snapshots/" + number
}()

type files struct{}

func (files) Open(name string) (fs.File, error) {
	if below, found := strings.CutPrefix(name, unreleased); found && (below == "" || below[0] == '/') {
		return sql.Files.Open(path.Clean("." + below))
	}
	return scripts.Open(name)
}
