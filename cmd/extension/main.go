// Command extension writes postern as an extension of PostgreSQL: the files that CREATE EXTENSION reads, META.json for
// PGXN, and a script that registers it with pg_tle where there is no access to the server's files.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/tern/v2/migrate"

	"postern/migrations"
	"postern/sql"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: extension DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "extension:", err)
		os.Exit(1)
	}
}

// write writes the files of the extension to a directory, which it creates.
func write(dir string) error {
	control, err := sql.Files.ReadFile("postern.control")
	if err != nil {
		return err
	}
	version, comment := valueOf(string(control), "default_version"), valueOf(string(control), "comment")
	script, err := installScript()
	if err != nil {
		return err
	}
	meta, err := metadata(version, comment)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	guard := `\echo Use "CREATE EXTENSION postern" to load this file. \quit` + "\n"
	files := map[string]string{
		"postern.control":                    string(control),
		"postern--" + version + ".sql":       guard + script,
		"META.json":                          meta,
		"pg_tle-postern-" + version + ".sql": registration(version, comment, script),
	}
	steps, err := updates()
	if err != nil {
		return err
	}
	for _, one := range steps {
		name := "postern--" + one.from + "--" + one.to + ".sql"
		files[name] = strings.Replace(guard, "CREATE EXTENSION postern", "ALTER EXTENSION postern UPDATE", 1) + one.script
		files["pg_tle-"+name] = one.registration()
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func valueOf(control, key string) string {
	found := regexp.MustCompile(`(?m)^` + key + ` = '(.*)'$`).FindStringSubmatch(control)
	if found == nil {
		return ""
	}
	return found[1]
}

// installScript returns what postern migrate executes, as an extension may: its script must not meet objects that are
// not its own, so the schema is created, whether it exists or not, and says what to do if it does.
func installScript() (string, error) {
	code, err := migrate.LoadCodePackage(sql.Files)
	if err != nil {
		return "", err
	}
	script, err := code.Eval(nil)
	if err != nil {
		return "", err
	}
	const schema = "create schema if not exists postern;"
	if strings.Count(script, schema) != 1 {
		return "", fmt.Errorf("sql/ does not have %q once", schema)
	}
	return strings.Replace(script, schema, `do $$
begin
  if to_regnamespace('postern') is not null then
    raise exception 'postern is installed already, by postern migrate: remove that first (postern migrate --to 0)';
  end if;
end
$$;
create schema postern;`, 1), nil
}

// update is a step from one version to the next.
type update struct{ from, to, script string }

// updates returns the steps from the first version to this one: the migrations.
func updates() ([]update, error) {
	migrator, err := migrate.NewMigrator(context.Background(), nil, migrations.VersionTable)
	if err != nil {
		return nil, err
	}
	if err := migrator.LoadMigrations(migrations.Files); err != nil {
		return nil, err
	}
	var steps []update
	last := ""
	for _, migration := range migrator.Migrations {
		control, err := fs.ReadFile(migrations.Files, fmt.Sprintf("snapshots/%03d/postern.control", migration.Sequence))
		if err != nil {
			return nil, err
		}
		version := valueOf(string(control), "default_version")
		if last != "" {
			steps = append(steps, update{last, version, migration.UpSQL})
		}
		last = version
	}
	return steps, nil
}

// registration returns the calls of pg_tle that make the step, and CREATE EXTENSION of its version, possible.
func (u update) registration() string {
	return fmt.Sprintf("select pgtle.install_update_path('postern', '%s', '%s', $_pg_tle_$\n%s\n$_pg_tle_$);\n"+
		"select pgtle.set_default_version('postern', '%[2]s');\n", u.from, u.to, u.script)
}

// metadata returns META.json, as of the PGXN Meta Specification 1.0.0.
func metadata(version, comment string) (string, error) {
	type object = map[string]any
	text, err := json.MarshalIndent(object{
		"name": "postern", "abstract": comment, "version": version, "license": "mit", "maintainer": "postern contributors",
		"provides": object{"postern": object{"file": "postern--" + version + ".sql", "docfile": "README.md",
			"version": version, "abstract": comment}},
		"prereqs": object{"runtime": object{"requires": object{"PostgreSQL": "14.0.0"}}},
		"tags":    []string{"rest", "http", "api", "json", "openapi"}, "release_status": "stable",
		"meta-spec": object{"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"},
	}, "", "  ")
	return string(text) + "\n", err
}

// registration returns the call of pg_tle that makes CREATE EXTENSION postern possible.
func registration(version, comment, script string) string {
	return fmt.Sprintf("select pgtle.install_extension('postern', '%s', '%s', $_pg_tle_$\n%s\n$_pg_tle_$, '{plpgsql}');\n",
		version, comment, script)
}
