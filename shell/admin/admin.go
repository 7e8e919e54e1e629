// Package admin answers the admin server: is the process alive, is it ready, what did it do, how is it set up. It knows
// routes and metrics and asks the server for all else (Subject); it does not know how the API's requests are answered.
package admin

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// schemaTimeout is how long reading the catalog of a large database may take.
const schemaTimeout = 30 * time.Second

// readyTimeout is how long the database may take to answer before the server counts as not ready.
const readyTimeout = 2 * time.Second

// Subject is what the admin server reports on.
type Subject interface {
	Live() bool                     // whether the API is served
	Ready(ctx context.Context) bool // whether requests can be answered
	Settings() string               // the settings, without secrets
	Metrics() *Metrics              // what is counted

	Schema(ctx context.Context) ([]byte, error) // what requests find in the exposed schemas, as JSON
}

// Handler answers /live and /ready with 200, or 500 and 503, and no body (PostgREST docs/references/admin_server),
// /metrics in Prometheus' text format, /config with the settings and /schema_cache with the exposed schemas.
func Handler(subject Subject) http.Handler {
	router := chi.NewRouter()
	router.HandleFunc("/live", func(w http.ResponseWriter, _ *http.Request) {
		if !subject.Live() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	router.HandleFunc("/ready", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		switch {
		case !subject.Ready(ctx):
			w.WriteHeader(http.StatusServiceUnavailable)
		case !subject.Live():
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	router.HandleFunc("/config", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, subject.Settings())
	})
	router.HandleFunc("/schema_cache", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), schemaTimeout)
		defer cancel()
		schema, err := subject.Schema(ctx)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(schema)
	})
	router.Handle("/metrics", subject.Metrics().handler())
	router.NotFound(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return router
}
