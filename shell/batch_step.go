package shell

import (
	"maps"
	"net/http"
	"net/url"

	"postern/shell/db"
)

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
		if path, ok = replaceInPath(path, b.refer); !ok {
			return false
		}
		if step.ref != "" {
			if body, ok = replaceInBody(body, step.ref, b.refer); !ok {
				return false
			}
		}
	}
	header := maps.Clone(b.fields)
	maps.Copy(header, step.headers)
	step.request = &http.Request{
		Method: step.method, RequestURI: path, Host: b.request.Host, Header: header, URL: new(url.URL),
	}
	if step.x == nil {
		step.x = exchanges.Get().(*exchange)
	}
	x := step.x
	x.payload, x.span, step.value = body, b.span, nil
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

// learn keeps what was compiled, and reports whether to begin anew: a statement was of no use, or must have more.
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
	took := b.took // counted with the first
	for _, step := range b.steps[:b.answered] {
		if made := step.x.answer.Statement; made != nil && step.found == nil && !stale {
			x := step.x
			made.SQL = labelled(made.SQL, b.st.label(step.request, x.joined, x.answer.Status < http.StatusBadRequest))
			b.server.statements.Add(step.x.shape, made, took)
			took = 0
		}
	}
	return again || stale || t.End.Note == db.Stale
}
