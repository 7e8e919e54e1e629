package pgtests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// setupFile is loaded once, into the template; all other files are tests.
const setupFile = "setup.sql"

// TestSQL runs each pgTAP file in a session and a transaction of its own, which the file rolls back.
func TestSQL(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.sql")
	if err != nil || len(files) < 2 {
		t.Fatalf("the tests in SQL are not found: %v %v", files, err)
	}
	database := newDatabase(t)
	for _, file := range files {
		if file == setupFile {
			continue
		}
		t.Run(strings.TrimSuffix(file, ".sql"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			conn := connect(t, database)
			execute(t, conn, "set search_path to public")
			results, err := conn.PgConn().Exec(ctx, string(text)).ReadAll()
			tap := readTAP(results)
			if err != nil {
				t.Errorf("%s: %v\nafter: %s", file, located(err, string(text)), tap.last)
			}
			for _, failure := range tap.failures {
				t.Error(failure)
			}
			if err == nil {
				if err := tap.check(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// tapOutput is what a file has told in the Test Anything Protocol.
type tapOutput struct {
	planned  int // -1 before the plan
	run      int
	last     string // the last assertion
	failures []string
}

var (
	tapPlan      = regexp.MustCompile(`^1\.\.(\d+)$`)
	tapAssertion = regexp.MustCompile(`^(not )?ok (\d+)( .*)?$`)
	tapExcused   = regexp.MustCompile(`(?i)# (TODO|SKIP)\b`)
)

// readTAP reads the first column of all results: plan, assertions and, after a failed one, its diagnostics.
func readTAP(results []*pgconn.Result) *tapOutput {
	out := &tapOutput{planned: -1}
	failed := false
	for _, result := range results {
		for _, row := range result.Rows {
			if len(row) == 0 {
				continue
			}
			for line := range strings.Lines(string(row[0])) {
				failed = out.line(strings.TrimRight(line, "\n"), failed)
			}
		}
	}
	return out
}

// line takes one line; after tells, and the result says, whether diagnostics belong to a failure.
func (out *tapOutput) line(line string, after bool) bool {
	if found := tapPlan.FindStringSubmatch(line); found != nil {
		out.planned, _ = strconv.Atoi(found[1])
		return false
	}
	if found := tapAssertion.FindStringSubmatch(line); found != nil {
		out.run++
		out.last = line
		if found[2] != strconv.Itoa(out.run) {
			out.failures = append(out.failures, fmt.Sprintf("assertion %d is numbered %s", out.run, found[2]))
		}
		if found[1] != "" && !tapExcused.MatchString(line) {
			out.failures = append(out.failures, line)
			return true
		}
		return false
	}
	if after && strings.HasPrefix(line, "#") {
		out.failures[len(out.failures)-1] += "\n" + line
	}
	return after
}

// check compares what was run with the plan.
func (out *tapOutput) check() error {
	switch {
	case out.planned < 0:
		return fmt.Errorf("there is no plan: the file needs plan(n), or no_plan() and finish()")
	case out.planned != out.run:
		return fmt.Errorf("%d assertions are planned and %d were made", out.planned, out.run)
	case out.run == 0:
		return fmt.Errorf("nothing is asserted")
	}
	return nil
}

// The runner itself must not pass what has failed.
func TestReadTAP(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		output string
		bad    bool
	}{
		{"1..2\nok 1\nok 2 - b", false},
		{"ok 1 - a\n1..1", false},
		{"1..1\nnot ok 1 - a # TODO later", false},
		{"1..1\nnot ok 1 - a\n# have: 1", true},
		{"1..2\nok 1", true},
		{"1..1\nok 1\nok 2", true},
		{"1..2\nok 1\nok 3", true},
		{"ok 1", true},
		{"1..0", true},
		{"", true},
	} {
		tap := readTAP([]*pgconn.Result{{Rows: [][][]byte{{[]byte(test.output)}}}})
		if bad := tap.check() != nil || len(tap.failures) > 0; bad != test.bad {
			t.Errorf("%q counts as failed: %v (%v, %v)", test.output, bad, tap.failures, tap.check())
		}
	}
}
