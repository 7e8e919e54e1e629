package db

import (
	"strconv"
	"testing"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// What a session has met is forgotten as postern.keeps forgets it: the one prepared first goes first, however often it was asked for.
func TestMet(t *testing.T) {
	m, err := simplelru.NewLRU[string, struct{}](maxMet, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Remove("0")
	for i := range maxMet {
		m.Add(strconv.Itoa(i), struct{}{})
		m.Contains("0")
	}
	m.Add("new", struct{}{})
	m.Add("newer", struct{}{})
	m.Remove("7")
	for name, want := range map[string]bool{"0": false, "1": false, "2": true, "7": false, "255": true, "new": true, "newer": true, "other": false} {
		if m.Contains(name) != want {
			t.Errorf("%s: not %v", name, want)
		}
	}
	if m.Len() != maxMet-1 {
		t.Errorf("%d", m.Len())
	}
}
