package cut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"postern/shell/jsontext"
)

const (
	pieceBytes = 1 << 20  // of a piece from which on no row is added to it
	firstRead  = 64 << 10 // bytes of the first buffer for what is read
)

// A LineError says which line of a body is wrong.
type LineError struct {
	Line    int // from 1 on
	Message string
	Long    bool // the line is longer than is allowed
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

func malformed(message string) *LineError { return &LineError{Message: message} }

// A Piece is some rows of a body as a JSON array.
type Piece struct {
	JSON  []byte
	ends  []int // where each row ends in JSON
	lines []int // on which line each begins
}

// Len returns the number of rows.
func (p *Piece) Len() int { return len(p.ends) }

// Line returns the number of the line on which a row begins. Rows are counted from 0 on, lines of the body from 1 on.
func (p *Piece) Line(row int) int { return p.lines[row] }

// Row returns the JSON of a row.
func (p *Piece) Row(row int) []byte {
	start := 1
	if row > 0 {
		start = p.ends[row-1] + 1
	}
	return p.JSON[start:p.ends[row]]
}

// AppendRows appends some of the rows as a JSON array: those from the first number on, and before the second one.
func (p *Piece) AppendRows(dst []byte, from, to int) []byte {
	if from >= to {
		return append(dst, '[', ']')
	}
	start := p.ends[from] - len(p.Row(from))
	return append(append(append(dst, '['), p.JSON[start:p.ends[to-1]]...), ']')
}

// add appends a row, which appendRow appends to the JSON.
func (p *Piece) add(line int, appendRow func(dst []byte) []byte) {
	if len(p.ends) > 0 {
		p.JSON = append(p.JSON, ',')
	}
	p.JSON = appendRow(p.JSON)
	p.ends = append(p.ends, len(p.JSON))
	p.lines = append(p.lines, line)
}

// Rows reads a body of rows piece by piece: one of application/x-ndjson, which has an object on each line, or of
// text/csv, whose first record has the keys. Blank lines count as lines, but are no rows.
type Rows struct {
	source  io.Reader
	csv     bool
	columns bool // the request names the columns, so that keys do not count
	most    int  // bytes of the longest line

	buffer []byte
	at     int // where the next line begins in buffer
	line   int // and its number
	ended  bool
	cr     bool // what ended the last record was a carriage return, of which a line feed is part

	keyed    bool       // keys are known
	rows     bool       // there are some
	wrong    *LineError // of the first ones
	sequence [][]byte
	sorted   [][]byte
	seen     []bool
	members  [][]byte // of CSV: each key as a JSON string, with what stands before and after it
	fields   [][]byte
}

// NewRows returns the rows of a body. columns says that the request names the columns of ndjson.
func NewRows(source io.Reader, csv, columns bool, most int) *Rows {
	return &Rows{source: source, csv: csv, columns: columns && !csv, most: most, line: 1}
}

// Next reads the next rows into a piece, at least one, and returns io.EOF where there are none: then the body has ended
// as it should. Other errors are of type *LineError, or those of reading.
func (r *Rows) Next(p *Piece) error {
	p.JSON, p.ends, p.lines = append(p.JSON[:0], '['), p.ends[:0], p.lines[:0]
	for len(p.JSON) < pieceBytes {
		line, text, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if wrong := r.add(p, line, text); wrong != nil {
			if first := p.CheckJSON(); first != nil { // of the rows before, only the outline was looked at
				return first
			}
			wrong.Line = line
			return wrong
		}
	}
	p.JSON = append(p.JSON, ']')
	if len(p.ends) == 0 {
		return io.EOF
	}
	r.rows = true
	return nil
}

// First reads the first rows as Next does, and checks that they are JSON. A LineError goes into the description, too.
func (r *Rows) First(p *Piece) error {
	err := r.Next(p)
	if err == nil {
		if wrong := p.CheckJSON(); wrong != nil {
			err = wrong
		}
	}
	if errors.As(err, &r.wrong) {
		p.JSON, p.ends, p.lines = append(p.JSON[:0], '[', ']'), p.ends[:0], p.lines[:0]
	}
	return err
}

// AppendDescription appends what a shape holds of the body, as AppendPayload does. It is known after First.
func (r *Rows) AppendDescription(dst []byte) []byte {
	switch {
	case r.wrong != nil:
		dst = jsontext.AppendString(append(dst, `{"refused":`...), r.wrong.Message)
		return append(strconv.AppendInt(append(dst, `,"line":`...), int64(r.wrong.Line), 10), '}')
	case !r.rows:
		return append(dst, `{"form":"empty","lines":true}`...)
	case r.columns:
		return append(dst, `{"form":"[","lines":true}`...)
	}
	dst = jsontext.AppendStrings(append(dst, `{"form":"[","keys":`...), r.sorted)
	return append(dst, `,"lines":true}`...)
}

// add adds what stands on a line, or in a record, to a piece.
func (r *Rows) add(p *Piece, line int, text []byte) *LineError {
	switch {
	case len(text) > r.most:
		what := "A line"
		if r.csv {
			what = "A record"
		}
		return &LineError{Message: what + " is longer than a body that is streamed may have", Long: true}
	case !isText(text):
		return malformed("A line is not UTF-8")
	case r.csv:
		return r.addRecord(p, line, text)
	}
	if text = bytes.Trim(text, " \t\r"); len(text) == 0 {
		return nil
	}
	if wrong := r.check(text); wrong != nil {
		return wrong
	}
	p.add(line, func(dst []byte) []byte { return append(dst, text...) })
	return nil
}

// next returns the next line, or record of CSV, without its end, and the number of the line on which it begins; of one
// that is too long perhaps only the beginning. The text is that of the buffer, until the next call.
func (r *Rows) next() (line int, text []byte, err error) {
	for scanned, quoted := 0, false; ; {
		if r.cr && r.at < len(r.buffer) {
			if r.buffer[r.at] == '\n' {
				r.at++
			}
			r.cr = false
		}
		rest := r.buffer[r.at:]
		var end int
		end, quoted = r.end(rest, scanned, quoted)
		if end >= 0 || r.ended && len(rest) > 0 || len(rest) > r.most {
			line = r.line
			if end < 0 {
				end = len(rest)
				r.at += end
			} else {
				r.cr = rest[end] == '\r'
				r.at += end + 1
			}
			text = rest[:end]
			r.line += 1 + breaks(text, r.csv)
			return line, text, nil
		}
		if r.ended {
			return 0, nil, io.EOF
		}
		scanned = len(rest)
		if err := r.fill(); err != nil {
			return 0, nil, err
		}
	}
}

// end returns where a line ends, -1 for nowhere yet, having looked at so many bytes of it. Of CSV, quoted says whether
// these end within quotes.
func (r *Rows) end(text []byte, scanned int, quoted bool) (at int, within bool) {
	if !r.csv {
		if at = bytes.IndexByte(text[scanned:], '\n'); at >= 0 {
			at += scanned
		}
		return at, false
	}
	for i, c := range text[scanned:] {
		switch {
		case c == '"':
			quoted = !quoted
		case (c == '\n' || c == '\r') && !quoted:
			return scanned + i, false
		}
	}
	return -1, quoted
}

// breaks returns the number of line breaks in a record.
func breaks(text []byte, csv bool) int {
	if !csv || bytes.IndexByte(text, '"') < 0 {
		return 0
	}
	return bytes.Count(text, []byte{'\n'}) + bytes.Count(text, []byte{'\r'}) - bytes.Count(text, []byte("\r\n"))
}

// fill reads more into the buffer.
func (r *Rows) fill() error {
	if r.at > 0 {
		r.buffer = r.buffer[:copy(r.buffer, r.buffer[r.at:])]
		r.at = 0
	}
	if len(r.buffer) == cap(r.buffer) {
		r.buffer = append(make([]byte, 0, max(2*cap(r.buffer), firstRead)), r.buffer...)
	}
	n, err := r.source.Read(r.buffer[len(r.buffer):cap(r.buffer)])
	r.buffer = r.buffer[:len(r.buffer)+n]
	if err == io.EOF {
		r.ended = true
		return nil
	}
	return err
}
