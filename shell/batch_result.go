package shell

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"postern/shell/db"
	"postern/shell/jsontext"
	"postern/shell/tracing"
)

// appendResult appends an operation's result as JSON (postern.batch_result), with its place unless that is negative.
func (step *batchStep) appendResult(dst []byte, place int) []byte {
	answer := &step.x.answer
	dst = append(dst, '{')
	if place >= 0 {
		dst = append(strconv.AppendInt(append(dst, `"index":`...), int64(place), 10), ',')
	}
	if step.id != "" {
		dst = append(jsontext.AppendString(append(dst, `"id":`...), step.id), ',')
	}
	dst = strconv.AppendInt(append(dst, `"status":`...), int64(answer.Status), 10)
	dst, media := appendFields(append(dst, `,"headers":`...), answer.Headers)
	dst = append(dst, `,"body":`...)
	body := answer.Body
	switch {
	case answer.Omitted:
		dst = append(dst, `null,"omitted":true`...)
	case len(body) == 0 || step.method == http.MethodHead:
		dst = append(dst, "null"...)
	case !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0:
		dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), body), `","base64":true`...)
	case isJSONSyntax(media) && json.Valid(body):
		dst = append(dst, body...)
	default:
		dst = jsontext.AppendString(dst, body)
	}
	return append(dst, '}')
}

// results returns the results of all operations as the answer of the batch has them, made in one piece: an array that
// grows would be in memory twice, beside the answers that it is made of.
func (b *batch) results() []byte {
	size := 0
	for _, step := range b.steps {
		size += resultSize + len(step.x.answer.Body)
	}
	dst := append(make([]byte, 0, size), '[')
	for i, step := range b.steps {
		if i > 0 {
			dst = append(dst, ",\n "...)
		}
		if step.value != nil {
			dst = append(dst, step.value.raw...)
		} else {
			dst = step.appendResult(dst, -1)
		}
	}
	return append(dst, ']')
}

// resultSize is what a result takes without its body, in bytes; few have more.
const resultSize = 512

// appendFields appends header fields as a JSON object, with names in lower case, each once, and returns the media type.
func appendFields(dst []byte, fields [][2][]byte) (_ []byte, media string) {
	dst = append(dst, '{')
	first := len(dst)
	for i, field := range fields {
		name := strings.ToLower(string(field[0]))
		if indexField(fields[:i], name) >= 0 {
			continue
		}
		if name == "content-type" {
			media = mediaOf(string(field[1]))
		}
		var values [][]byte
		for _, other := range fields[i:] {
			if strings.EqualFold(string(other[0]), name) {
				values = append(values, other[1])
			}
		}
		dst = append(jsontext.AppendString(appendName(dst, first, ""), name), ':')
		dst = jsontext.AppendString(dst, bytes.Join(values, []byte(", ")))
	}
	return append(dst, '}'), media
}

// indexField returns the place of the first field of a name, or -1.
func indexField(fields [][2][]byte, name string) int {
	return slices.IndexFunc(fields, func(field [2][]byte) bool { return strings.EqualFold(string(field[0]), name) })
}

// transact does a transaction of a batch, and measures that where it is asked for.
func (s *Server) transact(b *batch, x *exchange, t *db.Transaction) error {
	x.timing.lap(phasePlan)
	began := time.Now()
	err := s.pool.Transact(b.request.Context(), t)
	x.timing.lap(phaseTransaction)
	compiling := b.compiling()
	x.timing.move(phaseTransaction, phasePlan, compiling)
	b.took = time.Since(began)
	if x.span != nil {
		trip := tracing.Trip{Began: began, Compiled: compiling, Err: err}
		if len(b.steps) > 0 && b.steps[0].x != nil {
			trip.Acquired = b.steps[0].x.call.Acquired
		}
		if t.Undone != nil {
			trip.Code = t.Undone.Code()
		}
		x.span.Traveled(trip)
	}
	return err
}

// compiling returns how long it took to compile the operations that came without a statement.
func (b *batch) compiling() (took time.Duration) {
	for _, step := range b.steps[:b.next] {
		if step.found == nil && step.x != nil && step.x.answer.Statement != nil {
			took += step.x.answer.Statement.Took
		}
	}
	return took
}

// logQueries writes the statements of a batch, with what the whole of it took, where the log is to have them.
func (b *batch) logQueries(status int) {
	if !b.st.config.LogQuery || !wants(b.st.config.LogLevel, status) {
		return
	}
	for _, step := range b.steps[:b.next] {
		sent := step.found
		if sent == nil {
			sent = step.x.answer.Statement
		}
		if sent != nil {
			b.server.log.within(b.request, b.span).query(sent.SQL, b.took, step.found == nil)
		}
	}
}
