package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// newShapes are requests that nobody has met, by a number, and the most milliseconds of the database's processor for
// each.
var newShapes = []struct {
	name, target string
	status       int
	most         float64
}{
	{"a flat read", "/customers?select=a%d:id,name,city&id=eq.7", 200, 1.2},
	{"three levels of embeds",
		"/customers?select=a%d:id,name,orders(id,status,order_items(id,quantity,products(id,name,price)))&id=eq.7", 200, 5},
	{"an unknown relation", "/unknown_%d", 404, 0.6},
}

const (
	newWarmUp = 100 // new shapes before those that are measured, so that every session has met the catalog
	newCalls  = 200
)

// measureNewShapes measures what shapes cost that nobody has met, by the processor time of the database's sessions.
func measureNewShapes(ctx context.Context, db *database, s *server) ([]target, error) {
	progress("new shapes")
	var targets []target
	for _, shape := range newShapes {
		var measured []*asked
		for n, count := range []int{newWarmUp, newCalls} {
			requests := make([][]byte, count)
			for i := range requests {
				c := call{method: "GET", target: fmt.Sprintf(shape.target, 1000*n+i)}
				requests[i] = c.encode(db.tokens.hs256, s.profile)
			}
			measured = append(measured, &asked{requests: requests, status: shape.status})
		}
		if _, err := load(ctx, s.address, measured[0], 2*poolSize, 0); err != nil {
			return nil, err
		}
		before, err := db.cpu(ctx, s.name)
		if err != nil {
			return nil, err
		}
		if _, err := load(ctx, s.address, measured[1], 1, 0); err != nil {
			return nil, err
		}
		after, err := db.cpu(ctx, s.name)
		if err != nil {
			return nil, err
		}
		text := "ms of the database's processor for " + shape.name + " that nobody has met"
		targets = append(targets, target{lineShapes, text, shape.most, true, milliseconds(since(before, after)) / newCalls})
	}
	return targets, nil
}

// measureNewConnection measures what a read of one row takes longer on a connection to the database that is new: others
// wait in the database on all that there are. It starts postern anew for that.
func measureNewConnection(ctx context.Context, db *database, o options) ([]target, error) {
	progress("new connections")
	s, err := startOne(ctx, db, o, command{posternName, []string{o.postern, "serve"}})
	if s != nil {
		defer stopServers([]*server{s})
	}
	if err != nil {
		return nil, err
	}
	rows := s.requests(cases[0], db.tokens)
	timed := func(n int) (float64, error) {
		began := time.Now()
		_, err := s.ask(ctx, rows[n], 0)
		return milliseconds(time.Since(began)), err
	}
	var warm, fresh []float64
	for n := range 100 {
		taken, err := timed(n)
		if err != nil {
			return nil, err
		}
		if n >= 20 {
			warm = append(warm, taken)
		}
	}
	wait := call{method: "POST", target: "/rpc/wait", body: `{"seconds":0.5}`}.encode(db.tokens.hs256, s.profile)
	for held := 1; held < poolSize; held++ {
		done := make(chan error, held)
		for range held {
			go func() {
				_, err := s.ask(ctx, wait, 0)
				done <- err
			}()
		}
		time.Sleep(50 * time.Millisecond)
		taken, failed := timed(held)
		for range held {
			failed = errors.Join(failed, <-done)
		}
		if failed != nil {
			return nil, failed
		}
		fresh = append(fresh, taken)
	}
	text := fmt.Sprintf("ms that a new connection costs its first request (%.2f instead of %.2f)",
		median(fresh), median(warm))
	return []target{{lineConnection, text, 5, true, max(median(fresh)-median(warm), 0)}}, nil
}
