package migrations_test

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"testing"

	"postern/migrations"
	"postern/sql"
)

// Until a release is out, its snapshot is the sources: in the binary, and on disk, where tern looks.
func TestNewestSnapshotIsTheSources(t *testing.T) {
	snapshots, err := fs.Glob(os.DirFS("."), "snapshots/[0-9][0-9][0-9]")
	if err != nil || len(snapshots) == 0 {
		t.Fatalf("no snapshots: %v", err)
	}
	for where, all := range map[string]fs.FS{"embedded": migrations.Files, "on disk": os.DirFS(".")} {
		newest, err := fs.Sub(all, slices.Max(snapshots))
		if err != nil {
			t.Fatal(err)
		}
		want, got := read(t, sql.Files), read(t, newest)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if !bytes.Equal(want[name], got[name]) {
				t.Errorf("%s, %s differs from its snapshot", where, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if _, ok := want[name]; !ok {
				t.Errorf("%s, %s is only in the snapshot", where, name)
			}
		}
		if len(want) < 10 {
			t.Errorf("%d sources", len(want))
		}
	}
}

func read(t *testing.T, files fs.FS) map[string][]byte {
	t.Helper()
	result := make(map[string][]byte)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".sql" {
			return err
		}
		result[name], err = fs.ReadFile(files, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}
