package shell

import (
	"context"
	"net/http"
	"sync"
	"time"

	"postern/shell/apierror"
	"postern/shell/statement"
)

const (
	streamPart  = 64 << 10               // bytes of lines that are gathered before they are sent,
	streamDelay = 100 * time.Millisecond // and how long they wait at most for others
)

var errStreams = &apierror.Error{
	Status: http.StatusGatewayTimeout, Code: "PGRST003", Message: "Too many bodies and answers are streaming",
	Hint: "Try again, or raise db-max-streams",
}

// stream is an answer whose lines come one by one from the database. One that is done before anything of it is sent is
// an answer like any other. The methods that db calls, and the timer, run at any time until settle.
type stream struct {
	server *Server
	out    *response
	x      *exchange
	cancel context.CancelFunc // ends the query

	mutex   sync.Mutex
	held    []byte // lines that are not sent yet
	err     error  // why nothing more is sent
	settled bool
	timer   *time.Timer
	coding  string
	coder   resettable // nil where the body is sent as it is
}

// streamsAtOnce returns how many bodies and answers may stream at once: each has a connection to the database for as
// long as the client takes, so that others must be left.
func streamsAtOnce(wanted, pool int) int {
	if wanted == 0 {
		wanted = pool / 2
	}
	return max(wanted, 1)
}

// joinStream waits until a request may stream, and returns what makes room for another.
func (s *Server) joinStream(ctx context.Context, wait time.Duration) (leave func(), err error) {
	select {
	case s.streams <- struct{}{}:
		return func() { <-s.streams }, nil
	case <-time.After(wait):
		return nil, errStreams
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stream sends a request to the database whose answer streams. Where a part of it was sent, the response has begun.
func (s *Server) stream(ctx context.Context, st *state, x *exchange, found *statement.Statement) error {
	leave, err := s.joinStream(ctx, st.acquisition())
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &stream{server: s, out: &x.out, x: x, cancel: cancel}
	t.timer = time.AfterFunc(time.Hour, t.tick)
	x.call.Sink = t
	err = s.pool.Do(ctx, &x.call, found, &x.answer)
	x.call.Sink = nil
	return t.settle(err)
}

// Line implements db.Sink.
func (t *stream) Line(line []byte) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.err != nil {
		return
	}
	if len(t.held) == 0 {
		t.timer.Reset(streamDelay)
	}
	if t.held = append(append(t.held, line...), '\n'); len(t.held) >= streamPart {
		t.flush()
	}
}

// Drop implements db.Sink.
func (t *stream) Drop() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.timer.Stop()
	t.held = t.held[:0]
	return !t.out.begun && t.err == nil
}

// tick sends what has waited for long enough.
func (t *stream) tick() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.held) > 0 && t.err == nil && !t.settled {
		t.flush()
	}
}

// settle ends the stream; err is what the round trip ended with. What was not sent yet is the body of the answer.
func (t *stream) settle(err error) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.timer.Stop()
	t.settled = true
	switch {
	case t.err != nil:
		return t.err
	case !t.out.begun:
		if err == nil && len(t.held) > 0 {
			t.x.answer.Body = t.held
		}
		return err
	case err == nil:
		t.flush()
		if t.coder != nil && t.err == nil {
			if err := t.coder.Close(); err == nil && t.err == nil { // Close writes, too
				writers[t.coding].Put(t.coder)
			}
		}
		err = t.err
	}
	return err
}

// flush sends the lines that are held. Callers hold mutex.
func (t *stream) flush() {
	if !t.out.begun {
		t.begin()
	}
	switch {
	case t.err != nil || len(t.held) == 0:
	case !hasBody(t.out.status, t.out.r.Method):
	case t.coder == nil:
		_, _ = t.Write(t.held)
	default:
		if _, err := t.coder.Write(t.held); err == nil {
			_ = t.coder.Flush()
		}
	}
	if t.err == nil {
		t.fail(http.NewResponseController(t.out.w).Flush())
	}
	if t.held = t.held[:0]; cap(t.held) > maxKept {
		t.held = nil
	}
}

// begin sends status and header. An answer with none, as user code set what cannot be sent, is an error like any other.
func (t *stream) begin() {
	t.x.timing.lap(phaseTransaction)
	if t.err = t.out.fields(t.x); t.err != nil {
		t.cancel()
		return
	}
	t.x.body.drop() // the database has it
	out, header := t.out, t.out.w.Header()
	out.complete(header)
	out.status, out.begun = t.x.answer.Status, true
	if hasBody(out.status, out.r.Method) && compressible(header) {
		if t.coding = out.st.compress.choose(out.r.Header["Accept-Encoding"]); t.coding != "" {
			encoded(header, t.coding)
			t.coder = writers[t.coding].Get().(resettable)
			t.coder.Reset(t)
		}
	}
	out.w.WriteHeader(out.status)
}

// Write writes a part of the body, for which the client has server-client-timeout, less while others want a connection.
func (t *stream) Write(part []byte) (int, error) {
	timeout := t.out.timeout
	if t.server.pool.Busy() {
		timeout /= 10
	}
	_ = http.NewResponseController(t.out.w).SetWriteDeadline(time.Now().Add(timeout))
	n, err := t.out.w.Write(part)
	t.out.size += n
	t.fail(err)
	return n, err
}

// fail notes that the client takes no more, and ends the query.
func (t *stream) fail(err error) {
	if err != nil && t.err == nil {
		t.err = context.Canceled
		t.out.broken = true // with HTTP/2 another goroutine may be writing the part
		t.cancel()
	}
}
