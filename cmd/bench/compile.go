package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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

// parameter is one of a query string, as it stands in a shape: an operator is apart from its value, and a value that is
// cut out is a placeholder.
type parameter struct{ name, operator, value string }

// placeholder is what stands for a value.
const placeholder = "\x01"

// compileShapes are the shapes that are timed. %d is a number that makes each one new.
var compileShapes = []struct {
	name, path string
	parameters []parameter
}{
	{"simple", "/authors", []parameter{{"select", "", "a%d:id,given_name,family_name"}, {"id", "eq", placeholder}}},
	{"three-level embed", "/authors", []parameter{
		{"select", "", "a%d:id,family_name,book_authors(contribution,books(id,title,reviews(id,stars,body)))"}, {"order", "", "id"},
	}},
}

// shapeOf writes parameters as postern.answer does: each begins with chr(31), its parts are separated by chr(30).
func shapeOf(parameters []parameter, number int) string {
	var b strings.Builder
	for _, p := range parameters {
		fmt.Fprintf(&b, "\x1f%s\x1e%s\x1e%s", p.name, p.operator, numbered(p.value, number))
	}
	return b.String()
}

// queryOf writes them as a query string; a placeholder is the value 1.
func queryOf(parameters []parameter, number int) string {
	pairs := make([]string, len(parameters))
	for i, p := range parameters {
		value := strings.ReplaceAll(numbered(p.value, number), placeholder, "1")
		if p.operator != "" {
			value = p.operator + "." + value
		}
		pairs[i] = p.name + "=" + value
	}
	return strings.Join(pairs, "&")
}

func numbered(value string, number int) string {
	return strings.ReplaceAll(value, "%d", strconv.Itoa(number))
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
			query := queryOf(shape.parameters, n)
			request, err := json.Marshal(map[string]any{
				"method": "GET", "path": shape.path, "query": query, "role": requestRole,
				"headers": map[string]string{"accept": "application/json"},
			})
			if err != nil {
				return nil, err
			}
			began := time.Now()
			var compiled bool
			err = conn.QueryRow(ctx, "select (postern.compile($1, $2, postern.settings($3))).statement is not null",
				string(request), shapeOf(shape.parameters, n), settings).Scan(&compiled)
			if err == nil && !compiled {
				err = errors.New("no statement was made")
			}
			if err != nil {
				return nil, fmt.Errorf("compile %s?%s: %w", shape.path, query, err)
			}
			if n >= compileWarmUp {
				taken = append(taken, milliseconds(time.Since(began)))
			}
		}
		times = append(times, compileTime{shape.name, shape.path + "?" + queryOf(shape.parameters, 0), median(taken)})
	}
	return times, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
