package shell

import (
	"strconv"
	"time"
)

// phase is one of PostgREST's phases of a request (docs/references/observability, "Server-Timing Header").
type phase int

const (
	phaseJWT         phase = iota // verifying the token
	phaseParse                    // cutting the request, its body read, into shape and values
	phasePlan                     // compiling the statement, or waiting for another request that does; else 0
	phaseTransaction              // the rest of the round trip to the database, waiting for a connection included
	phaseResponse                 // making status and header fields of its answer
	phases
)

var phaseNames = [phases]string{"jwt", "parse", "plan", "transaction", "response"}

// timing measures the phases of a request. Its zero value measures nothing.
type timing struct {
	last time.Time
	took [phases]time.Duration
}

func (t *timing) start(enabled bool) {
	if enabled {
		t.last = time.Now()
	}
}

// lap counts the time since the last call, or start, for a phase.
func (t *timing) lap(p phase) {
	if t.last.IsZero() {
		return
	}
	now := time.Now()
	t.took[p] += now.Sub(t.last)
	t.last = now
}

// skip counts the time since the last lap for no phase.
func (t *timing) skip() { t.start(!t.last.IsZero()) }

// move counts some of the time of a phase for another.
func (t *timing) move(from, to phase, some time.Duration) {
	if some = min(some, t.took[from]); some > 0 {
		t.took[from] -= some
		t.took[to] += some
	}
}

// String returns the value of Server-Timing, in milliseconds.
func (t *timing) String() string {
	var text []byte
	for p, name := range phaseNames {
		if p > 0 {
			text = append(text, ", "...)
		}
		text = append(append(text, name...), ";dur="...)
		text = strconv.AppendFloat(text, milliseconds(t.took[p]), 'f', 1, 64)
	}
	return string(text)
}
