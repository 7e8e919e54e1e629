package pgtests

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plain writes what a request means as SQL: each embed a correlated subquery, each column of a spread another, each condition in
// place. It shares nothing with sql/: the point is that two ways of reading a request agree.
type plain struct {
	s       *schema
	aliases int
	used    map[string]bool // columns of the root that are needed, where it is what a write returns
	root    string          // its alias
	csv     bool            // rows are arrays of texts, the names of the columns the first
}

func (p *plain) alias() string {
	p.aliases++
	return "plain_" + strconv.Itoa(p.aliases)
}

// output is a column of a node's rows.
type output struct {
	label, sql       string
	aggregate, after string
	distinct         bool
	json             bool // for groups it must be jsonb
}

func (p *plain) column(c *column, alias string) string {
	if c.call != "" {
		return p.s.quoted + "." + identifier(c.call) + "(" + alias + ")"
	}
	if alias == p.root && p.used != nil {
		p.used[c.name] = true
	}
	return alias + "." + identifier(c.name)
}

var step = regexp.MustCompile(`(->>?)([^-]+|-[0-9]+)`)

// value is a column, or what a path leads to in it.
func (p *plain) value(c *column, path, alias string) string {
	text := p.column(c, alias)
	if path == "" {
		return text
	}
	if c.kind.typ != "json" && c.kind.typ != "jsonb" {
		text = "to_jsonb(" + text + ")"
	}
	for _, found := range step.FindAllStringSubmatch(path, -1) {
		if _, err := strconv.Atoi(found[2]); err == nil {
			text += found[1] + found[2]
		} else {
			text += found[1] + literal(found[2])
		}
	}
	return "(" + text + ")"
}

// outputs returns the columns of a node's rows: what is of the relation itself comes before its embeds.
func (p *plain) outputs(n *node, alias string) (made []output) {
	show := func(c *column) string {
		if c.kind.show != "" {
			return p.s.quoted + "." + c.kind.show + "(" + p.column(c, alias) + ")"
		}
		return p.column(c, alias)
	}
	items := slices.Clone(n.items)
	slices.SortStableFunc(items, func(a, b *item) int {
		return map[bool]int{true: 1}[a.embed != nil] - map[bool]int{true: 1}[b.embed != nil]
	})
	for _, i := range items {
		switch {
		case i.star:
			for _, c := range n.rel.columns {
				made = append(made, output{label: c.name, sql: show(c), json: c.kind.show != ""})
			}
		case i.embed != nil && i.embed.spread:
			made = append(made, p.spread(i.embed, alias)...)
		case i.embed != nil:
			if len(i.embed.node.items) > 0 {
				made = append(made, output{label: i.embed.label(), sql: p.embedded(i.embed, alias), json: true})
			}
		case i.aggregate != "":
			sql := ""
			if i.column != nil {
				sql = p.value(i.column, i.path, alias)
			}
			label := i.alias
			if label == "" {
				label = i.aggregate
			}
			made = append(made, output{label: label, sql: sql, aggregate: i.aggregate, distinct: i.distinct, after: i.after})
		case i.rows:
		default:
			sql := p.value(i.column, i.path, alias)
			if i.cast != "" {
				sql = "cast(" + sql + " as " + i.cast + ")"
			} else if i.path == "" {
				sql = show(i.column)
			}
			label := i.alias
			if label == "" {
				label = i.column.name
			}
			made = append(made, output{label: label, sql: sql, json: i.cast == "" && i.path == "" && i.column.kind.show != ""})
		}
	}
	return made
}

// object is a row as JSON.
func object(made []output) string {
	if len(made) == 0 {
		return "'{}'::json"
	}
	var parts []string
	for _, one := range made {
		parts = append(parts, one.sql+" as "+identifier(one.label))
	}
	return "(select row_to_json(r) from (select " + strings.Join(parts, ", ") + ") as r)"
}

// csvFields is an array of the texts of a row, with the name of each column.
func csvFields(made []output) string {
	var parts []string
	for _, one := range made {
		parts = append(parts, literal(one.label), "case num_nulls("+one.sql+") when 0 then format('%s', "+one.sql+") end")
	}
	return "json_build_array(" + strings.Join(parts, ", ") + ")"
}

// csvText writes rows of csvFields as PostgreSQL writes a row.
func csvText(body string) (string, error) {
	var rows [][]*string
	if err := json.Unmarshal([]byte(body), &rows); err != nil {
		return "", err
	}
	made := []string{""}
	for _, row := range rows {
		var names, fields []string
		for at := 0; at < len(row); at += 2 {
			names = append(names, *row[at])
			switch text := row[at+1]; {
			case text == nil:
				fields = append(fields, "")
			case *text == "" || strings.ContainsAny(*text, "\"\\(), \t\n\r\v\f"):
				fields = append(fields, `"`+strings.NewReplacer(`"`, `""`, `\`, `\\`).Replace(*text)+`"`)
			default:
				fields = append(fields, *text)
			}
		}
		made[0] = strings.Join(names, ",")
		made = append(made, strings.Join(fields, ","))
	}
	if len(made) == 1 {
		made = append(made, "")
	}
	return strings.Join(made, "\n"), nil
}

// embedded is what an embed gives for a row of its parent.
func (p *plain) embedded(e *embed, parent string) string {
	alias := p.alias()
	from, where := p.from(e, parent, alias)
	if e.node.aggregated {
		return "(select coalesce(json_agg(row_to_json(g)), '[]') from (" + p.groups(e.node, alias, from, where) + ") as g)"
	}
	made := object(p.outputs(e.node, alias))
	if !e.as.many {
		return "(select " + made + " from " + from + where + ")"
	}
	return "(select coalesce(json_agg(x.made order by x.place), '[]') from (" + p.listed(e.node, made, alias, from, where) + ") as x)"
}

// listed is a query of what one gives for each row, and its place.
func (p *plain) listed(n *node, made, alias, from, where string) string {
	order := p.orderBy(n, alias)
	return "select " + made + " as made, row_number() over (" + order + ") as place from " + from + where + order + limits(n)
}

func limits(n *node) (text string) {
	if n.limit >= 0 {
		text = " limit " + strconv.Itoa(n.limit)
	}
	if n.offset >= 0 {
		text += " offset " + strconv.Itoa(n.offset)
	}
	return text
}

// spread returns the columns of an embed as columns of its parent: as arrays where there are many rows.
func (p *plain) spread(e *embed, parent string) (made []output) {
	count := len(p.outputs(e.node, p.alias()))
	for at := range count {
		alias := p.alias()
		from, where := p.from(e, parent, alias)
		one := p.outputs(e.node, alias)[at]
		if e.as.many {
			made = append(made, output{label: one.label, sql: "(select coalesce(json_agg(x.made order by x.place), '[]') from (" + p.listed(e.node, one.sql, alias, from, where) + ") as x)", json: true})
		} else {
			one.sql = "(select " + one.sql + " from " + from + where + ")"
			made = append(made, one)
		}
	}
	return made
}

// from returns the rows of an embed for a row of its parent, and the conditions on them.
func (p *plain) from(e *embed, parent, alias string) (from, where string) {
	to := e.as.to.quoted + " as " + alias
	var conditions []string
	side := func(c, of string) string { return p.column(&column{name: c}, of) }
	switch e.as.kind {
	case "computed":
		to = p.s.quoted + "." + identifier(e.as.call) + "(" + parent + ") as " + alias
	case "m2m":
		through := p.alias()
		to = e.as.junction.quoted + " as " + through + ", " + to
		for _, pair := range e.as.near {
			conditions = append(conditions, side(pair[0], parent)+" = "+side(pair[1], through))
		}
		for _, pair := range e.as.far {
			conditions = append(conditions, side(pair[0], through)+" = "+side(pair[1], alias))
		}
	default:
		for _, pair := range e.as.pairs {
			conditions = append(conditions, side(pair[1], alias)+" = "+side(pair[0], parent))
		}
	}
	return to, p.where(e.node, alias, conditions)
}

// where is the conditions on a node's rows: given ones, its filters, and that its inner embeds have rows.
func (p *plain) where(n *node, alias string, conditions []string) string {
	for _, f := range n.where {
		conditions = append(conditions, p.condition(f, alias))
	}
	for _, i := range n.items {
		if i.embed != nil && i.embed.join == "inner" {
			conditions = append(conditions, p.exists(i.embed, alias))
		}
	}
	if len(conditions) == 0 {
		return ""
	}
	return " where " + strings.Join(conditions, " and ")
}

func (p *plain) exists(e *embed, parent string) string {
	alias := p.alias()
	from, where := p.from(e, parent, alias)
	if len(e.node.having) > 0 {
		return "exists (" + p.groups(e.node, alias, from, where) + ")"
	}
	return "exists (select from " + from + where + limits(e.node) + ")"
}

func (p *plain) orderBy(n *node, alias string) string {
	if len(n.order) == 0 {
		return ""
	}
	var terms []string
	for _, term := range n.order {
		words := strings.NewReplacer(".", " ", "nullsfirst", "nulls first", "nullslast", "nulls last").Replace(term.words)
		if term.outer != "" {
			terms = append(terms, alias+"."+identifier(term.outer)+words)
			continue
		}
		if term.embed == nil {
			terms = append(terms, p.value(term.column, term.path, alias)+words)
			continue
		}
		other := p.alias()
		from, where := p.from(term.embed, alias, other)
		terms = append(terms, "(select "+p.value(term.column, term.path, other)+" from "+from+where+")"+words)
	}
	return " order by " + strings.Join(terms, ", ")
}

// groups is a query of the groups of a node with aggregates.
func (p *plain) groups(n *node, alias, from, where string) string {
	var inside, outside, by []string
	for at, one := range p.outputs(n, alias) {
		name := "v" + strconv.Itoa(at)
		sql := name
		switch {
		case one.aggregate == "":
			if one.json {
				one.sql += "::jsonb"
			}
			by = append(by, name)
		case one.sql == "":
			one.sql, sql = "1", "pg_catalog.count(*)"
		default:
			sql = "pg_catalog." + one.aggregate + "(" + map[bool]string{true: "distinct "}[one.distinct] + name + ")"
		}
		if one.after != "" {
			sql += "::" + one.after
		}
		inside, outside = append(inside, one.sql+" as "+name), append(outside, sql+" as "+identifier(one.label))
	}
	group := ""
	if len(by) > 0 {
		group = " group by " + strings.Join(by, ", ")
	}
	grouped := "select " + strings.Join(outside, ", ") + " from (select " + strings.Join(inside, ", ") + " from " + from + where + ") as v" + group
	return "select * from (" + grouped + ") as h" + p.having(n) + p.orderBy(n, "h") + limits(n)
}

var symbols = map[string]string{
	"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "like", "ilike": "ilike", "match": "~", "imatch": "~*", "isdistinct": "is distinct from",
	"cs": "@>", "cd": "<@", "ov": "&&", "sl": "<<", "sr": ">>", "nxr": "&<", "nxl": "&>", "adj": "-|-",
}

var searches = map[string]string{"fts": "to_tsquery", "plfts": "plainto_tsquery", "phfts": "phraseto_tsquery", "wfts": "websearch_to_tsquery"}

func (p *plain) condition(f *condition, alias string) string {
	text := ""
	switch {
	case f.children != nil:
		var parts []string
		for _, child := range f.children {
			parts = append(parts, p.condition(child, alias))
		}
		text = "(" + strings.Join(parts, map[bool]string{true: " or ", false: " and "}[f.any]) + ")"
	case f.null != nil:
		text = "not " + p.exists(f.null, alias)
	default:
		text = p.filter(f, alias)
	}
	if f.not {
		return "not (" + text + ")"
	}
	return "(" + text + ")"
}

func (p *plain) filter(f *condition, alias string) string {
	left := alias + "." + identifier(f.outer)
	if f.outer == "" {
		left = p.value(f.column, f.path, alias)
	}
	typed := func(o *operand) string {
		text := o.text
		if f.operator == "like" || f.operator == "ilike" {
			text = strings.ReplaceAll(text, "*", "%")
		}
		switch {
		case strings.Contains(f.path, "->>"):
			return literal(text)
		case f.path != "":
			return literal(text) + "::jsonb"
		case slices.Contains(strings.Fields(likes), f.operator):
			return literal(text)
		}
		return f.column.kind.sql(p.s, text)
	}
	if search, ok := searches[f.operator]; ok {
		language := ""
		if f.language != "" {
			language = literal(f.language) + ", "
		}
		if f.column.kind.typ != "tsvector" {
			left = "to_tsvector(" + language + left + ")"
		}
		return left + " @@ " + search + "(" + language + literal(f.operands[0].text) + ")"
	}
	switch {
	case f.operator == "is":
		return left + " is " + strings.ReplaceAll(f.operands[0].text, "_", " ")
	case f.operator == "in" && len(f.operands) == 1 && f.operands[0].text == "":
		return left + "::text = any ('{}'::text[])" // in.("") is in.(), as in PostgREST
	case f.operator == "in":
		var listed []string
		for _, o := range f.operands {
			listed = append(listed, typed(o))
		}
		return left + " in (" + strings.Join(listed, ", ") + ")"
	case f.quantifier != "":
		var parts []string
		for _, o := range f.operands {
			parts = append(parts, left+" "+symbols[f.operator]+" "+typed(o))
		}
		return "(" + strings.Join(parts, map[string]string{"any": " or ", "all": " and "}[f.quantifier]) + ")"
	}
	return left + " " + symbols[f.operator] + " " + typed(f.operands[0])
}

// answer is a query of the body, of how many rows there are in it, and of how many there would be without a page.
func (p *plain) answer(n *node, source string) string {
	alias := p.alias()
	p.root = alias
	from, where := source+" as "+alias, p.where(n, alias, nil)
	if n.aggregated {
		page := p.groups(n, alias, from, where)
		all := *n
		all.limit, all.offset, all.order = -1, -1, nil
		other := p.alias()
		return "select coalesce(json_agg(row_to_json(g)), '[]')::text, count(*), (select count(*) from (" +
			p.groups(&all, other, source+" as "+other, p.where(n, other, nil)) + ") as g) from (" + page + ") as g"
	}
	made := object(p.outputs(n, alias))
	if p.csv {
		made = csvFields(p.outputs(n, alias))
	}
	rows := p.listed(n, made, alias, from, where)
	other := p.alias()
	if p.used != nil {
		other = alias
	}
	return fmt.Sprintf("select coalesce(json_agg(x.made order by x.place), '[]')::text, count(*), (select count(*) from %s as %s%s) from (%s) as x",
		source, other, p.where(n, other, nil), rows)
}
