package shell

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"postern/shell/apierror"
)

const (
	firstBody = 16 << 10  // bytes of the first buffer for a body; a length is only a claim
	slowRate  = 16 << 10  // bytes a second that a body must have, beside the setting server-client-timeout,
	busyRate  = 256 << 10 // and a large one while another waits for its room

	// unreadShare is the part of server-client-timeout for which net/http may wait for the rest of a body that nobody
	// reads, which it does before it sends the answer.
	unreadShare = 4
)

// tooLarge returns the answer to a body of more bytes than are accepted, or streamed.
func tooLarge(most int, bySetting string) *apierror.Error {
	return &apierror.Error{
		Status: http.StatusRequestEntityTooLarge, Code: "PGRST102", Message: "The request body is too large",
		Details: "At most " + strconv.Itoa(most) + " bytes are " + bySetting,
	}
}

const (
	accepted = "accepted, by the setting server-max-body-size"
	streamed = "streamed, by the setting server-max-stream-size"
)

// unreadable returns the answer to a body whose reading has failed.
func unreadable(err error) *apierror.Error {
	return &apierror.Error{
		Status: http.StatusBadRequest, Code: "PGRST102", Message: "The request body could not be read", Cause: err,
	}
}

var errRoom = &apierror.Error{
	Status: http.StatusServiceUnavailable, Code: "PGRST003", Message: "Too many bodies are on their way",
	Hint: "Try again, or raise server-max-bytes-in-flight",
}

// load is the body of a request, with the room that it takes.
type load struct {
	room  *room
	bytes []byte
	size  int   // how far bytes may be filled
	small int64 // bytes of room taken as a small body
	large int64 // as a large one
}

// drop gives the room back, and lets go of a buffer that is not kept for the next request.
func (l *load) drop() {
	if l.small > 0 {
		l.room.small.Add(-l.small)
	}
	if l.large > 0 {
		l.room.leave(l.large)
	}
	l.size, l.small, l.large = 0, 0, 0
	if size := cap(l.bytes); size > maxKept {
		l.bytes = nil
		reclaim(size)
	}
}

// read reads the body to its end, so that no connection to the database waits for a slow client: one that stops, or is
// too slow, is given up. A large body waits, with most of it still to be sent, until there is room for it.
func (l *load) read(w http.ResponseWriter, r *http.Request, most int, timeout, wait time.Duration) (err error) {
	l.bytes = l.bytes[:0]
	if r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	if r.ContentLength > int64(most) {
		return tooLarge(most, accepted)
	}
	controller := http.NewResponseController(w)
	defer func() {
		if err != nil {
			_ = controller.SetReadDeadline(time.Now().Add(timeout / unreadShare))
		}
	}()
	start := time.Now()
	for {
		if len(l.bytes) == l.size {
			waited, err := l.grow(r, most, wait)
			if err != nil {
				return err
			}
			start = start.Add(waited)
		}
		rate := slowRate
		if l.large > 0 && l.room.contended() {
			rate = busyRate
		}
		limit := start.Add(timeout + time.Duration(len(l.bytes)/rate)*time.Second)
		if stalled := time.Now().Add(timeout); stalled.Before(limit) {
			limit = stalled
		}
		_ = controller.SetReadDeadline(limit) // a connection without deadlines is read without
		n, err := r.Body.Read(l.bytes[len(l.bytes):l.size])
		l.bytes = l.bytes[:len(l.bytes)+n]
		if len(l.bytes) > most {
			return tooLarge(most, accepted)
		}
		if err == io.EOF {
			_ = controller.SetReadDeadline(time.Time{})
			l.shrink()
			return nil
		}
		if err != nil {
			return unreadable(err)
		}
	}
}

// grow makes room for more of the body, and returns how long it waited for that.
func (l *load) grow(r *http.Request, most int, wait time.Duration) (waited time.Duration, err error) {
	whole := most + 1
	size := max(4*l.size, firstBody)
	if r.ContentLength > 0 {
		whole = int(r.ContentLength) + 1
	}
	if size = min(size, whole); l.size < largeBody { // the room of a small body is taken to its end first
		size = min(size, largeBody)
	}
	if size <= largeBody {
		if !l.room.grow(int64(size) - l.small) {
			return 0, errRoom
		}
		l.small = int64(size)
	} else if l.large == 0 {
		start := time.Now()
		if l.large = l.room.claim(r.Context(), int64(whole), wait); l.large == 0 {
			return 0, errRoom
		}
		waited = time.Since(start)
		l.room.small.Add(-l.small)
		l.small = 0
		if r.ContentLength > 0 {
			size = whole
		}
	}
	if l.size = size; size > cap(l.bytes) {
		l.bytes = append(make([]byte, 0, size), l.bytes...)
	}
	return waited, nil
}

// shrink gives back what a body of a length that was not known did not need.
func (l *load) shrink() {
	if rest := l.large - int64(cap(l.bytes)); rest > 0 {
		l.room.leave(rest)
		l.large -= rest
	}
}
