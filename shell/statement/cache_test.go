package statement

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func made(t *testing.T, sql string) *Statement {
	t.Helper()
	s, err := New(sql, []byte(`{"params":["text","bytea"],"epoch":"e","keep":true}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put compiles a statement for a shape.
func put(t *testing.T, c *Cache, shape string, s *Statement) {
	t.Helper()
	if _, err := c.Compile([]byte(shape), func() (*Statement, error) { return s, nil }); err != nil {
		t.Fatal(err)
	}
}

// peek reports which of the shapes are kept, without using them.
func peek(c *Cache, shapes ...string) (kept string) {
	for _, shape := range shapes {
		if c.kept.Contains(shape) {
			kept += shape
		}
	}
	return kept
}

func TestNew(t *testing.T) {
	s, err := New("select 1", []byte(`{"params":["text","unknown","bytea"],"epoch":"e1","keep":true,"read_only":true,"dirty":true,"likes":[3,4],
		"isolation":"serializable","settings":{"b":"2","a":"1"},"rollback":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%v %s %t %t %t %v %s %v", s.Params, s.Epoch, s.Keep, s.ReadOnly, s.Dirty, s.Likes, s.Isolation, s.Settings) !=
		"[25 0 17] e1 true true true [3 4] serializable [[a 1] [b 2]]" {
		t.Errorf("%+v", s)
	}
	other := made(t, "select 1")
	if other.ID == s.ID || other.Name("p_") == s.Name("p_") || !strings.HasPrefix(s.Name("p_"), "p_") {
		t.Errorf("%d and %d, %s and %s", s.ID, other.ID, s.Name("p_"), other.Name("p_"))
	}
	if other.Keep != true || other.ReadOnly || other.Dirty || other.Settings != nil {
		t.Errorf("%+v", other)
	}
	if _, err := New("select 1", []byte(`[]`)); err == nil {
		t.Error("flags that are no object")
	}
}

// A plan that costs no more than it may is looked at again after a while, once; where the values decide, each time.
func TestDue(t *testing.T) {
	now := time.Now()
	at := func(later time.Duration) func() time.Time { return func() time.Time { return now.Add(later) } }
	for _, test := range []struct {
		flags string
		want  string
	}{
		{`{}`, "false false false false false"}, {`{"max_cost":9,"look":false}`, "false false true false true"}, {`{"max_cost":9,"look":true}`, "true true true true true"},
	} {
		s, err := New("select 1", []byte(test.flags))
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(s.Due(at(0)), s.Due(at(lookPeriod/2)), s.Due(at(lookPeriod+time.Minute)), s.Due(at(2*lookPeriod)), s.Due(at(3*lookPeriod+time.Minute)))
		if got != test.want || (s.Flags != nil) != (s.MaxCost > 0) {
			t.Errorf("%s: %s, %s", test.flags, got, s.Flags)
		}
	}
}

// The bytes are bounded, and what was not used for longest goes first.
func TestCacheIsBounded(t *testing.T) {
	a, b, c, d := made(t, "a"), made(t, "b"), made(t, "c"), made(t, "d")
	cache := NewCache(4*a.size("a") + 3)
	put(t, cache, "a", a)
	put(t, cache, "b", b)
	put(t, cache, "c", c)
	put(t, cache, "d", d)
	if cache.Get(t.Context(), []byte("a")) != a || cache.Get(t.Context(), []byte("b")) != b {
		t.Fatal("lost")
	}
	put(t, cache, "e", made(t, "e"))
	if kept := peek(cache, "a", "b", "c", "d", "e"); kept != "abde" {
		t.Errorf("%s is kept", kept)
	}
	put(t, cache, "a", made(t, "x")) // another statement for a shape takes the place of the first
	if kept := peek(cache, "a", "b", "c", "d", "e"); kept != "abde" || cache.bytes != 4*a.size("a") {
		t.Errorf("%s is kept, %d bytes", kept, cache.bytes)
	}
	put(t, cache, "f", made(t, strings.Repeat("f", 3*a.size("a"))))
	if kept := peek(cache, "a", "b", "d", "e", "f"); kept != "abde" {
		t.Errorf("a large one drives out others: %s is kept", kept)
	}
	if got := cache.Stats(); got.Entries != 4 || got.Bytes != 4*a.size("a") || got.Evictions != 1 || got.Compiles != 7 || got.Hits != 2 || got.Lookups != 2 {
		t.Errorf("%+v", got)
	}
	for n := range 1000 {
		put(t, cache, fmt.Sprint(n), made(t, strings.Repeat("s", n%200)))
		if cache.bytes > cache.most {
			t.Fatalf("%d bytes, %d are allowed", cache.bytes, cache.most)
		}
	}
	total := 0
	for _, key := range cache.kept.Keys() {
		s, _ := cache.kept.Peek(key)
		total += s.size(key)
	}
	if total != cache.bytes || total == 0 {
		t.Errorf("%d bytes are counted, there are %d", cache.bytes, total)
	}
}

// What was compiled along with others counts, with its time, whether it is kept or not.
func TestCacheAdds(t *testing.T) {
	cache := NewCache(1 << 20)
	kept, once := made(t, "kept"), made(t, "once")
	once.Keep = false
	cache.Add([]byte("a"), kept, time.Second)
	cache.Add([]byte("b"), once, 500*time.Millisecond)
	if got := cache.Stats(); peek(cache, "a", "b") != "a" || got.Compiles != 2 || got.CompileSeconds != 1.5 {
		t.Errorf("%+v", got)
	}
}

// What may not answer other requests is not kept, nor what could not be compiled.
func TestCacheKeepsWhatMayBeKept(t *testing.T) {
	cache := NewCache(1 << 20)
	once := made(t, "once")
	once.Keep = false
	put(t, cache, "once", once)
	put(t, cache, "none", nil)
	failure := errors.New("failure")
	if _, err := cache.Compile([]byte("failed"), func() (*Statement, error) { return made(t, "x"), failure }); !errors.Is(err, failure) {
		t.Error(err)
	}
	if got := cache.Stats(); got.Entries != 0 || got.Bytes != 0 || got.Compiles != 3 || len(cache.compiles) != 0 {
		t.Errorf("%+v, %d compilations", got, len(cache.compiles))
	}
}

// A statement that is of no use goes, unless another has taken its place.
func TestDrop(t *testing.T) {
	cache := NewCache(1 << 20)
	first, second := made(t, "first"), made(t, "second")
	put(t, cache, "a", first)
	put(t, cache, "a", second)
	cache.Drop([]byte("a"), first)
	if cache.Get(t.Context(), []byte("a")) != second {
		t.Error("the newer one is gone")
	}
	cache.Drop([]byte("a"), second)
	cache.Drop([]byte("b"), second)
	if cache.Get(t.Context(), []byte("a")) != nil || cache.Stats().Bytes != 0 {
		t.Error("still there")
	}
}

// Requests that miss the same shape wait for the one that compiles it.
func TestOneCompiles(t *testing.T) {
	cache := NewCache(1 << 20)
	shape := []byte("shape")
	started, finish := make(chan struct{}), make(chan struct{})
	var compiles atomic.Int64
	var all sync.WaitGroup
	want := made(t, "one")
	all.Go(func() {
		_, _ = cache.Compile(shape, func() (*Statement, error) {
			compiles.Add(1)
			close(started)
			<-finish
			return want, nil
		})
	})
	<-started
	var waiting sync.WaitGroup
	for range 16 {
		waiting.Add(1)
		all.Go(func() {
			waiting.Done()
			if got := cache.Get(context.Background(), shape); got != want {
				t.Errorf("got %v", got)
			}
		})
	}
	waiting.Wait()
	time.Sleep(compileWait / 10)
	close(finish)
	all.Wait()
	if compiles.Load() != 1 || len(cache.compiles) != 0 {
		t.Errorf("%d compilations, %d under way", compiles.Load(), len(cache.compiles))
	}
}

// Nobody waits long for another, or when nobody is left to be answered; then both compile, and the last is kept.
func TestPatienceEnds(t *testing.T) {
	cache := NewCache(1 << 20)
	shape := []byte("shape")
	finish, ended := make(chan struct{}), make(chan struct{})
	slow, quick := made(t, "slow"), made(t, "quick")
	started := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = cache.Compile(shape, func() (*Statement, error) { close(started); <-finish; return slow, nil })
	}()
	<-started
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if got := cache.Get(gone, shape); got != nil || time.Since(start) >= compileWait {
		t.Errorf("a client who is gone gets %v after %v", got, time.Since(start))
	}
	start = time.Now()
	if got := cache.Get(t.Context(), shape); got != nil || time.Since(start) < compileWait {
		t.Errorf("got %v after %v", got, time.Since(start))
	}
	put(t, cache, "shape", quick)
	if cache.Get(t.Context(), shape) != quick {
		t.Error("the second is not kept")
	}
	close(finish)
	<-ended
	if cache.Get(t.Context(), shape) != slow || cache.Stats().Entries != 1 {
		t.Error("the last to be compiled is not kept")
	}
}

// Any number of requests at a time: what is found is that of the shape.
func TestCacheRaces(t *testing.T) {
	cache := NewCache(20 << 10)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := range 2000 {
				shape := fmt.Sprint((n*7 + worker) % 40)
				s := cache.Get(context.Background(), []byte(shape))
				if s == nil {
					s, _ = cache.Compile([]byte(shape), func() (*Statement, error) {
						return New(shape, []byte(`{"keep":true}`))
					})
				}
				if s.SQL != shape {
					t.Errorf("%s for %s", s.SQL, shape)
				}
				if n%50 == 0 {
					cache.Drop([]byte(shape), s)
				}
			}
		})
	}
	all.Wait()
}
