package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
)

const replicaSchema = `
create function api.place() returns int language sql stable as $$ select current_setting('port')::int $$;
create function api.place(api.books) returns int language sql stable as $$ select current_setting('port')::int $$;
create function api.slow_at_standbys(api.books) returns int language sql stable as
  $$ select 1 from pg_sleep(case when pg_is_in_recovery() then 60 else 0 end) $$;
create role e2e_reader;
create role e2e_hasty;
alter role e2e_hasty set statement_timeout = '100ms';
grant e2e_reader, e2e_hasty to e2e_login;
grant e2e_reader to e2e_hasty;
grant usage on schema api to e2e_reader;
grant select on api.books to e2e_reader;
`

// crowd is clients that read, and clients that read what they have just written, some 300 times a second together.
type crowd struct {
	p       *process
	allowed atomic.Pointer[[]string] // statuses and codes of errors that writers may meet now
	number  atomic.Int64
	reads   atomic.Int64
	failed  atomic.Int64
	lossy   atomic.Bool // what was written may be lost: no standby has to have it
	writes  atomic.Int64
	refused atomic.Int64 // writes, and reads of writers
}

// gather starts the clients.
func gather(t *testing.T, p *process) *crowd {
	t.Helper()
	c := &crowd{p: p}
	c.allowed.Store(&[]string{})
	began := time.Now()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	begin := func(ask func()) {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
					ask()
				}
			}
		})
	}
	for n := range 3 {
		reader, writer := token(`{"role":"e2e_reader"}`), token(fmt.Sprintf(`{"role":"e2e_user","sub":"w%d"}`, n))
		// Those of the latter have shapes that are new at first.
		targets := []string{"/books?id=eq.1&select=id", "/books?id=eq.1&select=a#:id"}
		begin(func() {
			i := int(c.number.Add(1))
			target := strings.ReplaceAll(targets[i%2], "#", fmt.Sprint(i%500))
			status, body := c.ask(t, "GET", target, "", reader)
			if status != http.StatusOK || !strings.HasSuffix(body, `":1}]`) {
				c.failed.Add(1)
				t.Errorf("GET %s: %d %s", target, status, body)
			}
			c.reads.Add(1)
		})
		begin(func() {
			i := int(c.number.Add(1))
			c.writes.Add(1)
			if status, body := c.ask(t, "POST", "/written", fmt.Sprintf(`{"id":%d}`, i), writer); status != http.StatusCreated {
				c.permit(t, "POST", status, body)
				return
			}
			status, body := c.ask(t, "GET", fmt.Sprintf("/written?id=eq.%d&select=id", i), "", writer)
			if status == http.StatusOK && !c.lossy.Load() && body != fmt.Sprintf(`[{"id":%d}]`, i) {
				t.Errorf("%d was written and is not there: %s", i, body)
			} else if status != http.StatusOK {
				c.permit(t, "GET", status, body)
			}
		})
	}
	t.Cleanup(func() {
		close(stop)
		clients.Wait()
		t.Logf("in %s: %d reads, %d of them failed; %d writes, %d of them, or of reads after them, refused",
			time.Since(began).Round(time.Second), c.reads.Load(), c.failed.Load(),
			c.writes.Load(), c.refused.Load())
	})
	return c
}

func (c *crowd) ask(t *testing.T, method, target, body, authorization string) (status int, text string) {
	request, err := http.NewRequest(method, c.p.base+target, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	request.Header.Set("Authorization", authorization)
	response, err := c.p.client.Do(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(content)
}

func (c *crowd) permit(t *testing.T, what string, status int, body string) {
	c.refused.Add(1)
	told := fmt.Sprintf("%d %s", status, reply{body: body}.code())
	if !slices.Contains(*c.allowed.Load(), told) {
		t.Errorf("%s: %s", what, body)
	}
}

// pass waits until a number of reads have been answered.
func (c *crowd) pass(t *testing.T) {
	t.Helper()
	until := c.reads.Load() + 100
	eventually(t, "reads", func() bool { return c.reads.Load() > until || t.Failed() })
}

// replicated is a primary with two standbys, and servers that read from these.
type replicated struct {
	h, one, two   *house
	again         func() // starts the primary
	primary       string // its port
	ports         []string
	p, strict     *process // the latter has a short db-read-max-lag
	reader, other []string // tokens
	shapes        int
	c             *crowd
}

// testReplicas has clients read from two standbys, and what they have written, while the servers fail, fall behind, and change
// their parts.
func testReplicas(t *testing.T, binary string) {
	if os.Getenv("POSTERN_MATRIX") != "" {
		t.Skip("there may be no pg_basebackup for this server; make test has it")
	}
	r := &replicated{
		reader: []string{"Authorization", token(`{"role":"e2e_reader"}`)},
		other:  []string{"Authorization", token(`{"role":"e2e_user","sub":"o"}`)},
	}
	r.h, r.again = faultHouse(t, binary)
	r.h.execute(t, "e2e", replicaSchema)
	r.one, r.two = follow(t, r.h.cluster), follow(t, r.h.cluster)
	r.primary, r.ports = fmt.Sprint(r.h.cluster.Port), []string{fmt.Sprint(r.one.cluster.Port), fmt.Sprint(r.two.cluster.Port)}
	hosts := func(c *cluster.Cluster, port, more string) string {
		return fmt.Sprintf("=postgresql://e2e_login@/e2e?host=%s,%s&port=%s,%s%s",
			c.SocketDir, r.two.cluster.SocketDir, port, r.ports[1], more)
	}
	uri := "PGRST_DB_URI" + hosts(r.h.cluster, r.primary, "&target_session_attrs=read-write")
	read := "PGRST_DB_URI_READ" + hosts(r.one.cluster, r.ports[0], "")
	r.p = r.h.serve(t, "e2e", faultSettings(uri, read, "PGRST_DB_READ_MAX_LAG=600")...)
	r.strict = r.h.serve(t, "e2e", faultSettings(read, "PGRST_DB_READ_MAX_LAG=2")...)
	r.c = gather(t, r.p)
	t.Run("spread", r.spread)
	t.Run("slow", r.slow)
	t.Run("behind", r.behind)
	t.Run("no primary", r.withoutPrimary)
	if os.Getenv("POSTERN_SOAK") != "" {
		t.Run("silent", r.silent)
	}
	t.Run("killed", r.killed)
	t.Run("promoted", r.promoted)
	if t.Failed() {
		t.Log(r.p.events)
	}
}

// place reads, by a request whose shape is new, and returns the port of the server that has answered.
func (r *replicated) place(t *testing.T, p *process) string {
	t.Helper()
	r.shapes++
	got := p.expect(t, "GET", fmt.Sprintf("/books?id=eq.1&select=n%d:place", r.shapes), "", r.reader, 200, "[…")
	_, port, _ := strings.Cut(strings.TrimSuffix(got.body, "}]"), ":")
	return port
}

// where waits for reads that each of some servers has answered.
func (r *replicated) where(t *testing.T, p *process, wanted ...string) {
	t.Helper()
	for _, port := range wanted {
		eventually(t, "a read at "+port, func() bool { return r.place(t, p) == port })
	}
}

// onlyAtPrimary waits until it answers all reads.
func (r *replicated) onlyAtPrimary(t *testing.T, p *process) {
	t.Helper()
	eventually(t, "all reads at the primary", func() bool {
		for range 6 {
			if r.place(t, p) != r.primary {
				return false
			}
		}
		return true
	})
}

// spread: reads go to both standbys, those of functions too, but for who prefers the primary.
func (r *replicated) spread(t *testing.T) {
	r.where(t, r.p, r.ports...)
	r.where(t, r.strict, r.ports...)
	for _, method := range []string{"GET", "POST"} { // the latter's statement is known at the second time
		eventually(t, method+" at a standby", func() bool {
			return slices.Contains(r.ports, r.p.expect(t, method, "/rpc/place", "", r.reader, 200, "…").body)
		})
		for range 4 {
			r.p.expect(t, method, "/rpc/place", "", append(r.reader, "Prefer", "handling=strict, read=primary"), 200, r.primary)
		}
	}
	eventually(t, "a stream at a standby", func() bool {
		body := r.p.expect(t, "GET", "/books?id=eq.1&select=place", "", append(r.reader, "Accept", ndjson), 200, "{…").body
		return slices.ContainsFunc(r.ports, func(port string) bool { return body == `{"place":`+port+"}\n" })
	})
	r.c.pass(t)
}

// slow: what takes too long at a standby does not begin again at the primary, where it would be answered.
func (r *replicated) slow(t *testing.T) {
	for shape := range 2 {
		for range 3 { // compiled there, then known
			eventually(t, "the end of a query", func() bool {
				target := fmt.Sprintf("/books?id=eq.1&select=s%d:slow_at_standbys", shape)
				got := r.p.send(t, "GET", target, "", "Authorization", token(`{"role":"e2e_hasty"}`))
				return got.status == 500 && got.code() == "57014"
			})
		}
	}
}

// behind: standbys that stand still are used within the bound, but not for what they cannot know.
func (r *replicated) behind(t *testing.T) {
	r.both(t, "select pg_wal_replay_pause()")
	r.onlyAtPrimary(t, r.strict)
	r.countedBehind(t)
	r.where(t, r.p, r.ports...)
	r.c.pass(t)
	r.h.execute(t, "e2e", "alter table api.books add column fresh int default 5")
	for range 4 {
		for _, user := range [][]string{r.other, r.reader} {
			r.p.expect(t, "GET", "/books?id=eq.1&select=fresh", "", user, 200, `[{"fresh":5}]`)
		}
	}
	r.countedFallbacks(t)
	r.h.execute(t, "e2e", "notify pgrst, 'reload schema'")
	r.onlyAtPrimary(t, r.p)
	r.both(t, "select pg_wal_replay_resume()")
	r.where(t, r.p, r.ports...)
	r.where(t, r.strict, r.ports...)
}

// both has both standbys execute a statement.
func (r *replicated) both(t *testing.T, sql string) {
	t.Helper()
	r.one.execute(t, "e2e", sql)
	r.two.execute(t, "e2e", sql)
}

// withoutPrimary: reads go on, also those that only the primary answers while it is there, as there was a change.
func (r *replicated) withoutPrimary(t *testing.T) {
	r.both(t, "select pg_wal_replay_pause()")
	r.h.execute(t, "e2e", "notify pgrst, 'reload schema'")
	r.onlyAtPrimary(t, r.p)
	r.c.allowed.Store(&down)
	logged := func(what string) int { return strings.Count(r.p.events.String(), what) }
	const listens, reloads = "Listener connected", "Config reloaded"
	listened, reloaded := logged(listens), logged(reloads)
	kill(t, r.h)
	r.c.pass(t)
	r.where(t, r.p, r.ports...)
	r.both(t, "select pg_wal_replay_resume()")
	r.again()
	r.written(t)
	// It listens again, and has read what it may have missed: what standbys have not seen since is not read there.
	eventually(t, "listening", func() bool { return logged(listens) > listened })
	eventually(t, "a reload", func() bool { return logged(reloads) > reloaded })
	r.c.allowed.Store(&[]string{})
	r.where(t, r.p, r.ports...)
}

// silent: reads at a standby that does not answer any more are answered, too.
func (r *replicated) silent(t *testing.T) {
	stopped := family(t, postmaster(t, r.one.cluster))
	signalAll(stopped, syscall.SIGSTOP)
	r.c.pass(t)
	r.where(t, r.p, r.ports[1])
	signalAll(stopped, syscall.SIGCONT)
	r.where(t, r.p, r.ports...)
}

func (r *replicated) killed(t *testing.T) {
	kill(t, r.one)
	r.c.pass(t)
	r.where(t, r.p, r.ports[1])
	r.countedKilled(t)
}

// promoted: the other standby takes the place of the primary.
func (r *replicated) promoted(t *testing.T) {
	r.c.allowed.Store(&down)
	r.c.lossy.Store(true)
	kill(t, r.h)
	r.c.pass(t)
	r.two.execute(t, "e2e", "select pg_promote()")
	r.c.pass(t)
	r.written(t)
	eventually(t, "the end of a standby", func() bool {
		return strings.Contains(r.p.events.String(), "it is not a standby")
	})
	r.c.pass(t)
}

// written waits until something can be written.
func (r *replicated) written(t *testing.T) {
	t.Helper()
	eventually(t, "a write", func() bool { return r.p.send(t, "POST", "/written", `{"id":0}`, r.other...).status == 201 })
}

// kill ends a server at once.
func kill(t *testing.T, h *house) {
	t.Helper()
	if err := syscall.Kill(postmaster(t, h.cluster), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-h.cluster.Done()
}
