package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

const (
	batchOperations = 10
	batchTarget     = 3 // times the rate of requests of one operation each
)

// measureBatch compares inserts that come ten in a batch with the same as requests of their own, by the inserts that
// are done in a second.
func measureBatch(ctx context.Context, o options, db *database, s *server) (targets []target, err error) {
	var insert benchCase
	for _, c := range cases {
		if c.name == "insert" {
			insert = c
		}
	}
	single := &asked{requests: s.requests(insert, db.tokens)}
	batched := &asked{}
	for n := 0; n < insert.requests; n += batchOperations {
		var operations []map[string]any
		for i := range batchOperations {
			c := insert.ask(n + i)
			headers := map[string]string{"Prefer": c.prefer}
			if s.profile != "" {
				headers["Content-Profile"] = s.profile
			}
			operations = append(operations, map[string]any{
				"method": c.method, "path": c.target, "headers": headers, "body": json.RawMessage(c.body),
			})
		}
		body, err := json.Marshal(operations)
		if err != nil {
			return nil, err
		}
		request := call{method: "POST", target: "/", body: string(body)}.encode(db.tokens.hs256, "")
		batched.requests = append(batched.requests,
			bytes.Replace(request, []byte("Content-Type: application/json"),
				[]byte("Content-Type: application/vnd.postern.batch+json"), 1))
	}
	for _, connections := range o.conns {
		progress(fmt.Sprintf("%d inserts in a batch, %d connections", batchOperations, connections))
		var ratios, alone, together, aloneCPU, togetherCPU []float64
		for n := range o.rounds + 1 { // the first to warm up
			one, err := measure(ctx, db, s, single, connections, o.duration)
			if err != nil {
				return nil, err
			}
			ten, err := measure(ctx, db, s, batched, connections, o.duration)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				ratios = append(ratios, batchOperations*ten.Rate/one.Rate)
				alone, together = append(alone, one.Rate), append(together, batchOperations*ten.Rate)
				aloneCPU, togetherCPU = append(aloneCPU, one.cpu()), append(togetherCPU, ten.cpu()/batchOperations)
			}
		}
		text := fmt.Sprintf("inserts a second in batches of %d × requests of their own, %d connections: %.0f and %.0f; "+
			"processor %.0f and %.0f µs each",
			batchOperations, connections, median(together), median(alone), median(togetherCPU), median(aloneCPU))
		targets = append(targets, target{lineBatch, text, batchTarget, false, median(ratios)})
	}
	return targets, nil
}
