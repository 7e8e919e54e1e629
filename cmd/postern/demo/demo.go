// Package demo holds the demo database, "Quayside Books", and loads it into a private cluster. It knows
// its tables and roles, and nothing of the server in front of them.
package demo

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"postern/cmd/internal/cluster"
)

// Names in the demo database's cluster.
const (
	// Database is the database's name.
	Database = "demo"
	// Authenticator is the role that postern connects as; over the socket it needs no password.
	Authenticator = "authenticator"
	// Anonymous is the role of requests without a token.
	Anonymous = "anon"
	// Schemas are the exposed schemas, the default first, as db-schemas takes them.
	Schemas = "api,reports"
)

// Settings are the server settings that the demo's cluster is started with. The bulk load writes next to no log of
// changes (wal_level): a private cluster has no standbys.
var Settings = map[string]string{
	"wal_level":       "minimal",
	"max_wal_senders": "0",
	"timezone":        "UTC",
}

//go:embed *.sql
var files embed.FS

// order is that of the files after roles.sql, which is for the cluster, not for the database.
var order = []string{"types.sql", "tables.sql", "views.sql", "functions.sql", "policies.sql", "data.sql",
	"comments.sql"}

// Load makes the demo database where there is none, or where the one there was made from other SQL files or was not
// finished; that one is dropped with everything in it. It reports whether it made the database. Errors of PostgreSQL,
// a full disk for one, come back as *pgconn.PgError.
func Load(ctx context.Context, c *cluster.Cluster, notice func(sentence string)) (bool, error) {
	marker := "postern demo " + fingerprint()
	found, exists, err := readMarker(ctx, c)
	if err != nil {
		return false, err
	}
	if found == marker {
		return false, nil
	}
	if exists {
		notice("The demo's SQL has changed, or its loading was cut short: the demo database is made anew.")
		if err := c.Exec(ctx, "postgres", "drop database "+Database+" with (force)"); err != nil {
			return false, fmt.Errorf("drop the demo database: %w", err)
		}
	}
	roles, err := files.ReadFile("roles.sql")
	if err != nil {
		return false, err
	}
	if err := c.Exec(ctx, "postgres", string(roles)); err != nil {
		return false, located("roles.sql", roles, err)
	}
	if err := c.Exec(ctx, "postgres", "create database "+Database+" owner demo_owner template template0"); err != nil {
		return false, fmt.Errorf("create the demo database: %w", err)
	}
	if err := fill(ctx, c); err != nil {
		return false, err
	}
	// The marker comes last: a load cut short has none.
	if err := c.Exec(ctx, "postgres", "comment on database "+Database+" is '"+marker+"'"); err != nil {
		return false, fmt.Errorf("mark the demo database: %w", err)
	}
	return true, nil
}

// readMarker returns the comment on the demo database and whether there is such a database.
func readMarker(ctx context.Context, c *cluster.Cluster) (marker string, exists bool, err error) {
	connection, err := pgx.Connect(ctx, c.URI(c.Superuser, "postgres"))
	if err != nil {
		return "", false, err
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	err = connection.QueryRow(ctx,
		"select coalesce(shobj_description(oid, 'pg_database'), '') from pg_database where datname = $1",
		Database).Scan(&marker)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return marker, err == nil, err
}

// fill runs the files in one transaction, as the owner of the demo, and gathers statistics.
func fill(ctx context.Context, c *cluster.Cluster) error {
	connection, err := pgconn.Connect(ctx, c.URI(c.Superuser, Database))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	run := func(name, sql string) error {
		_, err := connection.Exec(ctx, sql).ReadAll()
		return located(name, []byte(sql), err)
	}
	// Foreign keys are not checked row by row, which takes most of the time: the rows are made to fit, and a test
	// checks them all.
	const begin = "begin; set local session_replication_role = replica; set local role demo_owner; " +
		"set local search_path = ''"
	if err := run("begin", begin); err != nil {
		return err
	}
	for _, name := range order {
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := run(name, string(content)); err != nil {
			return err
		}
	}
	if err := run("commit", "commit"); err != nil {
		return err
	}
	return run("vacuum", "vacuum (analyze)")
}

// located says in which file and line an error of PostgreSQL is.
func located(name string, sql []byte, err error) error {
	if err == nil {
		return nil
	}
	var failure *pgconn.PgError
	if errors.As(err, &failure) && failure.Position > 0 {
		line, runes := 1, int32(1)
		for _, r := range string(sql) {
			if runes++; runes > failure.Position {
				break
			}
			if r == '\n' {
				line++
			}
		}
		return fmt.Errorf("demo: %s, line %d: %w", name, line, err)
	}
	return fmt.Errorf("demo: %s: %w", name, err)
}

// fingerprint is a digest of the files, in the order they run in.
func fingerprint() string {
	sum := sha256.New()
	for _, name := range append([]string{"roles.sql"}, order...) {
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded: the build has it or fails
		}
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
