// Package statement holds what requests compile to, and a cache of it. A statement is SQL that postern.compile made;
// the cache is shared by all connections. It knows no HTTP and does no I/O.
package statement

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// Object identifiers of types (pg_type).
const (
	OIDBytea = 17
	OIDText  = 25
	oidJSON  = 114
)

// oids are the types that parameters have; of any other name PostgreSQL infers the type, which 0 asks for.
var oids = map[string]uint32{"text": OIDText, "bytea": OIDBytea, "json": oidJSON}

// A Statement answers the requests of one shape. It never changes. Epoch and what follows are flags, as the database
// says them (the type postern.compiled).
type Statement struct {
	ID       uint64      `json:"-"` // unique in this process
	SQL      string      `json:"-"` // yields body, status, headers and note
	Params   []uint32    `json:"-"` // types of the parameters: the query of Content-Location, the body, then the values
	Settings [][2]string `json:"-"` // names and values that hold for the transaction

	Epoch     string  // of the schema that it was compiled for
	ReadOnly  bool    `json:"read_only"` // runs in a read-only transaction
	Dirty     bool    // code of the user's may leave something in the session
	Generic   bool    // the plan does not depend on the values
	Stream    bool    // yields a row with status, headers and note, then one for each line of the body
	Certain   bool    // does what it is asked for or raises an error, unless the user's code sets the status
	Code      bool    // may run code of the user's
	Rollback  bool    // the request asks for its transaction to be rolled back
	Keep      bool    // answers other requests of the shape as well
	Likes     []int   // the parameters, from 1 on, in which * stands for %
	Isolation string  // level of the transaction; empty for the default
	MaxCost   float64 `json:"max_cost"` // what its plan may cost; 0 for any
	Look      bool    // with MaxCost: what it costs is looked at each time, as that depends on the values

	Flags []byte        `json:"-"` // with MaxCost: all of the above, as the database said them
	Took  time.Duration `json:"-"` // what compiling it took, where that was asked for

	looked  atomic.Int64 // when its plan was last looked at, in nanoseconds of Unix time
	largest atomic.Int64 // bytes of its largest answer in a batch
}

// Answered notes how many bytes an answer in a batch has.
func (s *Statement) Answered(bytes int) {
	for known := s.largest.Load(); int64(bytes) > known; known = s.largest.Load() {
		if s.largest.CompareAndSwap(known, int64(bytes)) {
			return
		}
	}
}

// Largest returns the most bytes that an answer in a batch has had.
func (s *Statement) Largest() int { return int(s.largest.Load()) }

// lookPeriod is how long a plan that costs no more than it may is taken to do so.
const lookPeriod = time.Minute

// Due reports whether what the plan of the statement costs is to be looked at, at a time, before it is executed: always
// with Look, else once in a while, as tables grow.
func (s *Statement) Due(now func() time.Time) bool {
	if s.MaxCost == 0 || s.Look {
		return s.Look
	}
	at := now().UnixNano()
	last := s.looked.Load()
	return at-last > int64(lookPeriod) && s.looked.CompareAndSwap(last, at)
}

var lastID atomic.Uint64

// New returns a statement of SQL and its flags as JSON.
func New(sql string, flags []byte) (*Statement, error) {
	s := &Statement{ID: lastID.Add(1), SQL: sql}
	read := struct {
		*Statement
		Params   []string
		Settings map[string]string
		Took     float64 // milliseconds
	}{Statement: s}
	if err := json.Unmarshal(flags, &read); err != nil {
		return nil, fmt.Errorf("flags of a statement: %w", err)
	}
	for _, name := range read.Params {
		s.Params = append(s.Params, oids[name])
	}
	for _, name := range slices.Sorted(maps.Keys(read.Settings)) {
		s.Settings = append(s.Settings, [2]string{name, read.Settings[name]})
	}
	s.Took = time.Duration(read.Took * float64(time.Millisecond))
	if s.MaxCost > 0 {
		s.Flags = slices.Clone(flags)
		s.looked.Store(time.Now().UnixNano())
	}
	return s, nil
}

// Plain returns a statement of SQL without parameters.
func Plain(sql string) *Statement { return &Statement{ID: lastID.Add(1), SQL: sql} }

// Name returns the name of the prepared statement in a session: prefix and a number, which nothing else there is named.
func (s *Statement) Name(prefix string) string { return prefix + strconv.FormatUint(s.ID, 10) }

// size returns how many bytes the cache counts for a statement with its key.
func (s *Statement) size(key string) int {
	const overhead = 512 // of the structures around it
	return overhead + len(key) + len(s.SQL) + len(s.Epoch) + len(s.Flags) + 4*len(s.Params)
}
