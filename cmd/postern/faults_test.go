package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/cluster"
)

// TestFaults has clients write while the database fails in one way after the other. What was acknowledged is there afterwards, once;
// all other answers are errors that docs/errors.md lists; the service recovers by itself, and the server holds on to nothing.
func TestFaults(t *testing.T) {
	t.Parallel()
	binary := compile(t)
	for name, test := range map[string]func(*testing.T, string){
		"server": testServerFaults, "resources": testResourceFaults, "network": testNetworkFaults, "sealed": testSealedFaults,
		"failover": testFailover, "pooler": testPooler, "replicas": testReplicas,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, binary)
		})
	}
}

// faultSettings are the settings of the servers of the fault tests.
func faultSettings(more ...string) []string {
	return append([]string{fmt.Sprintf("PGRST_DB_POOL=%d", faultPool), "PGRST_DB_POOL_ACQUISITION_TIMEOUT=2"}, more...)
}

// testServerFaults kills and stops the server of a cluster.
func testServerFaults(t *testing.T, binary string) {
	h, again := faultHouse(t, binary)
	s := besiege(t, h, "e2e", h.serve(t, "e2e", faultSettings()...), time.Minute)
	begin := func(which syscall.Signal) func(t *testing.T) {
		return func(t *testing.T) {
			t.Helper()
			pid := postmaster(t, h.cluster)
			if err := syscall.Kill(pid, which); err != nil {
				t.Fatal(err)
			}
			<-h.cluster.Done()
			time.Sleep(200 * time.Millisecond) // of requests that meet no server
		}
	}
	heal := func(*testing.T) { again() }
	var stopped []int
	const checkpointer = "select pid from pg_stat_activity where backend_type = 'checkpointer'"
	former := ""
	for _, f := range []fault{
		{name: "fast shutdown", strike: begin(syscall.SIGINT), heal: heal, allowed: down, wanted: "503 PGRST000", within: 3 * time.Second},
		{name: "immediate shutdown", strike: begin(syscall.SIGQUIT), heal: heal, allowed: down, wanted: "503 PGRST000", within: 3 * time.Second},
		{name: "postmaster killed", strike: begin(syscall.SIGKILL), heal: heal, allowed: down, wanted: "503 PGRST000", within: 3 * time.Second},
		{
			name: "backend killed", allowed: down, within: 5 * time.Second,
			strike: func(t *testing.T) {
				former = h.ask(t, "e2e", checkpointer)
				pid := h.ask(t, "e2e", "select pid from pg_stat_activity where usename = 'e2e_login' and query !~* '^listen' order by random() limit 1")
				var victim int
				if _, err := fmt.Sscan(pid, &victim); err != nil {
					t.Fatal(err)
				}
				if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			},
			heal: func(t *testing.T) { // the postmaster ends the others, recovers and goes on; not at once, so it is over when they are new
				eventually(t, "recovery", func() bool {
					conn, err := pgx.Connect(t.Context(), h.cluster.URI(h.cluster.Superuser, "e2e"))
					if err != nil {
						return false
					}
					defer func() { _ = conn.Close(t.Context()) }()
					present := ""
					err = conn.QueryRow(t.Context(), "select ("+checkpointer+")::text").Scan(&present)
					return err == nil && present != former
				})
			},
		},
		{
			// The clients leave after a second: their requests may still be done when the server goes on.
			name: "stopped and continued", allowed: down, within: 8 * time.Second, impatient: true,
			strike: func(t *testing.T) {
				s.timeout.Store(int64(time.Second))
				first := postmaster(t, h.cluster)
				_ = syscall.Kill(first, syscall.SIGSTOP) // else it makes more meanwhile
				stopped = family(t, first)
				signalAll(stopped, syscall.SIGSTOP)
				time.Sleep(2500 * time.Millisecond)
				if r := s.p.admin.send(t, "GET", "/ready", ""); r.status != 503 {
					t.Errorf("ready: %d", r.status)
				}
			},
			heal: func(*testing.T) {
				s.timeout.Store(int64(time.Minute))
				signalAll(stopped, syscall.SIGCONT)
			},
		},
	} {
		t.Run(f.name, func(t *testing.T) { s.suffer(t, f) })
	}
	s.gate.Lock() // from now on nobody writes
	defer s.gate.Unlock()
	t.Run("stopped for good", func(t *testing.T) { testDrainStopped(t, h) })
}

// testResourceFaults takes from a server what it needs: connections, the right to write, room, sessions.
func testResourceFaults(t *testing.T, binary string) {
	h, _ := faultHouse(t, binary, "max_connections", "15", "autovacuum", "off")
	h.execute(t, "e2e", "create role e2e_filler login")
	s := besiege(t, h, "e2e", h.serve(t, "e2e", faultSettings()...), time.Minute)
	admin, err := pgx.Connect(t.Context(), h.cluster.URI(h.cluster.Superuser, "e2e"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	execute := func(t *testing.T, statements ...string) {
		t.Helper()
		for _, sql := range statements {
			if _, err := admin.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	}
	const sessions = "pid from pg_stat_activity where usename = 'e2e_login' and query !~* '^listen' order by random() limit 1"
	harass := func(what string) func(t *testing.T) {
		return func(t *testing.T) {
			for end := time.Now().Add(soaked(1500*time.Millisecond, time.Minute)); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
				execute(t, "select "+what+"((select "+sessions+"))")
			}
		}
	}
	var fillers []*pgx.Conn
	room := filepath.Join(h.cluster.Home, "room")
	for _, f := range []fault{
		{name: "sessions terminated", strike: harass("pg_terminate_backend"), allowed: []string{"503 PGRST000", "503 PGRST001", "503 57P01"},
			wanted: "503 57P01", within: 2 * time.Second},
		{name: "queries cancelled", strike: harass("pg_cancel_backend"), allowed: []string{"500 57014", "503 PGRST000", "500 P0001"}, wanted: "500 57014", within: 2 * time.Second},
		{
			name: "out of connections", allowed: []string{"503 PGRST000", "503 PGRST001", "503 57P01", "504 PGRST003"}, wanted: "503 PGRST000", within: 3 * time.Second,
			strike: func(t *testing.T) {
				for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); {
					conn, err := pgx.Connect(t.Context(), h.cluster.URI("e2e_filler", "e2e"))
					if err == nil {
						fillers = append(fillers, conn)
						continue
					}
					if !strings.Contains(err.Error(), "53300") {
						t.Fatal(err)
					}
					execute(t, "select pg_terminate_backend((select "+sessions+"))")
				}
			},
			heal: func(*testing.T) {
				for _, conn := range fillers {
					_ = conn.Close(context.Background())
				}
			},
		},
		{
			name: "read-only", allowed: []string{"405 25006"}, wanted: "405 25006", within: 2 * time.Second,
			strike: func(t *testing.T) {
				execute(t, "alter system set default_transaction_read_only = on", "select pg_reload_conf()")
				eventually(t, "a write that is refused", func() bool {
					s.ledger.mutex.Lock()
					defer s.ledger.mutex.Unlock()
					return s.ledger.answers["405 25006"] > 10
				})
				if status, _, body, err := s.ask("GET", "/books?id=eq.1&select=id", ""); status != 200 {
					t.Errorf("a read: %d %s %v", status, body, err)
				}
			},
			heal: func(t *testing.T) {
				execute(t, "set default_transaction_read_only = off", "alter system reset default_transaction_read_only", "select pg_reload_conf()")
			},
		},
		{
			name: "disk full", allowed: []string{"503 53100"}, wanted: "503 53100", within: 2 * time.Second,
			strike: func(t *testing.T) {
				mountSmall(t, h.cluster, room)
				s.gate.Lock()
				execute(t, "create tablespace small location '"+room+"'", "alter table api.written set tablespace small",
					"alter table api.written alter filler set storage external", "create table public.filler (f text) tablespace small")
				s.gate.Unlock()
				_, err := admin.Exec(t.Context(), `do $$ begin
					alter table public.filler alter f set storage external;
					loop insert into public.filler values (repeat('x', 7000)); commit; end loop;
				end $$`)
				if err == nil || !strings.Contains(err.Error(), "53100") {
					t.Fatal(err)
				}
				eventually(t, "a write that is refused", func() bool {
					s.ledger.mutex.Lock()
					defer s.ledger.mutex.Unlock()
					return s.ledger.answers["503 53100"] > 10
				})
			},
			heal: func(t *testing.T) { execute(t, "drop table public.filler") },
		},
	} {
		t.Run(f.name, func(t *testing.T) { s.suffer(t, f) })
	}
}

// mountSmall mounts a file system of a few megabytes for the cluster, until the test ends.
func mountSmall(t *testing.T, c *cluster.Cluster, dir string) {
	t.Helper()
	info, err := os.Stat(c.Home)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("size=8m,mode=0700,uid=%d,gid=%d", owner.Uid, owner.Gid)
	if err := syscall.Mount("none", dir, "tmpfs", 0, options); errors.Is(err, syscall.EPERM) {
		t.Skip("a full disk takes the right to mount one")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// soaked returns how long or how often something is done: longer in a soak.
func soaked[T any](usual, soak T) T {
	if os.Getenv("POSTERN_SOAK") != "" {
		return soak
	}
	return usual
}
