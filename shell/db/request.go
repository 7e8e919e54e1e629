package db

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/apierror"
	"postern/shell/statement"
)

// Request is one request to the database. The slices are not kept.
type Request struct {
	SearchPath []byte // quoted schemas with commas
	Role       []byte // the role to assume
	Claims     []byte // request.jwt.claims
	Method     []byte // request.method; GET and HEAD run read-only
	Path       []byte // request.path
	Headers    []byte // request.headers, JSON
	Cookies    []byte // request.cookies, JSON
	Settings   *TransactionSettings
	PreRequest *statement.Statement // calls db-pre-request; nil for none
	Anonymous  bool                 // for the answer to an error of PostgreSQL
	Verbosity  []byte               // as Anonymous
	Primary    bool                 // not on a standby
	Timeout    int                  // milliseconds a statement may take where no setting is lower; 0 for no such bound

	JSON     func() []byte // makes the request of postern.handle
	Location []byte        // the query of Content-Location
	Payload  []byte        // the body
	Values   [][]byte      // the values cut out of the request

	Sink Sink            // takes the lines of an answer that streams; nil where it does not
	Cut  *apierror.Error // why it ended before its last line; nil where it did not

	Timed    bool      // whether Acquired is wanted
	Acquired time.Time // when there was a connection for the request

	values  [][]byte // parameters; here so that they need no allocation
	formats []int16
	room    []byte
}

// Reset empties a request for its next use.
func (r *Request) Reset() {
	clear(r.values[:cap(r.values)]) // a long body is not kept
	*r = Request{Values: r.Values[:0], values: r.values[:0], formats: r.formats[:0], room: r.room[:0]}
}

var (
	boolTrue  = []byte("t")
	boolFalse = []byte("f")
)

// MethodQuery is the method QUERY (draft-ietf-httpbis-safe-method-w-body).
const MethodQuery = "QUERY"

// IsSafe reports whether a method is one that writes nothing (RFC 9110, 9.2.1).
func IsSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == MethodQuery
}

// readsOnly reports whether the request runs in a transaction that is read-only.
func (r *Request) readsOnly(st *statement.Statement) bool {
	return IsSafe(string(r.Method)) || st != nil && st.ReadOnly
}

// checkRole returns an error for the role none, which to PostgreSQL is the absence of a role: it would run as ours.
func (r *Request) checkRole() error {
	if string(r.Role) == "none" {
		return &pgconn.PgError{Severity: "ERROR", Code: "22023", Message: `role "none" does not exist`}
	}
	return nil
}

// noteAcquired notes that there is a connection for the request.
func (r *Request) noteAcquired() {
	if r.Timed {
		r.Acquired = time.Now()
	}
}

// bindSet returns the parameters of setStatement for a compiled statement, or for postern.handle where st is nil. One
// that is not prepared is planned for its values: a generic plan would save nothing, and Citus takes none of INSERT.
func (r *Request) bindSet(st *statement.Statement, prepares bool) [][]byte {
	r.values = append(r.values[:0], r.SearchPath, r.Role, r.Claims, r.Method, r.Path, r.Headers, r.Cookies,
		boolean(r.readsOnly(st)), boolean(st != nil && st.Generic && prepares))
	return r.values
}

// bindPlain returns the parameters of setPlain.
func (r *Request) bindPlain(st *statement.Statement, prepares bool) [][]byte {
	r.values = append(r.values[:0], r.SearchPath, r.Role, r.Claims,
		boolean(r.readsOnly(st)), boolean(st.Generic && prepares))
	return r.values
}

// isSetAs reports whether all that bindSet sets, but for the last two, is the same for another request.
func (r *Request) isSetAs(other *Request) bool {
	return bytes.Equal(r.Path, other.Path) && bytes.Equal(r.Method, other.Method) &&
		bytes.Equal(r.SearchPath, other.SearchPath) && bytes.Equal(r.Role, other.Role) &&
		bytes.Equal(r.Claims, other.Claims) && bytes.Equal(r.Headers, other.Headers) &&
		bytes.Equal(r.Cookies, other.Cookies)
}

func boolean(b bool) []byte {
	if b {
		return boolTrue
	}
	return boolFalse
}

// bindHandle returns the parameters of handleStatement.
func (r *Request) bindHandle() [][]byte {
	r.values = append(r.values[:0], r.JSON(), notNull(r.Payload), r.array())
	return r.values
}

// bindLook returns the parameters of lookSQL.
func (r *Request) bindLook(st *statement.Statement) [][]byte {
	r.values = append(r.values[:0], []byte(st.SQL), st.Flags, notNull(r.Payload), r.array())
	return r.values
}

// array returns the query of Content-Location and the values as an array.
func (r *Request) array() []byte {
	r.room = appendInts(r.room[:0], 1, 0, oidText, 1+len(r.Values), 1) // text[] in the format of array_recv
	for i := range 1 + len(r.Values) {
		value := r.Location
		if i > 0 {
			value = r.Values[i-1]
		}
		r.room = append(appendInts(r.room, len(value)), value...)
	}
	return r.room
}

// bind returns a compiled statement's parameters and formats. The body is binary, which for text and JSON is the text.
func (r *Request) bind(st *statement.Statement) ([][]byte, []int16) {
	r.values = append(append(r.values[:0], notNull(r.Location), notNull(r.Payload)), r.Values...)
	r.formats = append(r.formats[:0], 0, 1)
	for range r.Values {
		r.formats = append(r.formats, 0)
	}
	for _, number := range st.Likes {
		// Of an empty value, which has no '*', ReplaceAll would make nil, which is NULL.
		if number <= len(r.values) && bytes.IndexByte(r.values[number-1], '*') >= 0 {
			r.values[number-1] = bytes.ReplaceAll(r.values[number-1], []byte{'*'}, []byte{'%'})
		}
	}
	return r.values, r.formats
}

// notNull returns a value, which for PostgreSQL would be null if it were nil.
func notNull(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

func appendInts(dst []byte, numbers ...int) []byte {
	for _, number := range numbers {
		dst = binary.BigEndian.AppendUint32(dst, uint32(number))
	}
	return dst
}
