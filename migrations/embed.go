// Package migrations holds the migrations that install postern in a database, in the form of tern
// (github.com/jackc/tern), which can run them as well.
package migrations

import "embed"

// Schema is the schema of postern, and VersionTable the table in it where tern keeps how far a database is, as in tern.conf.
const (
	Schema       = "postern"
	VersionTable = Schema + ".schema_version"
)

// Files are the migrations and, in snapshots, the sources that each release installs.
//
//go:embed *.sql snapshots
var Files embed.FS
