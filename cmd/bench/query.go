package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	queryIDs    = 100_000
	queryTarget = 1.5 // times the time of the same in SQL
)

// measureQuery compares a QUERY for many rows by their keys with the same as a statement, which is sent as psql sends
// it. Both answers are read to their end and are the same.
func measureQuery(ctx context.Context, o options, db *database, s *server) ([]target, error) {
	err := db.run(ctx, "create table app.numbered (id int primary key, note text not null)",
		fmt.Sprintf("insert into app.numbered select i, md5(i::text) from generate_series(1, %d) as i", 2*queryIDs),
		"vacuum (analyze) app.numbered")
	if err != nil {
		return nil, err
	}
	ids := make([]string, queryIDs)
	for i := range ids {
		ids[i] = strconv.Itoa(2 * (i + 1))
	}
	list := "(" + strings.Join(ids, ",") + ")"
	statement := "select json_agg(row_to_json(r)) from (" +
		"select id from app.numbered where id in " + list + " order by id) as r"
	var ratios, alone []float64
	for n := range o.rounds + 1 { // the first to warm up
		progress(fmt.Sprintf("%d keys, round %d", queryIDs, n))
		began := time.Now()
		answer, err := sendQuery(ctx, db, s, "/numbered", "select=id&order=id&id=in."+list)
		if err != nil {
			return nil, err
		}
		took := time.Since(began)
		began = time.Now()
		result, err := db.control.PgConn().Exec(ctx, statement).ReadAll()
		if err != nil {
			return nil, err
		}
		plain := time.Since(began)
		wanted := result[0].Rows[0][0]
		if strip := strings.NewReplacer(" ", "", "\n", ""); strip.Replace(string(answer)) != strip.Replace(string(wanted)) {
			return nil, fmt.Errorf("QUERY of %d keys: %.100q, not %.100q", queryIDs, answer, wanted)
		}
		if n > 0 {
			ratios = append(ratios, float64(took)/float64(plain))
			alone = append(alone, float64(plain)/float64(time.Millisecond))
		}
	}
	text := fmt.Sprintf("× the time of the same statement in SQL, %d keys; that takes %.0f ms", queryIDs, median(alone))
	return []target{{lineQuery, text, queryTarget, true, median(ratios)}}, nil
}

// sendQuery returns the answer to a QUERY.
func sendQuery(ctx context.Context, db *database, s *server, path, query string) ([]byte, error) {
	_, text, err := exchange(ctx, db, s, "QUERY", path, "Content-Type", "application/x-www-form-urlencoded", query)
	return text, err
}

// exchange sends a request with a header field more and returns the header and body of its answer, which must be 200.
func exchange(
	ctx context.Context, db *database, s *server, method, path, field, value, body string,
) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+db.tokens.hs256)
	r.Header.Set(field, value)
	if s.profile != "" {
		r.Header.Set("Accept-Profile", s.profile)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.200s", method, path, answer.Status, text)
	}
	return answer.Header, text, err
}
