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
	handURI    = "BENCH_DB_URI"
	handSecret = "BENCH_JWT_SECRET"
)

// hand is a hand-written server.
type hand struct {
	pool   *pgxpool.Pool
	secret []byte
	tokens *lru.Cache[string, *identity]
	// within runs queries on behalf of who sent the request.
	within func(r *http.Request, queries func(q querier) error) error
}

// querier is a transaction or the pool.
type querier interface {
	Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error)
}

// identity is what a token says.
type identity struct {
	role    string
	claims  string // JSON
	expires time.Time
}

var errToken = errors.New("the token is not valid")

// serveHand serves as hand-rls or hand-bare until the context or standard input, which its maker holds, ends. It prints
// the address that it listens on.
func serveHand(ctx context.Context, name string) error {
	config, err := pgxpool.ParseConfig(os.Getenv(handURI))
	if err != nil {
		return err
	}
	config.MaxConns = poolSize
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	tokens, err := lru.New[string, *identity](1000)
	if err != nil {
		return err
	}
	h := &hand{pool: pool, secret: []byte(os.Getenv(handSecret)), tokens: tokens}
	switch name {
	case handRLS:
		h.within = h.asRole
	case handBare:
		h.within = h.asItself
	default:
		return fmt.Errorf("there is no server %q", name)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h.routes(), ReadHeaderTimeout: 10 * time.Second}
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

// asRole is the way of hand-rls: a transaction with the role and the claims of the token.
func (h *hand) asRole(r *http.Request, queries func(q querier) error) error {
	who, err := h.identify(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	ctx := r.Context()
	return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", who.role, who.claims)
		if err != nil {
			return err
		}
		return queries(tx)
	})
}

// asItself is the way of hand-bare: nothing around the query.
func (h *hand) asItself(_ *http.Request, queries func(q querier) error) error { return queries(h.pool) }

// identify verifies a token, once: after that it only looks at the time.
func (h *hand) identify(authorization string) (*identity, error) {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return nil, errToken
	}
	who, ok := h.tokens.Get(token)
	if !ok {
		var claims jwt.MapClaims
		_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return h.secret, nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
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

// answer runs queries and sends what they give as JSON; nil is sent as no body.
func answer[T any](h *hand, w http.ResponseWriter, r *http.Request, status int, query func(q querier) (T, error)) {
	var value T
	err := h.within(r, func(q querier) error {
		var err error
		value, err = query(q)
		return err
	})
	if err != nil {
		code := http.StatusInternalServerError
		if errors.Is(err, errToken) {
			code = http.StatusUnauthorized
		}
		http.Error(w, err.Error(), code)
		return
	}
	if any(value) == nil {
		w.WriteHeader(status)
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
