package cut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readRows returns what Rows makes of a body: each row with its line, the description, and the error that ends it.
func readRows(source io.Reader, csv, columns bool, most int) (rows []string, description string, wrong *LineError) {
	r := NewRows(source, csv, columns, most)
	var p Piece
	for {
		err := r.Next(&p)
		if err == io.EOF || errors.As(err, &wrong) {
			return rows, string(r.AppendDescription(nil)), wrong
		}
		for row := range p.Len() {
			rows = append(rows, fmt.Sprintf("%d %s", p.Line(row), p.Row(row)))
		}
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	const none = `{"form":"empty","lines":true}`
	for _, test := range []struct {
		name         string
		csv, columns bool
		body         string
		rows         string // with their lines, by ;
		description  string // where there is no error
		line         int    // of the error
		wrong        string
	}{
		{name: "nothing", description: none},
		{name: "blank lines", body: " \n\r\n\t\n", description: none},
		{name: "lines", body: "{\"a\":1}\n\n {\"a\":\"\\n{\"}\r\n{\"a\":[1,{}]}", rows: `1 {"a":1};3 {"a":"\n{"};4 {"a":[1,{}]}`, description: `{"form":"[","keys":["a"],"lines":true}`},
		{name: "keys in another order", body: "{\"bb\":1,\"a\":1}\n{\"a\":1,\"bb\":2}\n", rows: `1 {"bb":1,"a":1};2 {"a":1,"bb":2}`, description: `{"form":"[","keys":["a","bb"],"lines":true}`},
		{name: "keys with escapes", body: "{\"\\u0061\":1}\n{\"a\":2}", rows: `1 {"\u0061":1};2 {"a":2}`, description: `{"form":"[","keys":["a"],"lines":true}`},
		{name: "a key twice", body: "{\"a\":1,\"a\":2}\n{\"a\":3}", rows: `1 {"a":1,"a":2};2 {"a":3}`, description: `{"form":"[","keys":["a"],"lines":true}`},
		{name: "no keys", body: "{}\n{ }", rows: `1 {};2 { }`, description: `{"form":"[","keys":[],"lines":true}`},
		{name: "other keys", body: "{\"a\":1}\n\n{\"b\":1}", line: 3, wrong: otherKeys},
		{name: "fewer keys", body: "{\"a\":1,\"b\":1}\n{\"b\":1}", line: 2, wrong: otherKeys},
		{name: "more keys", body: "{\"a\":1}\n{\"a\":1,\"b\":1}", line: 2, wrong: otherKeys},
		{name: "other keys, with columns", columns: true, body: "{\"a\":1}\n{\"\\\"\":1}", rows: `1 {"a":1};2 {"\"":1}`, description: `{"form":"[","lines":true}`},
		{name: "no object", body: "{\"a\":1}\n[1]", line: 2, wrong: notObject},
		{name: "no object first", body: "null", line: 1, wrong: notObject},
		{name: "no object, with columns", columns: true, body: "3", line: 1, wrong: notObject},
		{name: "two on a line", body: "{\"a\":1}\n{\"a\":1},{\"a\":2}", line: 2, wrong: notJSON},
		{name: "two on a line, with columns", columns: true, body: "{\"a\":1},{\"a\":2}", line: 1, wrong: notJSON},
		{name: "one on two lines", body: "{\"a\":1}\n{\"a\":[1\n2]}", line: 2, wrong: notJSON},
		{name: "an open text", body: "{\"a\":1}\n{\"a\":\"\n\"}", line: 2, wrong: notJSON},
		{name: "not UTF-8", body: "{\"a\":1}\n{\"a\":\"\xff\"}", line: 2, wrong: "A line is not UTF-8"},
		{name: "two wrong lines", body: "{\"a\":1}\n{\"a\":[,2]}\n{\"a\":\"\xff\"}", line: 2, wrong: notJSON},
		{name: "a zero byte", body: "{\"a\":1}\n{\"a\":\"\x00\"}", line: 2, wrong: "A line is not UTF-8"},

		{name: "CSV of nothing", csv: true, description: none},
		{name: "a header", csv: true, body: "a,b\n", description: none},
		{name: "records", csv: true, body: "a,b\r\n1,NULL\r\r\n\n\"\"\n,x y\n", rows: `2 {"a":"1","b":null};6 {"a":"","b":"x y"}`, description: `{"form":"[","keys":["a","b"],"lines":true}`},
		{name: "quotes", csv: true, body: "\"a\"\"\",b\n\"1,\n\r\n\r2\",\"\"\"\"\"\"\n3,\"NULL\"\n\"\x01\"\"\",\\c", rows: `2 {"a\"":"1,\n\r\n\r2","b":"\"\""};6 {"a\"":"3","b":null};7 {"a\"":"\u0001\"","b":"\\c"}`, description: `{"form":"[","keys":["b","a\""],"lines":true}`},
		{name: "too few fields", csv: true, body: "a,b\n1,2\n\"x\ny\",2\n3", line: 5, wrong: uneven},
		{name: "too many fields", csv: true, body: "a,b\n1,2,", line: 2, wrong: uneven},
		{name: "a quote in a field", csv: true, body: "a\n1\nx\"y\"", line: 3, wrong: badQuote},
		{name: "a quote behind a field", csv: true, body: "a\n\"y\"x", line: 2, wrong: badQuote},
		{name: "a quote not doubled", csv: true, body: "a\n\"x\"y\"z\"\"\"", line: 2, wrong: badQuote},
		{name: "an open quote", csv: true, body: "a\n1\n\"2\n3\n", line: 3, wrong: badQuote},
		{name: "CSV that is not UTF-8", csv: true, body: "a\n1\n\xff", line: 3, wrong: "A line is not UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for how, source := range map[string]io.Reader{
				"at once": strings.NewReader(test.body), "byte by byte": iotest.OneByteReader(strings.NewReader(test.body)),
				"with the end": iotest.DataErrReader(strings.NewReader(test.body)),
			} {
				rows, description, wrong := readRows(source, test.csv, test.columns, 1000)
				switch {
				case test.line > 0:
					if wrong == nil || wrong.Line != test.line || wrong.Message != test.wrong {
						t.Errorf("%s: %v, want %s on line %d", how, wrong, test.wrong, test.line)
					}
				case wrong != nil || strings.Join(rows, ";") != test.rows || description != test.description:
					t.Errorf("%s: %q %s %v\nwant %q %s", how, strings.Join(rows, ";"), description, wrong, test.rows, test.description)
				}
			}
		})
	}
}

// Pieces hold all rows once, however many there are, and any run of them is an array.
func TestPieces(t *testing.T) {
	t.Parallel()
	const total = 100_000
	var body bytes.Buffer
	for i := range total {
		fmt.Fprintf(&body, "{\"id\":%d,\"name\":\"customer %d\"}\n", i, i)
	}
	r := NewRows(&body, false, false, 100)
	var p Piece
	rows, pieces := 0, 0
	for ; r.Next(&p) == nil; pieces++ {
		if len(p.JSON) > pieceBytes+100 {
			t.Fatalf("a piece has %d bytes", len(p.JSON))
		}
		if whole := p.AppendRows(nil, 0, p.Len()); !bytes.Equal(whole, p.JSON) {
			t.Fatalf("%.100s is not %.100s", whole, p.JSON)
		}
		if some := string(p.AppendRows(nil, 1, 3)); some != fmt.Sprintf("[%s,%s]", p.Row(1), p.Row(2)) {
			t.Fatalf("two rows are %s", some)
		}
		for row := range p.Len() {
			if want := fmt.Sprintf(`{"id":%d,"name":"customer %d"}`, rows, rows); string(p.Row(row)) != want || p.Line(row) != rows+1 {
				t.Fatalf("on line %d is %s, want %s", p.Line(row), p.Row(row), want)
			}
			rows++
		}
	}
	if rows != total || pieces < 3 {
		t.Errorf("%d rows in %d pieces", rows, pieces)
	}
	if none := string(p.AppendRows(nil, 0, 0)); none != "[]" {
		t.Errorf("no rows are %s", none)
	}
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	line := `{"a":"` + strings.Repeat("x", firstRead) + `"}`
	for _, test := range []struct {
		csv  bool
		body string
	}{{false, "{\"a\":1}\n" + line + "\n{\"a\":1}"}, {false, "{\"a\":1}\n" + line}, {true, "a\n" + line}, {true, "a\n\"" + strings.Repeat("x\n", firstRead)}} {
		for _, source := range []io.Reader{strings.NewReader(test.body), iotest.HalfReader(strings.NewReader(test.body))} {
			if _, _, wrong := readRows(source, test.csv, false, firstRead); wrong == nil || !wrong.Long || wrong.Line != 2 {
				t.Errorf("%t: %v", test.csv, wrong)
			}
		}
	}
	if _, _, wrong := readRows(strings.NewReader("{\"a\":1}\n{\"a\":[,]}\n"+line), false, false, firstRead); wrong == nil || wrong.Long || wrong.Line != 2 {
		t.Errorf("behind a line that is not JSON: %v", wrong)
	}
	if rows, _, wrong := readRows(strings.NewReader(line+"\n"+line), false, false, len(line)); wrong != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v", len(rows), wrong)
	}
}

// What PostgreSQL cannot read, the outline of a line may not show.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	var p Piece
	if err := NewRows(strings.NewReader("{\"a\":1}\n\n{\"a\":[}}\n{\"a\":x}"), false, false, 100).Next(&p); err != nil {
		t.Fatal(err)
	}
	if wrong := p.CheckJSON(); wrong == nil || wrong.Line != 3 || wrong.Message != notJSON {
		t.Error(wrong)
	}
	if err := NewRows(strings.NewReader("{\"a\":1}\n{\"a\":{}}"), false, false, 100).Next(&p); err != nil || p.CheckJSON() != nil {
		t.Error(err, p.CheckJSON())
	}
}
