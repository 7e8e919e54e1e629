package admin

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"postern/shell/auth"
	"postern/shell/db"
	"postern/shell/statement"
)

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	tokens := new(auth.Counters)
	tokens.Lookups.Store(3)
	tokens.Hits.Store(2)
	tokens.Failures.Store(7)
	m := NewMetrics(func() db.Stats {
		return db.Stats{Available: 4, Max: 10, Waiting: 5, Timeouts: 6, Restores: 8, Trips: 15, Opened: 16, WaitSeconds: 2.5,
			NoStandby: 17, Standbys: []db.StandbyStats{{Name: "a:5432", Up: true, Lag: 1.5, Reads: 18, Fallbacks: 19}, {Name: "b:1", Lag: math.NaN()}}}
	},
		func() statement.Stats {
			return statement.Stats{Entries: 9, Bytes: 10, Lookups: 11, Hits: 12, Compiles: 13, Evictions: 14, CompileSeconds: 1.5}
		}, tokens)
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() {
			m.Observe(Relation, "GET", 200, time.Duration(n)*time.Millisecond)
			m.Observe(Function, "GET", 404, time.Millisecond)
			m.Reloaded(true, nil)
			m.Reloaded(false, errors.New("x"))
			m.Observe(Root, fmt.Sprintf("M%d", n), 405, time.Minute) // methods that clients invent are one
		})
	}
	all.Wait()
	for _, status := range []int{-1, 0, 1000, 1 << 40} {
		m.Observe(Relation, "PUT", status, 0)
	}
	text := scrape(m)
	for _, line := range []string{
		`postern_http_requests_total{method="GET",route="relation",status="200"} 100`,
		`postern_http_requests_total{method="GET",route="function",status="404"} 100`,
		`postern_http_requests_total{method="other",route="root",status="405"} 100`,
		`postern_http_request_duration_seconds_count{method="GET"} 200`,
		`postern_http_request_duration_seconds_bucket{method="GET",le="0.05"} 151`,
		`postern_http_request_duration_seconds_bucket{method="GET",le="0.1"} 200`,
		`postern_http_request_duration_seconds_bucket{method="other",le="10"} 0`,
		`pgrst_db_pool_available 4`, `pgrst_db_pool_max 10`, `pgrst_db_pool_waiting 5`, `pgrst_db_pool_timeouts_total 6`, `postern_sessions_restored_total 8`,
		`postern_db_round_trips_total 15`, `postern_db_connections_total 16`, `postern_db_pool_wait_seconds_total 2.5`,
		`postern_standby_up{standby="a:5432"} 1`, `postern_standby_up{standby="b:1"} 0`, `postern_standby_lag_seconds{standby="a:5432"} 1.5`,
		`postern_standby_lag_seconds{standby="b:1"} NaN`, `postern_standby_reads_total{standby="a:5432"} 18`,
		`postern_standby_fallbacks_total{standby="a:5432"} 19`, `postern_standby_none_total 17`,
		`postern_reloads_total{result="success",what="schema"} 100`, `postern_reloads_total{result="failure",what="config"} 100`,
		`postern_reloads_total{result="success",what="config"} 0`,
		`postern_statement_cache_entries 9`, `postern_statement_cache_bytes 10`, `postern_statement_cache_requests_total 11`,
		`postern_statement_cache_hits_total 12`, `postern_compiles_total 13`, `postern_statement_cache_evictions_total 14`, `postern_compile_seconds_total 1.5`,
		`pgrst_jwt_cache_requests_total 3`, `pgrst_jwt_cache_hits_total 2`, `pgrst_jwt_cache_evictions_total 0`,
		`postern_jwks_failures_total 7`, `postern_jwks_fetches_total 0`, `postern_jwks_keys 0`, `postern_jwks_last_fetch_timestamp_seconds 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(text, "M5") || strings.Contains(text, "status=\"0\"") {
		t.Error("what clients invent has a metric")
	}
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

// The cost of a request's metrics: go test ./shell/admin -bench Observe -cpu 1,2,8
func BenchmarkObserve(b *testing.B) {
	m := NewMetrics(func() db.Stats { return db.Stats{} }, func() statement.Stats { return statement.Stats{} }, new(auth.Counters))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			began := time.Now()
			m.Observe(Relation, http.MethodGet, http.StatusOK, time.Since(began))
		}
	})
}

func BenchmarkScrape(b *testing.B) {
	m := NewMetrics(func() db.Stats { return db.Stats{} }, func() statement.Stats { return statement.Stats{} }, new(auth.Counters))
	for status := 200; status < 220; status++ {
		m.Observe(Relation, http.MethodGet, status, time.Millisecond)
	}
	for b.Loop() {
		scrape(m)
	}
}
