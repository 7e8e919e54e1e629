// Package next makes copies of the sources, as of a next version, for tests of releases and upgrades. It knows what a
// version may change; the tree that it copies stays as it is.
package next

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/cmd/internal/freeze"
)

// Version is the version that the copy has begun.
const Version = "99.0.0"

// Tree makes a copy in which the next version has been begun, as by make freeze, and returns its directory. In that
// version postern.compiled_statement has another name, postern.path_segments another name of its parameter, for which
// its migration makes room, and postern.next is new.
func Tree(t testing.TB) string {
	t.Helper()
	tree := Copy(t)
	if err := freeze.Freeze(tree, Version); err != nil {
		t.Fatal(err)
	}
	change(t, tree)
	return tree
}

// Copy makes a copy of the sources as they are, and returns its directory.
func Copy(t testing.TB) string {
	t.Helper()
	root, tree := filepath.Join("..", ".."), t.TempDir()
	for _, dir := range []string{"cmd", "migrations", "shell", "sql"} {
		if err := os.CopyFS(filepath.Join(tree, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		edit(t, filepath.Join(root, name), filepath.Join(tree, name))
	}
	return tree
}

// change makes the changes of the next version.
func change(t testing.TB, tree string) {
	t.Helper()
	for _, name := range []string{"compile", "compile_call", "compile_read", "compile_root", "compile_write"} {
		name = filepath.Join(tree, "sql", name+".sql")
		edit(t, name, name, "postern.compiled_statement(", "postern.statement_compiled(")
	}
	segments := filepath.Join(tree, "sql", "compile_context.sql")
	edit(t, segments, segments, "path_segments(path text)", "path_segments(raw text)",
		"case when path in", "case when raw in", "strpos(path, ", "strpos(raw, ", "substr(path, 2)", "substr(raw, 2)")
	schema := filepath.Join(tree, "sql", "schema.sql")
	const place = "create or replace function postern.protocol()"
	edit(t, schema, schema, place,
		"create or replace function postern.next() returns text language sql as 'select null';\n\n"+place)
	migrations, err := filepath.Glob(filepath.Join(tree, "migrations", "*_postern_"+Version+".sql"))
	if err != nil || len(migrations) != 1 {
		t.Fatalf("the migration: %q, %v", migrations, err)
	}
	edit(t, migrations[0], migrations[0], "{{ install_snapshot",
		"drop function postern.path_segments(text);\n{{ install_snapshot")
}

// edit copies a file, with the texts replaced.
func edit(t testing.TB, from, to string, oldnew ...string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(string(content), oldnew[i]) {
			t.Fatalf("%s has no %q", from, oldnew[i])
		}
	}
	if err := os.WriteFile(to, []byte(strings.NewReplacer(oldnew...).Replace(string(content))), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Run runs a program in a directory to its end, and returns what it prints.
func Run(t testing.TB, dir, name string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, out)
	}
	return string(out)
}
