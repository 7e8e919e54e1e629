package db

import (
	"strconv"
	"testing"
)

func TestMet(t *testing.T) {
	var m met
	m.forget([]byte("0"))
	for i := range maxMet {
		m.add([]byte(strconv.Itoa(i)))
		m.add([]byte(strconv.Itoa(i)))
	}
	m.forget([]byte("7"))
	m.add([]byte("new"))
	m.add([]byte("newer"))
	for name, want := range map[string]bool{"0": false, "1": false, "2": true, "7": false, "255": true, "new": true, "newer": true, "other": false} {
		if m.has([]byte(name)) != want {
			t.Errorf("%s: not %v", name, want)
		}
	}
	if len(m.order) != maxMet || len(m.names) > maxMet {
		t.Errorf("%d, %d", len(m.order), len(m.names))
	}
}
