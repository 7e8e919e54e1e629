package main

import (
	"context"
	"fmt"
	"net/http"
)

const (
	tagRows    = 1000
	tagWarm    = 200 // of the rows: how many are changed before the others are measured
	tagRounds  = 15
	tagClients = 1
)

// measureTags compares PATCHes with If-Match, which has the tag of the row, with the same ones without it. Rounds
// alternate.
func measureTags(ctx context.Context, db *database, s *server) ([]target, error) {
	var processor, latency []float64
	for n := range tagRounds + 1 { // the first warms up
		progress(fmt.Sprintf("If-Match, round %d", n))
		var plain, match round
		for way := range 2 {
			var err error
			if with := (n+way)%2 == 1; with {
				match, err = measureChanges(ctx, db, s, true)
			} else {
				plain, err = measureChanges(ctx, db, s, false)
			}
			if err != nil {
				return nil, err
			}
		}
		if n > 0 {
			processor = append(processor, (match.ServerCPU+match.DatabaseCPU)/(plain.ServerCPU+plain.DatabaseCPU))
			latency = append(latency, match.P50/plain.P50)
		}
	}
	return []target{
		{lineTags, "× CPU of a PATCH without it", 1.05, true, median(processor)},
		{lineTags, "× p50 of a PATCH without it", 1.05, true, median(latency)},
	}, nil
}

// measureChanges changes rows once each, all by their own tags or without. The first do not count: what restores the
// rows makes sessions plan their statements anew.
func measureChanges(ctx context.Context, db *database, s *server, tagged bool) (round, error) {
	if err := db.restore(ctx, []string{"customers"}); err != nil {
		return round{}, err
	}
	warm, a := &asked{status: http.StatusNoContent}, &asked{status: http.StatusNoContent}
	for n := range tagRows {
		c := call{method: "PATCH", target: fmt.Sprintf("/customers?id=eq.%d", n+1), prefer: "return=minimal",
			body: fmt.Sprintf(`{"city":"Town %d"}`, n)}
		tag, err := tagOf(ctx, db, s, c.target) // also where it is not used, so that both find the same
		if err != nil {
			return round{}, err
		}
		if tagged {
			c.match = tag
		}
		to := a
		if n < tagWarm {
			to = warm
		}
		to.requests = append(to.requests, c.encode(db.tokens.hs256, s.profile))
	}
	if _, err := load(ctx, s.address, warm, tagClients, 0); err != nil {
		return round{}, err
	}
	return measure(ctx, db, s, a, tagClients, 0)
}

// tagOf returns the entity tag of a row.
func tagOf(ctx context.Context, db *database, s *server, path string) (string, error) {
	header, _, err := exchange(ctx, db, s, http.MethodGet, path, "Prefer", "etag", "")
	if err != nil {
		return "", err
	}
	tag := header.Get("Etag")
	if tag == "" {
		return "", fmt.Errorf("%s: no entity tag", path)
	}
	return tag, nil
}
