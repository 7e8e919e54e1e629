package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sample is what a round on one server gave.
type sample struct {
	elapsed   time.Duration
	latencies []time.Duration // in ascending order
}

// rate is in requests per second.
func (s sample) rate() float64 { return float64(len(s.latencies)) / s.elapsed.Seconds() }

// asked is what one server is asked in a case.
type asked struct {
	requests [][]byte
	status   int // that the answers are to have; 0 for any success
	patience time.Duration
	cursor   atomic.Int64
}

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

// do sends a request and reads what comes back. An answer of another status (0: of none that is a success) is an error.
func (c *client) do(request []byte, status int, keep bool) (response, error) {
	if _, err := c.conn.Write(request); err != nil {
		return response{}, err
	}
	result, err := readResponse(c.reader, bytes.HasPrefix(request, []byte("HEAD ")), keep)
	switch {
	case err != nil:
		return result, err
	case result.status != status && (status != 0 || result.status < 200 || result.status > 299):
		line, _, _ := bytes.Cut(request, []byte(" HTTP/1.1"))
		return result, fmt.Errorf("%.200s: status %d: %s", line, result.status, result.body)
	case result.closes:
		return result, errors.New("the server closes the connection")
	}
	return result, nil
}

// load sends requests in turn, over and over, on so many connections, each its next one as soon as the answer to the
// last is there, until the time is over or, where that is 0, until each has been sent once. The cursor says which is
// next; it goes on where the last round ended.
func load(ctx context.Context, address string, asked *asked, connections int, duration time.Duration) (sample, error) {
	began := time.Now()
	var last int64 = math.MaxInt64
	end := began.Add(duration)
	if duration == 0 {
		last, end = asked.cursor.Load()+int64(len(asked.requests)), began.Add(time.Hour)
	}
	clients := make([]*client, connections)
	for i := range clients {
		c, err := dial(ctx, address)
		if err != nil {
			return sample{}, err
		}
		defer func() { _ = c.conn.Close() }()
		if err := c.conn.SetDeadline(end.Add(max(asked.patience, patience))); err != nil {
			return sample{}, err
		}
		clients[i] = c
	}
	latencies := make([][]time.Duration, connections)
	failures := make([]error, connections)
	var group sync.WaitGroup
	began = time.Now()
	for i, c := range clients {
		group.Go(func() { latencies[i], failures[i] = c.loop(ctx, asked, last, end) })
	}
	group.Wait()
	elapsed := time.Since(began)
	all := slices.Concat(latencies...)
	slices.Sort(all)
	return sample{elapsed, all}, errors.Join(failures...)
}

// loop returns how long each request took; it sends at least one, if there is one left.
func (c *client) loop(ctx context.Context, asked *asked, last int64, end time.Time) ([]time.Duration, error) {
	latencies := make([]time.Duration, 0, 1<<12)
	for began := time.Now(); ctx.Err() == nil; {
		next := asked.cursor.Add(1) - 1
		if next >= last {
			break
		}
		if _, err := c.do(asked.requests[int(next)%len(asked.requests)], asked.status, false); err != nil {
			return latencies, err
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(began))
		if began = now; !now.Before(end) {
			break
		}
	}
	return latencies, ctx.Err()
}
