package db

import (
	"strconv"
	"testing"

	"postern/shell/statement"
)

// No compiled statement is prepared by the name of a fixed one, whichever number it has: the 36,821st once was "set".
func TestFixedNames(t *testing.T) {
	taken := make(map[string]bool)
	for which := range fixedStatements {
		fixed := new(Pool).fixedName(which)
		if taken[fixed] {
			t.Errorf("two fixed statements are named %s", fixed)
		}
		taken[fixed] = true
		for base := 2; base <= 36; base++ {
			id, err := strconv.ParseUint(fixed, base, 64)
			if err != nil {
				continue
			}
			if name := (&statement.Statement{ID: id}).Name(""); name == fixed {
				t.Errorf("the %dth compiled statement is named as a fixed one: %s", id, name)
			}
		}
	}
}
