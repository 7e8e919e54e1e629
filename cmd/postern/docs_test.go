package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern/cmd/internal/cluster"
	"postern/shell/config"
)

var update = flag.Bool("update", false, "rewrite docs/settings.md")

const (
	readmeFile   = "../../README.md"
	settingsFile = "../../docs/settings.md"
	errorsFile   = "../../docs/errors.md"
)

const settingsHead = `# Settings

Made from shell/config/settings.go by ` + "`go test ./cmd/postern -run TestSettingsPage -update`" + `; do not edit.

A setting comes from a config file (` + "`db-uri = \"…\"`, named on the command line: `postern FILE`" + `), from the environment
(` + "`PGRST_DB_URI`" + `) and from the database (` + "`alter role authenticator set pgrst.db_schemas = 'api'`" + `, or set by db-pre-config); a
later one of these wins. An empty value counts as none. The names and meanings are PostgREST's.

*Database*: can be set there, unless db-config is off. *Reload*: changes with SIGUSR2 or ` + "`notify pgrst, 'reload config'`" + `; the
others need a restart.

| Setting | Type | Default | Database | Reload | |
|---|---|---|---|---|---|
`

const settingsTail = "\n`app.settings.*` (in the environment `PGRST_APP_SETTINGS_*`) are for your own functions, as" +
	" `current_setting('app.settings.name')`.\n"

// settingsPage renders the table of settings as docs/settings.md.
func settingsPage() string {
	cell := strings.NewReplacer("|", `\|`, "*", `\*`)
	yes := map[bool]string{true: "yes"}
	page := new(strings.Builder)
	page.WriteString(settingsHead)
	for _, s := range config.Settings {
		about := cell.Replace(s.Doc)
		if len(s.Aliases) > 0 {
			about += " Older name: `" + strings.Join(s.Aliases, "`, `") + "`."
		}
		if s.Emptyable {
			about += " May be empty."
		}
		value := ""
		if s.Default != "" {
			value = "`" + strings.ReplaceAll(s.Default, ",", "`, `") + "`"
		}
		fmt.Fprintf(page, "| `%s` | %s | %s | %s | %s | %s |\n", s.Name, s.Type, value, yes[s.InDatabase], yes[s.Reloadable], about)
	}
	page.WriteString(settingsTail)
	return page.String()
}

func TestSettingsPage(t *testing.T) {
	if *update {
		if err := os.WriteFile(settingsFile, []byte(settingsPage()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if readText(t, settingsFile) != settingsPage() {
		t.Error("docs/settings.md is not what the table of settings says: run go test ./cmd/postern -run TestSettingsPage -update")
	}
}

// docs/security.md has each setting that bounds something, and the bounds of the URL grammar as they are.
func TestSecurityPage(t *testing.T) {
	text := readText(t, "../../docs/security.md")
	bounds := regexp.MustCompile(`-max-|timeout$|-size$|^db-pool$`)
	for _, s := range config.Settings {
		if bounds.MatchString(s.Name) && s.Name != "server-compression-min-size" && !strings.Contains(text, "`"+s.Name+"`") {
			t.Errorf("docs/security.md does not have the bound %s", s.Name)
		}
	}
	short := strings.NewReplacer("1048576", "1 Mi", "262144", "256 Ki", "131072", "128 Ki", "16384", "16 Ki")
	for _, limit := range regexp.MustCompile(`when '([a-z ]+)' then (\d+)`).FindAllStringSubmatch(readText(t, "../../sql/parse/limits.sql"), -1) {
		found := regexp.MustCompile(`(?:\| |; )` + short.Replace(limit[2]) + `B?(?:;| \()`).MatchString(text)
		if inner := limit[1] == "filter length" || limit[1] == "path references"; !inner && !found {
			t.Errorf("docs/security.md does not have the limit of %s, %s", limit[1], limit[2])
		}
	}
}

// The demo's own lines are run by TestDemo; README shows the same ones.
func TestReadmeCurl(t *testing.T) {
	var printed bytes.Buffer
	printDemo(&printed, &cluster.Cluster{}, 3000, "", 0)
	token := regexp.MustCompile(`Bearer [\w.-]+`)
	want := curlLines(token.ReplaceAllString(printed.String(), "Bearer TOKEN"))
	if got := curlLines(readText(t, readmeFile)); want == "" || got != want {
		t.Errorf("README has\n%s\nthe demo prints\n%s", got, want)
	}
}

func curlLines(text string) string {
	return strings.Join(regexp.MustCompile(`(?m)^curl .*$`).FindAllString(text, -1), "\n")
}

// docs/errors.md has the codes that the sources give, with their statuses, and no other.
func TestErrorsPage(t *testing.T) {
	given := make(map[string]map[string]bool) // code → statuses
	give := func(code, status string) {
		if given[code] == nil {
			given[code] = make(map[string]bool)
		}
		given[code][status] = true
	}
	statuses := make(map[string]string)
	for _, known := range regexp.MustCompile(`\('(PGRST\w+)', (\d+)\)`).FindAllStringSubmatch(readText(t, "../../sql/respond/status.sql"), -1) {
		statuses[known[1]] = known[2]
	}
	raised := regexp.MustCompile(`(?:fail|fail_json|error_answer)\('(PGRST\w+)'`)
	eachSource(t, "../../sql", ".sql", func(source string) {
		for _, call := range raised.FindAllStringSubmatch(source, -1) {
			give(call[1], statuses[call[1]])
			if statuses[call[1]] == "" {
				t.Errorf("postern.error_status does not know %s", call[1])
			}
		}
	})
	for code := range statuses {
		if given[code] == nil {
			t.Errorf("%s has a status, but nothing raises it", code)
		}
	}
	names := map[string]string{} // of constants: http.StatusNotFound → 404, codeToken → PGRST301
	for status := range 600 {
		if text := http.StatusText(status); text != "" {
			names["http.Status"+strings.NewReplacer(" ", "", "-", "").Replace(text)] = strconv.Itoa(status)
		}
	}
	constant := regexp.MustCompile(`(\w+) += ("PGRST\w+")`)
	fault := regexp.MustCompile(`\bStatus:\s*([\w.]+),\s*Code:\s*(code\w+|"PGRST\w+")`)
	eachSource(t, "../../shell", ".go", func(source string) {
		for _, named := range constant.FindAllStringSubmatch(source, -1) {
			names[named[1]] = named[2]
		}
		for _, literal := range fault.FindAllStringSubmatch(source, -1) {
			code, status := literal[2], names[literal[1]]
			if !strings.HasPrefix(code, `"`) {
				code = names[code]
			}
			if status == "" || code == "" {
				t.Errorf("%q is not understood", literal)
			}
			give(strings.Trim(code, `"`), status)
		}
	})

	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile(`(?m)^\| (PGRST\w+) \| ([\d, ]+) \| .+ \|$`).FindAllStringSubmatch(readText(t, errorsFile), -1) {
		listed[row[1]] = true
		want := strings.Join(slices.Sorted(maps.Keys(given[row[1]])), ", ")
		if row[2] != want {
			t.Errorf("%s says that %s has status %s; the sources say %q", errorsFile, row[1], row[2], want)
		}
	}
	for code := range given {
		if !listed[code] {
			t.Errorf("%s does not have %s", errorsFile, code)
		}
	}
	if len(listed) < 30 {
		t.Errorf("only %d codes are listed", len(listed))
	}
}

// eachSource returns the text of each source below a directory, tests left out.
func eachSource(t *testing.T, dir, extension string, use func(source string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == extension && !strings.HasSuffix(path, "_test.go") {
			use(readText(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
