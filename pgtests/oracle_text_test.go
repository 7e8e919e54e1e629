package pgtests

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var bareName = regexp.MustCompile(`^[\pL0-9_$][\pL0-9_$ ]*[\pL0-9_$]$|^[\pL0-9_$]$`)

// name writes a name as select, order and the keys of filters have it.
func (a *asker) name(name string) string {
	if bareName.MatchString(name) && !slices.Contains(reservedArguments, name) && name != "null" {
		return name
	}
	return quotedValue(name)
}

func quotedValue(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func (a *asker) selectText(n *node) string {
	var parts []string
	for _, i := range n.items {
		text := ""
		if i.alias != "" {
			text = a.name(i.alias) + ":"
		}
		switch {
		case i.embed != nil:
			e := i.embed
			if e.alias != "" {
				text = a.name(e.alias) + ":"
			}
			if e.spread {
				text = "..."
			}
			text += a.name(e.target)
			if e.hint != "" {
				text += "!" + a.name(e.hint)
			}
			if e.join != "" {
				text += "!" + e.join
			}
			text += "(" + a.selectText(e.node) + ")"
		case i.star:
			text += "*"
		case i.rows:
			text += "distinct()"
		default:
			if i.column != nil {
				text += a.name(i.column.name) + i.path
				if i.cast != "" {
					text += "::" + i.cast
				}
			}
			if i.aggregate != "" {
				if i.column != nil {
					text += "."
				}
				text += i.aggregate + map[bool]string{true: "(distinct)", false: "()"}[i.distinct]
				if i.after != "" {
					text += "::" + i.after
				}
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}

// parameters gives those of a node and its embeds, as name and value.
func (a *asker) parameters(n *node, prefix string) (given [][2]string) {
	for _, f := range slices.Concat(n.where, n.having) {
		name, value := a.conditionText(f, false)
		given = append(given, [2]string{prefix + name, value})
	}
	if len(n.order) > 0 {
		var terms []string
		for _, term := range n.order {
			text := a.name(term.column.name) + term.path
			if term.embed != nil {
				text = a.name(term.embed.label()) + "(" + text + ")"
			}
			terms = append(terms, text+term.words)
		}
		given = append(given, [2]string{prefix + "order", strings.Join(terms, ",")})
	}
	if n.limit >= 0 {
		given = append(given, [2]string{prefix + "limit", strconv.Itoa(n.limit)})
	}
	if n.offset >= 0 {
		given = append(given, [2]string{prefix + "offset", strconv.Itoa(n.offset)})
	}
	for _, i := range n.items {
		if i.embed != nil && i.embed.node != nil {
			given = append(given, a.parameters(i.embed.node, prefix+a.name(i.embed.label())+".")...)
		}
	}
	return given
}

// conditionText writes a condition, as name and value, or in a tree as one text.
func (a *asker) conditionText(f *condition, inTree bool) (name, value string) {
	not := ""
	if f.not {
		not = "not."
	}
	switch {
	case f.children != nil:
		var parts []string
		for _, child := range f.children {
			childName, childValue := a.conditionText(child, true)
			parts = append(parts, childName+childValue)
		}
		return not + map[bool]string{true: "or", false: "and"}[f.any], "(" + strings.Join(parts, ",") + ")"
	case f.null != nil:
		name, value = a.name(f.null.label()), not+"is.null"
	default:
		operator := f.operator
		if f.quantifier != "" {
			operator += "(" + f.quantifier + ")"
		}
		if f.language != "" {
			operator += "(" + f.language + ")"
		}
		name, value = a.name(f.column.name)+f.path, not+operator+"."
		text := f.operands[0].text
		switch {
		case f.operator == "in":
			var listed []string
			for _, o := range f.operands {
				listed = append(listed, quotedIfNeeded(o.text))
			}
			value += "(" + strings.Join(listed, ",") + ")"
		case f.quantifier != "":
			var listed []string
			for _, o := range f.operands {
				listed = append(listed, quotedValue(o.text))
			}
			text = "{" + strings.Join(listed, ",") + "}"
			fallthrough
		default:
			if inTree && f.operator != "is" {
				text = quotedIfNeeded(text)
			}
			value += text
		}
	}
	if inTree {
		return name + ".", value
	}
	return name, value
}

var bareValue = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func quotedIfNeeded(text string) string {
	if bareValue.MatchString(text) {
		return text
	}
	return quotedValue(text)
}
