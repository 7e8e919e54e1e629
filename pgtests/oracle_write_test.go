package pgtests

import (
	"slices"
	"strings"
)

// chooseByEmbeds makes of a PATCH or DELETE one that is about the rows which a read would show, if there is an embed for it.
func (q *question) chooseByEmbeds() {
	t := q.root.rel
	if q.kind != "update" && q.kind != "delete" || q.root.aggregated || !chance(q.Rand, 40) {
		return
	}
	for _, i := range q.root.items {
		e := i.embed
		if e == nil || e.as == nil || e.spread || e.node.aggregated || t.column(e.label()) != nil ||
			slices.ContainsFunc(t.computed, func(c *column) bool { return c.name == e.label() || c.call == e.label() }) {
			continue
		}
		test := &condition{null: e, not: chance(q.Rand, 70)}
		if chance(q.Rand, 30) {
			test = &condition{any: true, children: []*condition{test, q.condition(q.root, nil, 0, true)}}
		}
		q.root.where = append(q.root.where, test)
		q.related = true
		return
	}
}

// makeKeyed makes of a PATCH one of rows that have their key, if that is of integers.
func (q *question) makeKeyed() {
	t := q.root.rel
	simple := func(name string) bool {
		return slices.Contains([]string{"int", "integer", "bigint"}, t.column(name).kind.typ)
	}
	if t.view || len(t.key) == 0 || slices.ContainsFunc(t.key, func(name string) bool { return !simple(name) || t.column(name).secret }) || !chance(q.Rand, 40) {
		return
	}
	var names []string
	for _, c := range t.columns {
		if !slices.Contains(t.key, c.name) && !c.generated && !c.secret && c.refers == nil && chance(q.Rand, 40) {
			names = append(names, c.name)
		}
	}
	if len(names) == 0 {
		return
	}
	q.kind, q.names, q.rows = "keyed", slices.Concat(names, t.key), nil
	values := []string{"1", "2", "3", "4", "5", "40"}
	q.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	for _, value := range values[:1+q.IntN(4)] {
		row := make(map[string]*operand)
		for at, name := range q.names {
			c := t.column(name)
			switch {
			case name == t.key[0]:
				row[name] = q.operand(value)
			case at >= len(names):
				row[name] = q.operand(choice(q.Rand, "1", "2", "3"))
				row[name].pool = []string{row[name].text}
			case !c.notNull && chance(q.Rand, 15):
				row[name] = nil
			default:
				row[name] = q.operand(c.kind.values...)
			}
		}
		q.rows = append(q.rows, row)
	}
	if chance(q.Rand, 10) {
		q.rows = append(q.rows, q.rows[0])
		q.failures = append(q.failures, "PGRST175", "42501") // the role may have no right to write there
	}
}

// plainKeyed is the UPDATE that gives each row its own values: in each column a CASE of the keys.
func (q *question) plainKeyed(p *plain) string {
	t := q.root.rel
	var keys, set []string
	for _, row := range q.rows {
		var parts []string
		for _, name := range t.key {
			parts = append(parts, "plain_0."+identifier(name)+" = "+q.written(row, name))
		}
		keys = append(keys, strings.Join(parts, " and "))
	}
	for _, name := range q.names[:len(q.names)-len(t.key)] {
		text := identifier(name) + " = case"
		for at, row := range q.rows {
			text += " when " + keys[at] + " then " + q.written(row, name)
		}
		set = append(set, text+" else plain_0."+identifier(name)+" end")
	}
	where := p.where(q.chosen(), "plain_0", []string{"(" + strings.Join(keys, " or ") + ")"})
	return "update " + t.quoted + " as plain_0 set " + strings.Join(set, ", ") + where
}

// chosen is the node of the rows that a PATCH or DELETE writes.
func (q *question) chosen() *node {
	n := &node{where: q.root.where}
	if q.related {
		n.items = q.root.items
	}
	return n
}

// answered is the node of a write's answer, in which all rows are that were written.
func (q *question) answered() *node {
	shown := *q.root
	shown.where, shown.items = nil, slices.Clone(q.root.items)
	for at, i := range shown.items {
		if i.embed != nil {
			outer := *i.embed
			outer.join = ""
			copied := *i
			copied.embed = &outer
			shown.items[at] = &copied
		}
	}
	for at, term := range shown.order {
		for _, i := range shown.items {
			if term.embed != nil && i.embed != nil && i.embed.node == term.embed.node {
				shown.order = slices.Clone(shown.order)
				shown.order[at].embed = i.embed
			}
		}
	}
	return &shown
}
