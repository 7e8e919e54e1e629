// Package db talks to PostgreSQL: it keeps a pool of connections, calls postern.serve in one round trip, reads settings
// and listens for notifications. It knows no table and no query of an API.
package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// cancelGrace is how long a cancelled query may take to end before its connection is given up.
	cancelGrace = 5 * time.Second
	// healthPeriod is how often idle and aged connections are looked for.
	healthPeriod = 10 * time.Second
	// trusted is how long a connection may have been idle without being looked at before its next use.
	trusted = 10 * time.Millisecond
)

// Options say how to connect.
type Options struct {
	URI            string        // libpq connection string (URI or key=value); PG* variables fill in
	Application    string        // application_name of the connections
	Version        string        // the version that postern.version() must give
	Size           int           // most connections
	AcquireTimeout time.Duration // how long a request waits for a connection; at least a second
	MaxLifetime    time.Duration // age at which a connection is replaced; at least a second
	MaxIdle        time.Duration // time after which an unused connection is closed
	Session        func() Session
	Warn           func(text string) // told what went wrong without failing; may be nil
	Dial           pgconn.DialFunc   // how to reach the server; nil for the usual way
}

// Session is what a new connection starts with.
type Session struct {
	Prepared   bool   // whether statements are prepared
	SearchPath string // quoted schemas with commas
	Settings   []byte // JSON for postern.warm
}

// Pool is a pool of connections. Safe for concurrent use.
type Pool struct {
	options Options
	pool    *pgxpool.Pool
	config  *pgxpool.Config
	names   [functions][2]string // of the prepared statements; random, so that nothing else has them; empty for none
	assume  string               // as names
	patient atomic.Pointer[patience]

	waiting  atomic.Int64 // requests that are acquiring a connection
	timeouts atomic.Int64 // requests that waited for one in vain
}

// Stats are figures of a Pool at a moment.
type Stats struct {
	Available int   // connections that are not in use
	Max       int   // the most connections there may be
	Waiting   int64 // requests that wait for one
	Timeouts  int64 // requests that waited in vain, since the start
}

// Stats gives the figures of now.
func (p *Pool) Stats() Stats {
	stat := p.pool.Stat()
	return Stats{
		Available: int(stat.IdleConns()), Max: int(stat.MaxConns()), Waiting: p.waiting.Load(), Timeouts: p.timeouts.Load(),
	}
}

// NotInstalledError tells that the database has no postern, or another version of it.
type NotInstalledError struct {
	Found  string // version found; empty when there is none
	Wanted string
}

func (e *NotInstalledError) Error() string {
	if e.Found == "" {
		return "postern is not installed in the database: run `postern migrate`"
	}
	return fmt.Sprintf("the database has postern %s, but this binary needs %s: run `postern migrate` of the newer one", e.Found, e.Wanted)
}

// Open makes a pool. It does not connect: the error is only about the connection string.
func Open(options Options) (*Pool, error) {
	config, err := ParseURI(options.URI, options.Application)
	if err != nil {
		return nil, err
	}
	options.AcquireTimeout = max(options.AcquireTimeout, time.Second)
	options.MaxLifetime = max(options.MaxLifetime, time.Second)
	if options.Warn == nil {
		options.Warn = func(string) {}
	}
	suffix := rand.Text()
	p := &Pool{
		options: options, config: config, assume: "postern_assume_" + suffix,
		names: [functions][2]string{
			serve: {"postern_serve_" + suffix, "postern_serve_read_" + suffix},
			run:   {"postern_run_" + suffix, "postern_run_read_" + suffix},
		},
	}
	if options.Dial != nil {
		config.ConnConfig.DialFunc = options.Dial
	}
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.ConnConfig.StatementCacheCapacity = 0
	config.ConnConfig.DescriptionCacheCapacity = 0
	config.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelGrace}
	}
	config.MaxConns = int32(max(options.Size, 1))
	config.MinConns = 0
	config.MaxConnLifetime = options.MaxLifetime
	config.MaxConnLifetimeJitter = options.MaxLifetime / 10
	config.MaxConnIdleTime = options.MaxIdle
	config.HealthCheckPeriod = healthPeriod
	config.PingTimeout = cancelGrace
	config.AfterConnect = p.prepare
	config.ShouldPing = func(_ context.Context, params pgxpool.ShouldPingParams) bool {
		return params.IdleDuration > trusted && !quiet(params.Conn.PgConn().Conn())
	}
	p.pool, err = pgxpool.NewWithConfig(context.Background(), config)
	return p, err
}

// Close waits for connections in use and closes all.
func (p *Pool) Close() { p.pool.Close() }

// Reset replaces all connections: idle ones now, others when they come back.
func (p *Pool) Reset() { p.pool.Reset() }

// Busy tells whether all connections are in use.
func (p *Pool) Busy() bool {
	stat := p.pool.Stat()
	return stat.AcquiredConns() >= stat.MaxConns()
}

// Check connects if need be and makes one round trip. It fails with a NotInstalledError when the functions are missing.
func (p *Pool) Check(ctx context.Context) error {
	return p.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return p.checkVersion(ctx, conn.Conn().PgConn())
	})
}

// Live tells whether event triggers in the database watch the DDL (postern.live). Without them compiled statements outlive it.
func (p *Pool) Live(ctx context.Context) (live bool, err error) {
	err = p.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		text, err := queryText(ctx, conn.Conn().PgConn(), "select postern.live()::text")
		live = text == "true"
		return err
	})
	return live, err
}

// session is what the pool keeps with a connection: its prepared statements, nil when nothing is prepared.
type session struct {
	prepared [functions][2]*pgconn.StatementDescription
	assume   *pgconn.StatementDescription
	met      *simplelru.LRU[string, struct{}] // names of the statements that it has prepared for shapes; one that is gone fails with 26000
	restore  string                           // SQL of its settings
}

// maxMet is how many statements of shapes a session keeps (postern.keeps).
const maxMet = 256

const sessionKey = "postern"

// sessionOf gives what prepare put aside.
func sessionOf(conn *pgconn.PgConn) *session {
	s, _ := conn.CustomData()[sessionKey].(*session)
	return s
}

// prepare makes a new connection ready: version, search path, warm functions, prepared statements.
func (p *Pool) prepare(ctx context.Context, conn *pgx.Conn) error {
	pg := conn.PgConn()
	if err := p.checkVersion(ctx, pg); err != nil {
		return err
	}
	start := p.options.Session()
	if start.Prepared {
		restore := sessionSQL(start.SearchPath)
		if err := pg.Exec(ctx, restore).Close(); err != nil {
			return fmt.Errorf("setting the search path: %w", err)
		}
		if err := p.prepareStatements(ctx, pg, restore); err != nil {
			return err
		}
	} else {
		pg.CustomData()[sessionKey] = &session{}
	}
	if _, err := queryText(ctx, pg, "select postern.warm($1)::text", string(start.Settings)); err != nil {
		if pg.IsClosed() {
			return err
		}
		p.options.Warn("warming a connection: " + err.Error())
	}
	return nil
}

func (p *Pool) prepareStatements(ctx context.Context, pg *pgconn.PgConn, restore string) error {
	s := &session{restore: restore}
	var err error
	if s.met, err = simplelru.NewLRU[string, struct{}](maxMet, nil); err != nil {
		return err
	}
	for f, pair := range p.names {
		for i, name := range pair {
			if name == "" {
				continue
			}
			if s.prepared[f][i], err = pg.Prepare(ctx, name, statements[f][i].sql, statements[f][i].oids); err != nil {
				return fmt.Errorf("preparing: %w", err)
			}
		}
	}
	if s.assume, err = pg.Prepare(ctx, p.assume, assumeSQL, assumeOIDs); err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	pg.CustomData()[sessionKey] = s
	return nil
}

func (p *Pool) checkVersion(ctx context.Context, pg *pgconn.PgConn) error {
	found, err := queryText(ctx, pg, "select postern.version()")
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr) && (pgErr.Code == "3F000" || pgErr.Code == "42883"): // no such schema, no such function
		return &NotInstalledError{Wanted: p.options.Version}
	case err != nil:
		return fmt.Errorf("asking for the version: %w", err)
	case found != p.options.Version:
		return &NotInstalledError{Found: found, Wanted: p.options.Version}
	}
	return nil
}

// queryText gives the only column of the only row as text.
func queryText(ctx context.Context, pg *pgconn.PgConn, sql string, arguments ...string) (string, error) {
	values := make([][]byte, len(arguments))
	oids := make([]uint32, len(arguments))
	for i, argument := range arguments {
		values[i], oids[i] = []byte(argument), oidText
	}
	result := pg.ExecParams(ctx, sql, values, oids, nil, nil).Read()
	if result.Err != nil {
		return "", result.Err
	}
	if len(result.Rows) != 1 || len(result.Rows[0]) != 1 {
		return "", errors.New("expected one value")
	}
	return string(result.Rows[0][0]), nil
}
