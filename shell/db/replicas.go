package db

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5/pgconn"

	"postern/shell/apierror"
	"postern/shell/statement"
)

const (
	maxWriters     = 1 << 16                // identities whose latest write is remembered
	standbyGrace   = time.Second            // as cancelGrace
	standbyAcquire = time.Second            // how long a read waits for a connection, before it goes to the primary
	watchPeriod    = time.Second            // how often servers are asked how far they are, or more often,
	minWatchPeriod = 100 * time.Millisecond // but not more often than this
	watchTimeout   = 2 * time.Second        // how long they may take to answer
	marksKept      = time.Hour              // how far a standby can be behind that it is known
	restPeriod     = 10 * time.Second       // how long a standby is left alone that takes no connection for reads
)

// replicas are the standbys that reads go to. Times are in nanoseconds since start. From time to time the primary is
// asked for the position that it has written up to, and each standby for the one it has replayed: all that was done
// before the primary was asked for a position that a standby has reached is to be seen there (standby.fresh).
type replicas struct {
	primary  *Pool
	standbys []*standby
	bound    time.Duration
	start    time.Time
	turn     atomic.Uint32 // whose turn it is
	heard    atomic.Int64  // when the primary was last asked, and answered
	none     atomic.Int64  // reads for which there was no standby

	marksMutex sync.Mutex
	marks      []mark // in the order of time

	seed      maphash.Seed
	changed   atomic.Int64 // reads go to no standby that has not seen all that was done before, but without a primary
	mutex     sync.RWMutex
	writers   *simplelru.LRU[uint64, int64] // when an identity last wrote
	forgotten int64                         // the latest time that is not among writers any more; under mutex
}

// A mark says how far the primary had written at a time.
type mark struct {
	at       int64
	position uint64
}

// openReplicas makes a pool for each host of the primary's ReadURI. It does not connect.
func openReplicas(primary *Pool) (*replicas, error) {
	config, err := ParseURI(primary.options.ReadURI, "postern/"+primary.options.Version)
	if err != nil {
		return nil, fmt.Errorf("db-uri-read: %w", err)
	}
	r := &replicas{primary: primary, bound: primary.options.MaxLag, start: time.Now(), seed: maphash.MakeSeed()}
	r.writers, _ = simplelru.NewLRU(maxWriters, func(_ uint64, at int64) { r.forgotten = max(r.forgotten, at) })
	for _, one := range splitHosts(config) {
		options := primary.options
		options.AcquireTimeout, options.grace = standbyAcquire, standbyGrace
		pool, err := newPool(options, one)
		if err != nil {
			return nil, err
		}
		r.standbys = append(r.standbys, newStandby(r, pool))
	}
	return r, nil
}

// all returns the standbys; r may be nil.
func (r *replicas) all() []*standby {
	if r == nil {
		return nil
	}
	return r.standbys
}

// Replicated reports whether there are standbys that reads go to.
func (p *Pool) Replicated() bool { return p.replicas != nil }

// Changed tells of a change that statements depend on and no standby notices: reads go to none that has not seen it.
func (p *Pool) Changed() {
	if r := p.replicas; r != nil {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.changed.Store(r.now())
	}
}

func (r *replicas) now() int64 { return int64(time.Since(r.start)) }

// do sends a read to a standby and, where there is none for it or its answer is not good, to the primary, as all else.
// A read that has not been to a standby, and meets no primary, may go to one then.
func (r *replicas) do(ctx context.Context, request *Request, st *statement.Statement, answer *Answer) error {
	who := maphash.Bytes(r.seed, request.Claims)
	reads := !writes(request, st) && !request.Primary && !isSerializable(request, st)
	if reads {
		if s := r.choose(who, false); s == nil {
			r.none.Add(1)
		} else {
			if s.read(ctx, request, st, answer) {
				s.reads.Add(1)
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if request.Cut != nil {
				return request.Cut
			}
			s.fallbacks.Add(1)
			request.Primary = true // also when it is compiled anew
		}
	}
	err := r.primary.do(ctx, request, st, answer)
	if reads && !request.Primary && request.Cut == nil && r.isGone(err) &&
		r.readAlone(ctx, who, request, st, answer) {
		return nil
	}
	if st == nil && err == nil {
		st = answer.Statement
	}
	if writes(request, st) {
		r.noteWrite(who)
	}
	return err
}

// isGone reports whether an error says that the primary is not there.
func (r *replicas) isGone(err error) bool {
	f, ok := errors.AsType[*apierror.Error](err)
	return ok && f.Status == http.StatusServiceUnavailable && f.Code != uninstalledCode &&
		!IsFull(err) && !r.primary.isPooled(err)
}

// readAlone sends a read that the primary cannot answer to a standby that may not have seen the latest change, and
// reports whether the answer is good. What is compiled there, perhaps for a schema that is older than the change, is
// not kept: without event triggers nobody would notice.
func (r *replicas) readAlone(
	ctx context.Context, who uint64, request *Request, st *statement.Statement, answer *Answer,
) bool {
	s := r.choose(who, true)
	if s == nil || ctx.Err() != nil || !s.read(ctx, request, st, answer) {
		return false
	}
	if answer.Statement != nil {
		answer.Statement.Keep = false
	}
	s.reads.Add(1)
	return true
}

// noteWrite notes that an identity has written.
func (r *replicas) noteWrite(who uint64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.writers.Add(who, r.now())
}

// isSerializable reports whether a request asks for the isolation level that no standby has.
func isSerializable(request *Request, st *statement.Statement) bool {
	settings := request.Settings
	if st != nil {
		settings = settings.With(st.Isolation, nil)
	}
	return settings.level() == isolationLevels[1]
}

// choose returns a standby that has seen what an identity has written and, but where there is no primary, the latest
// change; nil where there is none. They take turns.
func (r *replicas) choose(who uint64, alone bool) *standby {
	r.mutex.RLock()
	wrote, _ := r.writers.Peek(who)
	wrote = max(wrote, r.forgotten)
	if !alone {
		wrote = max(wrote, r.changed.Load())
	}
	r.mutex.RUnlock()
	first := r.turn.Add(1)
	for i := range r.standbys {
		s := r.standbys[(int(first)+i)%len(r.standbys)]
		if fresh := s.fresh.Load(); fresh > wrote && r.isRecent(fresh) {
			return s
		}
	}
	return nil
}

// isRecent reports whether a standby is close enough to the primary: while that does not answer, nothing gets older.
func (r *replicas) isRecent(fresh int64) bool {
	return fresh > 0 && r.heard.Load()-fresh <= int64(r.bound)
}

// A standby is one of the servers that reads go to.
type standby struct {
	replicas *replicas
	pool     *Pool
	name     string
	fresh    atomic.Int64             // all that was done before this moment is to be seen; 0 where nothing is known
	life     atomic.Pointer[lifetime] // until the server is found not to be well
	failed   atomic.Pointer[error]    // why there was no connection for a read, since it was last asked

	reads, fallbacks atomic.Int64 // as StandbyStats has them
}

type lifetime struct {
	context.Context
	end context.CancelFunc
}

func newStandby(r *replicas, pool *Pool) *standby {
	config := pool.config.ConnConfig
	s := &standby{replicas: r, pool: pool, name: fmt.Sprintf("%s:%d", config.Host, config.Port)}
	s.begin()
	return s
}

func (s *standby) begin() {
	ctx, end := context.WithCancel(context.Background())
	s.life.Store(&lifetime{ctx, end})
}

// lose sends reads elsewhere, those that run too.
func (s *standby) lose() {
	s.fresh.Store(0)
	ended := s.life.Load()
	s.begin()
	ended.end()
}

// read sends a read, and reports whether the answer is good. What has the standby answer with an error may be a matter
// of its own: it is behind, or going down, or cannot do what the primary can; so that is not an answer. But what takes
// too long there is not begun again at the primary.
func (s *standby) read(ctx context.Context, request *Request, st *statement.Statement, answer *Answer) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life.Load(), cancel)()
	conn, err := s.pool.acquire(ctx)
	if err != nil {
		if f, ok := errors.AsType[*apierror.Error](err); ok && f.Status == http.StatusServiceUnavailable {
			s.fresh.Store(0) // until it has been asked again
			s.failed.Store(&err)
		}
		return false
	}
	pg := pgOf(conn)
	request.noteAcquired()
	err = s.pool.call(ctx, conn, request, st, answer)
	pgErr, _ := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
	case pgErr != nil && pgErr.Code == canceled && !pg.IsClosed() && request.Cut == nil:
		err = s.pool.explain(ctx, &conn, pgErr, request, st, answer)
	case pg.IsClosed() && ctx.Err() == nil:
		s.fresh.Store(0)
	case isUnprepared(err):
		_ = pg.Close(ctx) // the pool then makes another
	}
	s.pool.release(conn, dirty(st, answer))
	good := answer.Status < http.StatusBadRequest || request.isSent() || ctx.Err() == nil && answer.Code() == canceled
	return err == nil && answer.Note != Stale && good
}

// canceled is the code of the error of a query that takes longer than statement_timeout, or is cancelled.
const canceled = "57014"
