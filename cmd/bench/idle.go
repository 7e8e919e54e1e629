package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	burst       = 200 // requests
	burstConns  = 16
	steadyTimes = 20
)

// measureIdle compares bursts of reads of all kinds, each on new connections to the server, that follow on each other
// with one after a pause.
func measureIdle(ctx context.Context, db *database, servers []*server, pause time.Duration) ([]target, error) {
	var kinds []benchCase
	for _, c := range cases {
		if (c.class == byKey || c.class == page) && c.writes == nil && !c.rs256 {
			kinds = append(kinds, c)
		}
	}
	var measured []*server
	var asks []*asked
	var steady []sample
	for _, s := range servers {
		if s.name == bareName {
			continue
		}
		a := &asked{}
		for n := range burst {
			a.requests = append(a.requests, s.request(kinds[n%len(kinds)], n/len(kinds), db.tokens))
		}
		progress("bursts on " + s.name)
		var all sample
		for n := range 2 * steadyTimes { // half of them to warm up
			one, err := load(ctx, s.address, a, burstConns, 0)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			if n >= steadyTimes {
				all.latencies = append(all.latencies, one.latencies...)
			}
		}
		slices.Sort(all.latencies)
		measured, asks, steady = append(measured, s), append(asks, a), append(steady, all)
	}
	progress(fmt.Sprintf("waiting for %s", pause))
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(pause):
	}
	var result target
	for i, s := range measured {
		after, err := load(ctx, s.address, asks[i], burstConns, 0)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		usual, now := percentile(steady[i].latencies, 99), percentile(after.latencies, 99)
		figures := fmt.Sprintf("%s: %.1f instead of %.1f ms, p50 %.1f instead of %.1f", s.name, now, usual,
			percentile(after.latencies, 50), percentile(steady[i].latencies, 50))
		if i == 0 {
			text := fmt.Sprintf("p99 of %d reads after %s × that of the steady state; %s", burst, pause, figures)
			result = target{lineConnection, text, 3, true, now / usual}
		} else {
			result.Text += "; " + figures
		}
	}
	return []target{result}, nil
}
