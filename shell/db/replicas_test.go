package db

import (
	"fmt"
	"testing"
	"time"
)

func withReplicas(t *testing.T, uri string) *replicas {
	t.Helper()
	p, err := Open(Options{URI: "postgres://h/d", ReadURI: uri, MaxLag: time.Minute, Session: func() Session { return Session{} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p.replicas
}

// Each host is a standby, however it may be connected to.
func TestStandbys(t *testing.T) {
	for uri, want := range map[string]string{
		"postgres://u@a,b:6543/d":                       "[a:5432 b:6543]",
		"postgres://u@a,b/d?sslmode=disable":            "[a:5432 b:5432]",
		"host=/tmp,/var,/tmp port=1,2,1 user=u":         "[/tmp:1 /var:2]",
		"postgres://u@a/d?target_session_attrs=standby": "[a:5432]",
	} {
		var names []string
		for _, s := range withReplicas(t, uri).standbys {
			names = append(names, s.name)
			config := s.pool.config.ConnConfig
			for _, way := range config.Fallbacks {
				if way.Host != config.Host || way.Port != config.Port {
					t.Errorf("%s: %s leads to %s", uri, s.name, way.Host)
				}
			}
		}
		if fmt.Sprint(names) != want {
			t.Errorf("%s: %v", uri, names)
		}
	}
	if _, err := Open(Options{URI: "postgres://h/d", ReadURI: "tmp"}); err == nil {
		t.Error("neither a URI nor key=value")
	}
}

// A read goes to a standby that has seen what its identity wrote, and that is not far behind.
func TestChoose(t *testing.T) {
	r := withReplicas(t, "postgres://u@a,b/d")
	second := int64(time.Second)
	for i, position := range []uint64{100, 200, 300} {
		r.note(mark{int64(i+1) * second, position})
	}
	for replayed, want := range map[string]int64{"99": 0, "100": 1, "199": 1, "200": 2, "999": 3, "": 0} {
		if seen := r.seen([]byte(replayed)); seen != want*second {
			t.Errorf("%s replayed: %d", replayed, seen)
		}
	}
	alone := false
	name := func(who uint64) string {
		if s := r.choose(who, alone); s != nil {
			return s.name[:1]
		}
		return ""
	}
	expect := func(what string, who uint64, want string) {
		t.Helper()
		if got := name(who) + name(who); got != want && got != want[len(want)/2:]+want[:len(want)/2] {
			t.Errorf("%s: %q", what, got)
		}
	}
	a, b := r.standbys[0], r.standbys[1]
	expect("not asked yet", 1, "")
	a.fresh.Store(2 * second)
	expect("one of them", 1, "aa")
	b.fresh.Store(3 * second)
	expect("both", 1, "ab")
	r.writers.Add(1, 2*second)
	expect("after a write", 1, "bb")
	expect("of another", 2, "ab")
	a.lose()
	expect("lost", 2, "bb")
	r.note(mark{64 * second, 400})
	expect("behind", 2, "")
	b.fresh.Store(63 * second)
	expect("caught up", 2, "bb")
	for who := range uint64(maxWriters) {
		r.writers.Add(100+who, 63*second)
	}
	expect("a writer that is forgotten", 1, "bb")
	r.writers.Add(1, 62*second)
	expect("all that may be forgotten", 2, "")
	alone = true
	expect("the same, without a primary", 2, "")
	alone = false
	a.fresh.Store(64 * second)
	expect("what has seen it", 2, "aa")
	r.changed.Store(64 * second)
	expect("a change", 2, "")
	alone = true
	expect("a change, without a primary", 2, "aa")
	r.writers.Add(1, 64*second)
	expect("after a write, without a primary", 1, "")
	b.fresh.Store(second)
	r.note(mark{66 * second, 500})
	expect("behind, without a primary", 2, "aa")
}

// How far a standby is behind is known also where it is so far behind that nothing is read there.
func TestLag(t *testing.T) {
	r := withReplicas(t, "postgres://u@a/d")
	for n := range int64(50) { // once a minute
		r.note(mark{(n + 1) * int64(time.Minute), uint64(n + 1)})
	}
	r.standbys[0].fresh.Store(r.seen([]byte("9")))
	if got := r.stats()[0]; got.Up || got.Lag != (41*time.Minute).Seconds() {
		t.Errorf("%+v", got)
	}
	for n := range int64(100) {
		r.note(mark{(n + 51) * int64(time.Minute), uint64(n + 51)})
	}
	if seen := r.seen([]byte("9")); seen != 0 || len(r.marks) > 61 {
		t.Errorf("%d, %d marks", seen, len(r.marks))
	}
}

func TestSettledPosition(t *testing.T) {
	for written, want := range map[string]uint64{
		"8216": 8192, "8217": 8217, "8192": 8192, "16777256": 16777216, "8232": 8232, "0": 0,
	} {
		if got := settledPosition([]byte(written), []byte("8192"), []byte("16777216")); got != want {
			t.Errorf("%s: %d", written, got)
		}
	}
}
