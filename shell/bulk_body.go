package shell

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"postern/shell/apierror"
	"postern/shell/cut"
)

const (
	// streamedLine is the longest line of a body that is streamed, in bytes.
	streamedLine = 4 << 20
	// streamedRoom is what such a body takes of the room for large ones, in bytes: what is read, and two pieces.
	streamedRoom = 8 << 20
)

// rowsKind is the kind of a body that has its rows on lines.
type rowsKind int

const (
	noRows rowsKind = iota
	ndjsonRows
	csvRows
)

// rowsOf returns the kind of body that a request says it has, where that may be sent to the database in pieces.
func (st *state) rowsOf(r *http.Request) rowsKind {
	types := r.Header["Content-Type"]
	if r.Method != http.MethodPost || len(types) != 1 || types[0] == "application/json" {
		return noRows
	}
	kind := noRows
	switch mediaOf(types[0]) {
	case "application/x-ndjson":
		kind = ndjsonRows
	case "text/csv":
		kind = csvRows
	}
	if path, _ := target(r); kind != noRows && st.calls(path) {
		return noRows
	}
	return kind
}

// receive reads the body of a request, all of it in most cases. It returns the rows of one that is to be sent to the
// database in pieces; of one that is streamed they are still to be read.
func (s *Server) receive(st *state, x *exchange, out *response, r *http.Request) (*cut.Rows, error) {
	most := st.config.ServerMaxBodySize
	wait := st.acquisition()
	kind := st.rowsOf(r)
	limit := st.config.ServerMaxStreamSize
	streams := kind != noRows && limit > 0 && (r.ContentLength < 0 || r.ContentLength > int64(most))
	if kind == csvRows && !streams || kind == noRows {
		return nil, x.body.read(out.w, r, most, s.timeout, wait)
	}
	_, query := target(r)
	columns := cut.HasColumns(query)
	if !streams {
		err := x.body.read(out.w, r, most, s.timeout, wait)
		return cut.NewRows(bytes.NewReader(x.body.bytes), false, columns, len(x.body.bytes)), err
	}
	if r.ContentLength > int64(limit) {
		return nil, tooLarge(limit, streamed)
	}
	p := &paced{server: s, out: out, controller: http.NewResponseController(out.w), most: int64(limit)}
	source := io.Reader(p)
	if kind == csvRows && r.ContentLength < 0 { // it may turn out to be one that is not streamed
		err := x.body.read(out.w, r, most, s.timeout, wait)
		if f, ok := errors.AsType[*apierror.Error](err); !ok || f.Status != http.StatusRequestEntityTooLarge {
			return nil, err
		}
		p.size = int64(len(x.body.bytes))
		source = io.MultiReader(bytes.NewReader(x.body.bytes), p)
	}
	out.unread = true
	_ = p.controller.EnableFullDuplex() // drain reads behind the answer; HTTP/2 is so always
	if x.body.large == 0 {
		if x.body.large = s.room.claim(r.Context(), streamedRoom, wait); x.body.large == 0 {
			return nil, errRoom
		}
	}
	return cut.NewRows(source, kind == csvRows, columns, streamedLine), nil
}

// paced reads a body that is streamed, from a client that must not be slow: while it sends, a connection to the
// database waits. The time that the database takes does not count.
type paced struct {
	server     *Server
	out        *response
	controller *http.ResponseController
	most       int64
	size       int64         // read so far
	spent      time.Duration // and how long the client took for that
}

func (p *paced) Read(buffer []byte) (int, error) {
	rate := int64(slowRate)
	if p.server.pool.Busy() {
		rate = busyRate
	}
	left := p.server.timeout + time.Duration(p.size/rate)*time.Second - p.spent
	began := time.Now()
	_ = p.controller.SetReadDeadline(began.Add(min(left, p.server.timeout)))
	n, err := p.out.r.Body.Read(buffer)
	p.spent += time.Since(began)
	p.size += int64(n)
	switch {
	case p.size > p.most:
		return 0, tooLarge(int(p.most), streamed)
	case err == nil || err == io.EOF:
		if err == io.EOF {
			_ = p.controller.SetReadDeadline(time.Time{})
		}
		return n, err
	}
	p.out.unread = false // there is nothing to wait for
	return n, unreadable(err)
}

// drain reads on for some time after an answer that came before the end of the body: a client that sends all before it
// reads would find its connection reset, and no answer.
func (out *response) drain(timeout time.Duration) {
	controller := http.NewResponseController(out.w)
	_ = controller.Flush()
	_ = controller.SetReadDeadline(time.Now().Add(timeout))
	if _, err := io.Copy(io.Discard, out.r.Body); err == nil {
		_ = controller.SetReadDeadline(time.Time{})
	}
}
