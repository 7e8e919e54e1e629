package main

import (
	"context"
	"errors"
	"flag"
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
	uri := flags.String("db-uri", "", "the `URI` to connect with, as an owner of the database (default db-uri of the configuration)")
	to := flags.String("to", "", "the number `N` of the migration to go to; 0 removes postern (default the newest)")
	rest, err := parse(flags, arguments, 1)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
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
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if target == 0 {
		exists := false
		if err := conn.QueryRow(ctx, "select to_regclass($1) is not null", migrations.VersionTable).Scan(&exists); err != nil {
			return err
		}
		if !exists {
			tell("there is nothing to remove")
			return nil
		}
	}
	migrator, err := migrate.NewMigrator(ctx, conn, migrations.VersionTable)
	if err != nil {
		return fmt.Errorf("table %s: %w", migrations.VersionTable, err)
	}
	if err := migrator.LoadMigrations(migrations.Files); err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if target == newest {
		target = len(migrator.Migrations)
	}
	steps := 0
	migrator.OnStart = func(_ int32, name, direction, _ string) {
		steps++
		tell(fmt.Sprintf("%s %s", name, direction))
	}
	if err := migrator.MigrateTo(ctx, int32(target)); err != nil {
		return located(err)
	}
	if target == 0 {
		if _, err := conn.Exec(ctx, "drop table "+migrations.VersionTable); err != nil {
			return err
		}
	}
	if steps == 0 {
		tell(fmt.Sprintf("the database is at migration %d already", target))
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
