// Package freeze begins the next version after a release: it changes files of the tree, and nothing else. It knows
// where the version is written and how snapshots and migrations are named.
package freeze

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/shell"
	"postern/sql"
)

// sources is what the newest snapshot links to.
const sources = "../../sql"

// versioned are the places that have the version, each once in its file.
var versioned = map[string]string{
	"shell/version.go":    `const Version = "%s"`,
	"sql/schema.sql":      `select '%s'::pg_catalog.text`,
	"sql/postern.control": `default_version = '%s'`,
}

const nextMigration = `-- To %[1]s. What install_snapshot cannot replace is dropped or altered before it: functions of
-- which the type of the result or the name of a parameter is another, types.
{{ install_snapshot "%[2]s" }}

---- create above / drop below ----

-- The same, the other way round.
{{ install_snapshot "%[3]s" }}
`

// Freeze keeps, in the tree at root, the functions of the version that has been released, which is that of this
// program, and begins the next: the newest snapshot, a link to the sources, becomes a copy of them, and a migration is
// added whose snapshot is the link.
func Freeze(root, version string) error {
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(version) || version == shell.Version {
		return fmt.Errorf("%s is not a version after %s", version, shell.Version)
	}
	scripts, err := filepath.Glob(filepath.Join(root, "migrations", "[0-9]*_*.sql"))
	if err != nil || len(scripts) == 0 {
		return fmt.Errorf("no migrations in %s: %w", root, err)
	}
	number, _, _ := strings.Cut(filepath.Base(slices.Max(scripts)), "_")
	last, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	next := fmt.Sprintf("%03d", last+1)
	snapshots := filepath.Join(root, "migrations", "snapshots")
	newest := filepath.Join(snapshots, number)
	if target, err := os.Readlink(newest); err != nil || target != sources {
		return fmt.Errorf("%s is not a link to %s: %w", newest, sources, err)
	}
	if err := os.Remove(newest); err != nil {
		return err
	}
	if err := os.CopyFS(newest, sql.Files); err != nil {
		return err
	}
	if err := os.Symlink(sources, filepath.Join(snapshots, next)); err != nil {
		return err
	}
	migration := filepath.Join(root, "migrations", next+"_postern_"+version+".sql")
	if err := os.WriteFile(migration, fmt.Appendf(nil, nextMigration, version, next, number), 0o644); err != nil {
		return err
	}
	for name, form := range versioned {
		err := replace(filepath.Join(root, name), fmt.Sprintf(form, shell.Version), fmt.Sprintf(form, version))
		if err != nil {
			return err
		}
	}
	return nil
}

// replace replaces a text that a file has once.
func replace(name, old, text string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if n := strings.Count(string(content), old); n != 1 {
		return fmt.Errorf("%s has %q %d times, not once", name, old, n)
	}
	return os.WriteFile(name, []byte(strings.Replace(string(content), old, text, 1)), 0o644)
}
