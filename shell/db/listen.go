package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxBackoff is the longest pause between two attempts to connect.
const maxBackoff = 32 * time.Second

// standbyPause is how often a standby is asked whether it still is one: when it is promoted, it can listen.
const standbyPause = 5 * time.Second

// ErrStandby is why there is no listening on a standby.
var ErrStandby = errors.New("the database server is a standby, which cannot listen")

// Backoff returns the pauses between attempts to connect: one second, then twice as long each time up to 32.
type Backoff struct{ next time.Duration }

// Next returns the next pause.
func (b *Backoff) Next() time.Duration {
	b.next = min(max(2*b.next, time.Second), maxBackoff)
	return b.next
}

// Reset starts again with one second.
func (b *Backoff) Reset() { b.next = 0 }

// Sleep waits; it returns false when the context ended before.
func Sleep(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// Listen listens on a channel until the context ends, on a connection of its own to a primary server (standbys cannot
// listen). It calls connected at the start and after each loss, since notifications may have been missed meanwhile,
// with again set for the latter; notified with the payload of each notification; and failed when the connection was
// lost, with the pause before the next attempt, of a standby (ErrStandby) once.
func (p *Pool) Listen(
	ctx context.Context, channel string,
	connected func(again bool), notified func(payload string), failed func(err error, pause time.Duration),
) {
	var backoff Backoff
	again, standby := false, false
	for ctx.Err() == nil {
		err := p.listen(ctx, channel, func() {
			backoff.Reset()
			connected(again)
			again = true
		}, notified)
		if ctx.Err() != nil {
			return
		}
		pause, known := standbyPause, standby
		if standby = errors.Is(err, ErrStandby); !standby {
			pause = backoff.Next()
		}
		if !standby || !known {
			failed(err, pause)
		}
		again = true
		if !Sleep(ctx, pause) {
			return
		}
	}
}

func (p *Pool) listen(ctx context.Context, channel string, connected func(), notified func(payload string)) error {
	config := impatient(p.config)
	config.ValidateConnect = validatePrimary
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { notified(n.Payload) }
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p.listener.Store(describe(ctx, conn)) // now, so that the session's last statement is LISTEN, by which it is found
	if err := conn.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize()).Close(); err != nil {
		return err
	}
	connected()
	for {
		if err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

// validatePrimary is a pgconn.ValidateConnectFunc. That transactions are read-only, as by
// default_transaction_read_only, is nothing to LISTEN.
func validatePrimary(ctx context.Context, conn *pgconn.PgConn) error {
	recovering, err := queryText(ctx, conn, "select pg_catalog.pg_is_in_recovery()::pg_catalog.text")
	if err == nil && recovering == "true" {
		err = ErrStandby
	}
	return err
}
