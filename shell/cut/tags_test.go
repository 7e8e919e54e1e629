package cut

import (
	"slices"
	"testing"
)

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
