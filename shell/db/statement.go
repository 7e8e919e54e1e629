package db

import (
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"
)

// function is an entry of postern's that a request calls. Each is called by two statements, as the transaction may write or not.
type function int

const (
	serve       function = iota // postern.serve: any request
	run                         // postern.run: one whose statement the session has met
	recoverFrom                 // postern.recover: one that run failed for; never prepared
	functions   = iota
)

// index is that of a statement among the two of a function.
func index(safe bool) int {
	if safe {
		return 1
	}
	return 0
}

// statement is SQL that calls a function, with what it takes.
type statement struct {
	sql     string
	oids    []uint32
	formats []int16
}

// The statements set what a request runs with and call the function; set_config is in WHERE because that is evaluated
// first. What run does not set the session has (sessionSQL): it is for requests that are GET where they are safe, without cookies.
const (
	settingSQL = " where pg_catalog.concat(pg_catalog.set_config('search_path', $5, true), pg_catalog.set_config('role', $6, true)," +
		" pg_catalog.set_config('request.jwt.claims', $7, true), pg_catalog.set_config('request.method', $8, true)," +
		" pg_catalog.set_config('request.path', $9, true), pg_catalog.set_config('request.headers', $10, true)," +
		" pg_catalog.set_config('request.cookies', $11, true), "
	writeSettingSQL = settingSQL + "pg_catalog.set_config('postern.payload', $12, true)) is not null"
	readSettingSQL  = settingSQL + "pg_catalog.set_config('transaction_read_only', $12, true)) is not null"

	serveSQL   = "select postern.serve($1, $2, $3, $4)"
	recoverSQL = "select postern.recover($1::jsonb, $2, $3, $4, $13, $14, $15, $16)"
	runSQL     = "select postern.run($1)" +
		" where pg_catalog.set_config('search_path', $2, true) is not null and pg_catalog.set_config('role', $3, true) is not null" +
		" and pg_catalog.set_config('request.jwt.claims', $4, true) is not null and pg_catalog.set_config('request.path', $5, true) is not null" +
		" and pg_catalog.set_config('request.headers', $6, true) is not null and "
	runWriteSQL = runSQL + "pg_catalog.set_config('postern.payload', $7, true) is not null and pg_catalog.set_config('request.method', $8, true) is not null"
	runReadSQL  = runSQL + "pg_catalog.set_config('transaction_read_only', $7, true) is not null"

	// assumeSQL, sent before in the same transaction, sets what must be in force when the statement starts, such as statement_timeout.
	assumeSQL = "select pg_catalog.count(pg_catalog.set_config(s.name, s.value, true))" +
		" from unnest($1::text[], $2::text[]) as s(name, value)"
	explainSQL = "select postern.response(e.status, e.headers, e.body) from postern.error_response($1, $2, $3, $4, $5, $6) as e"
)

// Object identifiers of the types of the parameters (pg_type).
const (
	oidBool      = 16
	oidBytea     = 17
	oidText      = 25
	oidTextArray = 1009
)

var (
	statements = [functions][2]statement{
		serve:       {withBytes(serveSQL+writeSettingSQL, 12), withBytes(serveSQL+readSettingSQL, 12)},
		run:         {texts(runWriteSQL, 8), texts(runReadSQL, 7)},
		recoverFrom: {withBytes(recoverSQL+writeSettingSQL, 16), withBytes(recoverSQL+readSettingSQL, 16)},
	}
	on            = []byte("on")
	assumeOIDs    = []uint32{oidTextArray, oidTextArray}
	assumeFormats = []int16{1, 1}
	explainOIDs   = []uint32{oidText, oidText, oidText, oidText, oidBool, oidText}
	binaryResult  = []int16{1}
)

// texts is a statement whose parameters are text.
func texts(sql string, count int) statement {
	st := statement{sql, make([]uint32, count), make([]int16, count)}
	for i := range st.oids {
		st.oids[i] = oidText
	}
	return st
}

// withBytes is texts, but the second parameter is bytea, in binary format.
func withBytes(sql string, count int) statement {
	st := texts(sql, count)
	st.oids[1], st.formats[1] = oidBytea, 1
	return st
}

// Request is one call of the database. The slices are not kept.
type Request struct {
	JSON       func() []byte // makes the request of postern.serve
	Payload    []byte        // its body; nil for none
	Settings   []byte        // the settings as JSON
	Known      []byte        // the statement that answers it where the session has met its shape; nil for none
	Statement  []byte        // the name of the prepared statement in Known
	Plain      bool          // whether Known is all that it takes where Statement is prepared: for a GET, POST, PATCH or DELETE without cookies
	Text       []byte        // its body for Known, UTF-8
	SearchPath []byte        // quoted schemas with commas
	Role       []byte        // the role to assume
	Claims     []byte        // request.jwt.claims
	Method     string        // request.method; GET and HEAD run read-only
	Path       string        // request.path
	Headers    []byte        // request.headers, JSON
	Cookies    []byte        // request.cookies, JSON
	Assumed    *Assumed
	Anonymous  bool   // for the answer to an error of PostgreSQL
	Verbosity  []byte // as Anonymous

	values [16][]byte // parameters; here so that they need no allocation
	texts  []byte     // room for those that are strings
}

// safe tells whether the method is one that writes nothing (RFC 9110, 9.2.1).
func (r *Request) safe() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// bind gives the parameters for a function. failed: what recoverFrom is told.
func (r *Request) bind(f function, failed *pgconn.PgError) [][]byte {
	r.texts = append(append(r.texts[:0], r.Method...), r.Path...)
	method, path := r.texts[:len(r.Method):len(r.Method)], r.texts[len(r.Method):]
	last := r.Text
	if r.safe() {
		last = on
	} else if last == nil {
		last = []byte{}
	}
	if f == run {
		r.values = [16][]byte{r.Known, r.SearchPath, r.Role, r.Claims, path, r.Headers, last, method}
	} else {
		r.values = [16][]byte{r.JSON(), r.Payload, r.Settings, r.Known, r.SearchPath, r.Role, r.Claims, method, path, r.Headers, r.Cookies, last}
	}
	if failed != nil {
		copy(r.values[12:], [][]byte{[]byte(failed.Code), []byte(failed.Message), []byte(failed.Detail), []byte(failed.Hint)})
	}
	return r.values[:len(statements[f][index(r.safe())].oids)]
}
