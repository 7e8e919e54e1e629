package db

import (
	"testing"

	"postern/shell/statement"
)

// In the pattern of like, * stands for %; an empty pattern is no NULL, nor is a query or a body that is not there, and what the request
// holds stays.
func TestBindLikes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ value, want string }{{"a*b*", "a%b%"}, {"", ""}, {"*", "%"}, {"plain", "plain"}} {
		r := Request{Values: [][]byte{[]byte(test.value)}}
		values, _ := r.bind(&statement.Statement{Likes: []int{3, 9}})
		if len(values) != 3 || values[0] == nil || values[1] == nil || values[2] == nil || string(values[2]) != test.want || string(r.Values[0]) != test.value {
			t.Errorf("%q: %q of %q", test.value, values, r.Values)
		}
	}
}

// What is safe is sent to standbys, and runs in a transaction that is read-only.
func TestSafe(t *testing.T) {
	t.Parallel()
	for method, safe := range map[string]bool{"GET": true, "HEAD": true, "QUERY": true, "POST": false, "OPTIONS": false, "query": false} {
		r := Request{Method: []byte(method)}
		if IsSafe(method) != safe || safe && (writes(&r, nil) || string(r.bindSet(nil, true)[7]) != "t") {
			t.Errorf("%s: %t", method, IsSafe(method))
		}
	}
}

// A generic plan is asked for where the plan is kept.
func TestBindSetGeneric(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		st       *statement.Statement
		prepares bool
		want     string
	}{
		{nil, true, "f"}, {&statement.Statement{}, true, "f"}, {&statement.Statement{Generic: true}, true, "t"},
		{&statement.Statement{Generic: true}, false, "f"},
	} {
		var r Request
		if values := r.bindSet(test.st, test.prepares); string(values[8]) != test.want {
			t.Errorf("%+v, %t: %q", test.st, test.prepares, values[8])
		}
	}
}
