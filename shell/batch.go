package shell

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern/shell/auth"
	"postern/shell/db"
	"postern/shell/statement"
	"postern/shell/tracing"
)

// maxBatches is how often a batch is begun anew, where a statement turned out to be of no use, before the database is
// left to do it in one call: there each statement that is of no use is compiled anew by itself.
const maxBatches = 5

// batch is a batch on its way. Its operations are shaped, compiled and kept as requests are.
type batch struct {
	server   *Server
	st       *state
	request  *http.Request
	identity *auth.Identity
	fields   http.Header // those of the batch that its operations have as well
	steps    []*batchStep
	places   map[string]int // of the operations with ids
	reads    bool
	span     *tracing.Request // nil where the batch is not traced

	doing     *db.Transaction
	took      time.Duration // of the last attempt
	isolation string        // what the statements ask for
	next      int           // which step is the first that is not under way
	answered  int           // which is the first that has no answer
	referred  int           // bytes that references have led to
	held      int           // bytes of answers in memory, as the room for them counts them
	refused   bool          // something is for the database to refuse
}

// batchStep is an operation on its way.
type batchStep struct {
	operation
	request *http.Request
	x       *exchange
	found   *statement.Statement // what it is executed with
	kept    *statement.Statement // what it must be executed with, of an attempt before
	escapes bool                 // a text needs an escape
	value   *node                // the result; nil where nobody has asked
}

// handleBatch sends a batch to the database: its operations together, but where one refers to the result of another.
func (s *Server) handleBatch(st *state, x *exchange, r *http.Request, identity *auth.Identity) error {
	operations, places := st.operations(x.payload)
	if len(operations) > 0 {
		b := newBatch(s, st, r, identity, operations)
		b.span, b.places = x.span, places
		defer b.release()
		for range maxBatches {
			done, err := b.try(x)
			if done {
				b.logQueries(x.answer.Status)
			}
			if done || err != nil {
				return err
			}
			if b.refused {
				break
			}
		}
	}
	st.prepare(x, r, identity)
	x.call.PreRequest = nil // it is called for each operation
	x.timeout, x.call.Timeout = timeout{}, timeoutTogether(operations)
	for range maxAttempts {
		if err := s.do(st, x, r, nil); err != nil {
			return err
		}
		if x.answer.Note != db.Stale {
			return s.answered(r, x)
		}
	}
	return errAgain
}

// timeoutTogether returns the milliseconds that operations may take together in one statement, where no operation can
// have a time of its own; 0 where one may take any.
func timeoutTogether(operations []operation) (total int) {
	for _, op := range operations {
		own := timeoutOf(op.headers["Prefer"]).milliseconds
		if own == 0 {
			return 0
		}
		total = min(total+own, maxTimeout)
	}
	return total
}

func newBatch(s *Server, st *state, r *http.Request, identity *auth.Identity, operations []operation) *batch {
	b := &batch{
		server: s, st: st, request: r, identity: identity, fields: maps.Clone(r.Header), reads: true,
	}
	for _, name := range operationFields {
		delete(b.fields, name)
	}
	delete(b.fields, "Content-Length")
	for i := range operations {
		step := &batchStep{operation: operations[i]}
		b.steps = append(b.steps, step)
		b.reads = b.reads && db.IsSafe(step.method)
	}
	return b
}

func (b *batch) release() {
	b.leave()
	for _, step := range b.steps {
		if step.x != nil {
			step.x.release()
		}
	}
}

// try does the batch once, and reports whether it is answered.
func (b *batch) try(x *exchange) (done bool, err error) {
	b.next, b.answered, b.referred = 0, 0, 0
	b.leave()
	wish := b.wish()
	t := &db.Transaction{
		Next: b.take, Fails: isFailure, Isolation: b.isolation, Reads: b.reads,
		MaxBytes: b.st.config.ServerMaxBytesInFlight, Room: b.hold,
		Rollback: wish == "rollback" || wish == "" && strings.HasPrefix(b.st.config.DBTxEnd, "rollback"),
	}
	b.doing = t
	if err := b.server.transact(b, x, t); err != nil || t.Again || b.refused {
		return false, err
	}
	b.answered = b.next
	stale := b.learn(t)
	switch {
	case stale || t.Undone == nil && b.next < len(b.steps):
		return false, nil
	case t.Undone == &t.End:
		x.answer.Status, x.answer.Headers, x.answer.Body = t.End.Status, t.End.Headers, t.End.Body
		return true, b.server.answered(b.request, x)
	case t.Undone != nil:
		return b.fail(x, t.Undone)
	}
	x.answer.Status, x.answer.Body = http.StatusOK, b.results()
	x.answer.Headers = append(x.answer.Headers[:0], batchHeader)
	if wish != "" {
		x.answer.Headers = append(x.answer.Headers, [2][]byte{[]byte("Preference-Applied"), []byte("tx=" + wish)})
	}
	return true, nil
}

// hold takes room for an answer. It reports false where there is none, and that may be refused.
func (b *batch) hold(bytes int, refusable bool) bool {
	room := b.server.room
	total := room.answers.Add(int64(bytes))
	b.held += bytes
	return !refusable || b.held <= largeBody || total <= room.most || total <= int64(b.held)
}

// leave gives the room of the answers back.
func (b *batch) leave() {
	b.server.room.answers.Add(-int64(b.held))
	b.held = 0
}

var batchHeader = [2][]byte{[]byte("Content-Type"), []byte(batchType + "; charset=utf-8")}

// fail makes the failed operation's answer that of the batch. It reports false where SQL is to tell what has failed.
func (b *batch) fail(x *exchange, undone *db.Answer) (done bool, err error) {
	i := slices.IndexFunc(b.steps[:b.next], func(step *batchStep) bool { return &step.x.answer == undone })
	step := b.steps[i]
	if b.refused = !isFailure(undone) || b.isOutdated(i); b.refused {
		return false, nil
	}
	x.answer.Status, x.answer.Body = undone.Status, step.appendResult(nil, i)
	x.answer.Headers = append(x.answer.Headers[:0], batchHeader)
	for _, field := range undone.Headers {
		switch canonicalName(field[0]) {
		case "Proxy-Status", "Www-Authenticate", "Retry-After":
			x.answer.Headers = append(x.answer.Headers, [2][]byte{bytes.Clone(field[0]), bytes.Clone(field[1])})
		}
	}
	return true, b.server.answered(b.request, step.x)
}

// isOutdated reports whether a step may have failed as its statement was compiled before DDL of the batch itself, by
// code of the user's in a step before it: that is undone, and nothing tells any more.
func (b *batch) isOutdated(place int) bool {
	step := b.steps[place]
	code := step.x.answer.Code()
	if step.found == nil || code != "0A000" && (!strings.HasPrefix(code, "42") || code == "42501") {
		return false
	}
	return slices.ContainsFunc(b.steps[:place], func(before *batchStep) bool {
		return before.found == nil || before.found.Code
	})
}

// isFailure reports whether an answer is that of a request which has not done what it was asked for: also what was
// raised has done nothing, and can have any status (postern.is_failure).
func isFailure(answer *db.Answer) bool {
	return answer.Status < http.StatusOK || answer.Status >= http.StatusBadRequest || answer.Code() != ""
}

// wish returns how the batch prefers its transaction to end, where db-tx-end lets it (postern.batch_end).
func (b *batch) wish() string {
	if !strings.HasSuffix(b.st.config.DBTxEnd, "-allow-override") {
		return ""
	}
	for preference := range preferences(b.request.Header["Prefer"]) {
		if wish, found := strings.CutPrefix(preference, "tx="); found && (wish == "commit" || wish == "rollback") {
			return wish
		}
	}
	return ""
}
