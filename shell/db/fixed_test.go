package db

import (
	"strconv"
	"strings"
	"testing"
)

// No fixed statement has the name of a compiled one, which is a number in base 36 behind the same prefix.
func TestFixedNames(t *testing.T) {
	t.Parallel()
	p := &Pool{prefix: "postern_X_"}
	for which := range fixedStatements {
		name := p.fixedName(which)
		if id, err := strconv.ParseUint(strings.TrimPrefix(name, p.prefix), 36, 64); err == nil {
			t.Errorf("%s is the name of the statement %d", name, id)
		}
	}
}
