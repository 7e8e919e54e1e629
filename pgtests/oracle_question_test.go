package pgtests

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// question is a request of TestOracle: its text, and what it means.
type question struct {
	*asker
	kind     string // read, insert, upsert, update, keyed (PATCH of rows by their key), delete, put, call
	method   string
	role     string
	root     *node
	count    bool
	single   bool // one object is asked for
	csv      bool
	lines    bool // application/x-ndjson is asked for
	ranged   bool // limit and offset are in the header Range
	cursor   bool // it is the first page by cursor, which is the first page
	prefer   []string
	shown    bool // the rows are in the answer
	conflict []string
	rows     []map[string]*operand // a nil operand is null
	names    []string              // the columns of rows that count
	defaults bool                  // what a row lacks takes its default
	listed   bool                  // columns= names them
	related  bool                  // embeds choose what is written
	call     *function
	given    []string // parameters that get arguments
	args     map[string][]*operand
}

// newQuestion makes a random request.
func newQuestion(a *asker) *question {
	q := &question{asker: a, role: choice(a.Rand, "oracle_all", "oracle_all", "oracle_all", "oracle_some"), method: http.MethodGet, kind: "read", shown: true}
	switch n := a.IntN(100); {
	case n < 15:
		q.makeCall()
		return q
	case n < 45:
		q.makeWrite()
		return q
	}
	q.root = a.node(a.relation(), 3, true, "", make(map[string]bool))
	if chance(a.Rand, 8) {
		q.method = http.MethodHead
	}
	q.page()
	return q
}

// page chooses how the rows of a read come.
func (q *question) page() {
	q.count = chance(q.Rand, 30) && (!q.root.aggregated || q.root.ownGroups)
	q.ranged = chance(q.Rand, 15) && q.method == http.MethodGet && q.root.total && q.call == nil
	if q.ranged {
		q.root.limit, q.root.offset = 1+q.IntN(4), q.IntN(4)
	}
	if q.call == nil && q.root.total && !q.root.aggregated && !q.ranged && !q.root.rel.view && q.failures == nil && chance(q.Rand, 30) {
		q.cursor, q.root.limit, q.root.offset = true, 1+q.IntN(4), -1
	}
	plainly := !q.root.aggregated && q.root.total && !slices.ContainsFunc(q.root.items, func(i *item) bool { return i.embed != nil })
	if plainly && q.call == nil && q.method == http.MethodGet && chance(q.Rand, 15) {
		q.csv = true
	} else if (q.call == nil || q.call.set) && chance(q.Rand, 15) {
		q.lines = true
	} else if chance(q.Rand, 8) && !q.count {
		q.single = true
		if q.root.total && q.root.limit > 0 {
			q.root.limit = 1
		}
	}
}

// makeCall makes a call of a function.
func (q *question) makeCall() {
	var callable []*function
	for _, f := range q.s.functions {
		if !f.secret {
			callable = append(callable, f)
		}
	}
	f := callable[q.IntN(len(callable))]
	q.kind, q.call, q.args = "call", f, make(map[string][]*operand)
	q.method = choice(q.Rand, "GET", "POST")
	for _, p := range f.parameters {
		if p.fallback && chance(q.Rand, 30) {
			continue
		}
		q.given = append(q.given, p.name)
		pool := slices.DeleteFunc(slices.Clone(p.kind.values), func(text string) bool { return text == "not.eq.1" }) // in a GET it is a filter
		if p.kind == integer {
			pool = []string{"0", "1", "2", "3"}
		}
		q.args[p.name] = []*operand{q.operand(pool...)}
		if f.variadic {
			q.args[p.name] = []*operand{q.operand("1", "2"), q.operand("3", "-4")}
		}
	}
	rel := f.returns
	if f.columns != nil {
		rel = &relation{name: f.name, columns: f.columns, key: []string{"x"}}
	}
	if rel == nil {
		return
	}
	q.root = q.node(rel, 2, true, "", make(map[string]bool))
	if !f.set {
		q.root.where, q.root.order, q.root.limit, q.root.offset, q.root.total = nil, nil, -1, -1, true
		q.forget(q.root)
		if q.failures == nil { // else it may be within one of these that an embed fails
			q.root.items = slices.DeleteFunc(q.root.items, func(i *item) bool { return i.embed != nil && i.embed.join == "inner" })
		}
		if q.root.total = true; len(q.root.items) == 0 {
			q.root.items = []*item{{column: rel.columns[0]}}
		}
		return
	}
	if f.columns == nil && f.volatile { // what is counted apart calls it twice
		return
	}
	q.page()
}

// makeWrite makes a write of a relation.
func (q *question) makeWrite() {
	a := q.asker
	t := a.relation()
	a.writes = true
	q.kind = choice(a.Rand, "insert", "insert", "upsert", "update", "update", "delete", "put")
	q.method = map[string]string{"insert": "POST", "upsert": "POST", "update": "PATCH", "delete": "DELETE", "put": "PUT"}[q.kind]
	q.root = a.node(t, 2, true, "", make(map[string]bool))
	q.root.limit, q.root.offset = -1, -1
	q.chooseByEmbeds()
	for _, i := range q.root.items {
		if i.embed != nil && !q.related {
			i.embed.join = ""
			q.tame(i.embed.node)
		}
	}
	if whole := !slices.ContainsFunc(t.columns, func(c *column) bool { return c.secret }); !q.related && (q.root.aggregated || whole && chance(a.Rand, 30)) {
		q.forget(q.root)
		q.failures = nil
		q.root.items = []*item{{star: true}}
		q.shown = !chance(a.Rand, 50)
	}
	if q.kind == "insert" || q.kind == "upsert" || q.kind == "put" {
		q.root.where = nil
	}
	if !q.shown {
		if q.root.order = nil; !q.related {
			q.root.items = nil
		}
		q.prefer = append(q.prefer, choice(a.Rand, "return=minimal", "return=headers-only"))
	} else {
		q.prefer = append(q.prefer, "return=representation")
	}
	if q.kind == "delete" {
		return
	}
	for _, c := range t.columns {
		needed := c.notNull && c.fallback == "" && !c.identity || t.view && slices.Contains(t.key, c.name)
		if q.kind == "update" && slices.Contains(t.key, c.name) && !chance(a.Rand, 10) {
			continue
		}
		if !c.generated && !c.secret && (needed && q.kind != "update" || chance(a.Rand, 50) || q.kind == "put" && slices.Contains(t.key, c.name)) {
			q.names = append(q.names, c.name)
		}
	}
	if len(q.names) == 0 {
		q.names = []string{"num"}
		if t.column("num") == nil {
			q.names = t.key
		}
	}
	count := 1
	if q.kind == "insert" || q.kind == "upsert" {
		count = 1 + a.IntN(3)
		q.listed = chance(a.Rand, 30)
		q.defaults = q.listed && chance(a.Rand, 50) && !slices.ContainsFunc(q.names, func(name string) bool { return t.column(name).kind.typ == "json" })
	}
	for range count {
		row := make(map[string]*operand)
		for _, name := range q.names {
			c := t.column(name)
			switch {
			case !c.notNull && !slices.Contains(t.key, name) && chance(a.Rand, map[bool]int{true: 60, false: 15}[c.refers != nil]):
				row[name] = nil
			case q.defaults && !slices.Contains(t.key, name) && chance(a.Rand, 40):
			case len(c.refers) > 0:
				row[name] = a.operand(c.refers...)
			case c.kind == integer:
				row[name] = a.operand("0", "1", "2", "3", "40", "41", "42")
			default:
				row[name] = a.operand(c.kind.values...)
			}
		}
		q.rows = append(q.rows, row)
	}
	if q.kind == "upsert" {
		q.prefer = append(q.prefer, choice(a.Rand, "resolution=merge-duplicates", "resolution=ignore-duplicates"))
		if chance(a.Rand, 50) {
			q.conflict = t.key
		}
	}
	if q.defaults {
		q.prefer = append(q.prefer, "missing=default")
	}
	if q.kind == "update" {
		q.makeKeyed()
	}
}

// tame leaves out what writes refuse: filters of embeds in PUT, trees of them in all.
func (q *question) tame(n *node) {
	refused := func(f *condition) bool { return q.kind == "put" || f.children != nil }
	n.where, n.having = slices.DeleteFunc(n.where, refused), slices.DeleteFunc(n.having, refused)
	for _, i := range n.items {
		if i.embed != nil {
			q.tame(i.embed.node)
		}
	}
}

// named are the relations that the statement of a request may name.
func (q *question) named() map[string]bool {
	relations := make(map[string]bool)
	var add func(n *node)
	add = func(n *node) {
		relations[q.s.name+"."+n.rel.name] = true
		for _, i := range n.items {
			if i.embed != nil && i.embed.as != nil {
				if i.embed.as.junction != nil {
					relations[q.s.name+"."+i.embed.as.junction.name] = true
				}
				add(i.embed.node)
			}
		}
	}
	if q.root != nil {
		add(q.root)
	}
	return relations
}

// list writes a parameter that names columns.
func (q *question) list(method string, names []string) string {
	quoted := make([]string, len(names))
	for at, name := range names {
		quoted[at] = quotedValue(name)
	}
	return method + "=" + url.QueryEscape(strings.Join(quoted, ","))
}

// request writes the request.
func (q *question) request() request {
	var parts []string
	add := func(name, value string) { parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value)) }
	path := ""
	if q.call != nil {
		path = "/rpc/" + url.PathEscape(q.call.name)
		if q.method == http.MethodGet {
			for _, name := range q.given {
				for _, o := range q.args[name] {
					add(name, o.text)
				}
			}
		}
	} else {
		path = "/" + url.PathEscape(q.root.rel.name)
	}
	var headers []string
	if q.root != nil {
		given := q.parameters(q.root, "")
		if q.ranged {
			given = slices.DeleteFunc(given, func(one [2]string) bool { return one[0] == "limit" || one[0] == "offset" })
			headers = append(headers, fmt.Sprintf("range: %d-%d", q.root.offset, q.root.offset+q.root.limit-1))
		}
		if text := q.selectText(q.root); text != "*" && text != "" {
			add("select", text)
		}
		for _, one := range given {
			add(one[0], one[1])
		}
		if q.cursor {
			add("cursor", "first")
		}
	}
	r := request{method: q.method}
	switch q.kind {
	case "put":
		for _, name := range q.root.rel.key {
			add(q.name(name), "eq."+q.rows[0][name].text)
		}
	case "upsert":
		if q.conflict != nil {
			parts = append(parts, q.list("on_conflict", q.conflict))
		}
	}
	if q.listed {
		parts = append(parts, q.list("columns", q.names))
	}
	if q.rows != nil {
		r.body = []byte(q.body())
	} else if q.call != nil && q.method == http.MethodPost {
		r.body = []byte(q.arguments())
	}
	prefer := q.prefer
	if q.count {
		prefer = append(slices.Clone(prefer), "count=exact")
	}
	if prefer != nil {
		headers = append(headers, "prefer: "+strings.Join(prefer, ", "))
	}
	if q.single {
		headers = append(headers, "accept: application/vnd.pgrst.object+json")
	}
	if q.csv {
		headers = append(headers, "accept: text/csv")
	}
	if q.lines {
		headers = append(headers, "accept: application/x-ndjson")
	}
	if q.kind == "keyed" {
		headers = append(headers, rowsType)
	} else if len(r.body) > 0 {
		headers = append(headers, "content-type: application/json")
	}
	r.target = path
	if len(parts) > 0 {
		r.target += "?" + strings.Join(parts, "&")
	}
	r.headers = strings.Join(headers, "\n")
	return r
}

func (q *question) body() string {
	var objects []string
	for _, row := range q.rows {
		var pairs []string
		for _, name := range q.names {
			o, ok := row[name]
			if !ok {
				continue
			}
			value := "null"
			if o != nil {
				value = q.root.rel.column(name).kind.json(o.text)
			}
			pairs = append(pairs, kindOf("text").json(name)+":"+value)
		}
		objects = append(objects, "{"+strings.Join(pairs, ",")+"}")
	}
	if len(objects) == 1 && q.kind != "keyed" && (q.kind == "put" || q.kind == "update" || len(q.names)%2 == 0) {
		return objects[0]
	}
	return "[" + strings.Join(objects, ",") + "]"
}

func (q *question) arguments() string {
	var pairs []string
	for _, p := range q.call.parameters {
		if list := q.args[p.name]; q.call.variadic {
			pairs = append(pairs, kindOf("text").json(p.name)+":["+list[0].text+","+list[1].text+"]")
		} else if len(list) > 0 {
			pairs = append(pairs, kindOf("text").json(p.name)+":"+p.kind.json(list[0].text))
		}
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// plainSQL is the query that does the same: of a body, of how many rows are in it, of how many there are without a page.
func (q *question) plainSQL() string {
	p := &plain{s: q.s}
	if q.failures != nil {
		return ""
	}
	if q.call != nil {
		return q.plainCall(p)
	}
	if q.kind == "read" {
		p.csv = q.csv
		return p.answer(q.root, q.root.rel.quoted)
	}
	t := q.root.rel
	var change string
	target := t.quoted
	switch q.kind {
	case "delete":
		change = "delete from " + target + " as plain_0" + p.where(q.chosen(), "plain_0", nil)
	case "keyed":
		change = q.plainKeyed(p)
	case "update":
		var set []string
		for _, name := range q.names {
			set = append(set, identifier(name)+" = "+q.written(q.rows[0], name))
		}
		change = "update " + target + " as plain_0 set " + strings.Join(set, ", ") + p.where(q.chosen(), "plain_0", nil)
	default:
		var tuples []string
		for _, row := range q.rows {
			var values []string
			for _, name := range q.names {
				values = append(values, q.written(row, name))
			}
			tuples = append(tuples, "("+strings.Join(values, ", ")+")")
		}
		change = "insert into " + target + " as plain_0 (" + identifiers(q.names) + ") values " + strings.Join(tuples, ", ")
		switch {
		case slices.Contains(q.prefer, "resolution=ignore-duplicates"):
			change += " on conflict (" + identifiers(t.key) + ") do nothing"
		case q.kind != "insert":
			var set []string
			for _, name := range q.names {
				set = append(set, identifier(name)+" = excluded."+identifier(name))
			}
			change += " on conflict (" + identifiers(t.key) + ") do update set " + strings.Join(set, ", ")
		}
	}
	if !q.shown {
		if slices.Contains(q.prefer, "return=headers-only") && q.method == http.MethodPost {
			return "with w as (" + change + " returning " + identifiers(t.key) + ") select '', count(*), 0 from w"
		}
		return "with w as (" + change + " returning 1) select '', count(*), 0 from w"
	}
	p.used = make(map[string]bool)
	query := p.answer(q.answered(), "w")
	var needed []string
	for _, c := range t.columns {
		if p.used[c.name] {
			needed = append(needed, "plain_0."+identifier(c.name))
		}
	}
	if needed == nil {
		needed = []string{"1 as one"}
	}
	return "with w as (" + change + " returning " + strings.Join(needed, ", ") + ") " + query
}

// written is a value of a row as SQL.
func (q *question) written(row map[string]*operand, name string) string {
	o, ok := row[name]
	switch {
	case !ok && q.root.rel.view:
		return "null" // a view has no defaults of its own here
	case !ok:
		return "default"
	case o == nil, o.text == "null" && strings.HasPrefix(q.root.rel.column(name).kind.typ, "json"):
		return "null" // in a body NULL and the JSON null look alike
	}
	return q.root.rel.column(name).kind.sql(q.s, o.text)
}

func (q *question) plainCall(p *plain) string {
	var arguments []string
	for _, par := range q.call.parameters {
		switch list := q.args[par.name]; {
		case q.call.variadic:
			arguments = append(arguments, "variadic array["+list[0].text+", "+list[1].text+"]")
		case len(list) > 0:
			arguments = append(arguments, identifier(par.name)+" => "+par.kind.sql(q.s, list[0].text))
		}
	}
	call := q.s.quoted + "." + identifier(q.call.name) + "(" + strings.Join(arguments, ", ") + ")"
	switch {
	case q.call.void:
		return "select '' from " + call
	case q.root != nil && !q.call.set:
		return "select x.body, x.n, x.total from (" + strings.Replace(p.answer(q.root, call), "select coalesce(json_agg(x.made order by x.place), '[]')::text,", "select (json_agg(x.made) -> 0)::text,", 1) + ") as x (body, n, total)"
	case q.root != nil:
		return p.answer(q.root, call)
	case q.call.set:
		return "select coalesce(json_agg(x.v), '[]')::text, count(*), count(*) from " + call + " as x (v)"
	}
	return "select coalesce(to_json(x.v)::text, 'null'), 1, 1 from " + call + " as x (v)"
}

// unescaped is a target for people to read.
func unescaped(target string) string {
	path, query, _ := strings.Cut(target, "?")
	if text, err := url.PathUnescape(path); err == nil {
		path = text
	}
	if text, err := url.QueryUnescape(query); err == nil {
		query = text
	}
	return path + "?" + query
}
