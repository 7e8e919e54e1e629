package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/cmd/internal/cluster"
	"postern/shell/config"
)

var update = flag.Bool("update", false, "rewrite docs/settings.md")

const (
	readmeFile   = "../../README.md"
	settingsFile = "../../docs/settings.md"
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

// README's SQL runs from top to bottom in one session, and all that it asks of the API is answered well.
func TestReadmeSQL(t *testing.T) {
	c := emptyCluster(t)
	uri := c.URI(c.Superuser, "postgres")
	const schema = "create schema api; create table api.shops (id int primary key, name text); insert into api.shops values (1, 'Quay')"
	if err := c.Exec(t.Context(), "postgres", schema); err != nil {
		t.Fatal(err)
	}
	if err := migrateDatabase(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	conn, err := pgconn.Connect(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(readText(t, readmeFile), -1)
	answered := 0
	for _, block := range blocks {
		results, err := conn.Exec(t.Context(), block[1]).ReadAll()
		if err != nil {
			t.Fatalf("%s\n%v", block[1], err)
		}
		for _, result := range results {
			if len(result.Rows) != 1 || len(result.FieldDescriptions) != 3 {
				continue
			}
			answered++
			if row := result.Rows[0]; string(row[0]) != "200" || !bytes.Contains(row[2], []byte("Quay")) {
				t.Errorf("%s\nanswers %s", block[1], row)
			}
		}
	}
	if len(blocks) != 3 || answered != 2 {
		t.Errorf("%d blocks of SQL, %d answers", len(blocks), answered)
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
