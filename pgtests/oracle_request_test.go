package pgtests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// node is a resource or an embed: what is selected of which rows.
type node struct {
	rel           *relation
	items         []*item
	where         []*condition // all must hold
	order         []orderTerm
	limit, offset int // -1 for none
	total         bool
	aggregated    bool
	having        []*condition // of groups
	ownGroups     bool         // what PostgREST refuses: its groups are counted
}

// item is one of a select: a star, a column, a computed field, an aggregate, or an embed.
type item struct {
	star      bool
	column    *column
	path      string
	cast      string
	alias     string
	aggregate string
	distinct  bool   // of the aggregate
	after     string // cast of the aggregate
	rows      bool   // distinct()
	embed     *embed
}

type embed struct {
	node                      *node
	as                        *relationship
	target, hint, alias, join string
	spread                    bool
}

func (e *embed) label() string {
	if e.alias != "" {
		return e.alias
	}
	return e.target
}

// condition is a filter, the null test of an embed, or a logic tree.
type condition struct {
	column     *column
	path       string
	operator   string
	quantifier string
	language   string
	operands   []*operand
	not        bool
	null       *embed
	children   []*condition
	any        bool
	outer      string // the label of what a group has, which column stands for
}

// operand is a value that is drawn from some.
type operand struct {
	pool []string
	text string
}

type orderTerm struct {
	embed  *embed
	column *column
	path   string
	words  string // .desc.nullslast
	outer  string // as of a condition
}

// asker makes requests for a schema.
type asker struct {
	*rand.Rand
	s        *schema
	operands []*operand
	failures []string // codes that embeds which cannot be resolved end in
	writes   bool     // no computed fields or relationships of the root
	counter  int
}

func (a *asker) operand(pool ...string) *operand {
	o := &operand{pool: pool, text: choice(a.Rand, pool...)}
	a.operands = append(a.operands, o)
	return o
}

// redraw chooses other values for the same shape.
func (a *asker) redraw() {
	for _, o := range a.operands {
		o.text = choice(a.Rand, o.pool...)
	}
}

func (a *asker) relation() *relation {
	for {
		t := a.s.relations[a.IntN(len(a.s.relations))]
		if !t.secret || chance(a.Rand, 2) {
			return t
		}
	}
}

func (a *asker) alias(taken map[string]bool) string {
	for {
		a.counter++
		name := fmt.Sprintf(choice(a.Rand, "x%d", "x%d", `A "b%d`, "é%d", "a,b%d", "pgrst_%d", "t%d_1", `x"; drop table t%d; --`, "$1 '%d", `\" %d /*`), a.counter)
		if !taken[name] {
			taken[name] = true
			return name
		}
	}
}

// node makes a random select of a relation, with embeds as deep as told.
func (a *asker) node(t *relation, depth int, root bool, spread string, labels map[string]bool) *node {
	n := &node{rel: t, limit: -1, offset: -1}
	n.aggregated = spread != "many" && chance(a.Rand, 12)
	var visible []*column
	for _, c := range t.columns {
		if !c.secret || chance(a.Rand, 2) {
			visible = append(visible, c)
		}
	}
	computed := t.computed
	if root && a.writes {
		computed = nil
	}
	one := func(c *column) {
		i := &item{column: c}
		if len(c.kind.paths) > 0 && chance(a.Rand, 50) {
			i.path = choice(a.Rand, c.kind.paths...)
			i.alias = a.alias(labels)
		} else if chance(a.Rand, 15) && c.kind.show == "" {
			i.cast = choice(a.Rand, "text", "text", "varchar")
		}
		if i.alias == "" && (labels[c.name] || chance(a.Rand, 20)) {
			i.alias = a.alias(labels)
		}
		if i.alias == "" {
			labels[c.name] = true
		}
		n.items = append(n.items, i)
	}
	switch {
	case n.aggregated:
		for range a.IntN(3) {
			if c := visible[a.IntN(len(visible))]; c.kind.equal && len(c.kind.paths) == 0 && c.kind.show == "" {
				one(c)
			}
		}
		if n.items != nil && spread == "" && chance(a.Rand, 25) {
			n.items = append(n.items, &item{rows: true})
		}
		for range 1 + a.IntN(2) {
			if len(n.items) == 0 || !n.items[len(n.items)-1].rows || chance(a.Rand, 30) {
				n.items = append(n.items, a.aggregate(visible, labels, spread == "one"))
			}
		}
	case chance(a.Rand, 35) && !slices.ContainsFunc(t.columns, func(c *column) bool { return labels[c.name] || c.secret && !chance(a.Rand, 5) }):
		n.items = append(n.items, &item{star: true})
		for _, c := range t.columns {
			labels[c.name] = true
		}
	case root || chance(a.Rand, 90) || spread != "":
		for range 1 + a.IntN(4) {
			one(visible[a.IntN(len(visible))])
		}
	}
	if len(computed) > 0 && chance(a.Rand, 40) && !n.aggregated {
		one(computed[a.IntN(len(computed))])
	}
	if depth > 0 {
		for range a.IntN(4) - 1 + a.IntN(2) {
			a.embed(n, depth-1, root, labels, spread)
		}
	}
	a.Shuffle(len(n.items), func(i, j int) { n.items[i], n.items[j] = n.items[j], n.items[i] })
	if len(n.items) == 0 {
		one(visible[0])
	}
	if spread == "many" {
		n.aggregated = false
	}
	for range max(0, a.IntN(4)-1) {
		n.where = append(n.where, a.condition(n, computed, 2, root))
	}
	if n.aggregated && spread != "one" && !(root && a.writes) {
		a.having(n)
	}
	if !n.aggregated && (chance(a.Rand, 60) || spread == "many") {
		a.order(n, computed)
		if chance(a.Rand, 30) && spread != "one" {
			n.limit = a.IntN(4)
		}
		if chance(a.Rand, 20) && spread != "one" {
			n.offset = a.IntN(3)
		}
	}
	return n
}

var summable = []string{"int", "bigint", "numeric", "SCHEMA.small"}

func (a *asker) aggregate(visible []*column, labels map[string]bool, spread bool) *item {
	i := &item{aggregate: "count"}
	if spread || chance(a.Rand, 70) {
		i.column = visible[a.IntN(len(visible))]
		switch {
		case slices.Contains(summable, i.column.kind.typ):
			i.aggregate = choice(a.Rand, "sum", "avg", "max", "min", "count")
		case slices.Contains([]string{"text", "date", "timestamptz", "interval", "SCHEMA.mood"}, i.column.kind.typ):
			i.aggregate = choice(a.Rand, "max", "min", "count")
		}
		i.distinct = i.column.kind.equal && i.column.kind.order && chance(a.Rand, 25)
		if chance(a.Rand, 20) {
			i.after = "text"
		}
	}
	if labels[i.aggregate] || chance(a.Rand, 50) {
		i.alias = a.alias(labels)
	}
	labels[i.aggregate] = true
	return i
}

// embed adds an embed to a node, if there is something to embed.
func (a *asker) embed(n *node, depth int, root bool, labels map[string]bool, spread string) {
	var candidates []*relationship
	for _, one := range a.s.relationships {
		if one.from == n.rel && (!one.to.secret || chance(a.Rand, 2)) && (one.junction == nil || !one.junction.secret || chance(a.Rand, 5)) && !(root && a.writes && one.kind == "computed") {
			candidates = append(candidates, one)
		}
	}
	if len(candidates) == 0 {
		return
	}
	wish := candidates[a.IntN(len(candidates))]
	e := &embed{target: wish.to.name}
	switch {
	case wish.kind == "computed":
		e.target = wish.call
	case wish.kind == "m2m":
		e.hint = wish.junction.name
	case chance(a.Rand, 15) && !wish.to.view:
		e.target = wish.constraint
	case wish.from == wish.to && wish.kind == "m2o" && len(wish.pairs) == 1:
		e.target = wish.pairs[0][0]
	case wish.from == wish.to && wish.kind == "o2m" && len(wish.pairs) == 1 && chance(a.Rand, 50):
		e.hint = wish.pairs[0][1]
	case wish.from != wish.to && chance(a.Rand, 60):
		e.hint = wish.constraint
		if len(wish.pairs) == 1 && chance(a.Rand, 30) {
			e.hint = wish.pairs[0][a.IntN(2)]
		}
	}
	if chance(a.Rand, 20) {
		e.hint = ""
	}
	if e.target == "count" {
		return // that is an aggregate, in PostgREST too
	}
	found := a.s.find(n.rel, e.target, e.hint)
	if len(found) != 1 {
		if chance(a.Rand, 90) { // seldom an error
			return
		}
		e.node = &node{rel: wish.to, limit: -1, offset: -1, items: []*item{{star: true}}}
		a.failures = append(a.failures, map[bool]string{true: "PGRST200", false: "PGRST201"}[len(found) == 0])
		n.items = append(n.items, &item{embed: e})
		return
	}
	e.as = found[0]
	if root && a.writes && e.as.kind == "computed" {
		return
	}
	if e.as.to.secret && !chance(a.Rand, 5) {
		return
	}
	if slices.ContainsFunc(n.items, func(i *item) bool { return i.embed != nil && i.embed.target == e.target }) {
		return // filters would be for both
	}
	e.join = choice(a.Rand, "", "", "", "left", "inner")
	kind := "embed"
	inner := make(map[string]bool)
	if chance(a.Rand, 20) {
		e.spread, kind, inner = true, "one", labels
		if e.as.many {
			kind = "many"
			if spread != "" || n.aggregated {
				e.spread, kind, inner = false, "embed", make(map[string]bool)
			}
		}
	}
	if e.spread && e.target == "not" {
		return // before a tree the name negates it, in PostgREST too
	}
	if !e.spread && (e.target == "not" || labels[e.target] || chance(a.Rand, 30)) {
		e.alias = a.alias(labels)
	}
	labels[e.label()] = true
	e.node = a.node(e.as.to, depth, false, kind, inner)
	if e.node.aggregated && e.spread && !e.as.many && spread == "" {
		n.aggregated = true // they are its parent's
	} else if e.node.aggregated && (e.join == "inner" && len(e.node.having) == 0 || !e.as.many) {
		e.join = ""
		if !e.as.many {
			a.forget(e.node)
		}
	}
	if !e.as.many {
		e.node.order, e.node.limit, e.node.offset, e.node.total = nil, -1, -1, true
	}
	n.items = append(n.items, &item{embed: e})
}

// order makes a total order: what is chosen, then the key.
func (a *asker) order(n *node, computed []*column) {
	words := func() string {
		return choice(a.Rand, "", ".asc", ".desc") + choice(a.Rand, "", "", ".nullsfirst", ".nullslast")
	}
	var seen []string
	for range a.IntN(3) {
		c := n.rel.columns[a.IntN(len(n.rel.columns))]
		if len(computed) > 0 && chance(a.Rand, 20) {
			c = computed[a.IntN(len(computed))]
		}
		if !c.kind.order || c.secret || slices.Contains(seen, c.name) {
			continue
		}
		seen = append(seen, c.name)
		term := orderTerm{column: c, words: words()}
		if len(c.kind.paths) > 0 && chance(a.Rand, 50) {
			term.path = choice(a.Rand, c.kind.paths...)
		}
		n.order = append(n.order, term)
	}
	for _, i := range n.items {
		if e := i.embed; e != nil && e.as != nil && !e.as.many && !e.spread && chance(a.Rand, 40) {
			if c := e.node.rel.columns[a.IntN(len(e.node.rel.columns))]; c.kind.order && !c.secret {
				n.order = append(n.order, orderTerm{embed: e, column: c, words: words()})
			}
		}
	}
	for _, name := range n.rel.key {
		if !slices.Contains(seen, name) {
			n.order = append(n.order, orderTerm{column: n.rel.column(name), words: choice(a.Rand, "", ".desc")})
		}
	}
	n.total = len(n.rel.key) > 0
	if len(n.order) == 0 {
		n.total = false
	}
}

// condition makes a filter of a node, or a tree of them.
func (a *asker) condition(n *node, computed []*column, depth int, root bool) *condition {
	if depth > 0 && chance(a.Rand, 25) {
		tree := &condition{any: chance(a.Rand, 60), not: chance(a.Rand, 20)}
		for range 1 + a.IntN(3) {
			tree.children = append(tree.children, a.condition(n, computed, depth-1, root))
		}
		return tree
	}
	if !a.writes && !n.aggregated {
		for _, i := range n.items {
			if e := i.embed; e != nil && e.as != nil && !e.spread && (!e.node.aggregated || len(e.node.having) > 0) && chance(a.Rand, 15) {
				return &condition{null: e, not: chance(a.Rand, 60)}
			}
		}
	}
	for {
		c := n.rel.columns[a.IntN(len(n.rel.columns))]
		if len(computed) > 0 && chance(a.Rand, 20) {
			c = computed[a.IntN(len(computed))]
		}
		if c.secret && !chance(a.Rand, 2) {
			continue
		}
		return a.filter(c)
	}
}

// texts are operands of text that comes out of JSON.
var pathTexts = []string{"x", "it's", `it's "q"`, "2", "1", "null", "7", "3", ""}

func (a *asker) filter(c *column) *condition {
	f := &condition{column: c, not: chance(a.Rand, 20), operator: "is", operands: []*operand{{text: choice(a.Rand, "null", "null", "not_null")}}}
	k := c.kind
	if len(k.paths) > 0 && chance(a.Rand, 40) {
		f.path = choice(a.Rand, k.paths...)
		text := strings.Contains(f.path, "->>")
		switch {
		case text && chance(a.Rand, 80):
			f.operator = choice(a.Rand, "eq", "neq", "gt", "in", "isdistinct")
			f.operands = []*operand{a.operand(pathTexts...)}
		case !text && k.typ != "json" && chance(a.Rand, 80):
			f.operator = choice(a.Rand, "eq", "neq", "cs")
			f.operands = []*operand{a.operand("1", `"x"`, `{"c": ["x", null]}`, "null", "[]", `"it's \"q\""`)}
		}
		return f
	}
	if k.typ == "boolean" && chance(a.Rand, 50) {
		f.operands[0].text = choice(a.Rand, "true", "false", "unknown", "null")
		return f
	}
	if !k.equal || chance(a.Rand, 10) {
		return f
	}
	operators := []string{"eq", "eq", "neq", "in", "isdistinct", "eq"}
	if k.order {
		operators = append(operators, "gt", "gte", "lt", "lte")
	}
	if k.typ == "tsvector" {
		operators = nil
	}
	operators = append(operators, k.more...)
	f.operator = choice(a.Rand, operators...)
	pool := k.values
	switch f.operator {
	case "like", "ilike":
		pool = []string{"*a*", "a%", "_", "*'*", "%", "A", "*,*", `*\"*`, "*", "", "sm*rt", "*漢"}
	case "match", "imatch":
		pool = []string{"^a", "[abc]", "(a|b)", "x$", ".", "", "a{1,2}", `\{`}
	case "fts":
		pool = []string{"road", "road & war", "!calm", "ro:*", "'it''s'"}
	case "plfts", "phfts", "wfts":
		pool = []string{"road war", `it's "a"`, "-calm", "", "a,b"}
	}
	if strings.HasSuffix(f.operator, "fts") {
		f.language = choice(a.Rand, "", "english", "simple")
	}
	f.operands = []*operand{a.operand(pool...)}
	switch {
	case f.operator == "in":
		for range a.IntN(3) {
			f.operands = append(f.operands, a.operand(pool...))
		}
		if strings.HasSuffix(k.typ, "[]") {
			f.operator = "eq"
			f.operands = f.operands[:1]
		}
	case slices.Contains([]string{"eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch"}, f.operator) && chance(a.Rand, 15) && !strings.HasSuffix(k.typ, "[]") && k.parse == "":
		f.quantifier = choice(a.Rand, "any", "all")
		for range a.IntN(3) {
			f.operands = append(f.operands, a.operand(pool...))
		}
	}
	return f
}
