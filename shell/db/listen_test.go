package db

import "testing"

func TestBackoff(t *testing.T) {
	var b Backoff
	got := ""
	for range 8 {
		got += b.Next().String() + " "
	}
	if got != "1s 2s 4s 8s 16s 32s 32s 32s " {
		t.Error(got)
	}
	b.Reset()
	if b.Next().String() != "1s" {
		t.Error("no reset")
	}
}
