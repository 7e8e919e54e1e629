package cut

import (
	"slices"
	"strings"
	"testing"
)

// A cutting is a raw query string and what becomes of it.
type cutting struct {
	query, shape string
	values       []string
}

// check cuts the query; without a shape it must stay whole.
func (want cutting) check(t *testing.T, call bool) {
	t.Helper()
	if want.shape == "" {
		want.shape = want.query
	}
	var values Values
	values.addText("before")
	shape := string(AppendQuery([]byte("?"), &values, want.query, call))
	if got := values.texts()[1:]; shape != "?"+want.shape || !slices.Equal(got, want.values) || values.At(0) == nil || string(values.At(0)) != "before" {
		t.Errorf("%q, call %v:\ngot  %q %q\nwant %q %q", want.query, call, shape[1:], got, want.shape, want.values)
	}
}

func TestQuery(t *testing.T) {
	for _, want := range []cutting{
		{query: ""},
		{query: "&&a&=x&b&"},
		{query: "select=a,b.c&order=a.desc&clients.order=c&columns=a,b&on_conflict=c"},
		{"id=eq.5&select=*", "id=eq.%01&select=*", []string{"5"}},
		{"a=eq.1&b=eq.2&a=eq.3", "a=eq.%01&b=eq.%01&a=eq.%01", []string{"1", "2", "3"}},
		{"clients.id=eq.5&data->>a=eq.x=y", "clients.id=eq.%01&data->>a=eq.%01", []string{"5", "x=y"}},
		// Limits and offsets.
		{"limit=1000&a.offset=5", "limit=%01&a.offset=%01", []string{"1000", "5"}},
		{query: "limit=999&a.limit=5&b.limit=0"},
		{query: "limit=-1&limit=1.5&limit=&limit=1e9999&offset=x&offset=&offset=-5&offset=%31"},
		{"limit=123456789012345678", "limit=%01", []string{"123456789012345678"}},
		{query: "limit=1234567890123456789"},
		{query: "offset=eq.5&limit=eq.5000"},
		// Names that come encoded keep that; what they are, they are decoded.
		{"data-%3E%3Ea=eq.5&a+b=eq.6", "data-%3E%3Ea=eq.%01&a+b=eq.%01", []string{"5", "6"}},
		{query: "s%65lect=eq.5&%6frder=eq.5&c%2Eorder=eq.6"},
		{"%6Cimit=5000&%6Cimit=eq.5000", "%6Cimit=%01&%6Cimit=eq.5000", []string{"5000"}},
		// A relation's columns may be called so.
		{"a.select=eq.1&a.columns=eq.2", "a.select=eq.%01&a.columns=eq.%01", []string{"1", "2"}},
		{query: "order=eq.1&a.order=eq.1"},
		// Tokens of pages by cursor. Which of their values are null stays; the parameter may also be a filter.
		{query: "cursor=first&cursor=last&cursor=after&x.cursor=after.5&\"cursor\"=after.5&cursor=not.after.5"},
		{"cursor=after.5&cursor=before.", "cursor=after.%01&cursor=before.%01", []string{"5", ""}},
		{"cursor=after.010~5~6&cursor=before.~5&cursor=after.012~5", "cursor=after.010~%01&cursor=before.%01&cursor=after.%01", []string{"5~6", "~5", "012~5"}},
		{"%63ursor=%61fter.1%7E5", "%63ursor=%61fter.1%7E%01", []string{"5"}},
		{"cursor=eq.5&cursor=is.null", "cursor=eq.%01&cursor=is.null", []string{"5"}},
		{query: "cursor=after.5&select=%01"},
		{query: "cursor=after.%ff"},
		// A placeholder in what would stay.
		{query: "a=eq.1&select=%01"},
		{query: "a=eq.1&select=\x01"},
		{query: "a=eq.1&%01=eq.1"},
		{query: "a=eq.1&%01"},
		{query: "a=eq.1&b=is.%01"},
		{query: "a=eq.1&b=%01"},
		{query: "a=eq.1&limit=%01"},
		{query: "a=eq.1&and=(a.eq.%01)"},
		{query: "a=eq.1&b=in.%01"},
		{query: "eq.1=\x01&a=eq.1"},
		{"a=eq.%01&b=in.(\x01)", "a=eq.%01&b=in.%01", []string{"\x01", "{\"\x01\"}"}},
		// No text to PostgreSQL.
		{query: "a=eq.1&b=eq.%ff"}, {query: "a=eq.1&b=eq.%00"}, {query: "a=eq.1&b=eq.\xff"}, {query: "a=eq.1&b=eq.\x00"}, {query: "a=eq.1&and=(b.eq.%ff)"},
		{"%ff=eq.1&%00=eq.2&b=eq.3", "%ff=eq.1&%00=eq.2&b=eq.%01", []string{"3"}},
		{query: "a=eq.1&b=in.(1)%ff"}, {query: "a=eq.1&or=(b.eq.1)%00"},
	} {
		want.check(t, false)
	}
	many := strings.Repeat("a=eq.1&", maxParameters-1) + "a=eq.1"
	cutting{many, strings.ReplaceAll(many, "1", "%01"), slices.Repeat([]string{"1"}, maxParameters)}.check(t, false)
	cutting{query: many + "&"}.check(t, false)
}

func TestHasColumns(t *testing.T) {
	for query, want := range map[string]bool{
		"columns=a": true, "a=1&columns=": true, "c%6Flumns=a": true, "columns=a=b": true,
		"": false, "columns": false, "columnsx=a": false, "column=a": false, "a.columns=b": false, "a=columns=": false, "c+lumns=a": false,
	} {
		if got := HasColumns(query); got != want {
			t.Errorf("%q: got %v", query, got)
		}
	}
}

const typical = "select=id,name,clients(name)&order=id.desc&id=eq.12345&name=not.ilike.*a+b*&kind=in.(1,%22a,b%22,3)" +
	"&or=(a.eq.1,and(b.gt.2,c.in.(4,5)))&data-%3E%3Ekey=is.null&limit=1000&offset=20"

// Cutting into room that is there takes no memory.
func TestQueryAllocates(t *testing.T) {
	var values Values
	var dst []byte
	var list [][]byte
	if allocated := testing.AllocsPerRun(100, func() {
		values.Reset()
		dst = AppendQuery(dst[:0], &values, typical, false)
		dst = AppendRange(dst, &values, "0-24")
		dst = AppendCanonical(dst, typical)
		list = values.AppendTo(list[:0])
	}); allocated > 0 || len(list) != 10 {
		t.Errorf("%v allocations, %d values", allocated, len(list))
	}
}

func benchmarkQuery(b *testing.B, query string, values int) {
	var cut Values
	var dst []byte
	b.SetBytes(int64(len(query)))
	b.ReportAllocs()
	for b.Loop() {
		cut.Reset()
		dst = AppendQuery(dst[:0], &cut, query, false)
	}
	if cut.Len() != values {
		b.Fatalf("%s: %d values", dst, cut.Len())
	}
}

func BenchmarkOneRow(b *testing.B)  { benchmarkQuery(b, "id=eq.12345&select=id,name", 1) }
func BenchmarkTypical(b *testing.B) { benchmarkQuery(b, typical, 8) }

func TestIsCall(t *testing.T) {
	for path, want := range map[string]bool{
		"/rpc/f": true, "/rpc/%66": true, "/%72pc/f": true, "/%72%70%63/f": true, "/r%70C/f": false, "/rpc/": true,
		"/rpc": false, "/%72pc": false, "/rpc%2Ff": false, "//rpc/f": false, "/rpcs/f": false, "/%2572pc/f": false, "/%7/f": false,
		"/": false, "": false, "*": false,
	} {
		if got := IsCall(path); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}
