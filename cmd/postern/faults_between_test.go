package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
)

// testFailover kills a primary server and promotes its synchronous standby. One server of the API asks whichever of the two can be
// written to, another only ever the standby.
func testFailover(t *testing.T, binary string) {
	if os.Getenv("POSTERN_MATRIX") != "" {
		t.Skip("there may be no pg_basebackup for this server; make test has it")
	}
	h, standby, uri := synchronous(t, binary)
	s := besiege(t, h, "e2e", h.serve(t, "e2e", faultSettings("PGRST_DB_URI="+uri)...), time.Minute)
	reader := standby.serve(t, "e2e", "PGRST_DB_URI="+standby.cluster.URI("e2e_login", "e2e")+"&application_name=reader")
	user := []string{"Authorization", s.token}
	reader.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
	if log := reader.events.String(); strings.Contains(log, "Listening") || strings.Count(log, "is a standby") != 1 {
		t.Errorf("a standby cannot listen:\n%s", log)
	}
	for range 3 { // known at last, and prepared
		if r := reader.send(t, "POST", "/written", `{"id":-1}`, user...); r.status != 405 || r.code() != "25006" {
			t.Errorf("a write on the standby: %d %s", r.status, r.body)
		}
	}
	s.suffer(t, fault{
		allowed: down, wanted: "503 PGRST000", within: 5 * time.Second,
		strike: func(t *testing.T) {
			failOver(t, h, standby)
			s.h = standby
		},
	})
	reader.await(t, "listening for database notifications")
	for range 3 {
		if r := reader.send(t, "POST", "/books?select=title", `{"title":"after"}`, append(user, "Prefer", "return=representation")...); r.status != 201 || r.body != `[{"title":"after"}]` {
			t.Errorf("a write after the promotion: %d %s", r.status, r.body)
		}
	}
}

// synchronous makes a primary server and its synchronous standby. The URI is that of the one which can be written to.
func synchronous(t *testing.T, binary string) (h, standby *house, uri string) {
	t.Helper()
	h, _ = faultHouse(t, binary)
	standby = follow(t, h.cluster)
	standby.binary = binary
	for _, sql := range []string{"alter system set synchronous_standby_names = '*'", "alter system set synchronous_commit = 'remote_apply'", "select pg_reload_conf()"} {
		h.execute(t, "e2e", sql)
	}
	eventually(t, "the standby", func() bool {
		return h.ask(t, "e2e", "select count(*) from pg_stat_replication where sync_state = 'sync'") == "1"
	})
	both := url.Values{
		"host": {h.cluster.SocketDir + "," + standby.cluster.SocketDir}, "target_session_attrs": {"read-write"},
		"port": {fmt.Sprintf("%d,%d", h.cluster.Port, standby.cluster.Port)},
	}
	return h, standby, "postgresql://e2e_login@/e2e?" + both.Encode()
}

// failOver kills a primary server and, when clients have met none for a moment, promotes its standby.
func failOver(t *testing.T, primary, standby *house) {
	t.Helper()
	kill(t, primary)
	time.Sleep(200 * time.Millisecond)
	standby.execute(t, "e2e", "select pg_promote()")
}

// follow makes a standby of a cluster.
func follow(t *testing.T, primary *cluster.Cluster) *house {
	t.Helper()
	dir := t.TempDir()
	backup := exec.CommandContext(t.Context(), filepath.Join(primary.PgBin, "pg_basebackup"), "-h", primary.SocketDir, "-p", fmt.Sprint(primary.Port),
		"-U", primary.Superuser, "-D", filepath.Join(dir, "data"), "-R", "-c", "fast", "-X", "stream")
	backup.Env = primary.Environment()
	if out, err := backup.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(primary.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	owned := like(t, primary.Home)
	for parent := dir; parent != os.TempDir() && os.Geteuid() == 0; parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil { // for who runs the server
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(filepath.Join(dir, "data"), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owned.Uid), int(owned.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := keptCluster(t, cluster.Options{Dir: dir, Settings: durable()})
	return h
}

// like is whose a file is.
func like(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t)
}

// testPooler has pgbouncer, in transaction mode, between the server and PostgreSQL.
func testPooler(t *testing.T, binary string) {
	h, _ := faultHouse(t, binary)
	b := newBouncer(t, h.cluster)
	b.start(t)
	settings := faultSettings(b.settings()...)
	p := h.serve(t, "e2e", settings...)
	s := besiege(t, h, "e2e", p, time.Minute)
	for _, f := range []fault{
		{
			name: "pgbouncer killed", allowed: down, wanted: "503 PGRST000", within: 3 * time.Second,
			strike: func(*testing.T) {
				b.kill()
				time.Sleep(200 * time.Millisecond)
			},
			heal: b.start,
		},
		{
			name: "sessions behind it terminated", allowed: append([]string{"503 08P01"}, down...), within: 3 * time.Second,
			strike: func(t *testing.T) {
				for end := time.Now().Add(soaked(time.Second, time.Minute)); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
					h.ask(t, "e2e", "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where usename = 'e2e_login' order by random() limit 1) as s")
				}
			},
		},
		{
			// Another takes over its sockets. Now and then PgBouncer 1.18 loses its place in what is under way: it ends that
			// connection, at its next use perhaps.
			name: "pgbouncer replaced", allowed: []string{"503 08P01"}, within: 3 * time.Second,
			strike: func(t *testing.T) {
				for range soaked(2, 20) {
					b.replace(t)
				}
			},
			heal: func(t *testing.T) {
				_ = p.command.Process.Signal(syscall.SIGUSR1)
				p.await(t, "Connections and compiled statements renewed")
			},
		},
	} {
		t.Run(f.name, func(t *testing.T) { s.suffer(t, f) })
	}
	// Roles and claims are those of the request, whichever session it gets.
	for n := range 40 {
		if n%2 == 0 {
			p.expect(t, "GET", "/rpc/me", "", []string{"Authorization", token(fmt.Sprintf(`{"role":"e2e_user","sub":"u%d"}`, n))}, 200,
				fmt.Sprintf(`{"role" : "e2e_user", "sub" : "u%d"}`, n))
		} else {
			p.expect(t, "GET", "/rpc/me", "", nil, 200, `{"role" : "e2e_anon", "sub" : null}`)
		}
	}
	s.gate.Lock() // from now on nobody writes
	defer s.gate.Unlock()
	t.Run("several statements", func(t *testing.T) { testPooled(t, h, settings...) })
	t.Run("prepared by mistake", func(t *testing.T) { preparedByMistake(t, b.uri(), false) })
	b.kill()
	b.configure(t, "extra_float_digits,search_path,jit,request.method,request.cookies")
	b.start(t)
	t.Run("prepared by mistake, in silence", func(t *testing.T) { preparedByMistake(t, b.uri(), true) })
}

// preparedByMistake has a server prepare statements behind a pooler in transaction mode, that refuses what sessions start with or, in
// silence, ignores it. Clients and the log are told what to do.
func preparedByMistake(t *testing.T, uri string, connects bool) {
	s := startServer(t, uri, connects, "PGRST_DB_SCHEMAS=api", "PGRST_DB_ANON_ROLE=e2e_anon", "PGRST_DB_CHANNEL_ENABLED=false")
	told := 0
	eventually(t, "the advice", func() bool {
		var clients sync.WaitGroup
		var mutex sync.Mutex
		for range 8 {
			clients.Go(func() {
				status, body := s.get(t, "/books?id=eq.1&select=id")
				mutex.Lock()
				defer mutex.Unlock()
				switch {
				case status == http.StatusServiceUnavailable && strings.Contains(body, "Set db-prepared-statements to false"):
					told++
				case status == http.StatusServiceUnavailable && !connects: // nobody has tried yet
				case status != http.StatusOK || body != `[{"id":1}]`:
					t.Errorf("%d %s", status, body)
				}
			})
		}
		clients.Wait()
		return told > 0 || t.Failed()
	})
	if told > 0 && !strings.Contains(s.events.String(), "db-prepared-statements") {
		t.Error(s.events)
	}
}
