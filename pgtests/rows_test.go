package pgtests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/iotest"

	"postern/shell/cut"
)

// described is what the shell makes of a body of rows, in the form of postern.describe_payload.
func described(t *testing.T, body []byte, csv, columns bool) map[string]any {
	t.Helper()
	rows := cut.NewRows(iotest.OneByteReader(bytes.NewReader(body)), csv, columns, len(body))
	var piece cut.Piece
	var wrong *cut.LineError
	err := rows.First(&piece)
	if err != nil && err != io.EOF && !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	var made map[string]any
	if err := json.Unmarshal(rows.AppendDescription(nil), &made); err != nil {
		t.Fatal(err)
	}
	if piece.Len() > 0 {
		made["text"] = string(piece.JSON)
	}
	return made
}

// TestRowsAlike holds what the shell makes of rows on lines, and of CSV that it streams, together with what the database makes of them.
func TestRowsAlike(t *testing.T) {
	t.Parallel()
	conn := connect(t, newDatabase(t))
	_, seed := trial(t, 0)
	random := rand.New(rand.NewPCG(seed, 15))
	pieces := map[bool][]string{
		false: {`{"a":1}`, `{"a": "x,y"}`, `{"a":1,"b":2}`, `{"b":1,"a":[{}]}`, `{"\u0061":1}`, `{"a":[`, `2]}`, `{}`, `5`, `null`, "\xff", "\x00", ` `, "\t", "\n", "\n", "\r\n", "\n\n", `,`, `x`, `{"a":"é\""}`, `{"a":1}` + "\n", `{"a":2}` + "\n"},
		true:  {`a`, `b c`, `,`, `,`, `"`, `""`, `"a"`, `"x,y"`, `"é""`, "\n", "\n", "\n", "\r\n", "\r", `NULL`, "\"p\n\r\nq\"", `\`, `\c`, "a,b\n", "1,2\n", ` `},
	}
	counts := make(map[string]int)
	for n := range 1500 {
		csv, columns := n%2 == 0, n%8 == 1
		body := []byte{}
		for range random.IntN(12) {
			body = append(body, pieces[csv][random.IntN(len(pieces[csv]))]...)
		}
		ask := "postern.describe_lines($1, $2)"
		if csv {
			ask = "(select case when $2 then null else postern.describe_csv(convert_from($1, 'UTF8')) end)"
		}
		var text []byte
		if err := conn.QueryRow(context.Background(), "select "+ask, body, columns).Scan(&text); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		got := described(t, body, csv, columns)
		if csv { // whose errors name no line there; nor do they tell what is wrong first
			delete(got, "lines")
			delete(got, "line")
			if len(bytes.Trim(body, " \t\r\n\"")) == 0 {
				continue // there an empty body is one without a header
			}
			if got["refused"] != nil && want["refused"] != nil {
				got["refused"] = want["refused"]
			}
		}
		alike(got)
		alike(want)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q, csv %t, columns %t:\nthe shell has    %v\nthe database has %v", body, csv, columns, got, want)
		}
		counts[fmt.Sprint(csv, got["form"], got["refused"] != nil)]++
	}
	if len(counts) < 6 {
		t.Errorf("there were only %v", counts)
	}
}

// alike makes of the text of rows what it means, and of keys a set.
func alike(description map[string]any) {
	if text, ok := description["text"].(string); ok {
		var rows any
		_ = json.Unmarshal([]byte(text), &rows)
		description["text"] = rows
	}
	if keys, ok := description["keys"].([]any); ok {
		set := make(map[any]bool)
		for _, key := range keys {
			set[key] = true
		}
		description["keys"] = set
	}
}
