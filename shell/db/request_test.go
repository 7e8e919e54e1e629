package db

import (
	"testing"

	"postern/shell/statement"
)

// In the pattern of like, * stands for %; an empty pattern is no NULL, and what the request holds stays.
func TestBindLikes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ value, want string }{{"a*b*", "a%b%"}, {"", ""}, {"*", "%"}, {"plain", "plain"}} {
		r := Request{Values: [][]byte{[]byte(test.value)}}
		values, _ := r.bind(&statement.Statement{Likes: []int{3, 9}})
		if len(values) != 3 || values[2] == nil || string(values[2]) != test.want || string(r.Values[0]) != test.value {
			t.Errorf("%q: %q of %q", test.value, values, r.Values)
		}
	}
}
