package db

import (
	"strconv"

	"postern/shell/statement"
)

// The statements that every session has prepared.
const (
	setStatement     = iota // what is set for a request
	setPlain                // the part of it that is needed without code of the user's, as only that sees the rest
	setMore                 // settings by name
	handleStatement         // postern.handle
	explainStatement        // words an error
	beginStatement          // begins a transaction
	restoring               // the first of those that restore a session
	fixedStatements  = restoring + restoringStatements
)

const restoringStatements = 8

// fixedStatement is SQL with the types of its parameters.
type fixedStatement struct {
	sql  string
	oids []uint32
}

// fixedName returns the name of a fixed statement, which no compiled one has: those are numbers (statement.Name).
func (p *Pool) fixedName(which int) string { return p.prefix + "fixed" + strconv.Itoa(which) }

// Object identifiers of types (pg_type).
const (
	oidBool      = 16
	oidBytea     = statement.OIDBytea
	oidText      = statement.OIDText
	oidTextArray = 1009
)

var fixed = [fixedStatements]fixedStatement{
	setStatement: {
		sql: "select 1 where " + setFirst +
			" and " + unlessCurrent("request.method", "$4") +
			" and pg_catalog.set_config('request.path', $5, true) is not null" +
			" and pg_catalog.set_config('request.headers', $6, true) is not null" +
			" and " + unlessCurrent("request.cookies", "$7") +
			" and " + unlessUnset("response.status") +
			" and " + unlessUnset("response.headers") +
			" and " + setKind("$8", "$9"),
		oids: []uint32{oidText, oidText, oidText, oidText, oidText, oidText, oidText, oidBool, oidBool},
	},
	setPlain: {
		sql:  "select 1 where " + setFirst + " and " + setKind("$4", "$5"),
		oids: []uint32{oidText, oidText, oidText, oidBool, oidBool},
	},
	setMore: {
		sql: "select pg_catalog.count(pg_catalog.set_config(s.name, s.value, true))" +
			" from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as s(name, value)",
		oids: []uint32{oidTextArray, oidTextArray},
	},
	handleStatement: {
		sql: "select h.body, h.status::pg_catalog.text, postern.header_lines(h.headers), null::pg_catalog.text," +
			" h.statement, h.flags::pg_catalog.text from postern.handle($1::pg_catalog.jsonb, $2, $3) as h",
		oids: []uint32{oidText, oidBytea, oidTextArray},
	},
	// Without a status where the statement that raised the error was compiled at another epoch.
	explainStatement: {
		sql: "select e.body, case when $7 operator(pg_catalog.=) '' or $7 operator(pg_catalog.=) postern.epoch()" +
			" then e.status end::pg_catalog.text, postern.header_lines(e.headers), null::pg_catalog.text" +
			" from postern.error_response($1, $2, $3, $4, $5, $6) as e",
		oids: []uint32{oidText, oidText, oidText, oidText, oidBool, oidText, oidText},
	},
	beginStatement: {sql: "begin"},
	// They put a session back to what open made of it, but for its prepared statements: settings, temporary tables, locks,
	// cursors, channels. It is DISCARD ALL without DEALLOCATE ALL; and as path and jit are parameters of the connection,
	// resetting all settings changes neither, so that plans stay valid.
	restoring: {sql: "close all"},
	{sql: "reset role"},
	{sql: "reset session authorization"},
	{sql: "reset all"},
	{sql: "unlisten *"},
	{sql: "select pg_catalog.pg_advisory_unlock_all()"},
	{sql: "discard sequences"},
	{sql: "discard temp"},
}

// limitSQL, which few ask for, lowers a transaction's statement_timeout to $1 milliseconds; it yields a row if it did.
const limitSQL = "select pg_catalog.set_config('statement_timeout', pg_catalog.concat($1, 'ms'), true)" +
	" from pg_catalog.current_setting('statement_timeout') as now(value)" +
	" where now.value operator(pg_catalog.=) '0' or $1::pg_catalog.float8 operator(pg_catalog.<)" +
	" (pg_catalog.date_part('epoch', now.value::pg_catalog.interval) operator(pg_catalog.*) 1000)"

// lookSQL raises an error where a statement costs more than it may.
const lookSQL = "select postern.look($1, $2::pg_catalog.jsonb, $3, $4)"

var (
	limitOIDs   = []uint32{oidText}
	lookOIDs    = []uint32{oidText, oidText, oidBytea, oidTextArray}
	lookFormats = []int16{0, 0, 1, 1}
)

// setFirst is SQL that sets path, role and claims, and is true. set_config is in WHERE, where it is evaluated without
// its values being sent back; each value is not null. What the session has already is not set again, as that costs more
// than looking.
var setFirst = unlessCurrent("search_path", "$1") +
	" and pg_catalog.set_config('role', $2, true) is not null" +
	" and pg_catalog.set_config('request.jwt.claims', $3, true) is not null"

// setKind returns SQL, which is true, that makes a transaction read-only and its plans generic, where these parameters
// say so: a generic plan does not depend on the values, and PostgreSQL, which else makes five plans for values first,
// need make but one.
func setKind(readOnly, generic string) string {
	return "case when " + readOnly + " then pg_catalog.set_config('transaction_read_only', 'on', true) else '' end" +
		" is not null and case when " + generic +
		" then pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true) else '' end is not null"
}

// unlessCurrent returns SQL that sets a setting for the transaction where it has another value, and is true.
func unlessCurrent(name, value string) string {
	return "(pg_catalog.current_setting('" + name + "', true) operator(pg_catalog.=) " + value +
		" or pg_catalog.set_config('" + name + "', " + value + ", true) is not null)"
}

// unlessUnset returns SQL, which is true, that unsets a setting for the transaction if code said to be STABLE left it.
func unlessUnset(name string) string {
	return "(coalesce(pg_catalog.current_setting('" + name + "', true), '') = ''" +
		" or pg_catalog.set_config('" + name + "', '', true) is not null)"
}

var (
	binaryFormat  = []int16{1}
	moreFormats   = []int16{1, 1}
	handleFormats = []int16{0, 1, 1}
)
