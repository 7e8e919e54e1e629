package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"postern/cmd/internal/cluster"
)

// What happens beside the requests, none of which it may change the answer of. The first and the second of a pair take
// turns.
var soakSQL = []struct{ name, do, undo string }{
	{"column", "alter table app.customers add soak_extra int default 5", "alter table app.customers drop soak_extra"},
	{"index", "create index soak_index on app.orders (placed_at)", "drop index app.soak_index"},
	{"function", "create or replace function app.discount(amount numeric, percent int) returns numeric language plpgsql " +
		"immutable as 'begin return round(amount * (100 - percent) / 100, 2); end'",
		"create or replace function app.discount(amount numeric, percent int) returns numeric language sql immutable " +
			"parallel safe as 'select round(amount * (100 - percent) / 100, 2)'"},
	{"table", "create table app.soak_more (id int primary key, customer_id int references app.customers)",
		"drop table app.soak_more"},
	{"policy", "drop policy of_tenant on app.tickets; " +
		"create policy of_tenant on app.tickets using (app.tenant_id() = tenant_id)",
		"drop policy of_tenant on app.tickets; create policy of_tenant on app.tickets using (tenant_id = app.tenant_id())"},
	{"view", "create or replace view app.open_orders as select o.id, o.customer_id, c.name as customer, o.total, " +
		"o.placed_at from app.customers as c join app.orders as o on c.id = o.customer_id where o.status = 'open'",
		"create or replace view app.open_orders as select o.id, o.customer_id, c.name as customer, o.total, o.placed_at " +
			"from app.orders as o join app.customers as c on c.id = o.customer_id where o.status = 'open'"},
	{"trigger", "create trigger soak after insert on app.events for each statement execute function app.touch_nothing()",
		"drop trigger soak on app.events"},
	{"grant", "revoke select on app.orders from app_user; grant select on app.orders to app_user",
		"grant select on app.secrets to app_anon; revoke select on app.secrets from app_anon"},
	{"type", "alter type app.order_status add value if not exists 'returned'",
		"comment on type app.order_status is 'how far an order is'"},
	{"role's setting", "alter role app_user set work_mem = '6MB'", "alter role app_user reset work_mem"},
	{"membership", "create role soak_group; grant soak_group to app_user", "drop role soak_group"},
	{"notification to reload settings", "notify pgrst, 'reload config'", "notify pgrst, 'reload config'"},
	{"analyze", "analyze app.orders", "analyze app.customers"},
}

// renewing replaces the connections, so that memory is not compared across it.
const renewing = "notify pgrst, 'reload schema'"

// renewals is the part of a run in which connections are renewed and PostgreSQL is restarted.
const renewals = 0.6

// disturb lets things happen until the time is over: restarts and renewals in its first part only, so that in the last
// the sessions grow as old as they can.
func (s *soak) disturb(ctx context.Context, began time.Time, length time.Duration) error {
	const every = 700 * time.Millisecond
	between := max(length/10, 25*time.Second)
	next := began.Add(min(between, length/5))
	if err := s.db.run(ctx, "set session_replication_role = origin",
		"create function app.touch_nothing() returns trigger language plpgsql as 'begin return null; end'"); err != nil {
		return err
	}
	for step, restarts, changes := 0, 0, 0; time.Since(began) < length; step++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
		early := time.Since(began).Seconds() < length.Seconds()*renewals
		if early && time.Now().After(next) {
			next = time.Now().Add(between)
			restarts++
			if err := s.restart(ctx, restarts%2 == 0); err != nil {
				return fmt.Errorf("restarting PostgreSQL: %w", err)
			}
			continue
		}
		if early && step%20 == 19 {
			s.happened["SIGUSR1"]++
			if err := s.shell.process.Process.Signal(syscall.SIGUSR1); err != nil {
				return err
			}
		}
		if early && step%20 == 9 {
			if err := s.change(ctx, "notification to reload the schema", renewing); err != nil {
				return err
			}
		}
		if step%10 == 5 {
			s.happened["SIGUSR2"]++
			if err := s.shell.process.Process.Signal(syscall.SIGUSR2); err != nil {
				return err
			}
		}
		one := soakSQL[changes%len(soakSQL)]
		sql := one.do
		if changes/len(soakSQL)%2 == 1 {
			sql = one.undo
		}
		changes++
		if err := s.change(ctx, one.name, sql); err != nil {
			return err
		}
	}
	return nil
}

// change runs DDL, again where a lock is not to be had in time.
func (s *soak) change(ctx context.Context, name, sql string) error {
	for {
		_, err := s.db.control.PgConn().Exec(ctx, "set lock_timeout = '1s'; "+sql).ReadAll()
		var failed *pgconn.PgError
		if err == nil {
			s.happened[name]++
			return nil
		}
		if !errors.As(err, &failed) || failed.Code != "55P03" && failed.Code != "40P01" {
			return fmt.Errorf("%s: %w", sql, err)
		}
		s.happened["lock not had in time"]++
	}
}

// restart stops PostgreSQL, at once or after its sessions have been told, and starts it again.
func (s *soak) restart(ctx context.Context, immediate bool) error {
	s.trouble.Add(1)
	defer s.trouble.Add(1)
	_ = s.db.control.Close(ctx)
	stopping, cancel := context.WithCancel(ctx)
	defer cancel()
	if immediate {
		s.happened["immediate restart"]++
		cancel()
	} else {
		s.happened["restart"]++
	}
	if err := s.db.cluster.Stop(stopping); err != nil && !immediate {
		return err
	}
	var err error
	if s.db.cluster, err = cluster.Start(ctx, s.options); err != nil {
		return err
	}
	if s.db.control, err = pgx.Connect(ctx, s.db.cluster.URI(s.db.cluster.Superuser, databaseName)); err != nil {
		return err
	}
	return s.shell.await(ctx, s.shell.request(cases[0], 0, s.db.tokens))
}

// memorySample is what is in memory at a moment, in MiB.
type memorySample struct {
	at       time.Duration
	shell    float64 // the shell's own: pages of its binary, which come as code is first run, are the page cache's
	sessions float64 // each of its sessions' own: the mean
	files    int     // that the shell has open
}

// watch measures from time to time.
func (s *soak) watch(ctx context.Context, began time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Second):
		}
		if s.trouble.Load()%2 == 1 {
			continue
		}
		one := memorySample{at: time.Since(began)}
		var err error
		if one.shell, err = memoryOf(s.shell.pid(), "smaps_rollup", "Pss_Anon"); err != nil {
			continue
		}
		files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.shell.pid()))
		one.files = len(files)
		var each []float64
		for _, pid := range s.sessions(ctx) {
			if own, err := memoryOf(pid, "smaps_rollup", "Pss_Anon"); err == nil {
				each = append(each, own)
				one.sessions += own
			}
		}
		if len(each) == 0 {
			continue
		}
		one.sessions /= float64(len(each))
		s.mutex.Lock()
		s.memory = append(s.memory, one)
		s.mutex.Unlock()
	}
}

// sessions are the processes of the pool's connections.
func (s *soak) sessions(ctx context.Context) (pids []int) {
	conn, err := pgx.Connect(ctx, s.db.cluster.URI(s.db.cluster.Superuser, databaseName))
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, "select pid from pg_stat_activity where application_name = $1 and query !~* '^listen'",
		posternName)
	if err != nil {
		return nil
	}
	pids, _ = pgx.CollectRows(rows, pgx.RowTo[int])
	return pids
}

const (
	// mostGrowth is by how many MiB what is in memory may grow, by the line through the samples, in all the time looked
	// at.
	mostGrowth = 8
	// fullSession is what a session may take: until then it fills with prepared statements, however long that takes.
	fullSession = 64
	// settled is after how long memory is judged.
	settled = 5 * time.Minute
)

// growth is by how much the line through the samples of a part of the run rises, and where it ends.
func (s *soak) growth(from, to float64, value func(memorySample) float64) (rise, end float64) {
	if len(s.memory) == 0 {
		return 0, 0
	}
	last := float64(s.memory[len(s.memory)-1].at)
	var n, sumX, sumY, sumXX, sumXY float64
	for _, one := range s.memory {
		if x := float64(one.at) / last; x >= from && x <= to {
			y := value(one)
			n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
		}
	}
	slope := (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
	return slope * (to - from), sumY/n + slope*(to-sumX/n)
}

// report prints what was tried and what failed, and is an error where anything did.
func (s *soak) report(ctx context.Context, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...any) {
		_, _ = fmt.Fprintln(table, strings.Join(mapped(cells, func(c any) string { return fmt.Sprint(c) }), "\t")+"\t")
	}
	row("requests", "right", "during a restart", "wrong")
	var right, down, wrong int64
	for _, k := range s.each() {
		row(k.name, k.right.Load(), k.down.Load(), k.wrong.Load())
		right, down, wrong = right+k.right.Load(), down+k.down.Load(), wrong+k.wrong.Load()
	}
	row("all", right, down, wrong)
	if err := table.Flush(); err != nil {
		return err
	}
	v, problems, err := s.book.verify(ctx, s.db)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\nwrites: %d acknowledged, %d uncertain; lost %d, done though refused or twice %d\n",
		v.acknowledged, v.uncertain, v.lost, v.doubled)
	var events []string
	for name, times := range s.happened {
		events = append(events, fmt.Sprintf("%s %d", name, times))
	}
	slices.Sort(events)
	_, _ = fmt.Fprintf(out, "beside them: %s\n", strings.Join(events, ", "))
	// Sessions that grow old fill what the shell remembers of each, too, up to its bound: the shell is looked at in both
	// parts.
	ofShell := func(m memorySample) float64 { return m.shell }
	early, _ := s.growth(0.2, renewals, ofShell)
	late, shell := s.growth(0.7, 1, ofShell)
	own, session := s.growth(0.7, 1, func(m memorySample) float64 { return m.sessions })
	files, open := s.growth(0.2, 1, func(m memorySample) float64 { return float64(m.files) })
	_, _ = fmt.Fprintf(out, "memory: shell %.1f MiB, %+.1f while all was renewed, %+.1f in the last three tenths; a "+
		"session %.1f MiB, %+.1f in these; at most %+d each, a session up to %d\n",
		shell, early, late, session, own, mostGrowth, fullSession)
	var course []string
	for _, one := range s.memory {
		if part := int(10 * one.at / s.memory[len(s.memory)-1].at); part >= len(course) {
			course = append(course, fmt.Sprintf("%.0f %.0f", one.shell, one.sessions))
		}
	}
	_, _ = fmt.Fprintf(out, "tenth by tenth, MiB of the shell and of a session: %s\n", strings.Join(course, ", "))
	_, _ = fmt.Fprintf(out, "open files of the shell: %.0f, %+.1f since a fifth of the time\n", open, files)
	for _, problem := range problems[:min(len(problems), 20)] {
		progress(problem)
	}
	judged := len(s.memory) > 0 && s.memory[len(s.memory)-1].at > settled-10*time.Second
	grown := judged && (max(early, late, files) > mostGrowth || own > mostGrowth && session > fullSession)
	if wrong > 0 || len(problems) > 0 || grown || right == 0 {
		return errors.New("the soak failed")
	}
	return nil
}
