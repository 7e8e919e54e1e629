package main

import (
	"context"
	"fmt"
	"net/http"
)

const (
	tagRows    = 1000
	tagWarm    = 200 // of the rows: how many are changed before the others are measured
	tagWindow  = 20  // how many are changed in one way before it is the other's turn
	tagRounds  = 80
	tagClients = 1
)

// measureTags compares PATCHes with If-Match, which has the tag of the row, with the same ones without it.
func measureTags(ctx context.Context, db *database, s *server) ([]target, error) {
	var processor, latency []float64
	for n := range tagRounds + 1 { // the first warms up
		progress(fmt.Sprintf("If-Match, round %d", n))
		plain, match, err := measureChanges(ctx, db, s, n)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			processor = append(processor, match.cpu()/plain.cpu())
			latency = append(latency, match.P50/plain.P50)
		}
	}
	return []target{
		{lineTags, "× CPU of a PATCH without it", 1.05, true, median(processor)},
		{lineTags, "× p50 of a PATCH without it", 1.05, true, median(latency)},
	}, nil
}

// measureChanges changes rows once each, a window of them by their own tags and the next without, so that what changes
// with the time on a machine, or in the table, falls on both. Which is first changes with the round. It returns the
// sums over the windows. The first do not count: what restores the rows makes sessions plan their statements anew.
func measureChanges(ctx context.Context, db *database, s *server, n int) (plain, match round, err error) {
	if err := db.restore(ctx, []string{"customers"}); err != nil {
		return plain, match, err
	}
	tagged := func(window int) bool { return (n+window)%2 == 0 }
	var windows []*asked
	for row := range tagRows {
		c := call{method: "PATCH", target: fmt.Sprintf("/customers?id=eq.%d", row+1), prefer: "return=minimal",
			body: fmt.Sprintf(`{"city":"Town %d"}`, row)}
		tag, err := tagOf(ctx, db, s, c.target) // also where it is not used, so that both find the same
		if err != nil {
			return plain, match, err
		}
		if row%tagWindow == 0 {
			windows = append(windows, &asked{status: http.StatusNoContent})
		}
		if tagged(len(windows) - 1) {
			c.match = tag
		}
		last := windows[len(windows)-1]
		last.requests = append(last.requests, c.encode(db.tokens.hs256, s.profile))
	}
	for i, window := range windows {
		measured, err := measure(ctx, db, s, window, tagClients, 0)
		if err != nil {
			return plain, match, err
		}
		to := &plain
		if tagged(i) {
			to = &match
		}
		if i >= tagWarm/tagWindow {
			to.P50 += measured.P50
			to.ServerCPU += measured.ServerCPU
			to.DatabaseCPU += measured.DatabaseCPU
		}
	}
	return plain, match, nil
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
