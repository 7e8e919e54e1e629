package db

import (
	"strconv"
	"testing"

	"postern/shell/statement"
)

// No compiled statement is prepared by the name of a fixed one, whichever number it has: the 36,821st once was "set".
func TestFixedNames(t *testing.T) {
	taken := make(map[string]bool)
	for _, f := range fixed {
		if taken[f.name] {
			t.Errorf("two fixed statements are named %s", f.name)
		}
		taken[f.name] = true
		for base := 2; base <= 36; base++ {
			id, err := strconv.ParseUint(f.name, base, 64)
			if err != nil {
				continue
			}
			if name := (&statement.Statement{ID: id}).Name(""); name == f.name {
				t.Errorf("the %dth compiled statement is named as a fixed one: %s", id, name)
			}
		}
	}
}
