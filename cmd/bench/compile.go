package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postern/cmd/postern/demo"
)

// compileTime is how long the database takes to make a statement of a request.
type compileTime struct {
	Shape  string  `json:"shape"`
	Target string  `json:"target"`
	Median float64 `json:"median_ms"`
}

// compileShapes are the shapes that are timed. %d is a number that makes each one new; %01 stands for a value, as
// postern.handle puts it there.
var compileShapes = []struct{ name, path, query string }{
	{"simple", "/authors", "&select=a%d:id,given_name,family_name&id=eq.%%01"},
	{"three-level embed", "/authors", "&select=a%d:id,family_name,book_authors(contribution,books(id,title,reviews(id,stars,body)))" +
		"&order=id.asc"},
}

const (
	compileWarmUp = 10
	compileCalls  = 50
)

// timeCompile times postern.compile in a warm session, as the role that the requests have, by the clock of this side of the
// connection.
func timeCompile(ctx context.Context, db *database) ([]compileTime, error) {
	conn, err := pgx.Connect(ctx, db.uri(demo.Authenticator, "bench"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "set role "+requestRole); err != nil {
		return nil, err
	}
	settings := `{"db_schemas": ["api", "reports"]}`
	var times []compileTime
	for _, shape := range compileShapes {
		var taken []float64
		for n := range compileWarmUp + compileCalls {
			query := fmt.Sprintf(shape.query, n)
			request, err := json.Marshal(map[string]any{
				"method": "GET", "path": shape.path, "query": query[1:], "role": requestRole,
				"headers": map[string]string{"accept": "application/json"},
			})
			if err != nil {
				return nil, err
			}
			began := time.Now()
			var compiled bool
			err = conn.QueryRow(ctx, "select (postern.compile($1, $2, postern.settings($3))).statement is not null",
				string(request), query, settings).Scan(&compiled)
			if err != nil || !compiled {
				return nil, fmt.Errorf("compile %s%s: made a statement: %t, %w", shape.path, query, compiled, err)
			}
			if n >= compileWarmUp {
				taken = append(taken, milliseconds(time.Since(began)))
			}
		}
		times = append(times, compileTime{shape.name, shape.path + "?" + fmt.Sprintf(shape.query, 0)[1:], median(taken)})
	}
	return times, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
