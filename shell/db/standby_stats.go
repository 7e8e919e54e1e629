package db

import (
	"math"
	"time"
)

// StandbyStats are figures of a standby that reads go to, at a moment.
type StandbyStats struct {
	Name      string  // its host and port
	Up        bool    // reads go to it: it answers, and is not too far behind
	Lag       float64 // seconds that it is behind the primary; not a number where that is not known
	Reads     int64   // that it has answered, since the start
	Fallbacks int64   // reads that it was asked for and the primary has answered, since the start
}

// stats returns the figures of each standby; r may be nil.
func (r *replicas) stats() (all []StandbyStats) {
	for _, s := range r.all() {
		one := StandbyStats{Name: s.name, Lag: math.NaN(), Reads: s.reads.Load(), Fallbacks: s.fallbacks.Load()}
		if fresh := s.fresh.Load(); fresh > 0 {
			one.Up, one.Lag = r.isRecent(fresh), max(time.Duration(r.heard.Load()-fresh).Seconds(), 0)
		}
		all = append(all, one)
	}
	return all
}
