package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// traces counts what postern has in a database besides the functions of others.
const traces = `select (select count(*) from pg_namespace where nspname = 'postern')
	+ (select count(*) from pg_event_trigger) + (select count(*) from pg_class where relname = 'postern_version')`

func TestMigrate(t *testing.T) {
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
		{newest, "already", true},
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
	migrations := filepath.Join(root, "migrations")
	common := []string{"migrate", "-c", filepath.Join(migrations, "tern.conf"), "-m", migrations, "--conn-string", uri}
	tern(common...)
	if count(t, uri, "select count(*) from public.postern_version where version > 0") != 1 {
		t.Error("not installed")
	}
	tern(append(common, "-d", "0")...)
	if count(t, uri, "select count(*) from pg_namespace where nspname = 'postern'") != 0 {
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
