package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// sample is what a round on one server gave.
type sample struct {
	requests  int
	elapsed   time.Duration
	latencies []time.Duration // in ascending order
}

// rate is in requests per second.
func (s sample) rate() float64 { return float64(s.requests) / s.elapsed.Seconds() }

// client is a connection that is kept alive.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
}

// patience is how long beyond a round an answer may take.
const patience = 30 * time.Second

func dial(ctx context.Context, address string) (*client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

// do sends a request and reads what comes back. An answer that is no success is an error with its body.
func (c *client) do(request []byte, keep bool) (response, error) {
	if _, err := c.conn.Write(request); err != nil {
		return response{}, err
	}
	result, err := readResponse(c.reader, keep)
	switch {
	case err != nil:
		return result, err
	case result.status < 200 || result.status > 299:
		return result, fmt.Errorf("status %d: %s", result.status, result.body)
	case result.closes:
		return result, errors.New("the server closes the connection")
	}
	return result, nil
}

// load sends requests, in turn and over again, on so many connections for a time: each connection its next one as soon as
// the answer to the last is there. The connections start at different places of the list.
func load(ctx context.Context, address string, requests [][]byte, connections int, duration time.Duration) (sample, error) {
	clients := make([]*client, connections)
	for i := range clients {
		c, err := dial(ctx, address)
		if err != nil {
			return sample{}, err
		}
		defer func() { _ = c.conn.Close() }()
		if err := c.conn.SetDeadline(time.Now().Add(duration + patience)); err != nil {
			return sample{}, err
		}
		clients[i] = c
	}
	latencies := make([][]time.Duration, connections)
	failures := make([]error, connections)
	var group sync.WaitGroup
	began := time.Now()
	end := began.Add(duration)
	for i, c := range clients {
		group.Go(func() {
			latencies[i], failures[i] = c.loop(ctx, requests, i*len(requests)/connections, end)
		})
	}
	group.Wait()
	elapsed := time.Since(began)
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return sample{len(all), elapsed, all}, errors.Join(failures...)
}

// loop sends requests until the time is over, and gives how long each took.
func (c *client) loop(ctx context.Context, requests [][]byte, next int, end time.Time) ([]time.Duration, error) {
	latencies := make([]time.Duration, 0, 1<<14)
	for began := time.Now(); began.Before(end) && ctx.Err() == nil; {
		if _, err := c.do(requests[next], false); err != nil {
			return latencies, err
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(began))
		began = now
		if next++; next == len(requests) {
			next = 0
		}
	}
	return latencies, ctx.Err()
}
