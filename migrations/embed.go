// Package migrations holds the migrations that install postern in a database, in the form of tern
// (github.com/jackc/tern), which can run them as well.
package migrations

import "embed"

// VersionTable is where tern keeps how far a database is, as in tern.conf.
const VersionTable = "public.postern_version"

// Files are the migrations and, in snapshots, the sources that each release installs.
//
//go:embed *.sql snapshots
var Files embed.FS
