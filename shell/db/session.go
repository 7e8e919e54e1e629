package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/statement"
)

const (
	// sessionBytes is what the compiled statements that stay prepared in a session may take there, by estimate.
	sessionBytes = 38 << 20
	// maxSeen is how many compiled statements a session remembers, at most, to have executed once without preparing them.
	maxSeen = 4096
)

// preparedBytes estimates what a prepared statement takes in a backend, where its text, its tree and its plan are kept.
func preparedBytes(sql string) int { return 40<<10 + 64*len(sql) }

// session is what the pool keeps with a connection. Behind a pooler in transaction mode nothing is prepared.
type session struct {
	pooled   bool // the server side is a pooler's
	used     bool // a request has had it
	dirty    bool // code of the user's may have left something in it
	fixed    [fixedStatements]*pgconn.StatementDescription
	prepared *simplelru.LRU[uint64, *pgconn.StatementDescription] // compiled statements, by ID
	sizes    map[uint64]int
	bytes    int
	seen     [maxSeen]uint64 // IDs, each in the place of the remainder: the latest drives out the one maxSeen before it
	closing  []string        // names of statements that are to be closed with the next request
}

const sessionKey = "postern"

// sessionOf returns what a connection's session has, or nil for a connection that is not the pool's.
func sessionOf(conn *pgconn.PgConn) *session {
	s, _ := conn.CustomData()[sessionKey].(*session)
	return s
}

func newSession(pooled bool) *session {
	const unbounded = 1 << 40
	s := &session{pooled: pooled, sizes: make(map[uint64]int)}
	s.prepared, _ = simplelru.NewLRU[uint64](unbounded, func(id uint64, sd *pgconn.StatementDescription) {
		s.closing = append(s.closing, sd.Name)
		s.bytes -= s.sizes[id]
		delete(s.sizes, id)
	})
	return s
}

// wants reports whether a statement is to be prepared now: there is room, or it is met a second time.
func (s *session) wants(id uint64) bool {
	if s.pooled {
		return false
	}
	place := &s.seen[id%maxSeen]
	if s.bytes < sessionBytes/2 || *place == id {
		return true
	}
	*place = id
	return false
}

// keep notes that a statement is prepared, and lets go of those not used for longest where there are too many.
func (s *session) keep(st *statement.Statement, sd *pgconn.StatementDescription) {
	s.sizes[st.ID] = preparedBytes(st.SQL)
	s.bytes += s.sizes[st.ID]
	s.prepared.Add(st.ID, sd)
	for s.bytes > sessionBytes && s.prepared.Len() > 1 {
		s.prepared.RemoveOldest()
	}
}

// open readies a new connection in one trip: it asks for version and protocol, and prepares the fixed statements.
func (p *Pool) open(ctx context.Context, conn *pgx.Conn) (err error) {
	pg := conn.PgConn()
	defer func() { p.debugOpened(pg, err) }()
	s := newSession(!p.options.Session().Prepared)
	pg.CustomData()[sessionKey] = s
	pipeline := pg.StartPipeline(ctx)
	pipeline.SendQueryParams(installed, nil, nil, nil, nil)
	if !s.pooled {
		for which := range s.fixed {
			pipeline.SendPrepare(p.fixedName(which), fixed[which].sql, fixed[which].oids)
		}
	}
	if err := pipeline.Sync(); err != nil {
		return errors.Join(err, pipeline.Close())
	}
	found := ""
	var failed error
	for prepared := 0; failed == nil; {
		result, err := pipeline.GetResults()
		if result == nil {
			failed = err
			break
		}
		switch result := result.(type) {
		case *pgconn.ResultReader:
			for result.NextRow() {
				found = string(result.Values()[0])
			}
			_, failed = result.Close()
		case *pgconn.StatementDescription:
			result.Name = p.fixedName(prepared)
			s.fixed[prepared] = result
			prepared++
		}
	}
	if err := pipeline.Close(); failed == nil {
		failed = err
	}
	if err := p.checkInstalled(found, failed); err != nil {
		return err
	}
	return checkText(pg)
}

// textParameters are the settings that texts, and constants in SQL, are written for, as ParseURI asks for them. The
// server reports them, and each change of them, by itself (PostgreSQL docs, "Asynchronous Operations").
var textParameters = [...][2]string{{"client_encoding", "UTF8"}, {"standard_conforming_strings", "on"}}

// checkText fails where a session reads text in another way: values could turn into others, or into SQL.
func checkText(pg *pgconn.PgConn) error {
	for _, want := range textParameters {
		if got := pg.ParameterStatus(want[0]); got != want[1] && got != "" { // some poolers report nothing
			return fmt.Errorf("%s of the session is %s, not %s", want[0], got, want[1])
		}
	}
	return nil
}

// prepareFixed prepares the fixed statements again, after user code has deallocated them.
func (p *Pool) prepareFixed(ctx context.Context, pg *pgconn.PgConn) error {
	s := sessionOf(pg)
	s.prepared.Purge()
	s.closing, s.fixed = nil, [fixedStatements]*pgconn.StatementDescription{}
	if err := pg.Exec(ctx, "deallocate all").Close(); err != nil {
		return err
	}
	for which := range s.fixed {
		sd, err := pg.Prepare(ctx, p.fixedName(which), fixed[which].sql, fixed[which].oids)
		if err != nil {
			return fmt.Errorf("preparing: %w", err)
		}
		s.fixed[which] = sd
	}
	return nil
}
