package cut

import (
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	for query, want := range map[string]string{
		"":                        "",
		"a":                       "a=",
		"a=1&c=3&b=2&d":           "a=1&b=2&c=3&d=",
		"b=2&b=1&a=":              "a=&b=2&b=1",
		"select=a,b(*)&id=eq.1":   "id=eq.1&select=a%2Cb%28%2A%29",
		"x=a+b%20c%2Bd":           "x=a%20b%20c%2Bd",
		"&&a=1&":                  "a=1",
		"%62=1&a=2":               "a=2&b=1",
		"a=100%&b=%zz&c=%4":       "a=100%25&b=%25zz&c=%254",
		"a=~-._é":                 "a=~-._%C3%A9",
		"a.b=1&a=2&a-b=3":         "a=2&a-b=3&a.b=1",
		strings.Repeat("a=&", 40): strings.TrimSuffix(strings.Repeat("a=&", 40), "&"),
	} {
		if got := string(AppendCanonical([]byte("?"), query)); got != "?"+want {
			t.Errorf("%s: got %s, want ?%s", query, got, want)
		}
	}
}
