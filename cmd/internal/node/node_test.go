package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpen installs nothing: the lock names no packages. What a project has is replaced by the source's files.
func TestOpen(t *testing.T) {
	source := t.TempDir()
	for name, text := range map[string]string{
		"package.json":      `{"name": "postern-test-node", "private": true}`,
		"package-lock.json": `{"name": "postern-test-node", "lockfileVersion": 3, "packages": {"": {"name": "postern-test-node"}}}`,
		"main.mjs":          `console.log(Number(process.versions.node.split(".")[0]) >= 20)`,
	} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		p, err := Open(t.Context(), source, "node-test")
		if err != nil {
			t.Fatal(err)
		}
		left := filepath.Join(p.Dir, "left.mjs")
		if _, err := os.Stat(left); err == nil {
			t.Error("an old file is kept")
		}
		if err := os.WriteFile(left, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := p.Command(t.Context(), "node", "main.mjs").CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "true" {
			t.Errorf("%v: %s", err, out)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(source, "none"), "node-test"); err == nil {
		t.Error("a folder that does not exist")
	}
}
