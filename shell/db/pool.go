// Package db talks to PostgreSQL: it keeps a pool of connections, executes requests in one round trip each, reads
// settings and listens for notifications. It knows sessions, statements and what errors of PostgreSQL mean for them; it
// knows no table, and not what a statement says.
package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// cancelGrace is how long a cancelled query may take to end before its connection is given up, but on standbys.
	cancelGrace = 5 * time.Second
	// healthPeriod is how often idle and aged connections are looked for.
	healthPeriod = 10 * time.Second
	// trusted is how long a connection may have been idle without being looked at before its next use.
	trusted = 10 * time.Millisecond
	// probeTimeout is how long a connection may take to be made, and to answer, for Probe.
	probeTimeout = 2 * time.Second
)

// Options say how to connect.
type Options struct {
	URI            string        // libpq connection string (URI or key=value); PG* variables fill in
	Version        string        // the version of this binary, for application_name as well
	Size           int           // most connections
	AcquireTimeout time.Duration // how long a request waits for a connection; at least a second
	MaxLifetime    time.Duration // age at which a connection is replaced; at least a second
	MaxIdle        time.Duration // time after which an unused connection is closed
	Session        func() Session
	OnVersion      func(version string) // called when a new connection finds another version of the functions; may be nil
	Dial           pgconn.DialFunc      // how to reach the server; nil for the usual way

	Debug func(format string, arguments ...any) // called with what the pool does while SetDebug asks for it; may be nil

	ReadURI string                      // of the standbys that reads go to; empty for none
	MaxLag  time.Duration               // how far such a standby may be behind
	Log     func(text string, a ...any) // is told which of them are used; not nil where ReadURI is not empty

	grace time.Duration // how long a cancelled query may take to end before its connection is given up
	lines *lines        // of the pool and those of its standbys
}

// Session is what a new connection starts with.
type Session struct {
	Prepared   bool   // whether statements are prepared; if not, the server side is a pooler's
	SearchPath string // quoted schemas with commas
}

// Pool is a pool of connections. Safe for concurrent use.
type Pool struct {
	options     Options
	pool        *pgxpool.Pool
	config      *pgxpool.Config
	prefix      string // of the names of prepared statements; random, so that nothing else has it
	waitContext atomic.Pointer[sharedWait]
	sparing     atomic.Bool // a spare connection is being opened

	replicas *replicas // nil for none

	background sync.WaitGroup // what goes on after a request has its answer

	waiting  atomic.Int64 // requests that are acquiring a connection
	timeouts atomic.Int64 // requests that waited for one in vain
	restores atomic.Int64 // sessions that were restored after code of the user's
	trips    atomic.Int64 // round trips of requests

	debugging atomic.Bool  // whether Options.Debug is told what happens
	opened    atomic.Int64 // connections so far, opened or tried to
	resets    atomic.Int64 // how often all connections were given up
	listener  atomic.Pointer[Server]

	version atomic.Pointer[string] // of the functions, when a connection was last opened
}

// Stats are figures of a Pool at a moment.
type Stats struct {
	Available int   // connections that are not in use
	Max       int   // the most connections there may be
	Waiting   int64 // requests that wait for one
	Timeouts  int64 // requests that waited in vain, since the start
	Restores  int64 // sessions restored after code of the user's, since the start
	Trips     int64 // round trips of requests, since the start
	Opened    int64 // connections opened, since the start

	WaitSeconds float64 // what requests waited for one as none was free, since the start

	Standbys  []StandbyStats
	NoStandby int64 // reads that went to the primary as there was no standby for them, since the start
}

// Stats returns the figures of now.
func (p *Pool) Stats() Stats {
	stat := p.pool.Stat()
	restores, trips := p.restores.Load(), p.trips.Load()
	for _, s := range p.replicas.all() {
		restores, trips = restores+s.pool.restores.Load(), trips+s.pool.trips.Load()
	}
	var unplaced int64
	if p.replicas != nil {
		unplaced = p.replicas.none.Load()
	}
	return Stats{
		Available: int(stat.IdleConns()), Max: int(stat.MaxConns()), Waiting: p.waiting.Load(), Timeouts: p.timeouts.Load(),
		Restores: restores, Trips: trips, Opened: stat.NewConnsCount(), WaitSeconds: stat.EmptyAcquireWaitTime().Seconds(),
		Standbys: p.replicas.stats(), NoStandby: unplaced,
	}
}

// Open makes a pool. It does not connect: the error is only about the connection string.
func Open(options Options) (*Pool, error) {
	config, err := ParseURI(options.URI, "postern/"+options.Version)
	if err != nil {
		return nil, fmt.Errorf("db-uri: %w", err)
	}
	options.grace, options.lines = cancelGrace, newLines()
	p, err := newPool(options, config)
	if err == nil && options.ReadURI != "" {
		p.replicas, err = openReplicas(p)
	}
	return p, err
}

// newPool makes a pool of connections by a configuration.
func newPool(options Options, config *pgxpool.Config) (p *Pool, err error) {
	options.AcquireTimeout = max(options.AcquireTimeout, time.Second)
	options.MaxLifetime = max(options.MaxLifetime, time.Second)
	p = &Pool{options: options, config: config, prefix: "postern_" + rand.Text() + "_"}
	p.version.Store(&options.Version)
	if options.Dial != nil {
		config.ConnConfig.DialFunc = options.Dial
	}
	config.ConnConfig.DialFunc = options.lines.dialer(config.ConnConfig.DialFunc)
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.ConnConfig.StatementCacheCapacity = 0
	config.ConnConfig.DescriptionCacheCapacity = 0
	config.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: options.grace}
	}
	config.MaxConns = int32(max(options.Size, 1))
	config.MinConns = 0
	config.MaxConnLifetime = options.MaxLifetime
	config.MaxConnLifetimeJitter = options.MaxLifetime / 10
	config.MaxConnIdleTime = options.MaxIdle
	config.HealthCheckPeriod = healthPeriod
	config.PingTimeout = cancelGrace
	config.BeforeConnect = p.parameters
	config.AfterConnect = p.open
	config.BeforeClose = p.debugClosing
	config.ShouldPing = func(_ context.Context, params pgxpool.ShouldPingParams) bool {
		return params.IdleDuration > trusted && !healthy(params.Conn.PgConn().Conn())
	}
	p.pool, err = pgxpool.NewWithConfig(context.Background(), config)
	return p, err
}

// parameters gives a new connection its search path, the commonest values of request.method and request.cookies, and
// jit: the statements of an API are short, and compiling deep embeds to machine code takes seconds. As parameters of
// the connection they are what RESET ALL goes back to. A pooler would refuse them.
func (p *Pool) parameters(_ context.Context, config *pgx.ConnConfig) error {
	p.identify(config)
	if session := p.options.Session(); session.Prepared {
		config.RuntimeParams["search_path"] = session.SearchPath
		config.RuntimeParams["jit"] = "off"
		config.RuntimeParams["request.method"] = "GET"
		config.RuntimeParams["request.cookies"] = "{}"
	}
	return nil
}

// Database returns the name of the database.
func (p *Pool) Database() string { return p.config.ConnConfig.Database }

// Close waits for connections in use and closes all.
func (p *Pool) Close() {
	p.resets.Add(1)
	for _, s := range p.replicas.all() {
		s.pool.Close()
	}
	p.pool.Close()
	p.background.Wait()
}

// Reset replaces all connections: idle ones now, others when they come back.
func (p *Pool) Reset() {
	p.resets.Add(1)
	for _, s := range p.replicas.all() {
		s.pool.Reset()
	}
	p.pool.Reset()
	p.debug("Database connection pool flushed")
}

// Busy reports whether all connections are in use.
func (p *Pool) Busy() bool {
	stat := p.pool.Stat()
	return stat.AcquiredConns() >= stat.MaxConns()
}

// Check connects if need be and makes one round trip. It fails with a NotInstalledError when the functions are missing,
// or of a protocol that this binary does not know.
func (p *Pool) Check(ctx context.Context) error {
	return p.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return p.checkInstalled(queryText(ctx, pgOf(conn), installed))
	})
}

// Probe makes one round trip, on a connection of its own where all are in use. That the database refuses another one,
// because there are too many, is an answer, too.
func (p *Pool) Probe(ctx context.Context) error {
	if !p.Busy() {
		quick, cancel := context.WithTimeout(ctx, probeTimeout/2)
		defer cancel()
		if err := p.Check(quick); err == nil || quick.Err() == nil || !p.Busy() {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, impatient(p.config))
	switch {
	case IsFull(err):
		return nil
	case err != nil:
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return p.checkInstalled(queryText(ctx, conn, installed))
}

// Live reports whether event triggers watch the DDL (postern.live). Without them compiled statements outlive it.
func (p *Pool) Live(ctx context.Context) (live bool, err error) {
	err = p.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		text, err := queryText(ctx, pgOf(conn), "select postern.live()::pg_catalog.text")
		live = text == "true"
		return err
	})
	return live, err
}

// queryTexts executes a query whose parameter is a text[].
func queryTexts(ctx context.Context, pg *pgconn.PgConn, sql string, texts []string) *pgconn.Result {
	return pg.ExecParams(ctx, sql, [][]byte{encodeTexts(texts)}, []uint32{oidTextArray}, binaryFormat, nil).Read()
}

// queryText returns the only column of the only row as text.
func queryText(ctx context.Context, pg *pgconn.PgConn, sql string) (string, error) {
	result := pg.ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return "", result.Err
	}
	if len(result.Rows) != 1 || len(result.Rows[0]) != 1 {
		return "", errors.New("expected one value")
	}
	return string(result.Rows[0][0]), nil
}
