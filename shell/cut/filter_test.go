package cut

import "testing"

func TestFilter(t *testing.T) {
	for _, want := range []cutting{
		{"a=eq.", "a=eq.%01", []string{""}},
		{"a=not.gte.1.5", "a=not.gte.%01", []string{"1.5"}},
		{"a=like(any).{a*,b*}", "a=like(any).%01", []string{"{a*,b*}"}},
		{"a=not.eq(all).{1}", "a=not.eq(all).%01", []string{"{1}"}},
		{"a=fts(english).fat+cat", "a=fts(english).%01", []string{"fat cat"}},
		{"a=isdistinct.null", "a=isdistinct.%01", []string{"null"}},
		{"a=eq.is.null", "a=eq.%01", []string{"is.null"}},
		// What stands before the value stays as it came.
		{"a=like%28any%29%2Ex%2Ey", "a=like%28any%29%2E%01", []string{"x.y"}},
		{"a=%65q.1", "a=%65q.%01", []string{"1"}},
		// Values are decoded; a percent sign that starts no escape stands for itself.
		{"a=eq.%C3%A9+%2B%26%3D", "a=eq.%01", []string{"é +&="}},
		{"a=like.100%&a=like.%zz%4", "a=like.%01&a=like.%01", []string{"100%", "%zz%4"}},
		{"a=eq.%02%1F%0A", "a=eq.%01", []string{"\x02\x1f\n"}},
		// The database refuses such modifiers.
		{query: "a=neq(any).1"}, {query: "a=eq().1"}, {query: "a=like(english).1"}, {query: "a=fts().1"}, {query: "a=in(any).(1)"},
		// No filters.
		{query: "a=1"}, {query: "a="}, {query: "a=1.5"}, {query: "a=eq"}, {query: "a=.5"}, {query: "a=foo.5"}, {query: "a=not.foo.5"}, {query: "a=not.5"}, {query: "a=not.not.eq.5"},
		{query: "a=EQ.5"}, {query: "a=+eq.5"}, {query: "a=fts(a-b).c"}, {query: "a=eq(any.5"}, {query: "a=eq(any)5"}, {query: "a=eqx.5"},
		// Keywords are part of the shape.
		{query: "a=is.null"}, {query: "a=not.is.not_null"}, {query: "a=is.5"}, {query: "a=is(any).null"},
	} {
		want.check(t, false)
	}
}

// In a call of a function, what is no filter is an argument.
func TestArgument(t *testing.T) {
	for _, want := range []cutting{
		{"a=1&b=", "a=%01&b=%01", []string{"1", ""}},
		{"a=1.5&b=foo.bar&c=.x&d=eq&e=not", "a=%01&b=%01&c=%01&d=%01&e=%01", []string{"1.5", "foo.bar", ".x", "eq", "not"}},
		{"a=fts(a-b).c&b={1,2}", "a=%01&b=%01", []string{"fts(a-b).c", "{1,2}"}},
		{"a=x%26y+z", "a=%01", []string{"x&y z"}},
		{"a=eq.1&b=not.eq.2&c=in.(1)", "a=eq.%01&b=not.eq.%01&c=in.%01", []string{"1", "2", `{"1"}`}},
		{"a=%01&b=%01", "a=%01&b=%01", []string{"\x01", "\x01"}},
		{query: "a=is.null&b=not.foo&c=not.&d=in.1&e=in(any).(1)&f=eq(x).1&g=fts().1&select=a&limit=5&and=x&order=y"},
		{query: "a=1&b=not.%01"}, {query: "a=1&b=%ff"}, {query: "a=1&b=a%00"},
	} {
		want.check(t, true)
	}
}

func TestOperators(t *testing.T) {
	known := Operators()
	for name, kind := range known {
		switch kind {
		case Plain, Quantified, Language:
			cutting{"a=" + name + ".x", "a=" + name + ".%01", []string{"x"}}.check(t, false)
			cutting{"or=(a." + name + ".x)", "or=(a." + name + ".%01)", []string{"x"}}.check(t, false)
		case List:
			cutting{"a=" + name + ".(x)", "a=" + name + ".%01", []string{`{"x"}`}}.check(t, false)
		case Keyword:
			cutting{query: "a=" + name + ".null"}.check(t, false)
		default:
			t.Errorf("%s is %q", name, kind)
		}
	}
	clear(known)
	if len(Operators()) == 0 {
		t.Error("what Operators returns is not a copy")
	}
}
