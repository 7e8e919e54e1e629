package db

// maxMet is how many statements of shapes a session keeps (postern.keeps).
const maxMet = 256

// met are the names of the statements that a session has prepared for shapes. It may tell too few, and too many: a
// statement that is not there any more fails with 26000.
type met struct {
	names map[string]struct{}
	order []string // by age, from oldest on
	old   int      // the oldest in order
}

// has tells whether the session has a statement.
func (m *met) has(name []byte) bool {
	_, found := m.names[string(name)]
	return found
}

// add puts a name in, in place of the oldest where there are enough.
func (m *met) add(name []byte) {
	if m.has(name) {
		return
	}
	if m.names == nil {
		m.names = make(map[string]struct{})
	}
	key := string(name)
	if len(m.order) < maxMet {
		m.order = append(m.order, key)
	} else {
		delete(m.names, m.order[m.old])
		m.order[m.old] = key
		m.old = (m.old + 1) % maxMet
	}
	m.names[key] = struct{}{}
}

// forget takes a name out.
func (m *met) forget(name []byte) { delete(m.names, string(name)) }
