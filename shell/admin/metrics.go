package admin

import (
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"postern/shell/auth"
	"postern/shell/db"
	"postern/shell/statement"
)

// methods have metrics of their own; all others share "other".
var methods = [...]string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete,
	http.MethodOptions, db.MethodQuery, "other",
}

// Route is a kind of address.
type Route int

// The kinds of addresses.
const (
	Root      Route = iota // the root path, and descriptions of the API
	Relation               // a table or view, also one that does not exist
	Function               // below /rpc/
	Page                   // the documentation page and its files
	Preflight              // any, asked for by a preflight of CORS
	Batch                  // several requests in one

	routes = iota
)

var routeNames = [routes]string{"root", "relation", "function", "page", "preflight", "batch"}

// seconds are the upper bounds of the histogram's buckets.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

const statuses = 600 // those of answers are below

// Metrics counts requests and shows this and other counts in Prometheus' text format. Names that begin with pgrst_ are
// PostgREST's (docs/references/observability, "Metrics").
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	counters  [routes][len(methods)][statuses]atomic.Pointer[prometheus.Counter] // requests', found without its lock
	durations [len(methods)]prometheus.Observer
	reloads   *prometheus.CounterVec
}

// NewMetrics makes the metrics; pool is asked for its figures each time they are shown.
func NewMetrics(pool func() db.Stats, statements func() statement.Stats, tokens *auth.Counters) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_http_requests_total",
			Help: "Requests to the API that were answered, by kind of address, method and status",
		}, []string{"route", "method", "status"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "postern_reloads_total",
			Help: "Reloads of the configuration (config), and renewals of connections and statements (schema), by their result",
		}, []string{"what", "result"}),
	}
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "postern_http_request_duration_seconds", Buckets: seconds,
		Help: "Time from the header of a request to its answer, by method",
	}, []string{"method"})
	for i, method := range methods {
		m.durations[i] = durations.WithLabelValues(method)
	}
	for _, what := range []string{"config", "schema"} {
		m.reloads.WithLabelValues(what, "success")
		m.reloads.WithLabelValues(what, "failure")
	}
	m.registry.MustRegister(m.requests, m.reloads, durations, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		poolMetrics(pool), statementMetrics(statements), tokenMetrics(tokens))
	return m
}

func poolMetrics(stats func() db.Stats) collector {
	return func(counter, gauge emit) {
		s := stats()
		gauge("pgrst_db_pool_available", "Connections in the pool that are not in use", float64(s.Available))
		gauge("pgrst_db_pool_max", "The most connections that the pool may have", float64(s.Max))
		gauge("pgrst_db_pool_waiting", "Requests that wait for a connection", float64(s.Waiting))
		counter("pgrst_db_pool_timeouts_total", "Requests that waited for a connection in vain", float64(s.Timeouts))
		counter("postern_db_connections_total", "Connections to the database that were opened", float64(s.Opened))
		counter("postern_db_pool_wait_seconds_total", "Time that requests waited for a connection as none was free",
			s.WaitSeconds)
		counter("postern_db_round_trips_total", "Round trips to the database that answered requests", float64(s.Trips))
		counter("postern_sessions_restored_total", "Sessions restored after code of the user's", float64(s.Restores))
		standbyMetrics(s, counter, gauge)
	}
}

// standbyMetrics shows what there is to tell of the standbys that reads go to, by their names, where there are any.
func standbyMetrics(s db.Stats, counter, gauge emit) {
	if len(s.Standbys) == 0 {
		return
	}
	counter("postern_standby_none_total", "Reads that went to the primary as there was no standby for them",
		float64(s.NoStandby))
	for _, one := range s.Standbys {
		up := 0.0
		if one.Up {
			up = 1
		}
		gauge("postern_standby_up", "Whether reads go to the standby: it answers and is no more than db-read-max-lag behind",
			up, one.Name)
		gauge("postern_standby_lag_seconds", "How far the standby is behind the primary; NaN where it is not known",
			one.Lag, one.Name)
		counter("postern_standby_reads_total", "Reads that the standby answered", float64(one.Reads), one.Name)
		counter("postern_standby_fallbacks_total", "Reads that the standby was asked for and the primary answered",
			float64(one.Fallbacks), one.Name)
	}
}

func statementMetrics(stats func() statement.Stats) collector {
	return func(counter, gauge emit) {
		s := stats()
		counter("postern_statement_cache_requests_total", "Shapes looked up in the cache of compiled statements",
			float64(s.Lookups))
		counter("postern_statement_cache_hits_total", "Shapes whose statement was found in the cache", float64(s.Hits))
		counter("postern_statement_cache_evictions_total", "Statements that were dropped from the cache for others",
			float64(s.Evictions))
		gauge("postern_statement_cache_entries", "Statements in the cache", float64(s.Entries))
		gauge("postern_statement_cache_bytes", "What the statements in the cache take", float64(s.Bytes))
		counter("postern_compiles_total", "Requests that the database compiled", float64(s.Compiles))
		counter("postern_compile_seconds_total", "Time that requests took that the database compiled", s.CompileSeconds)
	}
}

func tokenMetrics(c *auth.Counters) collector {
	return func(counter, gauge emit) {
		value := func(n *atomic.Int64) float64 { return float64(n.Load()) }
		counter("pgrst_jwt_cache_requests_total", "Tokens looked up in the cache", value(&c.Lookups))
		counter("pgrst_jwt_cache_hits_total", "Tokens found in the cache", value(&c.Hits))
		counter("pgrst_jwt_cache_evictions_total", "Tokens that were dropped from the cache for others", value(&c.Evictions))
		counter("postern_jwks_fetches_total", "Key sets fetched from the URL in jwt-secret", value(&c.Fetches))
		counter("postern_jwks_failures_total", "Failed attempts to fetch the key set", value(&c.Failures))
		gauge("postern_jwks_keys", "Usable keys in the key set", value(&c.Keys))
		gauge("postern_jwks_last_fetch_timestamp_seconds", "When the key set was last fetched, 0 for never",
			value(&c.Fetched))
	}
}

// Observe counts an answered request and how long it took. Safe for concurrent use; only the first of its kind locks.
func (m *Metrics) Observe(route Route, method string, status int, took time.Duration) {
	which := slices.Index(methods[:], method)
	if which < 0 {
		which = len(methods) - 1
	}
	m.durations[which].Observe(took.Seconds())
	if status < 100 || status >= statuses {
		return
	}
	counter := m.counters[route][which][status].Load()
	if counter == nil {
		made := m.requests.WithLabelValues(routeNames[route], methods[which], strconv.Itoa(status))
		counter = &made
		m.counters[route][which][status].Store(counter)
	}
	(*counter).Inc()
}

// Reloaded counts how a reload of the configuration, or with schema a renewal of connections and statements, ended.
func (m *Metrics) Reloaded(schema bool, err error) {
	if m == nil {
		return
	}
	what, result := "config", "success"
	if schema {
		what = "schema"
	}
	if err != nil {
		result = "failure"
	}
	m.reloads.WithLabelValues(what, result).Inc()
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// collector is a prometheus.Collector of figures that are counted elsewhere, and asked for once each time.
type collector func(counter, gauge emit)

// emit shows a figure, of a standby where one is named.
type emit func(name, help string, value float64, standby ...string)

// Describe implements prometheus.Collector. What is collected is not described before.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	as := func(kind prometheus.ValueType) emit {
		return func(name, help string, value float64, standby ...string) {
			labels := []string{"standby"}[:len(standby)]
			to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, labels, nil), kind, value, standby...)
		}
	}
	c(as(prometheus.CounterValue), as(prometheus.GaugeValue))
}
