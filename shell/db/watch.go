package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// writtenSQL asks a primary how far it has written, and the sizes of a block and of a segment.
const writtenSQL = `
select pg_catalog.pg_current_wal_insert_lsn() operator(pg_catalog.-) '0/0'::pg_catalog.pg_lsn,
  pg_catalog.current_setting('wal_block_size'),
  pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))`

// replayedSQL asks a standby how far it has replayed. Its answer is empty from a server that is none.
const replayedSQL = `
select pg_catalog.pg_last_wal_replay_lsn() operator(pg_catalog.-) '0/0'::pg_catalog.pg_lsn
where pg_catalog.pg_is_in_recovery()`

var errNoStandby = errors.New("it is not a standby")

// WatchReplicas asks the servers how far they are, until the context ends.
func (p *Pool) WatchReplicas(ctx context.Context) {
	r := p.replicas
	if r == nil {
		return
	}
	period := max(min(watchPeriod, r.bound/4), minWatchPeriod)
	var all sync.WaitGroup
	all.Go(func() {
		w := watcher{
			config: p.config, sql: writtenSQL,
			validate: pgconn.ValidateConnectTargetSessionAttrsPrimary,
		}
		defer w.close()
		for ok := true; ok; ok = Sleep(ctx, period) {
			at := r.now()
			if row, err := w.ask(ctx); err == nil && len(row) == 3 {
				r.note(mark{at, settledPosition(row[0], row[1], row[2])})
			}
		}
	})
	for _, s := range r.standbys {
		all.Go(func() { s.watch(ctx, period) })
	}
	all.Wait()
}

// watch asks a standby how far it is, until the context ends. What keeps reads from it is told when it changes.
func (s *standby) watch(ctx context.Context, period time.Duration) {
	w := watcher{config: s.pool.config, sql: replayedSQL}
	defer w.close()
	var unusable error // it answers here, but no connection can be made for reads
	var rests time.Time
	logged := ""
	for ok := true; ok; ok = Sleep(ctx, period) {
		row, err := w.ask(ctx)
		if err == nil && len(row) == 0 {
			err = errNoStandby
		}
		if ctx.Err() != nil {
			return
		}
		if failed := s.failed.Swap(nil); failed != nil && err == nil {
			unusable, rests = *failed, time.Now().Add(restPeriod)
		}
		if err == nil && time.Now().Before(rests) {
			err = unusable
		}
		text := ""
		if err != nil {
			s.lose()
			text = fmt.Sprintf("Reads do not go to the standby %s: %v", s.name, err)
		} else {
			fresh := s.replicas.seen(row[0])
			s.fresh.Store(fresh)
			text = fmt.Sprintf("Reads go to the standby %s", s.name)
			if !s.replicas.isRecent(fresh) {
				text = fmt.Sprintf("Reads do not go to the standby %s: it is behind", s.name)
			}
		}
		if text != logged && (err != nil || s.replicas.heard.Load() > 0) {
			s.pool.options.Log("%s", text)
			logged = text
		}
	}
}

// note adds a mark, and drops those that are too old to tell anything.
func (r *replicas) note(m mark) {
	r.marksMutex.Lock()
	defer r.marksMutex.Unlock()
	oldest := m.at - int64(max(marksKept, r.bound+watchPeriod+watchTimeout))
	r.marks = slices.DeleteFunc(r.marks, func(old mark) bool { return old.at < oldest })
	r.marks = append(r.marks, m)
	r.heard.Store(m.at)
}

// seen returns the time of the latest mark that a standby has reached, 0 for none.
func (r *replicas) seen(replayed []byte) int64 {
	position, err := strconv.ParseUint(string(replayed), 10, 64)
	if err != nil {
		return 0
	}
	r.marksMutex.Lock()
	defer r.marksMutex.Unlock()
	for _, m := range slices.Backward(r.marks) {
		if m.position <= position {
			return m.at
		}
	}
	return 0
}

// settledPosition returns the position up to which there is something written. Where the last record ends with its
// page, the position for the next is behind the header of the next page, which is longer where a segment begins.
func settledPosition(written, block, segment []byte) uint64 {
	const short, long = 24, 40
	numbers := [3]uint64{}
	for i, text := range [][]byte{written, block, segment} {
		numbers[i], _ = strconv.ParseUint(string(text), 10, 64)
	}
	position, blockSize, segmentSize := numbers[0], numbers[1], numbers[2]
	switch {
	case segmentSize > 0 && position%segmentSize == long:
		return position - long
	case blockSize > 0 && position%blockSize == short:
		return position - short
	}
	return position
}

// watcher asks one question again and again, on a connection of its own.
type watcher struct {
	config   *pgxpool.Config
	sql      string
	validate pgconn.ValidateConnectFunc
	conn     *pgconn.PgConn
}

// ask returns the only row, nil for none.
func (w *watcher) ask(ctx context.Context) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	if w.conn == nil || w.conn.IsClosed() {
		config := impatient(w.config)
		if w.validate != nil {
			config.ValidateConnect = w.validate
		}
		var err error
		if w.conn, err = pgconn.ConnectConfig(ctx, config); err != nil {
			return nil, err
		}
	}
	result := w.conn.ExecParams(ctx, w.sql, nil, nil, nil, nil).Read()
	if result.Err != nil {
		w.close() // of a server that is no primary any more there may be another
		return nil, result.Err
	}
	if len(result.Rows) == 0 {
		return nil, nil
	}
	return result.Rows[0], nil
}

func (w *watcher) close() {
	if w.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), standbyGrace)
		defer cancel()
		_ = w.conn.Close(ctx)
		w.conn = nil
	}
}

// splitHosts returns a configuration for each host and port of one.
func splitHosts(config *pgxpool.Config) []*pgxpool.Config {
	type place struct {
		host string
		port uint16
	}
	first := &config.ConnConfig.Config
	ways := []*pgconn.FallbackConfig{{Host: first.Host, Port: first.Port, TLSConfig: first.TLSConfig}}
	ways = append(ways, first.Fallbacks...)
	var result []*pgxpool.Config
	made := make(map[place]*pgconn.Config)
	for _, way := range ways {
		at := place{way.Host, way.Port}
		if one := made[at]; one != nil {
			one.Fallbacks = append(one.Fallbacks, way)
			continue
		}
		copied := config.Copy()
		one := &copied.ConnConfig.Config
		one.Host, one.Port, one.TLSConfig, one.Fallbacks = way.Host, way.Port, way.TLSConfig, nil
		made[at] = one
		result = append(result, copied)
	}
	return result
}
