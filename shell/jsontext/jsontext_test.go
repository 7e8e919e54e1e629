package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"postern/shell/jsontext"
)

func TestAppendString(t *testing.T) {
	for in, want := range map[string]string{
		"":             `""`,
		"plain":        `"plain"`,
		"a\"b\\c":      `"a\"b\\c"`,
		"\x00\x1f\x7f": `"\u0000\u001f\u007f"`,
		"\n\r\t":       `"\n\r\t"`,
		"é→😀":          `"é→😀"`,
		"a\xffb":       "\"a\ufffdb\"",
		"\xed\xa0\x80": "\"\ufffd\ufffd\ufffd\"",
		"cut\xe2\x82":  "\"cut\ufffd\ufffd\"",
	} {
		if got := string(jsontext.AppendString(nil, in)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
		if got := string(jsontext.AppendString(nil, []byte(in))); got != want {
			t.Errorf("%q as bytes: got %s, want %s", in, got, want)
		}
	}
}

func TestAppendOptionalAndStrings(t *testing.T) {
	if got := string(jsontext.AppendOptional(nil, "")); got != "null" {
		t.Errorf("empty: %s", got)
	}
	if got := string(jsontext.AppendStrings(nil, []string{"a", `"`})); got != `["a","\""]` {
		t.Errorf("array: %s", got)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\x00\xff")
	f.Fuzz(func(t *testing.T, in string) {
		var out string
		if err := json.Unmarshal(jsontext.AppendString(nil, in), &out); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if want := strings.Map(func(r rune) rune { return r }, in); out != want {
			t.Fatalf("%q came back as %q", in, out)
		}
	})
}
