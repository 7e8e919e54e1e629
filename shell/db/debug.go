package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Server is a server of PostgreSQL that the pool has reached.
type Server struct {
	Version string // what its function version gives
	Address string // host and port, or the socket; a pooler's where there is one
}

// describe asks a connection for its server. Without an answer the version is just PostgreSQL.
func describe(ctx context.Context, pg *pgconn.PgConn) *Server {
	server := &Server{Version: "PostgreSQL"}
	if version, err := queryText(ctx, pg, "select pg_catalog.version()"); err == nil {
		server.Version = version
	}
	server.Address = pg.Conn().RemoteAddr().String()
	return server
}

// Server returns the server that the pool has reached.
func (p *Pool) Server(ctx context.Context) (server Server, err error) {
	err = p.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		server = *describe(ctx, pgOf(conn))
		return nil
	})
	return server, err
}

// Listener returns the server that Listen listens at.
func (p *Pool) Listener() Server {
	if server := p.listener.Load(); server != nil {
		return *server
	}
	return Server{}
}

// SetDebug turns calls of Options.Debug on or off.
func (p *Pool) SetDebug(on bool) {
	p.debugging.Store(on && p.options.Debug != nil)
	for _, s := range p.replicas.all() {
		s.pool.SetDebug(on)
	}
}

// debug calls Options.Debug while SetDebug asks for it. Requests look at debugging first, so as to allocate nothing.
func (p *Pool) debug(format string, arguments ...any) {
	if p.debugging.Load() {
		p.options.Debug(format, arguments...)
	}
}

// identity is what the debug log says of a connection.
type identity struct {
	number int64     // in the order of opening
	born   time.Time // when it was opened
	resets int64     // how often the pool had been reset then
}

const identityKey = "postern identity"

// identityOf returns that of a connection of the pool.
func identityOf(pg *pgconn.PgConn) identity {
	i, _ := pg.CustomData()[identityKey].(identity)
	return i
}

// identify numbers a connection that is about to be opened.
func (p *Pool) identify(config *pgx.ConnConfig) {
	i := identity{p.opened.Add(1), time.Now(), p.resets.Load()}
	p.debug("Connection %d is being established", i.number)
	config.AfterConnect = func(_ context.Context, pg *pgconn.PgConn) error {
		pg.CustomData()[identityKey] = i
		return nil
	}
}

// debugOpened logs how opening a connection has ended.
func (p *Pool) debugOpened(pg *pgconn.PgConn, err error) {
	if err != nil {
		p.debug("Connection %d is terminated due to init failure", identityOf(pg).number)
		return
	}
	p.debug("Connection %d is available due to connection establishment", identityOf(pg).number)
}

// debugClosing logs a connection that is closed.
func (p *Pool) debugClosing(conn *pgx.Conn) {
	i, reason := identityOf(conn.PgConn()), "max idletime"
	switch {
	case conn.IsClosed():
		reason = "network error"
	case i.resets != p.resets.Load():
		reason = "release"
	case time.Since(i.born) >= p.options.MaxLifetime:
		reason = "max lifetime"
	}
	p.debug("Connection %d is terminated due to %s", i.number, reason)
}
