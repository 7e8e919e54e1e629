package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/cluster"
)

// faultSchema is what the clients of the fault tests write to. Each request writes its number into api.written, which has no key:
// what is done twice is there twice.
const faultSchema = `
create table api.written (id int not null, part int not null default 0, filler text);
create index on api.written (id);
create table api.counters (id int primary key, n int not null default 0, last int);
insert into api.counters (id) values (1);
create function api.count_up() returns trigger language plpgsql as $$
begin
  new.n := old.n + 1;
  insert into api.written (id) values (new.last);
  return new;
end $$;
create trigger count_up before update on api.counters for each row execute function api.count_up();
create function api.write_down(id int) returns int language sql as $$ insert into api.written (id) values ($1) returning id $$;
create function api.write_and_fail(id int) returns int language plpgsql as $$
begin
  insert into api.written (id) values (write_and_fail.id);
  raise exception 'no';
end $$;
grant select, insert, update on all tables in schema api to e2e_user;
`

const (
	faultPool    = 4
	faultClients = 6
)

// durable are settings of a cluster whose server may be killed: what is committed is there, as long as the machine lives.
func durable(more ...string) map[string]string {
	settings := map[string]string{"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off", "max_connections": "40"}
	for i := 0; i < len(more); i += 2 {
		settings[more[i]] = more[i+1]
	}
	return settings
}

// faultHouse starts a kept cluster, with settings beside those of durable, and makes what the clients of the fault tests write to.
func faultHouse(t *testing.T, binary string, settings ...string) (h *house, again func()) {
	t.Helper()
	h, again = keptCluster(t, cluster.Options{Settings: durable(settings...)})
	h.binary = binary
	h.database(t, "e2e", true)
	h.execute(t, "e2e", faultSchema)
	return h, again
}

// keptCluster starts a cluster that can be started again with the same data, at the same address, by what is returned.
func keptCluster(t *testing.T, options cluster.Options) (h *house, again func()) {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	h = &house{}
	start := func() {
		t.Helper()
		var err error
		if h.cluster, err = cluster.Start(t.Context(), options); err != nil {
			t.Fatal(err)
		}
		options.Port = h.cluster.Port
	}
	t.Cleanup(func() {
		if h.cluster != nil {
			_ = h.cluster.Stop(context.Background())
		}
		_ = cluster.Remove(context.Background(), options.Dir)
	})
	start()
	return h, func() {
		t.Helper()
		if err := h.cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		start()
	}
}

// postmaster is the process id of the cluster's server.
func postmaster(t *testing.T, c *cluster.Cluster) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(c.Home, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(string(content), "\n", 2)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// family is a process and its children.
func family(t *testing.T, pid int) []int {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	all := []int{pid}
	for _, field := range strings.Fields(string(content)) {
		child, _ := strconv.Atoi(field)
		all = append(all, child)
	}
	return all
}

func signalAll(pids []int, which syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, which)
	}
}

// fate is what became of a write, as far as its client knows.
type fate int

const (
	unknown      fate = iota // it may have been done
	acknowledged             // it was acknowledged
	refused                  // the answer says that it was not done
)

// ledger is what clients know of their writes.
type ledger struct {
	next    atomic.Int64
	mutex   sync.Mutex
	fates   map[int]fate
	answers map[string]int // how often each status and code was given
}

// writes are the requests of the clients, by the number of the write, which stands for #, or some for @; how many rows they write; how they are
// answered where all is well.
var writes = []struct {
	method, target, body string
	rows, status         int
}{
	{"POST", "/written", `{"id":#}`, 1, 201},
	{"POST", "/written", `[{"id":#,"part":1},{"id":#,"part":2}]`, 2, 201},
	{"PATCH", "/counters?id=eq.1", `{"last":#}`, 1, 204},
	{"POST", "/rpc/write_down", `{"id":#}`, 1, 200},
	{"POST", "/written?select=a@:id", `{"id":#}`, 1, 201}, // of a shape that is new at first
	{"POST", "/rpc/write_and_fail", `{"id":#}`, 0, 400},   // an error that the database words
}

// uncertain are the codes of errors after which a write may have been done.
var uncertain = []string{"PGRST001", "57P01", "57P02"}

// fateAfter returns what became of a write that was answered with an error.
func fateAfter(code, body string) fate {
	if slices.Contains(uncertain, code) || strings.Contains(body, "may have been committed") {
		return unknown
	}
	return refused
}

// siege is clients that write without pause while something happens to the database.
type siege struct {
	h       *house
	name    string // of the database
	p       *process
	ledger  *ledger
	client  *http.Client
	token   string
	allowed atomic.Pointer[[]string] // statuses and codes of errors that are expected now
	leaving atomic.Bool              // whether clients go away themselves
	timeout atomic.Int64             // how long clients wait for an answer, a time.Duration
	gate    sync.RWMutex             // who holds it has the clients wait
}

// besiege makes the ledger of a database that has faultSchema and starts the clients.
func besiege(t *testing.T, h *house, name string, p *process, timeout time.Duration) *siege {
	t.Helper()
	s := &siege{
		h: h, name: name, p: p, token: token(`{"role":"e2e_user"}`),
		ledger: &ledger{fates: make(map[int]fate), answers: make(map[string]int)},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: faultClients}},
	}
	s.timeout.Store(int64(timeout))
	s.allow()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range faultClients {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					s.gate.RLock()
					s.write(t, int(s.ledger.next.Add(1)))
					s.gate.RUnlock()
				}
			}
		})
	}
	t.Cleanup(func() {
		close(stop)
		clients.Wait()
		s.client.CloseIdleConnections()
	})
	s.await(t, 30*time.Second)
	return s
}

// allow says which errors are expected from now on.
func (s *siege) allow(answers ...string) { s.allowed.Store(&answers) }

// write sends the write of a number and notes what became of it.
func (s *siege) write(t *testing.T, n int) (succeeded bool) {
	kind := writes[n%len(writes)]
	number := strconv.Itoa(n)
	target, payload := strings.ReplaceAll(kind.target, "@", strconv.Itoa(n/24)), strings.ReplaceAll(kind.body, "#", number)
	allowed, leaving := *s.allowed.Load(), s.leaving.Load()
	status, header, body, err := s.ask(kind.method, target, payload)
	allowed = append(slices.Clip(allowed), *s.allowed.Load()...)
	leaving = leaving || s.leaving.Load() // at either end of the request, as with what is allowed
	what, answer := unknown, "no answer"
	switch {
	case err != nil:
		if !leaving && !slices.Contains(allowed, answer) {
			t.Errorf("%s %s: %v", kind.method, target, err)
		}
	case status == kind.status:
		what, answer = acknowledged, strconv.Itoa(status)
	default:
		code := s.complain(t, status, header, body)
		answer = fmt.Sprintf("%d %s", status, code)
		if !slices.Contains(allowed, answer) {
			t.Errorf("%s %s (%d): %d %s", kind.method, target, n, status, body)
		}
		what = fateAfter(code, string(body))
	}
	s.ledger.mutex.Lock()
	defer s.ledger.mutex.Unlock()
	s.ledger.fates[n] = what
	s.ledger.answers[answer]++
	return what == acknowledged
}

func (s *siege) ask(method, target, body string) (status int, header http.Header, text []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(s.timeout.Load()))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.p.base+target, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("Authorization", s.token)
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header, text, err
}

// complain checks the form of an error and returns its code.
func (s *siege) complain(t *testing.T, status int, header http.Header, body []byte) string {
	var failure map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	err := decoder.Decode(&failure)
	code, _ := failure["code"].(string)
	members := slices.Sorted(maps.Keys(failure))
	if err != nil || decoder.More() || code == "" || !slices.Equal(members, []string{"code", "details", "hint", "message"}) ||
		!strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		t.Errorf("not the form of an error: %d %v %s", status, header, body)
	}
	if status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
		t.Errorf("503 without Retry-After: %s", body)
	}
	return code
}

// await waits until each kind of write has succeeded twice in a row, and says how long that took.
func (s *siege) await(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	for good := 0; good < 2*len(writes); {
		n := int(s.ledger.next.Add(1))
		if s.write(t, n) {
			good++
			continue
		}
		good = 0
		if time.Since(began) > within {
			s.ledger.mutex.Lock()
			defer s.ledger.mutex.Unlock()
			t.Fatalf("not recovered after %s: %v\n%s", within, s.ledger.answers, s.p.events)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// fault is what happens to a database, and how that ends.
type fault struct {
	name      string
	strike    func(t *testing.T)
	heal      func(t *testing.T) // nil where it ends by itself
	allowed   []string           // errors that may be answered meanwhile
	wanted    string             // one of them that must have been, if any
	within    time.Duration      // after its end, time to the first good answers
	impatient bool               // whether clients go away
}

// down are the answers while there is no server, or one that goes or comes.
var down = []string{"503 PGRST000", "503 PGRST001", "503 57P01", "503 57P02", "503 57P03", "504 PGRST003"}

// suffer lets a fault happen and checks what is left of it.
func (s *siege) suffer(t *testing.T, f fault) {
	t.Helper()
	s.gate.Lock()
	before := s.settled(t)
	s.gate.Unlock()
	s.ledger.mutex.Lock()
	clear(s.ledger.answers)
	s.ledger.mutex.Unlock()
	s.leaving.Store(f.impatient)
	s.allow(f.allowed...)
	f.strike(t)
	if f.heal != nil {
		f.heal(t)
	}
	took := s.await(t, f.within)
	s.allow() // from now on all is well
	s.leaving.Store(false)
	s.await(t, time.Second)
	s.gate.Lock()
	defer s.gate.Unlock()
	s.ledger.mutex.Lock()
	t.Logf("answers %v, recovered after %s", s.ledger.answers, took.Round(time.Millisecond))
	if f.wanted != "" && s.ledger.answers[f.wanted] == 0 {
		t.Errorf("no answer was %s", f.wanted)
	}
	s.ledger.mutex.Unlock()
	s.check(t)
	s.left(t, before)
}

// check compares what is in the database with what the clients know.
func (s *siege) check(t *testing.T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.h.cluster.URI(s.h.cluster.Superuser, s.name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), "select id, count(*)::int from api.written group by id")
	if err != nil {
		t.Fatal(err)
	}
	written := make(map[int]int)
	var id, count int
	if _, err := pgx.ForEachRow(rows, []any{&id, &count}, func() error { written[id] = count; return nil }); err != nil {
		t.Fatal(err)
	}
	s.ledger.mutex.Lock()
	defer s.ledger.mutex.Unlock()
	counts := make(map[fate]int)
	for n, what := range s.ledger.fates {
		counts[what]++
		whole, found := writes[n%len(writes)].rows, written[n]
		if found != whole && (found != 0 || what == acknowledged) || found != 0 && what == refused {
			t.Errorf("write %d (%s): %d of %d rows, fate %d", n, writes[n%len(writes)].target, found, whole, what)
		}
		delete(written, n)
	}
	if len(written) > 0 {
		t.Errorf("nobody wrote %v", written)
	}
	t.Logf("%d writes acknowledged, %d refused, %d uncertain", counts[acknowledged], counts[refused], counts[unknown])
	const counted = "(select sum(n) from api.counters) || ' ' || (select count(*) from api.written where id % 6 = 2)"
	if pair := strings.Fields(s.h.ask(t, s.name, "select "+counted)); pair[0] != pair[1] {
		t.Errorf("counters and rows: %v", pair)
	}
}

// figures are what a server holds while nobody asks it for anything.
type figures struct{ files, goroutines, connections int }

// settled is what the server holds once that does not change any more.
func (s *siege) settled(t *testing.T) figures {
	t.Helper()
	s.client.CloseIdleConnections()
	var last figures
	eventually(t, "rest", func() bool {
		time.Sleep(50 * time.Millisecond)
		before := last
		last = s.figures(t)
		return last == before
	})
	return last
}

// left fails where the server holds more than before: connections are no more than its pool may have, and its LISTEN. The driver
// waits up to 30 seconds for the end of a connection on which nothing comes.
func (s *siege) left(t *testing.T, before figures) {
	t.Helper()
	s.client.CloseIdleConnections()
	began := time.Now()
	var after figures
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		after = s.figures(t)
		if after.files-after.connections <= before.files-before.connections && after.goroutines <= before.goroutines &&
			after.connections <= faultPool+1 {
			t.Logf("at rest after %s", time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Now().After(deadline) {
			_ = s.p.command.Process.Signal(syscall.SIGQUIT) // it tells its goroutines
			time.Sleep(500 * time.Millisecond)
			t.Fatalf("before: %+v, left: %+v\n%s", before, after, s.p.events)
		}
	}
}

func (s *siege) figures(t *testing.T) figures {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.p.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	f := figures{files: len(files)}
	for line := range strings.Lines(s.p.admin.send(t, "GET", "/metrics", "").body) {
		if value, found := strings.CutPrefix(line, "go_goroutines "); found {
			f.goroutines, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	f.connections, _ = strconv.Atoi(s.h.ask(t, s.name,
		"select count(*) from pg_stat_activity where usename = 'e2e_login' and datname = current_database() and application_name <> 'reader'"))
	return f
}
