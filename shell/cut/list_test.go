package cut

import (
	"strings"
	"testing"
	"time"
)

func TestList(t *testing.T) {
	for list, want := range map[string]string{
		`(1,2,3)`: `{"1","2","3"}`, `(1)`: `{"1"}`, `()`: `{}`, `( )`: `{}`, `("")`: `{}`, `(,)`: `{"",""}`, `("",)`: `{"",""}`,
		`("a,b",c)`: `{"a,b","c"}`, `("a)b",c)`: `{"a)b","c"}`, `("a\"b\\","\c")`: `{"a\"b\\","c"}`, "(\"a\n\",\"\\\n\")": "{\"a\n\",\"\n\"}",
		`(1)2,3)`: `{"1"}`, `(1))`: `{"1"}`, `(a"b,c")`: `{"a\"b","c\""}`, `("a"b,c)`: `{"\"a\"b","c"}`, `("a,b)`: `{"\"a","b"}`, `("a\")`: `{"\"a\\\""}`,
		" \t( 1, 2 )": `{"1"," 2 "}`, "( \t\"a\", \"b\")": `{"a"," \"b\""}`, `("a" ,b)`: `{"\"a\" ","b"}`, `(é,null,\)`: `{"é","null","\\"}`,
		`((1),2)`: `{"(1"}`, `({1,2})`: `{"{1","2}"}`,
		``: ``, ` `: ``, `1,2`: ``, `(`: ``, `(1`: ``, `(1,`: ``, `(1,2`: ``, `("a"`: ``, `("a)`: `{"\"a"}`, `("a`: ``, `x(1)`: ``,
	} {
		query := "id=not.in." + strings.NewReplacer("%", "%25", "+", "%2B", "&", "%26").Replace(list)
		if want == "" {
			cutting{query: query}.check(t, false)
		} else {
			cutting{query, "id=not.in.%01", []string{want}}.check(t, false)
		}
	}
	cutting{query: "id=in(any).(1)"}.check(t, false)
	cutting{"id=in.%281%2C%222%22%29", "id=in.%01", []string{`{"1","2"}`}}.check(t, false)
}

// However a list is written, the time it takes grows with its length only.
func TestLongList(t *testing.T) {
	for _, element := range []string{"1,", `"a,b",`, `"a,`, `"a\",`, `\",`, `"\`, `",`, `"`, `(`, `,`} {
		query := "id=in.(" + strings.Repeat(element, 1<<20/len(element)) + ")"
		var values Values
		start := time.Now()
		AppendQuery(nil, &values, query, false)
		AppendQuery(nil, &values, "or=(id.in.("+query[len("id=in.("):]+")", false)
		if spent := time.Since(start); spent > 2*time.Second {
			t.Errorf("a megabyte of %s takes %v", element, spent)
		}
	}
}

func BenchmarkList(b *testing.B) {
	benchmarkQuery(b, "id=in.("+strings.Repeat("12345,", 29)+"12345)", 1)
}
