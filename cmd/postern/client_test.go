package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/node"
)

// TestClient runs the official JavaScript client, @supabase/postgrest-js, against the demo: testdata/client is compiled
// with its types, then run.
func TestClient(t *testing.T) {
	t.Parallel()
	project, err := node.Open(t.Context(), filepath.Join("testdata", "client"), "client")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := project.Command(t.Context(), "tsc").CombinedOutput(); err != nil {
		t.Fatalf("the types: %v\n%s", err, out)
	}
	port := freePort(t)
	printed, _ := runningDemo(t, demoOptions{port: port, dir: filepath.Join(t.TempDir(), "demo")}, "clerk  (")
	tokens := regexp.MustCompile(`(?m)^eyJ\S+$`).FindAllString(printed, -1)
	uri := regexp.MustCompile(`psql '(.*)'`).FindStringSubmatch(printed)
	if len(tokens) != 2 || uri == nil {
		t.Fatalf("the demo prints %s", printed)
	}
	database, err := pgx.Connect(t.Context(), uri[1])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = database.Close(t.Context()) }()
	if _, err := database.Exec(t.Context(), `create function api.pause(seconds float) returns text language sql as
		$$ select pg_sleep(seconds); select 'awake'::text $$; grant execute on function api.pause to anon`); err != nil {
		t.Fatal(err)
	}
	script := func(arguments ...string) *exec.Cmd {
		command := project.Command(t.Context(), "node", arguments...)
		command.Env = append(command.Env, fmt.Sprintf("BASE=http://127.0.0.1:%d", port), "CUSTOMER="+tokens[0], "CLERK="+tokens[1])
		return command
	}

	t.Run("filters", func(t *testing.T) {
		command := script("out/filters.js")
		command.Stderr = os.Stderr
		out, err := command.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		if len(lines) < 40 {
			t.Errorf("%d filters", len(lines))
		}
		for _, line := range lines {
			var filter struct {
				Name, SQL string
				IDs       []int
			}
			if err := json.Unmarshal(line, &filter); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			var want []int
			sql := "select coalesce(array_agg(id order by id), '{}') from api.books where id < 400 and " + filter.SQL
			if err := database.QueryRow(t.Context(), sql).Scan(&want); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			if fmt.Sprint(filter.IDs) != fmt.Sprint(want) {
				t.Errorf("%s: %v, SQL gives %v", filter.Name, filter.IDs, want)
			}
			if len(want) == 0 && !strings.Contains(filter.Name, "everything") || len(want) == 399 {
				t.Errorf("%s: the rows tell nothing: %d", filter.Name, len(want))
			}
		}
	})

	t.Run("client", func(t *testing.T) {
		if out, err := script("--test", "--test-reporter=tap", "out/client.js").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		eventually(t, "the end of the aborted call", func() bool {
			var sleeping int
			err := database.QueryRow(t.Context(), "select count(*) from pg_stat_activity where wait_event = 'PgSleep'").Scan(&sleeping)
			return err == nil && sleeping == 0
		})
	})
}
