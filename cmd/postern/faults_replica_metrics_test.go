package main

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// counted waits for a figure of a standby among the metrics of a server.
func (r *replicated) counted(t *testing.T, p *process, port, name string, wanted func(float64) bool) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^postern_standby_` + name + `\{standby="[^"]*:` + port + `"\} (\S+)$`)
	eventually(t, name+" of "+port, func() bool {
		found := line.FindStringSubmatch(p.admin.send(t, "GET", "/metrics", "").body)
		if found == nil {
			return false
		}
		n, err := strconv.ParseFloat(found[1], 64)
		return err == nil && wanted(n)
	})
}

// countedBehind: standbys that stand still are up where they may be ten minutes behind, and not where it may be two seconds.
func (r *replicated) countedBehind(t *testing.T) {
	for _, port := range r.ports {
		r.counted(t, r.p, port, "up", func(n float64) bool { return n == 1 })
		r.counted(t, r.p, port, "lag_seconds", func(n float64) bool { return n > 2 && n < 600 })
		r.counted(t, r.strict, port, "up", func(n float64) bool { return n == 0 })
	}
}

// countedFallbacks: what standbys cannot answer, as they do not have the schema yet, counts as left to the primary.
func (r *replicated) countedFallbacks(t *testing.T) {
	for _, port := range r.ports {
		r.counted(t, r.p, port, "fallbacks_total", func(n float64) bool {
			r.p.expect(t, "GET", "/books?id=eq.1&select=fresh", "", r.reader, 200, `[{"fresh":5}]`)
			return n > 0
		})
	}
}

// countedKilled: of the standby that is gone nothing is known, the other answers.
func (r *replicated) countedKilled(t *testing.T) {
	for place, port := range r.ports {
		r.counted(t, r.p, port, "up", func(n float64) bool { return n == float64(place) })
		r.counted(t, r.p, port, "lag_seconds", func(n float64) bool { return math.IsNaN(n) == (place == 0) })
		r.counted(t, r.p, port, "reads_total", func(n float64) bool { return n > 0 })
	}
}
