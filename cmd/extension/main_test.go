package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"

	"postern/cmd/internal/cluster"
	"postern/cmd/internal/next"
	"postern/shell"
	"postern/sql"
)

// serverWith returns the directory of a copy of the server's binaries, whose extensions are the server's and those of a directory.
func serverWith(t *testing.T, extension string) string {
	t.Helper()
	bin, _, err := cluster.FindBinaries("")
	if err != nil {
		t.Fatal(err)
	}
	// Where a server was put, it looks for its other files beside itself, Debian's in another directory.
	root, share := filepath.Dir(bin), "share/postgresql"
	prefix, version, debian := strings.Cut(bin, "/usr/lib/postgresql/")
	if debian {
		root, share = prefix+"/usr", filepath.Join("share/postgresql", filepath.Dir(version))
	}
	within, err := filepath.Rel(root, bin)
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	if debian {
		copied = filepath.Join(copied, "usr")
	}
	for _, dir := range []string{filepath.Join(filepath.Dir(within), "lib"), share} {
		target := filepath.Join(copied, filepath.Dir(dir))
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, "cp", "-rs", filepath.Join(root, dir), target)
	}
	if err := os.MkdirAll(filepath.Join(copied, within), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"postgres", "initdb"} {
		run(t, "cp", filepath.Join(bin, program), filepath.Join(copied, within))
	}
	run(t, "cp", "-r", extension+"/.", filepath.Join(copied, share, "extension"))
	for dir := copied; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(copied, within)
}

func run(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, out)
	}
}

// functions are what the extension consists of, and the event triggers.
const functions = `
	select string_agg(line, E'\n' order by line) from (
	  select concat_ws(' | ', p.oid::regprocedure, prosrc, proconfig, prosecdef, provolatile, obj_description(oid, 'pg_proc'), proacl is null)
	  from pg_proc as p where pronamespace = 'postern'::regnamespace
	  union all select concat_ws(' | ', evtname, evtevent, evtenabled) from pg_event_trigger) as one (line)`

func TestExtension(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "extension")
	tree := next.Tree(t)
	next.Run(t, tree, "go", "run", "./cmd/extension", dir)
	if err := write(dir); err != nil { // the control file is of this version again
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), cluster.Options{PgBin: serverWith(t, dir)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	connect := func(role, database string) *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), c.URI(role, database))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
	text := func(conn *pgx.Conn, query string) (value string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), query).Scan(&value); err != nil {
			t.Fatalf("%.100s: %v", query, err)
		}
		return value
	}
	execute := func(conn *pgx.Conn, statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%.100s: %v", statement, err)
			}
		}
	}
	super := connect(c.Superuser, "postgres")
	execute(super, "create role owner login", "create database trusted owner owner", "create database migrated")

	migrated := connect(c.Superuser, "migrated")
	code, err := migrate.LoadCodePackage(sql.Files)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.InstallCodePackage(t.Context(), migrated, nil, code); err != nil {
		t.Fatal(err)
	}

	// The owner of the database, who is no superuser, gets all of it.
	owner := connect("owner", "trusted")
	execute(owner, "create extension postern")
	if got, want := text(owner, functions), text(migrated, functions); got != want {
		t.Error("the extension is not what postern migrate installs")
	}
	if version := text(owner, "select concat_ws(' ', extversion, postern.version()) from pg_extension where extname = 'postern'"); version != shell.Version+" "+shell.Version {
		t.Errorf("version %s, the binary's is %s", version, shell.Version)
	}
	before := text(owner, "select postern.epoch()")
	execute(owner, "create schema api", "create table api.thing (id int primary key)", "insert into api.thing values (7)", "set pgrst.db_schemas = 'api'")
	if text(owner, "select postern.epoch()") == before {
		t.Error("DDL does not advance the epoch")
	}
	if answer := text(owner, "select body from postern.get('/thing')"); answer != `[{"id":7}]` {
		t.Errorf("it answers %s", answer)
	}
	uri := c.URI(c.Superuser, "trusted")
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../postern", "migrate", "--db-uri", uri).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "ALTER EXTENSION postern UPDATE") {
		t.Errorf("postern migrate beside it: %v, %s", err, out)
	}
	execute(owner, "alter extension postern update to '"+next.Version+"'")
	execute(super, "create database newer")
	newer := connect(c.Superuser, "newer")
	execute(newer, "create extension postern version '"+next.Version+"'")
	if got, want := text(owner, functions), text(newer, functions); got != want || !strings.Contains(got, "postern.next()") {
		t.Error("an extension that was updated is not what a fresh one is")
	}
	if answer := text(owner, "select body from postern.get('/thing')"); answer != `[{"id":7}]` {
		t.Errorf("updated, it answers %s", answer)
	}
	execute(owner, "drop extension postern")
	if left := text(owner, "select count(*)::text from pg_namespace, pg_event_trigger where nspname = 'postern'"); left != "0" {
		t.Errorf("%s traces are left", left)
	}

	if _, err := migrated.Exec(t.Context(), "create extension postern"); err == nil || !strings.Contains(err.Error(), "postern migrate --to 0") {
		t.Errorf("over what postern migrate installed: %v", err)
	}
}

// pg_tle is not to be had here: what it is told is compared with the script.
func TestRegistration(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		content, err := fs.ReadFile(os.DirFS(dir), name)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	script := read("postern--" + shell.Version + ".sql")
	_, script, _ = strings.Cut(script, "\n") // psql's guard
	parts := strings.Split(read("pg_tle-postern-"+shell.Version+".sql"), "$_pg_tle_$")
	if len(parts) != 3 || strings.TrimSpace(parts[1]) != strings.TrimSpace(script) {
		t.Errorf("%d parts, or another script", len(parts))
	}
}
