package shell

import (
	"sync"

	"postern/shell/cut"
	"postern/shell/db"
	"postern/shell/tracing"
)

const maxKept = 1 << 20 // largest buffer that is kept for the next request, in bytes

// exchange is one request on its way, with the buffers that the next one uses again.
type exchange struct {
	call    db.Request
	answer  db.Answer
	shape   []byte // all that a compiled statement depends on, as the members of a JSON object
	more    []byte // the members of the request that are no part of the shape
	json    []byte
	makes   func() []byte // requestJSON
	values  cut.Values
	place   []byte // the query of Content-Location
	joined  string // the query of a QUERY, its body included
	headers []byte
	cookies []byte
	body    load
	payload []byte    // of body
	rows    *cut.Rows // of it, where they are sent in pieces
	texts   []byte    // method, path and role
	timing  timing
	timeout timeout
	span    *tracing.Request // nil where the request is not traced

	executed executed
	out      response
}

var exchanges = sync.Pool{New: func() any {
	x := new(exchange)
	x.makes = x.requestJSON
	return x
}}

// requestJSON makes the request of postern.handle. Most requests are answered without.
func (x *exchange) requestJSON() []byte {
	x.json = append(append(append(append(x.json[:0], '{'), x.shape...), x.more...), '}')
	return x.json
}

// unload lets go of the body, which nobody needs once the database has answered.
func (x *exchange) unload() {
	x.body.drop()
	x.payload, x.rows = nil, nil
	x.call.Reset()
}

func (x *exchange) release() {
	x.unload()
	for _, buffer := range []*[]byte{&x.shape, &x.more, &x.json, &x.place, &x.headers, &x.cookies, &x.texts} {
		if cap(*buffer) > maxKept {
			*buffer = nil
		}
	}
	x.values.Reset()
	size := len(x.answer.Body)
	x.answer.Reset()
	reclaim(size)
	x.timing, x.timeout, x.span, x.executed, x.out, x.joined = timing{}, timeout{}, nil, executed{}, response{}, ""
	exchanges.Put(x)
}
