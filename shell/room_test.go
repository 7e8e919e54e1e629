package shell

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// isEmpty reports whether no large body has room.
func (r *room) isEmpty() bool {
	if !r.large.TryAcquire(r.mostLarge) {
		return false
	}
	r.leave(r.mostLarge)
	return true
}

// However many bodies come and go, large ones never take more than their room, each gets its turn, and nothing is left in the end.
func TestRoom(t *testing.T) {
	r := newRoom(400)
	var waiting sync.WaitGroup
	var mutex sync.Mutex
	taken, refused := int64(0), 0
	for range 200 {
		waiting.Go(func() {
			for range 20 {
				patience := time.Duration(rand.IntN(3)) * time.Millisecond
				got := r.claim(context.Background(), 1+rand.Int64N(500), patience)
				if got == 0 {
					mutex.Lock()
					refused++
					mutex.Unlock()
					continue
				}
				mutex.Lock()
				if taken += got; taken > 300 {
					t.Errorf("%d bytes are taken", taken)
				}
				mutex.Unlock()
				time.Sleep(time.Microsecond)
				mutex.Lock()
				taken -= got
				mutex.Unlock()
				r.leave(got)
			}
		})
	}
	waiting.Wait()
	if !r.isEmpty() || r.contended() || refused == 0 || refused == 4000 {
		t.Errorf("in the end: %d wait, %d refused", r.waiters.Load(), refused)
	}
	// In the order of their coming: one that would fit does not pass by one that waits.
	held := r.claim(context.Background(), 200, 0)
	waiting.Go(func() { r.leave(r.claim(context.Background(), 250, time.Minute)) })
	for !r.contended() {
		time.Sleep(time.Millisecond)
	}
	if got := r.claim(context.Background(), 50, 0); got != 0 {
		t.Error("a small one passes by")
		r.leave(got)
	}
	r.leave(held)
	waiting.Wait()
	if !r.isEmpty() {
		t.Error("bytes are left")
	}
	// Small bodies have a quarter, whatever the large ones take; answers have their own.
	held = r.claim(context.Background(), 1<<40, 0)
	if held != 300 || !r.grow(100) || r.grow(1) {
		t.Errorf("all: %d, small: %d", held, r.small.Load())
	}
	gone, leave := context.WithCancel(context.Background())
	leave()
	if r.claim(gone, 1, time.Minute) != 0 {
		t.Error("there is room for one more")
	}
	if !r.answer(2*largeBody, true) || r.answer(2*largeBody, true) || !r.answer(2*largeBody, false) || !r.answer(1, true) || !r.crowded() {
		t.Error("answers")
	}
}
