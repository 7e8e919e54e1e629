package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// traces counts what postern has in a database besides the functions of others.
const traces = `select (select count(*) from pg_namespace where nspname = 'postern')
	+ (select count(*) from pg_event_trigger) + (select count(*) from pg_class where relname = 'schema_version')`

func TestMigrate(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	uri := c.URI(c.Superuser, "postgres")
	told := []string{}
	tell := func(line string) { told = append(told, line) }
	for _, step := range []struct {
		target    int
		told      string
		installed bool
	}{
		{0, "there is nothing to remove", false},
		{newest, "001_install_postern.sql up", true},
		{newest, "up to date", true},
		{0, "001_install_postern.sql down", false},
		{1, "001_install_postern.sql up", true},
		{0, "001_install_postern.sql down", false},
	} {
		told = told[:0]
		if err := migrateTo(t.Context(), uri, step.target, tell); err != nil {
			t.Fatalf("to %d: %v", step.target, err)
		}
		if !strings.Contains(strings.Join(told, "\n"), step.told) {
			t.Errorf("to %d: told %q", step.target, told)
		}
		if n := count(t, uri, traces); (n > 0) != step.installed {
			t.Errorf("to %d: %d traces", step.target, n)
		}
	}
	if err := migrateTo(t.Context(), uri, 99, tell); err == nil {
		t.Error("a migration that does not exist")
	}
}

// The tern command reads the same migrations.
func TestTernCommand(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	uri := c.URI(c.Superuser, "postgres")
	tern := func(arguments ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "go", append([]string{"run", "-mod=mod", "github.com/jackc/tern/v2"}, arguments...)...)
		// tern's own dependencies are not ours: run it in a module of its own, with our version of it.
		command.Dir = ternModule(t, root)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("tern %v: %v\n%s", arguments, err, out)
		}
	}
	if err := c.Exec(t.Context(), "postgres", "create schema postern"); err != nil {
		t.Fatal(err)
	}
	migrations := filepath.Join(root, "migrations")
	common := []string{"migrate", "-c", filepath.Join(migrations, "tern.conf"), "-m", migrations, "--conn-string", uri}
	tern(common...)
	if count(t, uri, "select count(*) from postern.schema_version where version > 0") != 1 {
		t.Error("not installed")
	}
	tern(append(common, "-d", "0")...)
	if count(t, uri, "select count(*) from pg_proc where pronamespace = 'postern'::regnamespace") != 0 {
		t.Error("not removed")
	}
}

func ternModule(t *testing.T, root string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "github.com/jackc/tern/v2")
	list.Dir = root
	module, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	content := "module run\n\ngo 1.26.0\n\nrequire " + strings.TrimSpace(string(module)) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents describes all that postern is in a database, but for owners.
const contents = `
	select string_agg(line, E'\n' order by line collate "C") from (
	  select concat_ws(' | ', p.oid::regprocedure, prorettype::regtype, proargnames, pg_get_expr(proargdefaults, 0), prosrc, provolatile,
	    proisstrict, proparallel, prosecdef, proconfig, proacl is null, obj_description(p.oid, 'pg_proc'))
	  from pg_proc as p where pronamespace = 'postern'::regnamespace
	  union all
	  select concat_ws(' | ', t.oid::regtype, typtype, typbasetype::regtype, obj_description(t.oid, 'pg_type'),
	    (select string_agg(concat(attname, ' ', atttypid::regtype), ', ' order by attnum) from pg_attribute where attrelid = typrelid))
	  from pg_type as t where typnamespace = 'postern'::regnamespace
	  union all
	  select concat_ws(' | ', evtname, evtevent, evtenabled) from pg_event_trigger
	  union all
	  select concat_ws(' | ', nspname, obj_description(oid, 'pg_namespace')) from pg_namespace where nspname = 'postern') as one (line)`

// Whatever database and role postern is installed with, the result is what a fresh installation by a superuser is.
func TestInstallations(t *testing.T) {
	t.Parallel()
	h := &house{cluster: emptyCluster(t)}
	c := h.cluster
	super := func(database string) string { return c.URI(c.Superuser, database) }
	h.execute(t, "postgres", `
		create role creator login; create role hurried login superuser;
		alter role hurried set lock_timeout = '1ms'; alter role hurried set search_path = pg_temp, public;
		alter role hurried set default_transaction_isolation = 'serializable'; alter role hurried set check_function_bodies = on`)
	h.execute(t, "postgres", "create database fresh")
	if err := migrateDatabase(t.Context(), super("fresh")); err != nil {
		t.Fatal(err)
	}
	want := h.ask(t, "fresh", contents)
	watched := regexp.MustCompile(`(?m)^postern_(ddl_command_end|sql_drop) \|.*\n?`)
	for name, one := range map[string]struct {
		options, before string
		role            string
		after           func(database string)
		unwatched       bool
	}{
		"with CREATE on the database alone": {before: "grant create on database %[1]s to creator; revoke create on schema public from public",
			role: "creator", unwatched: true},
		"as its owner":  {before: "alter database %[1]s owner to creator", role: "creator", unwatched: true},
		"published":     {before: "create publication everything for all tables"},
		"with settings": {role: "hurried"},
		"in LATIN1": {options: "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0", after: func(database string) {
			got := h.ask(t, database, `select encode(body, 'escape') from postern.handle('{"method": "GET", "path": "/%E2%82%AC"}')`)
			if !strings.Contains(got, "the encoding of the database does not have") {
				t.Errorf("a name with a character that LATIN1 does not have: %s", got)
			}
		}},
		"with the schema":            {before: "create schema postern"},
		"again after it was dropped": {after: func(database string) { h.execute(t, database, "drop schema postern cascade") }},
		"over an older version": {after: func(database string) {
			h.execute(t, database, `
				create function postern.gone(a int) returns int language sql as 'select postern.gone(a)';
				create or replace function postern.version() returns text language sql volatile as $$ select '0.0.9' $$;
				drop function postern.live();
				update postern.schema_version set version = 0`)
		}},
		"without event triggers": {after: func(database string) { h.execute(t, database, "drop event trigger postern_sql_drop") }},
	} {
		t.Run(name, func(t *testing.T) {
			database := "d" + regexp.MustCompile(`\W`).ReplaceAllString(name, "_")
			h.execute(t, "postgres", "create database "+quote(database)+" "+one.options)
			if one.before != "" {
				h.execute(t, database, strings.ReplaceAll(one.before, "%[1]s", quote(database)))
			}
			uri := super(database)
			if one.role != "" {
				uri = c.URI(one.role, database)
			}
			if err := migrateDatabase(t.Context(), uri); err != nil {
				t.Fatal(err)
			}
			if one.after != nil {
				one.after(database)
				if err := migrateDatabase(t.Context(), uri); err != nil {
					t.Fatal(err)
				}
			}
			expected := want
			if one.unwatched {
				expected = strings.TrimSpace(watched.ReplaceAllString(want, ""))
			}
			if got := h.ask(t, database, contents); got != expected {
				t.Errorf("it is not what a fresh installation is:\n%s", firstDifference(got, expected))
			}
			if err := migrateTo(t.Context(), uri, 0, func(string) {}); err != nil {
				t.Fatal(err)
			}
			if n := count(t, super(database), traces); n != 0 {
				t.Errorf("%d traces are left", n)
			}
		})
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("got  %s\nwant %s", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, not %d", len(a), len(b))
}

// What is not postern's is not touched.
func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	uri := c.URI(c.Superuser, "postgres")
	if err := c.Exec(t.Context(), "postgres", "create schema postern; create table postern.own (id int)"); err != nil {
		t.Fatal(err)
	}
	for _, target := range []int{newest, 0} {
		err := migrateTo(t.Context(), uri, target, func(string) {})
		if err == nil || !strings.Contains(err.Error(), "has other things in it") {
			t.Errorf("to %d: %v", target, err)
		}
	}
	if count(t, uri, "select count(*) from pg_class where relnamespace = 'postern'::regnamespace") != 1 {
		t.Error("the schema is not as it was")
	}
}

// pg_dump and pg_restore take postern along, whole or as the schema alone, to which migrate adds the event triggers.
func TestDump(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	h := &house{cluster: c}
	dump := filepath.Join(c.PgBin, "pg_dump")
	if _, err := os.Stat(dump); err != nil && os.Getenv("POSTERN_MATRIX") != "" {
		t.Skip("there is no pg_dump for this server; make test has it")
	}
	super := func(database string) string { return c.URI(c.Superuser, database) }
	if err := migrateDatabase(t.Context(), super("postgres")); err != nil {
		t.Fatal(err)
	}
	h.execute(t, "postgres", "create table public.thing (id int primary key); insert into public.thing values (7)")
	want := h.ask(t, "postgres", contents)
	for name, options := range map[string][]string{"whole": nil, "alone": {"-n", "postern"}} {
		file := filepath.Join(t.TempDir(), "dump")
		h.execute(t, "postgres", "create database "+name)
		for _, arguments := range [][]string{
			append([]string{dump, "-Fc", "-f", file, "-d", super("postgres")}, options...),
			{filepath.Join(c.PgBin, "pg_restore"), "--exit-on-error", "-d", super(name), file},
		} {
			command := exec.CommandContext(t.Context(), arguments[0], arguments[1:]...)
			command.Env = c.Environment()
			if out, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", arguments, err, out)
			}
		}
		told := []string{}
		if err := migrateTo(t.Context(), super(name), newest, func(line string) { told = append(told, line) }); err != nil {
			t.Fatal(err)
		}
		if added := len(told) == 2 && strings.Contains(told[1], "event triggers"); added != (name == "alone") {
			t.Errorf("%s: migrate told %q", name, told)
		}
		if got := h.ask(t, name, contents); got != want {
			t.Errorf("%s: it is not what it was:\n%s", name, firstDifference(got, want))
		}
		if name == "whole" && h.ask(t, name, "select body from postern.get('/thing')") != `[{"id":7}]` {
			t.Error("it does not answer")
		}
	}
}
