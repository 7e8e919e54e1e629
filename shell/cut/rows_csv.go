package cut

import (
	"bytes"

	"postern/shell/jsontext"
)

// What is wrong with a record of CSV, as the database says it (postern.describe_csv).
const (
	badQuote = "A quote in the CSV is neither around a field nor doubled within one"
	uneven   = "All lines must have same number of fields"
)

// addRecord adds a record of CSV to a piece, or takes the keys from it. Blank records are none.
func (r *Rows) addRecord(p *Piece, line int, text []byte) *LineError {
	if len(text) == 0 || string(text) == `""` {
		return nil
	}
	var ok bool
	if r.fields, ok = splitRecord(r.fields[:0], text); !ok {
		return malformed(badQuote)
	}
	if !r.keyed {
		r.keep(r.fields)
		for i, key := range r.sequence {
			before := byte(',')
			if i == 0 {
				before = '{'
			}
			r.members = append(r.members, append(jsontext.AppendString([]byte{before}, key), ':'))
		}
		return nil
	}
	if len(r.fields) != len(r.members) {
		return malformed(uneven)
	}
	p.add(line, func(dst []byte) []byte {
		for i, field := range r.fields {
			dst = append(dst, r.members[i]...)
			if string(field) == "NULL" {
				dst = append(dst, "null"...)
			} else {
				dst = jsontext.AppendString(dst, field)
			}
		}
		return append(dst, '}')
	})
	return nil
}

// splitRecord appends a record's fields, unquoted. It reports false for a quote neither around one nor doubled in it.
func splitRecord(fields [][]byte, text []byte) ([][]byte, bool) {
	for {
		end, quotes := 0, 0
		for ; end < len(text) && (text[end] != ',' || quotes%2 == 1); end++ {
			if text[end] == '"' {
				quotes++
			}
		}
		field := text[:end]
		if quotes > 0 {
			if len(field) < 2 || field[0] != '"' || field[len(field)-1] != '"' {
				return fields, false
			}
			field = field[1 : len(field)-1]
			if quotes > 2 {
				if bytes.IndexByte(bytes.ReplaceAll(field, []byte(`""`), nil), '"') >= 0 {
					return fields, false
				}
				field = bytes.ReplaceAll(field, []byte(`""`), []byte{'"'})
			}
		}
		fields = append(fields, field)
		if end == len(text) {
			return fields, true
		}
		text = text[end+1:]
	}
}
