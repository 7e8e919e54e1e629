package shell

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
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

// room bounds the bytes of bodies that are in memory at once, by server-max-bytes-in-flight. Request bodies up to 1 MiB
// (largeBody) have a quarter of it, as they grow; larger ones share the rest, and wait for all that they take, in the
// order of their coming. So neither keeps the other out, and no two wait for each other. Answers are bounded apart.
type room struct {
	most      int64 // of answers
	mostSmall int64
	mostLarge int64
	small     atomic.Int64
	large     *semaphore.Weighted
	waiters   atomic.Int64 // for large
	answers   atomic.Int64
}

func newRoom(most int) *room {
	r := &room{most: int64(most), mostSmall: int64(most) / 4, mostLarge: int64(most) - int64(most)/4}
	r.large = semaphore.NewWeighted(r.mostLarge)
	return r
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
	bytes = min(bytes, r.mostLarge)
	if r.large.TryAcquire(bytes) {
		return bytes
	}
	r.waiters.Add(1)
	defer r.waiters.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if r.large.Acquire(ctx, bytes) != nil {
		return 0
	}
	return bytes
}

// leave gives room of a large body back.
func (r *room) leave(bytes int64) { r.large.Release(bytes) }

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
