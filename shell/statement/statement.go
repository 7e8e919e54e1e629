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
	OIDBytea   = 17
	OIDText    = 25
	oidJSON    = 114
	oidUnknown = 0 // PostgreSQL infers the type
)

// A Statement answers the requests of one shape. It never changes.
type Statement struct {
	ID        uint64      // unique in this process
	SQL       string      // yields body, status, headers and note
	Params    []uint32    // types of the parameters: the query of Content-Location, the body, then the values
	Epoch     string      // of the schema that it was compiled for
	ReadOnly  bool        // runs in a read-only transaction
	Dirty     bool        // code of the user's may leave something in the session
	Generic   bool        // the plan does not depend on the values
	Stream    bool        // yields a row with status, headers and note, then one for each line of the body
	Certain   bool        // does what it is asked for or raises an error, unless the user's code sets the status
	Code      bool        // may run code of the user's
	Rollback  bool        // the request asks for its transaction to be rolled back
	Keep      bool        // answers other requests of the shape as well
	Likes     []int       // the parameters, from 1 on, in which * stands for %
	Isolation string      // level of the transaction; empty for the default
	Settings  [][2]string // names and values that hold for the transaction
	MaxCost   float64     // what its plan may cost; 0 for any
	Look      bool        // with MaxCost: what it costs is looked at each time, as that depends on the values
	Flags     []byte      // with MaxCost: all of the above, as the database said them

	Took time.Duration // what compiling it took, where that was asked for

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

// flags are what the database says of a statement (the type postern.compiled).
type flags struct {
	Params    []string          `json:"params"`
	Epoch     string            `json:"epoch"`
	ReadOnly  bool              `json:"read_only"`
	Dirty     bool              `json:"dirty"`
	Generic   bool              `json:"generic"`
	Stream    bool              `json:"stream"`
	Certain   bool              `json:"certain"`
	Code      bool              `json:"code"`
	Rollback  bool              `json:"rollback"`
	Keep      bool              `json:"keep"`
	Likes     []int             `json:"likes"`
	Isolation string            `json:"isolation"`
	Settings  map[string]string `json:"settings"`
	Took      float64           `json:"took"`
	MaxCost   float64           `json:"max_cost"`
	Look      bool              `json:"look"`
}

// New returns a statement of SQL and its flags as JSON.
func New(sql string, flagsJSON []byte) (*Statement, error) {
	var f flags
	if err := json.Unmarshal(flagsJSON, &f); err != nil {
		return nil, fmt.Errorf("flags of a statement: %w", err)
	}
	s := &Statement{
		ID: lastID.Add(1), SQL: sql, Epoch: f.Epoch, ReadOnly: f.ReadOnly, Dirty: f.Dirty, Generic: f.Generic,
		Stream: f.Stream, Keep: f.Keep, Certain: f.Certain, Code: f.Code, Rollback: f.Rollback, Likes: f.Likes,
		Isolation: f.Isolation, Params: make([]uint32, len(f.Params)),
		Took: time.Duration(f.Took * float64(time.Millisecond)),
	}
	if f.MaxCost > 0 {
		s.MaxCost, s.Look, s.Flags = f.MaxCost, f.Look, slices.Clone(flagsJSON)
		s.looked.Store(time.Now().UnixNano())
	}
	for i, name := range f.Params {
		switch name {
		case "text":
			s.Params[i] = OIDText
		case "bytea":
			s.Params[i] = OIDBytea
		case "json":
			s.Params[i] = oidJSON
		default:
			s.Params[i] = oidUnknown
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Settings)) {
		s.Settings = append(s.Settings, [2]string{name, f.Settings[name]})
	}
	return s, nil
}

// Plain returns a statement of SQL without parameters.
func Plain(sql string) *Statement { return &Statement{ID: lastID.Add(1), SQL: sql} }

// Name returns the name of the prepared statement in a session. prefix is what nothing else in the session begins with.
func (s *Statement) Name(prefix string) string { return prefix + strconv.FormatUint(s.ID, 36) }

// size returns how many bytes the cache counts for a statement with its key.
func (s *Statement) size(key string) int {
	const overhead = 512 // of the structures around it
	return overhead + len(key) + len(s.SQL) + len(s.Epoch) + len(s.Flags) + 4*len(s.Params)
}
