package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"
)

// round is what one server did in one round.
type round struct {
	Rate        float64 `json:"requests_per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	ServerCPU   float64 `json:"server_cpu_us"`   // of the server's process, for each request
	DatabaseCPU float64 `json:"database_cpu_us"` // of the database's processes that served it, for each request
}

func (r round) cpu() float64 { return r.ServerCPU + r.DatabaseCPU }

// measureCase checks that the servers agree and measures them, for each number of connections.
func measureCase(ctx context.Context, o options, c benchCase, db *database, servers []*server) ([]result, error) {
	if err := verify(ctx, c, db, servers); err != nil {
		return nil, err
	}
	requests := make([][][]byte, len(servers))
	for i, s := range servers {
		requests[i] = c.allRequests(s.hand(), db.token)
	}
	var results []result
	for _, connections := range o.conns {
		progress(fmt.Sprintf("%s, connections: %d", c.name, connections))
		rounds := make([][]round, len(servers))
		for i, s := range servers {
			if _, err := load(ctx, s.address, requests[i], max(connections, 2*poolSize), warmUp(o.duration)); err != nil {
				return results, fmt.Errorf("warming up %s: %w", s.name, err)
			}
		}
		for n := range o.rounds {
			for turn := range servers {
				i := (n + turn) % len(servers) // each round another one is first
				if c.writes {
					if err := db.restore(ctx); err != nil {
						return results, err
					}
				}
				measured, err := measure(ctx, db, servers[i], requests[i], connections, o.duration)
				if err != nil {
					return results, fmt.Errorf("%s: %w", servers[i].name, err)
				}
				rounds[i] = append(rounds[i], measured)
			}
		}
		results = append(results, summarize(c, connections, servers, rounds))
	}
	return results, nil
}

// warmUp is how long each server is loaded before its first round, on more connections than it has to the database, so
// that all of these know the case.
func warmUp(duration time.Duration) time.Duration { return min(duration, 500*time.Millisecond) }

// measure is a round on one server.
func measure(ctx context.Context, db *database, s *server, requests [][]byte, connections int, duration time.Duration) (round, error) {
	before, err := db.backends(ctx, s.name)
	if err != nil {
		return round{}, err
	}
	serverBefore, databaseBefore := usageOf([]int{s.pid()}), usageOf(before)
	loaded, err := load(ctx, s.address, requests, connections, duration)
	if err != nil {
		return round{}, err
	}
	serverTime := usageOf([]int{s.pid()}).since(serverBefore)
	after, err := db.backends(ctx, s.name)
	if err != nil {
		return round{}, err
	}
	databaseTime := usageOf(after).since(databaseBefore)
	each := func(d time.Duration) float64 {
		return float64(d) / float64(time.Microsecond) / math.Max(1, float64(loaded.requests))
	}
	return round{
		Rate: loaded.rate(),
		P50:  milliseconds(percentile(loaded.latencies, 50)), P99: milliseconds(percentile(loaded.latencies, 99)),
		ServerCPU: each(serverTime), DatabaseCPU: each(databaseTime),
	}, nil
}

// verify asks every server the same and fails where the answers, or what they have written, are not the same.
func verify(ctx context.Context, c benchCase, db *database, servers []*server) error {
	for _, n := range []int{0, c.requests / 2, c.requests - 1} {
		var expected answered
		for i, s := range servers {
			got, err := askCase(ctx, c, db, s, n)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if i == 0 {
				expected = got
			} else if !reflect.DeepEqual(got, expected) {
				return fmt.Errorf("the servers do not agree: %s answers %v, %s %v", servers[0].name, expected, s.name, got)
			}
		}
	}
	return nil
}

// answered is what must be the same for all servers.
type answered struct {
	status  int
	value   any    // the JSON
	written string // see database.written
}

func askCase(ctx context.Context, c benchCase, db *database, s *server, n int) (answered, error) {
	var result answered
	if c.writes {
		if err := db.restore(ctx); err != nil {
			return result, err
		}
	}
	got, err := s.ask(ctx, c.request(s.hand(), n, db.token))
	if err != nil {
		return result, err
	}
	result.status = got.status
	if result.value, err = decode(got.body, c.differs); err != nil {
		return result, err
	}
	if c.writes {
		result.written, err = db.written(ctx)
	}
	return result, err
}

// decode reads JSON by value, less a field that differs in each answer; no body is nil.
func decode(body []byte, differs string) (any, error) {
	if len(body) == 0 {
		return nil, nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %w", err)
	}
	if rows, ok := value.([]any); ok && differs != "" {
		for _, row := range rows {
			if object, ok := row.(map[string]any); ok {
				delete(object, differs)
			}
		}
	}
	return value, nil
}
