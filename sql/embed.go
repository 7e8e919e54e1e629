// Package sql holds the sources of postern's functions: a code package of tern, in which install.sql names the files in
// order.
package sql

import "embed"

// Files are the sources. Releases install the copy of them that is in migrations/snapshots.
//
//go:embed postern.control *.sql */*.sql */*/*.sql
var Files embed.FS
