package pgtests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// relate finds all relationships: what foreign keys say of tables, and of views that show their columns.
func (s *schema) relate() {
	for _, t := range s.relations {
		if t.view {
			continue
		}
		for _, f := range t.foreign {
			for _, near := range s.showing(t, f.columns) {
				for _, far := range s.showing(f.to, f.refs) {
					var pairs, back [][2]string
					for i, name := range f.columns {
						a, b := near.names()[name], far.names()[f.refs[i]]
						pairs, back = append(pairs, [2]string{a, b}), append(back, [2]string{b, a})
					}
					if f.unique {
						s.relationships = append(s.relationships, &relationship{from: near, to: far, constraint: f.name, kind: "o2o", pairs: pairs},
							&relationship{from: far, to: near, constraint: f.name, kind: "o2o", pairs: back})
					} else {
						s.relationships = append(s.relationships, &relationship{from: near, to: far, constraint: f.name, kind: "m2o", pairs: pairs},
							&relationship{from: far, to: near, constraint: f.name, kind: "o2m", pairs: back, many: true})
					}
				}
			}
		}
	}
	for _, one := range s.relationships {
		for _, other := range s.relationships {
			if one.kind != "m2o" || other.kind != "m2o" || one.from != other.from || one.constraint == other.constraint || one.to == other.to {
				continue
			}
			covered := true
			for _, pair := range slices.Concat(one.pairs, other.pairs) {
				covered = covered && slices.Contains(one.from.key, pair[0])
			}
			if !covered {
				continue
			}
			m2m := &relationship{from: one.to, to: other.to, kind: "m2m", many: true, junction: one.from, far: other.pairs}
			for _, pair := range one.pairs {
				m2m.near = append(m2m.near, [2]string{pair[1], pair[0]})
			}
			s.relationships = append(s.relationships, m2m)
		}
	}
}

// showing returns a table and the views that show columns of it.
func (s *schema) showing(t *relation, columns []string) []*relation {
	found := []*relation{t}
	for _, v := range s.relations {
		if v.view && v.base == t && !slices.ContainsFunc(columns, func(name string) bool { return v.shown[name] == "" }) {
			found = append(found, v)
		}
	}
	return found
}

// find returns the relationships that a target and a hint ("" for none) may mean. Source: PostgREST docs,
// references/api/resource_embedding.
func (s *schema) find(from *relation, target, hint string) (found []*relationship) {
	single := func(one *relationship, side int, name string) bool {
		return (one.kind == "m2o" || one.kind == "o2m" || one.kind == "o2o") && len(one.pairs) == 1 && one.pairs[0][side] == name
	}
	overridden := func(one *relationship) bool {
		return slices.ContainsFunc(s.relationships, func(other *relationship) bool {
			return other.kind == "computed" && other.from == from && other.call == one.to.name
		})
	}
	for _, one := range s.relationships {
		if one.from != from {
			continue
		}
		matches := false
		switch {
		case one.kind == "computed":
			matches = one.call == target
		case overridden(one):
		case one.from == one.to && hint == "":
			matches = target == one.to.name && one.kind == "o2m" || one.kind == "m2o" && single(one, 0, target)
		case one.from == one.to:
			matches = target == one.to.name && one.kind == "o2m" && single(one, 1, hint)
		case hint == "":
			matches = target == one.to.name || !one.to.view && (one.constraint == target && one.constraint != "" || single(one, 0, target))
		default:
			matches = target == one.to.name && (one.constraint != "" && one.constraint == hint || single(one, 0, hint) || single(one, 1, hint) ||
				one.kind == "m2m" && one.junction.name == hint)
		}
		if matches {
			found = append(found, one)
		}
	}
	return found
}

// addComputed adds a computed field and a computed relationship.
func (s *schema) addComputed(r *rand.Rand) {
	t := s.relations[r.IntN(len(s.relations))]
	if t.secret {
		return
	}
	n := len(s.functions)
	name := fresh(r, 500+n, func(name string) bool { return s.taken(name) || t.taken(name) })
	if chance(r, 20) {
		s.add("create function %s.%s(%s) returns text language sql stable as $$ select 'x' $$", s.quoted, identifier(fmt.Sprintf("%s_f%d", secret, n)), t.quoted)
		s.add("revoke execute on function %s.%s from public", s.quoted, identifier(fmt.Sprintf("%s_f%d", secret, n)))
	}
	if t.column("num") != nil {
		k, body := integer, "select $1.num + 1"
		if chance(r, 40) {
			k, body = kindOf("text"), "select 'a' || $1.num"
		}
		if chance(r, 20) {
			k, body = kindOf("tsvector"), "select to_tsvector('english', 'road war ' || coalesce($1.num, 0))"
		}
		s.add("create function %s.%s(%s) returns %s language sql stable as $$ %s $$", s.quoted, identifier(name), t.quoted, s.typ(k), body)
		t.computed = append(t.computed, &column{name: name, kind: k, call: name})
		s.functions = append(s.functions, &function{name: name, secret: true}) // its name is taken
	}
	to := s.relations[r.IntN(len(s.relations))]
	if to.secret || to.column("num") == nil || t.column("num") == nil || slices.ContainsFunc(to.columns, func(c *column) bool { return c.secret }) {
		return
	}
	name = fresh(r, 520+n, func(name string) bool { return s.taken(name) || t.taken(name) })
	if chance(r, 25) {
		name = to.name
	}
	if slices.ContainsFunc(s.relationships, func(one *relationship) bool { return one.kind == "computed" && one.call == name }) {
		return
	}
	rel := &relationship{from: t, to: to, kind: "computed", call: name, many: chance(r, 60)}
	rows, limit := "rows 1", " limit 1"
	if rel.many {
		rows, limit = "rows 50", ""
	}
	s.add("create function %s.%s(%s) returns setof %s %s language sql stable as $$ select * from %s as u where u.num = $1.num order by %s%s $$",
		s.quoted, identifier(name), t.quoted, to.quoted, rows, to.quoted, identifiers(to.key), limit)
	s.relationships = append(s.relationships, rel)
	s.functions = append(s.functions, &function{name: name, secret: true})
}

// addFunctions adds functions of each kind.
func (s *schema) addFunctions(r *rand.Rand) {
	add := func(f *function, returns, volatility, body string) {
		var parameters []string
		for at, p := range f.parameters {
			typ, mode := s.typ(p.kind), ""
			if f.variadic && at == len(f.parameters)-1 {
				mode = "variadic "
			}
			text := mode + identifier(p.name) + " " + typ
			if p.fallback {
				text += " default " + p.kind.sql(s, p.kind.values[0])
			}
			parameters = append(parameters, text)
		}
		f.volatile = volatility == "volatile"
		s.add("create function %s.%s(%s) returns %s language sql %s as $body$ %s $body$", s.quoted, identifier(f.name), strings.Join(parameters, ", "), returns, volatility, body)
		s.functions = append(s.functions, f)
	}
	named := func(n int) string { return fresh(r, 700+n, s.taken) }
	some := func() *kind { return &oracleKinds[r.IntN(len(oracleKinds)-2)] } // neither composite nor with representations
	argument := func() string {
		return fresh(r, 0, func(name string) bool {
			return slices.Contains([]string{"a"}, name) || slices.Contains(reservedArguments, name)
		})
	}
	k := some()
	b := argument()
	add(&function{name: named(1), parameters: []parameter{{"a", integer, false}, {b, k, true}}, scalar: k}, s.typ(k), choice(r, "stable", "immutable", "volatile"), "select $2")
	k = some()
	add(&function{name: named(2), parameters: []parameter{{"a", k, false}}, scalar: k, set: true}, "setof "+s.typ(k), "stable", "select $1 union all select null")
	for i := range 3 {
		of := s.relations[r.IntN(len(s.relations))]
		if of.secret || of.column("num") == nil || slices.ContainsFunc(of.columns, func(c *column) bool { return c.secret }) {
			continue // who may call a function is told what it returns
		}
		volatility := choice(r, "stable", "volatile")
		add(&function{name: named(3 + i), parameters: []parameter{{"a", integer, true}}, returns: of, set: true}, "setof "+of.quoted, volatility,
			"select * from "+of.quoted+" as x where x.num >= $1 or x.num is null")
		add(&function{name: named(7 + i), returns: of}, of.quoted, "stable", "select * from "+of.quoted+" as x order by "+identifiers(of.key)+" limit 1")
	}
	columns := []*column{{name: "x", kind: integer}, {name: argument() + " 2", kind: kindOf("text")}}
	add(&function{name: named(11), parameters: []parameter{{"a", kindOf("text"), true}}, set: true, columns: columns}, fmt.Sprintf("table (%s int, %s text)", identifier(columns[0].name), identifier(columns[1].name)),
		"stable", "values (1, $1), (2, 'it''s \"2\"'), (3, null)")
	of := s.relations[0]
	add(&function{name: named(12), parameters: []parameter{{"a", integer, false}}, void: true}, "void", "volatile", "update "+of.quoted+" set num = $1 where num = 2")
	add(&function{name: named(13), parameters: []parameter{{"a", kindOf("int[]"), false}}, variadic: true, scalar: integer}, "int", "immutable", "select sum(x)::int from unnest($1) as x")
	overloaded := named(14)
	add(&function{name: overloaded, parameters: []parameter{{"a", integer, false}}, scalar: integer}, "int", "stable", "select $1")
	add(&function{name: overloaded, parameters: []parameter{{"a", integer, false}, {"b", kindOf("text"), false}}, scalar: kindOf("text")}, "text", "stable", "select $2 || $1")
	s.add("create function %s.%s_g(a int) returns int language sql as $$ select 1 $$", s.quoted, secret)
	s.add("revoke execute on function %s.%s_g(int) from public", s.quoted, secret)
}

// reservedArguments are names that mean something else in the query of a GET.
var reservedArguments = []string{"select", "order", "limit", "offset", "and", "or", "not", "columns", "on_conflict"}

// fill writes rows, whose foreign keys lead somewhere or are null.
func (s *schema) fill(r *rand.Rand) {
	keys := make(map[*relation][][]string)
	for _, t := range s.relations {
		if t.view {
			continue
		}
		seen := make(map[string]bool)
		for range 5 + r.IntN(6) {
			row := make(map[string]string)
			for _, c := range t.columns {
				if !c.generated && (c.notNull || !chance(r, 20)) && !c.secret {
					row[c.name] = c.kind.any(r)
				}
			}
			row["tenant"] = choice(r, "1", "2")
			if _, ok := row["num"]; ok {
				row["num"] = choice(r, "0", "1", "2", "3")
			}
			impossible := false
			for _, f := range t.foreign {
				known := keys[f.to]
				for i, name := range f.columns {
					t.column(name).refers = []string{}
					for _, key := range known {
						t.column(name).refers = append(t.column(name).refers, key[i])
					}
				}
				_, wanted := row[f.columns[0]]
				for i, name := range f.columns {
					delete(row, name)
					if wanted && len(known) > 0 {
						row[name] = known[r.IntN(len(known))][i]
					}
				}
				if wanted && len(known) > 0 {
					chosen := known[r.IntN(len(known))]
					for i, name := range f.columns {
						row[name] = chosen[i]
					}
					if mark := "unique " + f.name + fmt.Sprint(chosen); f.unique && seen[mark] {
						for _, name := range f.columns {
							delete(row, name)
						}
					} else {
						seen[mark] = true
					}
				}
			}
			var key []string
			for _, name := range t.key {
				text, ok := row[name]
				impossible = impossible || !ok
				key = append(key, text)
			}
			if mark := "key " + fmt.Sprint(key); impossible || seen[mark] {
				continue
			} else {
				seen[mark] = true
			}
			keys[t] = append(keys[t], key)
			var names, values []string
			for _, c := range t.columns {
				if text, ok := row[c.name]; ok {
					names, values = append(names, c.name), append(values, c.kind.sql(s, text))
				}
			}
			s.data = append(s.data, fmt.Sprintf("insert into %s (%s) values (%s)", t.quoted, identifiers(names), strings.Join(values, ", ")))
		}
	}
}

// grant gives one role all that is not secret, and another less.
func (s *schema) grant(r *rand.Rand) {
	s.add("grant usage on all sequences in schema %s to oracle_all, oracle_some", s.quoted) // missing=default calls nextval, as in PostgREST
	for _, t := range s.relations {
		if t.secret {
			continue
		}
		for _, role := range []string{"oracle_all", "oracle_some"} {
			less := role == "oracle_some" && chance(r, 20)
			if less && chance(r, 30) {
				continue
			}
			var names, writable []string
			for _, c := range t.columns {
				if !c.secret && (!less || slices.Contains(t.key, c.name) || chance(r, 60)) {
					names = append(names, c.name)
					if !c.generated {
						writable = append(writable, c.name)
					}
				}
			}
			if len(names) == len(t.columns) {
				s.add("grant select, insert, update, delete on %s to %s", t.quoted, role)
				continue
			}
			s.add("grant select (%s), insert (%s), update (%s), delete on %s to %s", identifiers(names), identifiers(writable), identifiers(writable), t.quoted, role)
		}
	}
}
