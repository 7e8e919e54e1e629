package shell

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// largeBody is where bodies become large ones, which need room of their own, in bytes.
const largeBody = 1 << 20

// hugeBody is where bodies become so large that their memory is given back at once, in bytes.
const hugeBody = 16 << 20

// reclaim has the memory of a body of so many bytes, which nothing refers to any more, given back if that is a lot:
// with the copies that are made on the way it is three times as much, and that of the next ones would be added to it.
func reclaim(size int) {
	if size > hugeBody {
		go debug.FreeOSMemory()
	}
}

// room bounds the bytes of bodies that are in memory at once, by the setting server-max-bytes-in-flight. Request bodies
// up to largeBody have a quarter of it, as they grow; larger ones share the rest, and wait for all that they take, in
// the order of their coming. So neither kind can keep the other out, and no two bodies wait for each other. Answers are
// bounded apart.
type room struct {
	most      int64 // of answers
	mostSmall int64
	mostLarge int64
	small     atomic.Int64
	answers   atomic.Int64
	waiters   atomic.Int64

	mutex sync.Mutex
	large int64
	queue []*claim // of large bodies
}

// claim is a large body that waits for its room.
type claim struct {
	bytes   int64
	granted chan struct{} // closed when it has it
}

func newRoom(most int) *room {
	return &room{most: int64(most), mostSmall: int64(most) / 4, mostLarge: int64(most) - int64(most)/4}
}

// grow takes room for more bytes of a small body, if there is any.
func (r *room) grow(bytes int64) bool {
	if r.small.Add(bytes) > r.mostSmall {
		r.small.Add(-bytes)
		return false
	}
	return true
}

// claim waits for the room of a large body, and returns how many bytes it has got: none when that takes too long. A
// body that is larger than all the room gets all of it.
func (r *room) claim(ctx context.Context, bytes int64, wait time.Duration) int64 {
	c := &claim{bytes: min(bytes, r.mostLarge), granted: make(chan struct{})}
	r.mutex.Lock()
	r.queue = append(r.queue, c)
	r.grant()
	r.mutex.Unlock()
	select {
	case <-c.granted:
		return c.bytes
	default:
	}
	r.waiters.Add(1)
	defer r.waiters.Add(-1)
	select {
	case <-c.granted:
		return c.bytes
	case <-time.After(wait):
	case <-ctx.Done():
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	at := slices.Index(r.queue, c)
	if at < 0 { // granted meanwhile
		return c.bytes
	}
	r.queue = slices.Delete(r.queue, at, at+1)
	r.grant() // to those behind it
	return 0
}

// grant serves the queue as far as there is room. Callers hold mutex.
func (r *room) grant() {
	for len(r.queue) > 0 && r.large+r.queue[0].bytes <= r.mostLarge {
		r.large += r.queue[0].bytes
		close(r.queue[0].granted)
		r.queue = slices.Delete(r.queue, 0, 1)
	}
}

// leave gives room of a large body back.
func (r *room) leave(bytes int64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.large -= bytes
	r.grant()
}

// contended reports whether a large body waits for room.
func (r *room) contended() bool { return r.waiters.Load() > 0 }

// answer takes room for an answer until its length is taken off answers again. It reports false, and takes none, for a
// large one that has none and that may be refused; alone an answer may have any length.
func (r *room) answer(bytes int, refusable bool) bool {
	total := r.answers.Add(int64(bytes))
	if refusable && bytes > largeBody && total > r.most && total > int64(bytes) {
		r.answers.Add(-int64(bytes))
		return false
	}
	return true
}

// crowded reports whether answers take nearly all of their room.
func (r *room) crowded() bool { return r.answers.Load() > r.most/4*3 }
