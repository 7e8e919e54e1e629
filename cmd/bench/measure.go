package main

import (
	"context"
	"encoding/json"
	"fmt"
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

// taking returns the servers that a case can be asked of.
func (c benchCase) taking(servers []*server) []*server {
	_, written := routes[c.name]
	var result []*server
	for _, s := range servers {
		if !s.hand || s.name != bareName && (written || c.class == mixed) || s.name == bareName && c.bare {
			result = append(result, s)
		}
	}
	return result
}

// measureCase checks that the servers agree and measures them, for each number of connections.
func measureCase(ctx context.Context, o options, c benchCase, db *database, servers []*server) ([]result, error) {
	servers = c.taking(servers)
	c.code = c.code || o.runsCode()
	if err := verify(ctx, c, db, servers); err != nil {
		return nil, err
	}
	requests := make([]*asked, len(servers))
	for i, s := range servers {
		requests[i] = &asked{requests: s.requests(c, db.tokens), status: c.status}
		// On more connections than the server has to the database, so that all of these know the case. Of shapes all are
		// sent.
		warmUp := min(o.duration, 500*time.Millisecond)
		if c.class == shapes {
			warmUp = 0
		}
		if _, err := load(ctx, s.address, requests[i], 2*poolSize, warmUp); err != nil {
			return nil, fmt.Errorf("warming up %s: %w", s.name, err)
		}
	}
	var results []result
	for _, connections := range o.conns {
		progress(fmt.Sprintf("%s, connections: %d", c.name, connections))
		rounds := make([][]round, len(servers))
		for n := range o.rounds {
			for turn := range servers {
				i := (n + turn) % len(servers) // each round another one is first
				if err := db.restore(ctx, c.writes); err != nil {
					return results, err
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

// measure is a round on one server.
func measure(
	ctx context.Context, db *database, s *server, asked *asked, connections int, duration time.Duration,
) (round, error) {
	before, err := db.cpu(ctx, s.name)
	if err != nil {
		return round{}, err
	}
	serverBefore := cpuTime(s.pid())
	loaded, err := load(ctx, s.address, asked, connections, duration)
	if err != nil {
		return round{}, err
	}
	serverTime := since(serverBefore, cpuTime(s.pid()))
	after, err := db.cpu(ctx, s.name)
	each := func(d time.Duration) float64 {
		return float64(d) / float64(time.Microsecond) / float64(max(1, len(loaded.latencies)))
	}
	return round{
		Rate: loaded.rate(), P50: percentile(loaded.latencies, 50), P99: percentile(loaded.latencies, 99),
		ServerCPU: each(serverTime), DatabaseCPU: each(since(before, after)),
	}, err
}

// verify asks every server the same and fails where the answers, or what they have written, are not the same. The mix
// is of cases that are verified themselves.
func verify(ctx context.Context, c benchCase, db *database, servers []*server) error {
	if c.class == mixed {
		return nil
	}
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
				return fmt.Errorf("the servers do not agree: %s answers %+v, %s %+v", servers[0].name, expected, s.name, got)
			}
		}
	}
	return nil
}

// answered is what must be the same for all servers.
type answered struct {
	status  int
	value   any    // the JSON; nil of an error
	total   string // where it is counted
	changes string // see database.changes
}

func askCase(ctx context.Context, c benchCase, db *database, s *server, n int) (answered, error) {
	var result answered
	if err := db.restore(ctx, c.writes); err != nil {
		return result, err
	}
	got, err := s.ask(ctx, s.request(c, n, db.tokens), c.status)
	if err != nil {
		return result, err
	}
	result.status = got.status
	if c.counts {
		result.total = got.total
	}
	if c.class != wrong {
		if result.value, err = decode(got.body, c.class == write); err != nil {
			return result, err
		}
	}
	result.changes, err = db.changes(ctx, c.writes)
	if rows, ok := result.value.([]any); err == nil && c.class != wrong && c.class != write && ok && len(rows) == 0 {
		err = fmt.Errorf("request %d finds no rows", n)
	}
	return result, err
}

// decode returns JSON by value; no body is nil. Of rows that were written it leaves out what differs from one time to
// the next.
func decode(body []byte, written bool) (any, error) {
	if len(body) == 0 {
		return nil, nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %w", err)
	}
	if rows, ok := value.([]any); ok && written {
		for _, row := range rows {
			if object, ok := row.(map[string]any); ok {
				delete(object, "id")
				delete(object, "updated_at")
			}
		}
	}
	return plain(value), nil
}

// plain writes the times in a value in one way.
func plain(value any) any {
	switch value := value.(type) {
	case []any:
		return mapped(value, plain)
	case map[string]any:
		for name, field := range value {
			value[name] = plain(field)
		}
	case string:
		if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return value
}
