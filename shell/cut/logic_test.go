package cut

import (
	"strings"
	"testing"
	"time"
)

func TestLogic(t *testing.T) {
	for _, want := range []cutting{
		{"or=(a.eq.1)", "or=(a.eq.%01)", []string{"1"}},
		{"not.and=(a.eq.1,or(b.in.(1,2),not.and(c.is.null,d.like(any).{x,y})))", "not.and=(a.eq.%01,or(b.in.%01,not.and(c.is.null,d.like(any).%01)))", []string{"1", `{"1","2"}`, "{x,y}"}},
		{"clients.not.or=(a.not.eq.,b.fts(english).a b)", "clients.not.or=(a.not.eq.%01,b.fts(english).%01)", []string{"", "a b"}},
		// Names, and columns called as the words are.
		{`or=("a.b,c".eq.1,"a\"b".eq.2,a-b.eq.3,é.eq.4,a$_1.eq.5)`, `or=("a.b,c".eq.%01,"a\"b".eq.%01,a-b.eq.%01,é.eq.%01,a$_1.eq.%01)`, []string{"1", "2", "3", "4", "5"}},
		{"or=(and.eq.1,or.eq.2,not.eq.3,not.not.eq.4,eq.eq.5)", "or=(and.eq.%01,or.eq.%01,not.eq.%01,not.not.eq.%01,eq.eq.%01)", []string{"1", "2", "3", "4", "5"}},
		{"or=(a->b->>c.eq.1,a->0->>-1.eq.2,a->\"b.c\".eq.3,a->b-c.eq.4,a->>x\"y[.eq.5)", "or=(a->b->>c.eq.%01,a->0->>-1.eq.%01,a->\"b.c\".eq.%01,a->b-c.eq.%01,a->>x\"y[.eq.%01)", []string{"1", "2", "3", "4", "5"}},
		{"or=(a->0-x.eq.1,a->0x.eq.2,a->0->b.eq.3)", "or=(a->0-x.eq.%01,a->0x.eq.%01,a->0->b.eq.%01)", []string{"1", "2", "3"}},
		// Values.
		{`or=(a.eq."1,2",b.eq."x\"\\y",c.eq."a"b,d.eq."",e.eq.")")`, `or=(a.eq.%01,b.eq.%01,c.eq.%01,d.eq.%01,e.eq.%01)`, []string{"1,2", `x"\y`, `"a"b`, "", ")"}},
		{"or=(a.cs.{1,2},b.cs.{x,c.eq.{y{z},d.eq.a{1})", "or=(a.cs.%01,b.cs.%01,c.eq.%01,d.eq.%01)", []string{"{1,2}", "{x", "{y{z}", "a{1}"}},
		{"or=(a.eq.x.y(z,b.eq.(1)", "or=(a.eq.%01,b.eq.%01)", []string{"x.y(z", "(1"}},
		{`or=(a.in.(1,"b,)",c),b.in.())`, `or=(a.in.%01,b.in.%01)`, []string{`{"1","b,)","c"}`, "{}"}},
		// White space: none may follow a placeholder.
		{"or=%09(+a+.eq.+1+,+and+(b.eq.2)+,c.cs.{3}+)", "or=%09(%20a%20.eq.%01,%20and%20(b.eq.%01)%20,c.cs.%01)", []string{" 1 ", "2", "{3}"}},
		{"or=(a.in.+(1)+,b.eq.2)", "or=(a.in.%01,b.eq.%01)", []string{`{"1"}`, "2"}},
		{"or=(+not+.and(a.eq.1))", "or=(%20not%20.and(a.eq.%01))", []string{"1"}},
		// Encoded.
		{"or=%28a.eq.1%2Cb.eq.%252B%29", "or=(a.eq.%01,b.eq.%01)", []string{"1", "%2B"}},
		{`or=("a%2Bb%26%25%23=".eq.1)`, `or=("a%2Bb%26%25%23=".eq.%01)`, []string{"1"}},
		// What follows is ignored, and stays.
		{"or=(a.eq.1),b.eq.2)%26", "or=(a.eq.%01),b.eq.2)%26", []string{"1"}},
		// Keywords.
		{"or=(a.is.null,b.not.is.TRUE,c.is.\"false\",d.eq.1)", "or=(a.is.null,b.not.is.TRUE,c.is.\"false\",d.eq.%01)", []string{"1"}},
		{query: "or=(d.eq.1,a.is.nul)"}, {query: "or=(d.eq.1,a.is.nullx)"}, {query: "or=(d.eq.1,a.is.)"}, {query: "or=(d.eq.1,a.is.+null)"}, {query: "or=(d.eq.1,a.is.truetruetrue)"},
		// What the database refuses.
		{query: "or="}, {query: "or=a.eq.1"}, {query: "or=()"}, {query: "or=(a.eq.1"}, {query: "or=(a.eq.1,)"}, {query: "or=(,a.eq.1)"}, {query: "or=(a)"}, {query: "or=(a.eq)"},
		{query: "or=(a.foo.1)"}, {query: "or=(b.eq.1,a.not)"}, {query: "or=(a.eq.1,b.not.1)"}, {query: "or=(.eq.1)"}, {query: "or=(a.eq.1,b.+eq.1)"}, {query: "or=(a.eq.1,a-.eq.1)"}, {query: "or=(a.eq.1,%22.eq.1)"}, {query: "or=(a.eq.1,%22%22.eq.1)"},
		{query: "or=(a.neq(any).1)"}, {query: "or=(a.eq(some).1)"}, {query: "or=(a.eq(any.1)"}, {query: "or=(a.fts().1)"}, {query: "or=(a.fts(+).1)"}, {query: "or=(a.in(any).(1))"},
		{query: "or=(a.in.1)"}, {query: "or=(a.in.(1)"}, {query: "or=(a.cs.{1}2)"}, {query: "or=(a.eq.1,b->.eq.2)"}, {query: "or=(a.eq.1,b->-x.eq.2)"}, {query: "or=(a.eq.1,b->2147483648.eq.2)"},
		{query: "or=(a.eq.1,b->x>y.eq.2)"}, {query: "or=(a.eq.1,b->-.eq.2)"}, {query: "or=(a.eq.1,b->x-.eq.2)"}, {query: "or=(a.eq.1,b->+.eq.2)"}, {query: "or=(a.eq.1,b->\"x.eq.2)"}, {query: "or=(a.eq.1,b->-1x.eq.2)"}, {query: "or=(a.eq.1,\"a\"-b.eq.2)"},
		{query: "or=(and(a.eq.1)"}, {query: "or=(a.eq.%0A)"}, {query: "or=(a.eq.%7F)"}, {query: "or=not.(a.eq.1)"},
	} {
		want.check(t, false)
		want.check(t, true)
	}
}

func TestLogicLimits(t *testing.T) {
	deep := func(levels int, value string) string {
		return "or=" + strings.Repeat("(and", levels-1) + "(a.eq." + value + strings.Repeat(")", levels)
	}
	cutting{deep(64, "1"), deep(64, "%01"), []string{"1"}}.check(t, false)
	cutting{query: deep(65, "1")}.check(t, false)
	path := func(arrows int, value string) string {
		return "or=(a" + strings.Repeat("->b", arrows) + ".eq." + value + ")"
	}
	cutting{path(64, "1"), path(64, "%01"), []string{"1"}}.check(t, false)
	cutting{query: path(65, "1")}.check(t, false)
	// The length is counted in characters.
	value := strings.Repeat("é", maxLogicLength-len("(a.eq.)"))
	cutting{"or=(a.eq." + value + ")", "or=(a.eq.%01)", []string{value}}.check(t, false)
	cutting{query: "or=(a.eq.x" + value + ")"}.check(t, false)
}

// However a tree is written, the time it takes grows with its length only.
func TestLongLogic(t *testing.T) {
	for _, part := range []string{"a.eq.1,", `a.eq."x,`, `a.eq."x",`, "a.cs.{x,", "a.in.(x,", `a.in.("x,`, `a.eq."\",`, "and(", `"`, "a-", "a->b"} {
		query := strings.Repeat("or=("+strings.Repeat(part, maxLogicLength/len(part)-1)+")&", 8)
		var values Values
		start := time.Now()
		AppendQuery(nil, &values, query, false)
		if spent := time.Since(start); spent > 2*time.Second {
			t.Errorf("two megabytes of %s take %v", part, spent)
		}
	}
}

func BenchmarkLogic(b *testing.B) {
	benchmarkQuery(b, "or=(name.ilike.*abc*,and(year.gte.1980,year.lt.1990),not.or(id.in.(1,2,3),title.eq.%22a,b%22),deleted.is.null)", 5)
}
