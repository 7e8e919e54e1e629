package shell

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
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
	took      time.Duration // of the last attempt, where the log wants to know
	isolation string        // what the statements ask for
	next      int           // which step is the first that is not under way
	answered  int           // which is the first that has no answer
	referred  int           // bytes that references have led to
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
	result  []byte
	value   *node // result; nil where nobody has asked
}

// handleBatch sends a batch to the database: its operations together, but where one refers to the result of another.
func (s *Server) handleBatch(st *state, x *exchange, r *http.Request, identity *auth.Identity) error {
	operations := st.operations(x.payload)
	if len(operations) > 0 {
		b := newBatch(s, st, r, identity, operations)
		b.span = x.span
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
	for range maxAttempts {
		if err := s.do(st, x, r, nil); err != nil {
			return err
		}
		if x.answer.Note != db.Stale {
			return s.answered(r, x)
		}
	}
	return internal("the schema changed while the request was compiled, each time")
}

func newBatch(s *Server, st *state, r *http.Request, identity *auth.Identity, operations []operation) *batch {
	b := &batch{
		server: s, st: st, request: r, identity: identity, fields: maps.Clone(r.Header), places: make(map[string]int), reads: true,
	}
	for _, name := range operationFields {
		delete(b.fields, name)
	}
	delete(b.fields, "Content-Length")
	for i := range operations {
		step := &batchStep{operation: operations[i]}
		b.steps = append(b.steps, step)
		b.reads = b.reads && isSafe(step.method)
		if step.id != "" {
			b.places[step.id] = i
		}
	}
	return b
}

func (b *batch) release() {
	for _, step := range b.steps {
		if step.x != nil {
			step.x.release()
		}
	}
}

// try does the batch once, and reports whether it is answered.
func (b *batch) try(x *exchange) (done bool, err error) {
	b.next, b.answered, b.referred = 0, 0, 0
	wish := b.wish()
	t := &db.Transaction{
		Next: b.take, Fails: isFailure, Isolation: b.isolation, Reads: b.reads, MaxBytes: b.st.config.ServerMaxBytesInFlight,
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
	body := []byte{'['}
	for i, step := range b.steps {
		if i > 0 {
			body = append(body, ",\n "...)
		}
		body = append(body, b.resultOf(step)...)
	}
	x.answer.Status, x.answer.Body = http.StatusOK, append(body, ']')
	x.answer.Headers = append(x.answer.Headers[:0], batchHeader)
	if wish != "" {
		x.answer.Headers = append(x.answer.Headers, [2][]byte{[]byte("Preference-Applied"), []byte("tx=" + wish)})
	}
	return true, nil
}

var batchHeader = [2][]byte{[]byte("Content-Type"), []byte(batchType + "; charset=utf-8")}

// fail makes the answer of a batch of that of the operation which failed. It reports false where that did not: SQL
// tells then.
func (b *batch) fail(x *exchange, undone *db.Answer) (done bool, err error) {
	for i, step := range b.steps[:b.next] {
		if &step.x.answer != undone {
			continue
		}
		if b.refused = !isFailure(undone); b.refused {
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
	return false, nil
}

// isFailure reports whether an answer is that of a request which has not done what it was asked for: also what was
// raised has done nothing, and can have any status (postern.is_failure).
func isFailure(answer *db.Answer) bool {
	return answer.Status < http.StatusOK || answer.Status >= http.StatusBadRequest || codeOf(answer) != ""
}

// wish returns how the batch prefers its transaction to end, where db-tx-end lets it (postern.batch_end).
func (b *batch) wish() string {
	if !strings.HasSuffix(b.st.config.DBTxEnd, "-allow-override") {
		return ""
	}
	for _, line := range b.request.Header["Prefer"] {
		for preference := range strings.SplitSeq(line, ",") {
			switch strings.Trim(preference, " ") {
			case "tx=commit":
				return "commit"
			case "tx=rollback":
				return "rollback"
			}
		}
	}
	return ""
}

// take returns the operations that can be sent together now: those before one that refers to the result of one of them,
// or that has a shape which one of them has the database compile.
func (b *batch) take() (steps []db.Step, last bool) {
	first := b.next
	b.answered = first
	compiling := make(map[string]bool)
	for ; b.next < len(b.steps); b.next++ {
		step := b.steps[b.next]
		if step.refers >= first {
			break
		}
		if !b.prepare(step) {
			b.refused = true
			return nil, false
		}
		if step.found = step.kept; step.found == nil {
			step.found = b.server.statements.Get(b.request.Context(), step.x.shape)
		}
		if step.found == nil {
			if compiling[string(step.x.shape)] {
				break
			}
			compiling[string(step.x.shape)] = true
		} else if step.found.Stream { // its lines are a string here, which SQL makes of them
			b.refused = true
			return nil, false
		} else if step.found.Isolation > b.isolation { // serializable is the stronger one, and the greater word
			b.isolation = step.found.Isolation
			b.doing.Isolation = b.isolation
			if first > 0 {
				return nil, false // it has begun at another
			}
		}
		steps = append(steps, db.Step{Request: &step.x.call, Statement: step.found, Answer: &step.x.answer})
	}
	return steps, b.next == len(b.steps)
}

// prepare makes of an operation what the database gets. It reports false where a reference leads nowhere.
func (b *batch) prepare(step *batchStep) bool {
	path, body, ok := step.path, step.body, true
	if step.refers >= 0 {
		if path, ok = replaceInPath(path, b.referInPath); !ok {
			return false
		}
		if step.ref != "" {
			if body, ok = replaceInBody(nil, body, step.ref, b.referInBody); !ok {
				return false
			}
		}
	}
	header := maps.Clone(b.fields)
	maps.Copy(header, step.headers)
	step.request = &http.Request{Method: step.method, RequestURI: path, Host: b.request.Host, Header: header, URL: new(url.URL)}
	if step.x == nil {
		step.x = exchanges.Get().(*exchange)
	}
	x := step.x
	x.payload, x.span, step.result, step.value = body, b.span, nil, nil
	x.answer.Reset()
	b.st.prepare(x, step.request, b.identity)
	if b.st.config.DBTxEnd == "commit" {
		x.more = append(x.more, `,"batch":true`...)
	} else { // the statement is another where the transaction would end in another way
		x.shape = append(x.shape, `,"batch":true`...)
	}
	if step.escapes {
		x.more = append(x.more, `,"escapes":true`...)
	}
	return true
}

// refer returns what a reference leads to.
func (b *batch) refer(pointer string) (*node, bool) {
	tokens, ok := pointerTokens(pointer)
	if !ok {
		return nil, false
	}
	place, ok := b.places[tokens[0]]
	if !ok {
		place, ok = arrayIndex(tokens[0])
	}
	if !ok || place >= b.answered {
		return nil, false
	}
	step := b.steps[place]
	if step.value == nil {
		step.value = &node{raw: b.resultOf(step)}
	}
	value, ok := step.value.walk(tokens[1:])
	if ok {
		b.referred += len(value.raw)
	}
	return value, ok && b.referred <= maxReferred
}

func (b *batch) referInPath(pointer string) (any, bool) {
	value, ok := b.refer(pointer)
	if !ok {
		return nil, false
	}
	return value.scalar(), true
}

func (b *batch) referInBody(dst []byte, pointer string) ([]byte, bool) {
	value, ok := b.refer(pointer)
	if !ok {
		return dst, false
	}
	return append(dst, value.raw...), true
}

// learn keeps what was compiled, and reports whether the batch must be begun anew: a statement was of no use, or must
// have more.
func (b *batch) learn(t *db.Transaction) (again bool) {
	stale := false
	for _, step := range b.steps[:b.answered] {
		answer := &step.x.answer
		step.kept = nil
		switch {
		case answer.Note == db.Stale:
			stale = true
			b.server.noteDDL()
		case answer.Note == db.Escapes:
			step.escapes, again = true, true
		case answer.Status == 0 && answer.Statement != nil:
			step.kept, again = answer.Statement, true
			b.isolation = max(b.isolation, step.kept.Isolation)
			continue
		default:
			continue
		}
		if step.found != nil {
			b.server.statements.Drop(step.x.shape, step.found)
		}
	}
	for _, step := range b.steps[:b.answered] {
		if made := step.x.answer.Statement; made != nil && step.found == nil && !stale {
			made.SQL = labelled(made.SQL, b.st.label(step.request, step.x.answer.Status < http.StatusBadRequest))
			b.server.statements.Add(step.x.shape, made)
		}
	}
	return again || stale || t.End.Note == db.Stale
}

// resultOf returns the result of an operation as the answer of the batch has it.
func (b *batch) resultOf(step *batchStep) []byte {
	if step.result == nil {
		step.result = step.appendResult(nil, -1)
	}
	return step.result
}
