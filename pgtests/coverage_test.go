package pgtests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var created = regexp.MustCompile(`create or replace function postern\.([a-z_]+)`)

// Every function of the parser, and every rule of the planner, is named in a test of its own room.
func TestEveryRuleIsTested(t *testing.T) {
	t.Parallel()
	for room, files := range map[string][]string{"parse": {"parse/"}, "plan": {"plan/", "compile_read.sql"}} {
		tests := ""
		names, err := filepath.Glob(room + "_*.sql")
		if err != nil || len(names) == 0 {
			t.Fatalf("no tests of %s: %v", room, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tests += string(text)
		}
		found := 0
		for name, text := range sources(t) {
			if !strings.HasPrefix(name, files[0]) && name != files[len(files)-1] {
				continue
			}
			for _, match := range created.FindAllStringSubmatch(text, -1) {
				found++
				if !regexp.MustCompile(`\b` + match[1] + `\b`).MatchString(tests) {
					t.Errorf("%s: no test in %s_*.sql names %s", name, room, match[1])
				}
			}
		}
		if found < 20 {
			t.Errorf("only %d functions of %s were found", found, room)
		}
	}
}
