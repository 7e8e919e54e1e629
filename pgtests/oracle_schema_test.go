package pgtests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// secret is in the names of what no role of TestOracle may see.
const secret = "zzsecret"

// schema is one of TestOracle: its relations, how they refer to each other, its functions, and the DDL that makes it.
type schema struct {
	name, quoted  string
	ddl           []string
	data          []string // INSERTs
	relations     []*relation
	relationships []*relationship
	functions     []*function
	version       int // of PostgreSQL
}

// relation is a table or a view.
type relation struct {
	name, quoted string
	columns      []*column
	key          []string // the names of its columns
	view         bool
	base         *relation         // of a view, the table
	shown        map[string]string // of a view, its columns by those of the table
	secret       bool
	computed     []*column // computed fields
	foreign      []foreign
}

type column struct {
	name      string
	kind      *kind
	generated bool // no value may be given
	identity  bool
	fallback  string // the default, as SQL
	notNull   bool
	secret    bool
	call      string   // of a computed field, the function
	refers    []string // of a foreign key, some of what it may hold
}

// foreign is a foreign key.
type foreign struct {
	name          string
	columns, refs []string
	to            *relation
	unique        bool
}

// relationship is one way to go from a relation to another, as PostgREST finds it.
type relationship struct {
	from, to   *relation
	constraint string
	many       bool
	kind       string // m2o, o2m, o2o, m2m, computed
	pairs      [][2]string
	junction   *relation
	near, far  [][2]string // of a junction: the columns of from and the junction's, the junction's and those of to
	call       string      // of a computed one, the function
}

// function is one that requests call.
type function struct {
	name       string
	parameters []parameter
	variadic   bool
	returns    *relation // the rows of a relation
	set        bool
	columns    []*column // of RETURNS TABLE
	scalar     *kind
	void       bool
	volatile   bool
	secret     bool
}

type parameter struct {
	name     string
	kind     *kind
	fallback bool
}

func (s *schema) typ(k *kind) string { return strings.ReplaceAll(k.typ, "SCHEMA", s.quoted) }

func (s *schema) add(format string, arguments ...any) {
	s.ddl = append(s.ddl, strings.TrimSpace(fmt.Sprintf(format, arguments...)))
}

// hostileNames are names that must not mean anything else; %d makes them differ.
var hostileNames = []string{
	"t%d", "t%d", "T Upper%d", "sp ace%d", "Ünï%d", "quo\"te%d", "it's%d", "com,ma%d", "par(en)%d", "dot.%d", "co:lon%d", `back\slash%d`, "dol$%d", "per%%I%%s%d", "ar->row%d", "bang!%d",
	"-- dash%d", "dash-%d", "st*r%d", "semi;%d", "{brace}%d", "é%d", "%d",
}

// reserved are words of SQL and of the grammar, and names that statements of ours have had.
var reserved = []string{
	"select", "order", "limit", "user", "table", "group", "and", "not", "null", "pgrst_source", "pgrst_answer", "pgrst_head", "pgrst_embed", "pgrst_body", "pgrst_row", "excluded", "body", "read", "page", "rows", "name", "count",
	"texts_1", "e1", "f1", "s1", "n", "made", "element", "base", "pgrst_texts", "level_1", "total", "status", "headers", "note", "val", "key", "value",
}

// fresh returns a name that is not yet among some.
func fresh(r *rand.Rand, n int, taken func(string) bool) string {
	for {
		name := "c" + fmt.Sprint(n)
		switch {
		case chance(r, 25):
			name = fmt.Sprintf(choice(r, hostileNames...), n)
		case chance(r, 25):
			name = choice(r, reserved...)
		}
		if !taken(name) {
			return name
		}
		n += 100
	}
}

func (s *schema) taken(name string) bool {
	return slices.ContainsFunc(s.relations, func(one *relation) bool { return one.name == name }) ||
		slices.ContainsFunc(s.functions, func(one *function) bool { return one.name == name })
}

func (t *relation) column(name string) *column {
	for _, c := range slices.Concat(t.columns, t.computed) {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (t *relation) taken(name string) bool { return t.column(name) != nil }

// newSchema makes a random schema.
func newSchema(r *rand.Rand, version int) *schema {
	s := &schema{name: choice(r, "app", `Odd "äpp`, "api.v1", "select"), version: version}
	s.quoted = identifier(s.name)
	s.add("create schema %s", s.quoted)
	s.add("grant usage on schema %s to oracle_all, oracle_some", s.quoted)
	s.ddl = append(s.ddl, strings.ReplaceAll(oracleTypes, "SCHEMA", s.quoted))
	for range 3 + r.IntN(3) {
		s.addTable(r, false)
	}
	s.addTable(r, true)
	s.addTable(r, false)
	s.addJunction(r, false)
	s.addJunction(r, true)
	for range 2 + r.IntN(3) {
		s.addView(r)
	}
	s.relate()
	for range 3 {
		s.addComputed(r)
	}
	s.addFunctions(r)
	s.fill(r)
	s.grant(r)
	return s
}

// addTable adds a table, with foreign keys to those before it and to itself.
func (s *schema) addTable(r *rand.Rand, hidden bool) {
	n := len(s.relations)
	t := &relation{name: fresh(r, n, s.taken), secret: hidden}
	if hidden {
		t.name = fmt.Sprintf("%s_t%d", secret, n)
	}
	t.quoted = s.quoted + "." + identifier(t.name)
	for i := range 1 + max(0, r.IntN(5)-2) { // the key
		k := integer
		if chance(r, 40) {
			for k = &oracleKinds[r.IntN(len(oracleKinds))]; !k.key; k = &oracleKinds[r.IntN(len(oracleKinds))] {
			}
		}
		c := &column{name: choice(r, "id", fresh(r, i, t.taken)), kind: k, notNull: true}
		if t.taken(c.name) {
			c.name = fresh(r, i, t.taken)
		}
		if i == 0 && k == integer && chance(r, 30) {
			c.identity = true
		}
		t.columns, t.key = append(t.columns, c), append(t.key, c.name)
	}
	for i := range 3 + r.IntN(5) {
		c := &column{name: fresh(r, i+10, t.taken), kind: &oracleKinds[r.IntN(len(oracleKinds))]}
		if chance(r, 25) {
			c.fallback = c.kind.sql(s, c.kind.any(r))
		}
		t.columns = append(t.columns, c)
	}
	t.columns = append(t.columns, &column{name: "num", kind: integer}, &column{name: "tenant", kind: integer, notNull: true, fallback: "1"})
	if chance(r, 40) {
		t.columns = append(t.columns, &column{name: fresh(r, 30, t.taken), kind: integer, generated: true})
	}
	if chance(r, 20) && !hidden {
		t.columns = append(t.columns, &column{name: secret + "_c", kind: kindOf("text"), secret: true, fallback: "'" + secret + "row'"})
	}
	var known []*relation
	for _, one := range s.relations {
		if !one.view {
			known = append(known, one)
		}
	}
	if len(known) > 0 {
		for range r.IntN(3) {
			s.addForeign(r, t, known[r.IntN(len(known))], false)
		}
		if chance(r, 30) { // twice to the same
			to := known[r.IntN(len(known))]
			s.addForeign(r, t, to, false)
			s.addForeign(r, t, to, false)
		}
	}
	if chance(r, 30) {
		s.addForeign(r, t, t, false)
	}
	s.create(r, t)
}

// addForeign adds a foreign key, with columns of its own that have the kinds of the key it refers to.
func (s *schema) addForeign(r *rand.Rand, t, to *relation, inKey bool) {
	f := foreign{to: to, refs: to.key, unique: !inKey && chance(r, 15)}
	n := len(t.foreign)
	for i, ref := range to.key {
		c := &column{name: fresh(r, 40+10*n+i, t.taken), kind: to.column(ref).kind, notNull: inKey}
		t.columns, f.columns = append(t.columns, c), append(f.columns, c.name)
		if inKey {
			t.key = append(t.key, c.name)
		}
	}
	f.name = fmt.Sprintf("fk_%d_%d", len(s.relations), n)
	if chance(r, 20) {
		f.name = fmt.Sprintf(`F "k, é%d_%d`, len(s.relations), n)
	}
	t.foreign = append(t.foreign, f)
}

// addJunction adds a table whose key are two foreign keys and perhaps more.
func (s *schema) addJunction(r *rand.Rand, hidden bool) {
	n := len(s.relations)
	t := &relation{name: fresh(r, n, s.taken), secret: hidden}
	if hidden {
		t.name = fmt.Sprintf("%s_j%d", secret, n)
	}
	t.quoted = s.quoted + "." + identifier(t.name)
	if chance(r, 30) {
		t.columns, t.key = append(t.columns, &column{name: "more", kind: integer, notNull: true}), []string{"more"}
	}
	for range 2 {
		s.addForeign(r, t, s.relations[r.IntN(min(len(s.relations), 4))], true)
	}
	t.columns = append(t.columns, &column{name: "num", kind: integer}, &column{name: "tenant", kind: integer, notNull: true, fallback: "1"})
	s.create(r, t)
}

// create writes the DDL of a table.
func (s *schema) create(r *rand.Rand, t *relation) {
	var parts []string
	for _, c := range t.columns {
		text := identifier(c.name) + " " + s.typ(c.kind)
		switch {
		case c.generated:
			text += " generated always as (num * 2) stored"
		case c.identity:
			text += " generated by default as identity"
		case c.fallback != "":
			text += " default " + c.fallback
		}
		if c.notNull {
			text += " not null"
		}
		parts = append(parts, text)
	}
	parts = append(parts, "primary key ("+identifiers(t.key)+")")
	partitioned := chance(r, 15)
	for at, f := range t.foreign {
		if partitioned {
			t.foreign[at].unique, f.unique = false, false
		}
		if f.unique {
			parts = append(parts, "unique ("+identifiers(f.columns)+")")
		}
		parts = append(parts, fmt.Sprintf("constraint %s foreign key (%s) references %s (%s)", identifier(f.name), identifiers(f.columns), s.quoted+"."+identifier(f.to.name), identifiers(f.refs)))
	}
	partition := ""
	if partitioned {
		partition = " partition by hash (" + identifier(t.key[0]) + ")"
	}
	s.add("create table %s (%s)%s", t.quoted, strings.Join(parts, ", "), partition)
	if partitioned {
		for i := range 2 {
			s.add("create table %s partition of %s for values with (modulus 2, remainder %d)", s.quoted+"."+identifier(fmt.Sprintf("%s p%d", t.name, i)), t.quoted, i)
		}
	}
	switch {
	case chance(r, 30):
		s.add("alter table %s enable row level security", t.quoted)
		s.add("create policy %s on %s using (tenant = (current_setting('request.jwt.claims', true)::json ->> 'tenant')::int)", identifier("by tenant"), t.quoted)
	case chance(r, 20):
		s.add("alter table %s enable row level security", t.quoted)
		s.add("create policy everything on %s to oracle_all using (true)", t.quoted)
		s.add("create policy fewer on %s to oracle_some using (num > 1) with check (num > 0)", t.quoted)
	}
	s.relations = append(s.relations, t)
}

func identifiers(names []string) string {
	quoted := make([]string, len(names))
	for at, name := range names {
		quoted[at] = identifier(name)
	}
	return strings.Join(quoted, ", ")
}

// addView adds a view of some columns of a table or a view.
func (s *schema) addView(r *rand.Rand) {
	of := s.relations[r.IntN(len(s.relations))]
	v := &relation{name: fresh(r, len(s.relations), s.taken), view: true, base: of, shown: make(map[string]string), secret: false}
	if of.view {
		v.base = of.base
	}
	v.quoted = s.quoted + "." + identifier(v.name)
	var parts []string
	whole := chance(r, 60)
	for _, c := range of.columns {
		if c.secret || !whole && !slices.Contains(of.key, c.name) && chance(r, 30) && c.name != "num" {
			continue
		}
		shown := *c
		if chance(r, 25) && c.name != "num" {
			shown.name = fresh(r, 60+len(v.columns), func(name string) bool { return v.taken(name) || of.taken(name) })
		}
		if v.taken(shown.name) {
			continue
		}
		shown.notNull = false
		v.columns = append(v.columns, &shown)
		parts = append(parts, identifier(c.name)+" as "+identifier(shown.name))
		for base, name := range of.names() {
			if name == c.name {
				v.shown[base] = shown.name
			}
		}
	}
	for _, name := range v.base.key {
		if shown, ok := v.shown[name]; ok {
			v.key = append(v.key, shown)
		}
	}
	options := ""
	if s.version >= 15 && !v.base.secret && chance(r, 30) {
		options = " with (security_invoker)"
	}
	where := ""
	if chance(r, 40) {
		where = " where num is distinct from 3"
	}
	s.add("create view %s%s as select %s from %s%s", v.quoted, options, strings.Join(parts, ", "), of.quoted, where)
	if len(v.key) == len(v.base.key) {
		s.relations = append(s.relations, v)
	}
}

// names returns the columns by their name in the table.
func (t *relation) names() map[string]string {
	if t.view {
		return t.shown
	}
	names := make(map[string]string)
	for _, c := range t.columns {
		names[c.name] = c.name
	}
	return names
}
