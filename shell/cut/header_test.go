package cut

import (
	"slices"
	"testing"
)

func TestRange(t *testing.T) {
	for header, want := range map[string]struct {
		shape  string
		values []string
	}{
		"0-24":                {"\x01-\x01", []string{"0", "24"}},
		"5-":                  {"\x01-", []string{"5"}},
		"7-7":                 {"\x01-\x01", []string{"7", "7"}},
		"007-8":               {"\x01-\x01", []string{"007", "8"}},
		"123456789012345678-": {"\x01-", []string{"123456789012345678"}},
		"":                    {}, "5": {shape: "5"}, "-5": {shape: "-5"}, "-": {shape: "-"}, "a-b": {shape: "a-b"}, "1-2-3": {shape: "1-2-3"}, "1-b": {shape: "1-b"},
		"5-1": {shape: "5-1"}, "10-9": {shape: "10-9"}, "10-009": {shape: "10-009"}, "items=0-9": {shape: "items=0-9"}, " 0-9": {shape: " 0-9"},
		"1234567890123456789-": {shape: "1234567890123456789-"}, "0-1234567890123456789": {shape: "0-1234567890123456789"},
		"\x01-\x01": {}, "\x01-": {},
	} {
		var values Values
		shape := string(AppendRange([]byte("x"), &values, header))
		if got := values.texts(); shape != "x"+want.shape || !slices.Equal(got, want.values) {
			t.Errorf("%q: got %q %q, want %q %q", header, shape[1:], got, want.shape, want.values)
		}
	}
}

func TestAppendTags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header, shape string
		values        []string
	}{
		{`"~a.b"`, placeholder, []string{`"~a.b"`}},
		{` "a", W/"b,c" `, placeholder, []string{`"a", W/"b,c"`}},
		{"*", "*", nil},
		{" *\t", "*", nil},
		{"", placeholder, []string{""}},
		{`"*"`, placeholder, []string{`"*"`}},
		{placeholder, "", nil},
		{"\xff", "", nil},
	} {
		var values Values
		shape := AppendTags(nil, &values, test.header)
		var got []string
		for _, value := range values.AppendTo(nil) {
			got = append(got, string(value))
		}
		if string(shape) != test.shape || !slices.Equal(got, test.values) {
			t.Errorf("%q: %q with %q", test.header, shape, got)
		}
	}
}
