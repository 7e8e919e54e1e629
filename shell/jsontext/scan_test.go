package jsontext_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"postern/shell/jsontext"
)

// The elements and members of JSON are those that encoding/json finds.
func FuzzMembers(f *testing.F) {
	for _, body := range []string{`{"a":1,"b" : [1,{"c":"}"}] , "d":"\\\""}`, `[1 , -2.5e1,"x",[],{},null]`, ` [ ] `, `{}`, `[[1]]`, `{"a":{"b":1}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var elements []json.RawMessage
		if json.Unmarshal(body, &elements) == nil && elements != nil {
			var got []string
			for value := range jsontext.Elements(body) {
				got = append(got, string(value))
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", elements) {
				t.Errorf("%s: %q", body, got)
			}
		}
		var members map[string]json.RawMessage
		if body = []byte(strings.TrimSpace(string(body))); json.Unmarshal(body, &members) == nil && members != nil {
			got := make(map[string]string)
			for key, value := range jsontext.Members(body) {
				var name string
				if json.Unmarshal(key, &name) != nil {
					t.Errorf("%s: %q", body, key)
				}
				got[name] = string(value)
			}
			for name, value := range members {
				if got[name] != string(value) || len(got) != len(members) {
					t.Errorf("%s: %q", body, got)
				}
			}
		}
	})
}
