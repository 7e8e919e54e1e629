package pgtests

import (
	"cmp"
	"slices"
	"strings"
)

// resultKind is the type of the result of an aggregate.
func resultKind(i *item) *kind {
	switch {
	case i.after != "":
		return kindOf("text")
	case i.aggregate == "count":
		small := *kindOf("bigint")
		small.values = []string{"0", "1", "2", "3"}
		return &small
	case i.aggregate == "avg" || i.aggregate == "sum" && slices.Contains([]string{"bigint", "numeric"}, i.column.kind.typ):
		return kindOf("numeric")
	case i.aggregate == "sum":
		return kindOf("bigint")
	case i.column.kind.typ == "SCHEMA.small":
		return integer
	}
	return i.column.kind
}

// has reports whether a name means something in a row of a relation.
func (r *relation) has(name string) bool {
	named := func(c *column) bool { return c.name == name }
	return slices.ContainsFunc(r.columns, named) || slices.ContainsFunc(r.computed, named)
}

// having makes conditions on the groups of a node, and an order by all that they have.
func (a *asker) having(n *node) {
	type grouped struct {
		column *column // as a request names it
		label  string
		result bool
	}
	var all, results []grouped
	total := true
	for _, i := range n.items {
		switch {
		case i.rows:
		case i.aggregate != "":
			g := grouped{label: cmp.Or(i.alias, i.aggregate), result: true}
			g.column = &column{name: g.label, kind: resultKind(i)}
			if n.rel.has(g.label) {
				total = false // a name is that of the column
				continue
			}
			results = append(results, g)
			if g.label == "count" && i.column != nil {
				total = false // an order by count is one by the number of rows
				continue
			}
			all = append(all, g)
		case i.column == nil || i.column.call != "" || i.path != "" || i.cast != "" || !i.column.kind.order:
			total = false
		default:
			all = append(all, grouped{column: i.column, label: cmp.Or(i.alias, i.column.name)})
		}
	}
	one := func(among []grouped) *condition {
		g := among[a.IntN(len(among))]
		f := a.filter(g.column)
		f.outer = g.label
		return f
	}
	for len(results) > 0 && chance(a.Rand, 50) {
		f := one(results)
		if chance(a.Rand, 40) {
			f = &condition{any: chance(a.Rand, 70), not: chance(a.Rand, 20), children: []*condition{f, one(slices.Concat(all, results))}}
		}
		n.having = append(n.having, f)
	}
	n.ownGroups = len(n.having) > 0 || slices.ContainsFunc(n.items, func(i *item) bool { return i.distinct || i.rows })
	if len(all) == 0 || !chance(a.Rand, 60) {
		return
	}
	a.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, g := range all {
		words := choice(a.Rand, "", ".asc", ".desc") + choice(a.Rand, "", "", ".nullsfirst", ".nullslast")
		n.order = append(n.order, orderTerm{column: g.column, outer: g.label, words: words})
		n.ownGroups = n.ownGroups || g.result && g.label != "count"
	}
	n.total = total
	if total && chance(a.Rand, 30) {
		n.limit = a.IntN(4)
	}
	if total && chance(a.Rand, 20) {
		n.offset = a.IntN(3)
	}
}

// forget drops what is asked of groups, where rows are not grouped after all. Where nothing is left, a column is asked
// for, under an alias, as a spread's labels are also its parent's.
func (a *asker) forget(n *node) {
	n.aggregated, n.ownGroups, n.having, n.order = false, false, nil, nil
	n.limit, n.offset, n.total = -1, -1, false
	n.items = slices.DeleteFunc(n.items, func(i *item) bool { return i.aggregate != "" || i.rows })
	for _, i := range n.items {
		if e := i.embed; e != nil && e.spread && e.node.aggregated {
			a.forget(e.node)
		}
	}
	if len(n.items) == 0 {
		n.items = []*item{{column: n.rel.columns[0], alias: a.alias(make(map[string]bool))}}
	}
}

// having is the condition on the groups of a node, which are h.
func (p *plain) having(n *node) string {
	var conditions []string
	for _, f := range n.having {
		conditions = append(conditions, p.condition(f, "h"))
	}
	if len(conditions) == 0 {
		return ""
	}
	return " where " + strings.Join(conditions, " and ")
}
