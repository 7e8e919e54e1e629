package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// serveHandCommand is the hidden command by which this binary runs itself as one of the hand-written servers.
const serveHandCommand = "serve-hand"

// The environment of a hand-written server.
const (
	handURI        = "BENCH_DB_URI"
	handSecret     = "BENCH_JWT_SECRET"
	handPublicKey  = "BENCH_JWT_PUBLIC_KEY" // PEM
	handPreRequest = "BENCH_PRE_REQUEST"    // a function's name; empty for none
)

// hand is a hand-written server.
type hand struct {
	way        string // its name: hand, pipelined or bare
	pool       *pgxpool.Pool
	keys       map[string]any // by algorithm
	tokens     *lru.Cache[string, *identity]
	preRequest string // SQL that calls the function before each request; empty for none
}

// assuming sets role and claims for a transaction.
const assuming = "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)"

// identity is what a token says.
type identity struct {
	role    string
	claims  string // JSON
	expires time.Time
}

// answer is what a request is answered with; a nil body is none, and a negative total too.
type answer struct {
	body  []byte
	total int64
}

var errToken = errors.New("the token is not valid")

// serveHand serves in one of the ways until the context or standard input, which its maker holds, ends. It prints the
// address that it listens on.
func serveHand(ctx context.Context, way string) error {
	config, err := pgxpool.ParseConfig(os.Getenv(handURI))
	if err != nil {
		return err
	}
	config.MaxConns = poolSize
	h := &hand{way: way}
	if name := os.Getenv(handPreRequest); name != "" {
		h.preRequest = "select " + name + "()"
	}
	if way == pipelinedName {
		config.AfterConnect = h.prepare
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	public, err := jwt.ParseRSAPublicKeyFromPEM([]byte(os.Getenv(handPublicKey)))
	if err != nil {
		return err
	}
	if h.tokens, err = lru.New[string, *identity](1000); err != nil {
		return err
	}
	h.pool, h.keys = pool, map[string]any{"HS256": []byte(os.Getenv(handSecret)), "RS256": public}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for name, route := range routes {
		route.name = name
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, route) })
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (h *hand) serve(w http.ResponseWriter, r *http.Request, route route) {
	found, err := h.answer(r, route)
	switch {
	case errors.Is(err, errToken):
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	if found.total >= 0 {
		header.Set("Content-Range", fmt.Sprintf("0-24/%d", found.total))
	}
	if found.body != nil {
		header.Set("Content-Type", "application/json; charset=utf-8")
		header.Set("Content-Length", strconv.Itoa(len(found.body)))
	}
	w.WriteHeader(route.status)
	_, _ = w.Write(found.body)
}

func (h *hand) answer(r *http.Request, route route) (answer, error) {
	if h.way == bareName {
		arguments, err := route.arguments(r)
		if err != nil {
			return answer{}, err
		}
		return encoded(route.run(r.Context(), h.pool, arguments))
	}
	who, err := h.identify(r.Header.Get("Authorization"))
	if err != nil {
		return answer{}, err
	}
	if h.way == pipelinedName {
		return h.pipeline(r, route, who)
	}
	arguments, err := route.arguments(r)
	if err != nil {
		return answer{}, err
	}
	var mode pgx.TxOptions
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		mode.AccessMode = pgx.ReadOnly
	}
	var value any
	var total int64
	err = pgx.BeginTxFunc(r.Context(), h.pool, mode, func(tx pgx.Tx) error {
		if _, err := tx.Exec(r.Context(), assuming, who.role, who.claims); err != nil {
			return err
		}
		if h.preRequest != "" {
			if _, err := tx.Exec(r.Context(), h.preRequest); err != nil {
				return err
			}
		}
		var err error
		value, total, err = route.run(r.Context(), tx, arguments)
		return err
	})
	return encoded(value, total, err)
}

// encoded returns the answer of a value, as JSON; nil is no body.
func encoded(value any, total int64, err error) (answer, error) {
	if err != nil || value == nil {
		return answer{total: -1}, err
	}
	body, err := json.Marshal(value)
	return answer{body, total}, err
}

// preRequest is the name of the prepared statement.
const preRequest = "pre-request"

// prepare prepares the queries of all routes, which only the role of the requests may do.
func (h *hand) prepare(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "set role "+requestRole); err != nil {
		return err
	}
	for name, route := range routes {
		if _, err := conn.Prepare(ctx, name, route.json); err != nil {
			return err
		}
	}
	if _, err := conn.Prepare(ctx, preRequest, h.preRequest); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "reset role")
	return err
}

// pipeline sends the settings and one query that makes the answer in one round trip, which is one implicit transaction.
func (h *hand) pipeline(r *http.Request, route route, who *identity) (found answer, err error) {
	take := route.arguments
	if route.whole {
		take = wholeBody
	}
	arguments, err := take(r)
	if err != nil {
		return found, err
	}
	found.total = -1
	var batch pgx.Batch
	batch.Queue(assuming, who.role, who.claims)
	if h.preRequest != "" {
		batch.Queue(preRequest)
	}
	batch.Queue(route.name, arguments...)
	results := h.pool.SendBatch(r.Context(), &batch)
	defer func() { err = errors.Join(err, results.Close()) }()
	for range batch.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			return found, err
		}
	}
	rows, err := results.Query()
	if err != nil {
		return found, err
	}
	defer rows.Close()
	for rows.Next() {
		if route.counts {
			err = rows.Scan(&found.body, &found.total)
		} else {
			err = rows.Scan(&found.body)
		}
		if err != nil {
			return found, err
		}
	}
	return found, rows.Err()
}

// identify verifies a token, once: after that it only looks at the time.
func (h *hand) identify(authorization string) (*identity, error) {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return nil, errToken
	}
	who, ok := h.tokens.Get(token)
	if !ok {
		var claims jwt.MapClaims
		_, err := jwt.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) { return h.keys[t.Method.Alg()], nil },
			jwt.WithValidMethods([]string{"HS256", "RS256"}), jwt.WithExpirationRequired())
		if err != nil {
			return nil, errToken
		}
		expires, err := claims.GetExpirationTime()
		if err != nil {
			return nil, errToken
		}
		text, err := json.Marshal(claims)
		if err != nil {
			return nil, err
		}
		role, _ := claims["role"].(string)
		who = &identity{role, string(text), expires.Time}
		h.tokens.Add(strings.Clone(token), who)
	}
	if time.Now().After(who.expires) {
		return nil, errToken
	}
	return who, nil
}
