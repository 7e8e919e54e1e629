package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"

	"postern/migrations"
	"postern/shell/db"
)

// newest is the target of a migration that goes as far as there are migrations.
const newest = -1

// migrateCommand installs postern's functions in a database, updates them or removes them.
func migrateCommand(ctx context.Context, arguments []string) error {
	flags := newFlags("postern migrate", "[--db-uri URI] [--to N] [FILE]")
	uri := flags.String("db-uri", "",
		"the `URI` to connect with, as an owner of the database (default db-uri of the configuration)")
	to := flags.String("to", "", "the number `N` of the migration to go to; 0 removes postern (default the newest)")
	rest, err := parse(flags, arguments, 1)
	if err != nil {
		return err
	}
	target := newest
	if *to != "" {
		if target, err = strconv.Atoi(*to); err != nil || target < 0 {
			return fmt.Errorf("--to %s: it is not the number of a migration", *to)
		}
	}
	if *uri == "" {
		c, _, err := load("postern migrate", rest)
		if err != nil {
			return err
		}
		*uri = c.DBURI
	}
	return migrateTo(ctx, *uri, target, func(line string) { fmt.Fprintln(os.Stderr, "postern:", line) })
}

// migrateDatabase brings a database to the newest migration; where it is there already nothing happens.
func migrateDatabase(ctx context.Context, uri string) error {
	return migrateTo(ctx, uri, newest, func(string) {})
}

// migrateTo brings a database to a migration, each step in a transaction of its own. Migration 0 leaves nothing behind.
func migrateTo(ctx context.Context, uri string, target int, tell func(line string)) error {
	config, err := db.ParseURI(uri, "postern migrate")
	if err != nil {
		return fmt.Errorf("db-uri: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	found, err := findInstallation(ctx, conn)
	switch {
	case err != nil:
		return err
	case target == 0 && !found.versioned:
		tell("there is nothing to remove")
		return nil
	case !found.schema:
		if _, err := conn.Exec(ctx, "create schema "+migrations.Schema); err != nil {
			return err
		}
	}
	steps, err := migrateWithTern(ctx, conn, target, tell)
	switch {
	case err != nil:
		return located(err)
	case target == 0:
		_, err = conn.Exec(ctx, "drop schema "+migrations.Schema+" cascade")
		return err
	case steps == 0:
		tell("the database is up to date")
		return watchDDL(ctx, conn, tell)
	}
	return nil
}

// migrateWithTern returns how many migrations it ran.
func migrateWithTern(ctx context.Context, conn *pgx.Conn, target int, tell func(line string)) (steps int, err error) {
	migrator, err := migrate.NewMigrator(ctx, conn, migrations.VersionTable)
	if err != nil {
		return 0, fmt.Errorf("table %s: %w", migrations.VersionTable, err)
	}
	if err := migrator.LoadMigrations(migrations.Files); err != nil {
		return 0, fmt.Errorf("reading the migrations: %w", err)
	}
	if target == newest {
		target = len(migrator.Migrations)
	}
	migrator.OnStart = func(_ int32, name, direction, _ string) {
		steps++
		tell(fmt.Sprintf("%s %s", name, direction))
	}
	return steps, migrator.MigrateTo(ctx, int32(target))
}

// installation is what there is of postern in a database: its schema, and the table of what migrations have run.
type installation struct{ schema, versioned bool }

// findInstallation fails where the schema is not one that migrations may change: an extension's, or somebody else's.
func findInstallation(ctx context.Context, conn *pgx.Conn) (found installation, err error) {
	var extension, foreign bool
	err = conn.QueryRow(ctx, `
		select n.oid is not null,
		  to_regclass($2) is not null,
		  exists (select from pg_catalog.pg_extension where extname = $1),
		  to_regclass($2) is null and to_regprocedure($1 || '.version()') is null and exists (
		    select from pg_catalog.pg_depend where refclassid = 'pg_catalog.pg_namespace'::regclass and refobjid = n.oid)
		from (select to_regnamespace($1)) as n (oid)`,
		migrations.Schema, migrations.VersionTable).Scan(&found.schema, &found.versioned, &extension, &foreign)
	switch {
	case err != nil:
		return found, err
	case extension:
		return found, errors.New("postern is installed as an extension here: ALTER EXTENSION postern UPDATE updates it, " +
			"DROP EXTENSION postern removes it")
	case foreign:
		return found, fmt.Errorf("the schema %s has other things in it: rename it, postern needs the name", migrations.Schema)
	}
	return found, nil
}

// watchDDL creates the event triggers that are missing: pg_restore of the schema alone leaves them out.
func watchDDL(ctx context.Context, conn *pgx.Conn, tell func(line string)) error {
	var live bool
	if err := conn.QueryRow(ctx, "select "+migrations.Schema+".live()").Scan(&live); err != nil || live {
		return err
	}
	if err := conn.QueryRow(ctx, "select "+migrations.Schema+".watch_ddl()").Scan(&live); err != nil {
		return err
	}
	if live {
		tell("created the event triggers that watch DDL")
	}
	return nil
}

// located adds the line of the SQL that an error of PostgreSQL points to.
func located(err error) error {
	var failed migrate.MigrationPgError
	if !errors.As(err, &failed) || failed.Position == 0 {
		return err
	}
	before := []rune(failed.Sql)[:min(int(failed.Position), len([]rune(failed.Sql)))]
	lines := strings.Split(failed.Sql, "\n")
	number := strings.Count(string(before), "\n")
	return fmt.Errorf("%w\nat: %s", err, strings.TrimSpace(lines[number]))
}
