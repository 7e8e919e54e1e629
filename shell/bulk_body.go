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

// The types of bodies that have their rows on lines.
const (
	ndjsonType = "application/x-ndjson"
	csvType    = "text/csv"
)

// rowsOf returns the one of these types that a request says its body has, empty where that must be sent whole.
func (st *state) rowsOf(r *http.Request) string {
	types := r.Header["Content-Type"]
	if r.Method != http.MethodPost || len(types) != 1 || types[0] == "application/json" {
		return ""
	}
	media := mediaOf(types[0])
	if path, _ := target(r); media != ndjsonType && media != csvType || st.calls(path) {
		return ""
	}
	return media
}

// receive reads the body of a request, all of it in most cases. It returns the rows of one that is to be sent to the
// database in pieces; of one that is streamed they are still to be read.
func (s *Server) receive(st *state, x *exchange, out *response, r *http.Request) (*cut.Rows, error) {
	most := st.config.ServerMaxBodySize
	wait := st.acquisition()
	media := st.rowsOf(r)
	limit := st.config.ServerMaxStreamSize
	streams := media != "" && limit > 0 && (r.ContentLength < 0 || r.ContentLength > int64(most))
	if media == csvType && !streams || media == "" {
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
	if media == csvType && r.ContentLength < 0 { // it may turn out to be one that is not streamed
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
	return cut.NewRows(source, media == csvType, columns, streamedLine), nil
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
