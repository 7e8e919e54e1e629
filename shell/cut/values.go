// Package cut separates the shape of a request from the values in it. The shape is the request's text with each value
// replaced by a placeholder, and requests of one shape are answered by one statement, to which the values are
// parameters.
//
// The package knows where values stand, and nothing else: no relation, not what an operator means, no error. What it
// cannot cut stays in the shape as it came, so a request that is wrong is the database's to refuse, and one that is
// unusual is answered by a statement of its own: slower, never wrong. The grammar itself is in sql/parse; a test in
// pgtests compares what its parsers make of a request with what they make of its shape and values.
package cut

// placeholder stands for a value in what the database reads; a raw query string has it as escapedPlaceholder.
const (
	placeholder        = "\x01"
	escapedPlaceholder = "%01"
)

// Values are the values cut out of a request, in the order of their placeholders. The zero value has none and is ready.
type Values struct {
	text  []byte // holds the values, and what was read on the way
	spans []span
}

// A span is where in the text a value is.
type span struct{ from, to int }

// Reset forgets all values but keeps their room, so slices that At returned must not be used any more.
func (v *Values) Reset() { v.rewind(mark{}) }

// Len returns the number of values.
func (v *Values) Len() int { return len(v.spans) }

// At returns the i-th value, never nil, valid until the values are changed.
func (v *Values) At(i int) []byte {
	s := v.spans[i]
	return v.text[s.from:s.to:s.to]
}

// AppendTo appends the values to dst.
func (v *Values) AppendTo(dst [][]byte) [][]byte {
	for i := range v.spans {
		dst = append(dst, v.At(i))
	}
	return dst
}

// add makes a part of the text a value.
func (v *Values) add(from, to int) {
	if v.text == nil {
		v.text = make([]byte, 0, 64) // nil would be NULL to the database
	}
	v.spans = append(v.spans, span{from, to})
}

// addText appends text to the values.
func (v *Values) addText(text string) {
	from := len(v.text)
	v.text = append(v.text, text...)
	v.add(from, len(v.text))
}

// A mark is a state to go back to.
type mark struct{ text, spans int }

func (v *Values) mark() mark { return mark{len(v.text), len(v.spans)} }

// rewind takes back what was added behind a mark.
func (v *Values) rewind(m mark) { v.text, v.spans = v.text[:m.text], v.spans[:m.spans] }
