package statement

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// compileWait is how long a request waits for another to compile their statement: the other's answer may take long.
const compileWait = 100 * time.Millisecond

// A Cache keeps statements by the shapes of requests, up to a number of bytes; those not used for longest go first.
// Safe for concurrent use.
type Cache struct {
	counters

	mutex    sync.Mutex
	kept     *simplelru.LRU[string, *Statement]
	bytes    int
	most     int
	compiles map[string]chan struct{} // closed when done
}

type counters struct {
	lookups, hits, compiled, evicted atomic.Int64
	nanoseconds                      atomic.Int64 // spent compiling and executing what was compiled
}

// Stats are figures of a Cache at a moment.
type Stats struct {
	Entries, Bytes                     int
	Lookups, Hits, Compiles, Evictions int64
	CompileSeconds                     float64
}

// NewCache returns a cache of at most a number of bytes.
func NewCache(most int) *Cache {
	const unbounded = 1 << 40 // entries; bytes are what bounds
	c := &Cache{most: most, compiles: make(map[string]chan struct{})}
	c.kept, _ = simplelru.NewLRU(unbounded, func(key string, s *Statement) { c.bytes -= s.size(key) })
	return c
}

// Stats returns the figures of now.
func (c *Cache) Stats() Stats {
	c.mutex.Lock()
	entries, bytes := c.kept.Len(), c.bytes
	c.mutex.Unlock()
	return Stats{
		Entries: entries, Bytes: bytes, Lookups: c.lookups.Load(), Hits: c.hits.Load(), Compiles: c.compiled.Load(),
		Evictions: c.evicted.Load(), CompileSeconds: time.Duration(c.nanoseconds.Load()).Seconds(),
	}
}

// Get returns the statement of a shape, or nil. While another request compiles it, Get waits for that a moment.
func (c *Cache) Get(ctx context.Context, shape []byte) *Statement {
	c.lookups.Add(1)
	c.mutex.Lock()
	s, _ := c.kept.Get(string(shape))
	compile := c.compiles[string(shape)]
	c.mutex.Unlock()
	if s == nil && compile != nil {
		select {
		case <-compile:
		case <-time.After(compileWait):
		case <-ctx.Done():
		}
		c.mutex.Lock()
		s, _ = c.kept.Get(string(shape))
		c.mutex.Unlock()
	}
	if s != nil {
		c.hits.Add(1)
	}
	return s
}

// Compile runs a compilation of a shape, for which Get waits meanwhile, and keeps its statement if that is to be kept.
func (c *Cache) Compile(shape []byte, compile func() (*Statement, error)) (*Statement, error) {
	key := string(shape)
	done := make(chan struct{})
	c.mutex.Lock()
	first := c.compiles[key] == nil
	if first {
		c.compiles[key] = done
	}
	c.mutex.Unlock()
	start := time.Now()
	s, err := compile()
	c.compiled.Add(1)
	c.nanoseconds.Add(int64(time.Since(start)))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if first {
		delete(c.compiles, key)
		defer close(done)
	}
	if err == nil && s != nil && s.Keep {
		c.keep(key, s)
	}
	return s, err
}

// Add keeps a statement that was compiled along with others, if it is to be kept. For it Get has not waited. took is
// its part of the time that all of them took.
func (c *Cache) Add(shape []byte, s *Statement, took time.Duration) {
	c.compiled.Add(1)
	c.nanoseconds.Add(int64(took))
	if !s.Keep {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.keep(string(shape), s)
}

func (c *Cache) keep(key string, s *Statement) {
	size := s.size(key)
	if size > c.most/4 { // one of these is not worth what it would drive out
		return
	}
	c.kept.Remove(key)
	c.kept.Add(key, s)
	c.bytes += size
	for c.bytes > c.most {
		c.kept.RemoveOldest()
		c.evicted.Add(1)
	}
}

// Drop removes a statement, if it is still that of its shape.
func (c *Cache) Drop(shape []byte, s *Statement) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if current, found := c.kept.Peek(string(shape)); found && current == s {
		c.kept.Remove(string(shape))
	}
}
