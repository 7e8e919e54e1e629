package db

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	var answer Answer
	for text, want := range map[string]string{
		"200\nA: 1\nA: 2: 3\nb: \n\nbody\n\nmore": `200 [["A" "1"] ["A" "2: 3"] ["b" ""]] "body\n\nmore"`,
		"204\n\n":      `204 [] ""`,
		"0\n\n{}":      `0 [] "{}"`,
		"200\n\n\n":    `200 [] "\n"`,
		"":             "error",
		"200":          "error",
		"200\n":        "error",
		"200\nA: 1\n":  "error",
		"200\nA\n\n":   "error",
		"2x\n\n":       "error",
		"\n\n":         "error",
		"200\nA:1\n\n": "error",
	} {
		if before, ok := strings.CutPrefix(text, "200\n"); ok && want != "error" {
			for _, flags := range []string{"*", "+", "*+"} {
				err := answer.parse([]byte("200 " + flags + "\n" + before))
				if err != nil || answer.Leaves != strings.Contains(flags, "*") || answer.Met != strings.Contains(flags, "+") || answer.Status != 200 {
					t.Errorf("%q with %s: %v, %+v", text, flags, err, answer)
				}
			}
		}
		got := "error"
		if err := answer.parse([]byte(text)); err == nil {
			if answer.Leaves || answer.Met {
				t.Errorf("%q: it has no flags", text)
			}
			got = fmt.Sprintf("%d %q %q", answer.Status, answer.Headers, answer.Body)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	var answer Answer
	good := []byte("200\nA: 1\nB: 2\n\nbody")
	if allocated := testing.AllocsPerRun(100, func() {
		if answer.parse(good) != nil {
			t.Error("not parsed")
		}
	}); allocated > 0 {
		t.Errorf("%v allocations", allocated)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("200 *\nA: 1\n\nbody"))
	f.Add([]byte("204\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var answer Answer
		_ = answer.parse(data) // must not panic
	})
}
