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
create role e2e_reader;
grant e2e_reader to e2e_login;
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
		targets := []string{"/books?id=eq.1&select=id", "/books?id=eq.1&select=a#:id"} // the latter of shapes that are new at first
		begin(func() {
			i := int(c.number.Add(1))
			target := strings.ReplaceAll(targets[i%2], "#", fmt.Sprint(i%500))
			if status, body := c.ask(t, "GET", target, "", reader); status != http.StatusOK || !strings.HasSuffix(body, `":1}]`) {
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
			if status == http.StatusOK && body != fmt.Sprintf(`[{"id":%d}]`, i) {
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

// testReplicas has clients read from two standbys, and what they have written, while the servers fail, fall behind, and change
// their parts.
func testReplicas(t *testing.T, binary string) {
	if os.Getenv("POSTERN_MATRIX") != "" {
		t.Skip("there may be no pg_basebackup for this server; make test has it")
	}
	h, again := keptCluster(t, cluster.Options{Settings: durable()})
	h.binary = binary
	h.database(t, "e2e", true)
	h.execute(t, "e2e", faultSchema+replicaSchema)
	one, two := follow(t, h.cluster), follow(t, h.cluster)
	primary, ports := fmt.Sprint(h.cluster.Port), []string{fmt.Sprint(one.cluster.Port), fmt.Sprint(two.cluster.Port)}
	read := fmt.Sprintf("PGRST_DB_URI_READ=postgresql://e2e_login@/e2e?host=%s,%s&port=%s", one.cluster.SocketDir, two.cluster.SocketDir, strings.Join(ports, ","))
	p := h.serve(t, "e2e", faultSettings(read, "PGRST_DB_READ_MAX_LAG=600")...)
	strict := h.serve(t, "e2e", faultSettings(read, "PGRST_DB_READ_MAX_LAG=2")...)
	reader, other := []string{"Authorization", token(`{"role":"e2e_reader"}`)}, []string{"Authorization", token(`{"role":"e2e_user","sub":"o"}`)}
	shapes := 0
	place := func(p *process) string { // of a shape that is new
		shapes++
		r := p.expect(t, "GET", fmt.Sprintf("/books?id=eq.1&select=n%d:place", shapes), "", reader, 200, "[…")
		_, port, _ := strings.Cut(strings.TrimSuffix(r.body, "}]"), ":")
		return port
	}
	where := func(t *testing.T, p *process, wanted ...string) {
		t.Helper()
		for _, port := range wanted {
			eventually(t, "a read at "+port, func() bool { return place(p) == port })
		}
	}
	onlyAt := func(t *testing.T, p *process, wanted string) {
		t.Helper()
		eventually(t, "all reads at "+wanted, func() bool {
			return !slices.ContainsFunc(make([]int, 6), func(int) bool { return place(p) != wanted })
		})
	}
	c := gather(t, p)
	both := func(sql string) {
		for _, standby := range []*house{one, two} {
			standby.execute(t, "e2e", sql)
		}
	}

	t.Run("spread", func(t *testing.T) {
		where(t, p, ports...)
		where(t, strict, ports...)
		for _, method := range []string{"GET", "POST"} { // the latter's statement is known at the second time
			p.expect(t, method, "/rpc/place", "", reader, 200, "…")
			eventually(t, method+" at a standby", func() bool {
				return slices.Contains(ports, p.expect(t, method, "/rpc/place", "", reader, 200, "…").body)
			})
			for range 4 {
				p.expect(t, method, "/rpc/place", "", append(reader, "Prefer", "handling=strict, read=primary"), 200, primary)
			}
		}
		c.pass(t)
	})

	t.Run("behind", func(t *testing.T) {
		both("select pg_wal_replay_pause()")
		onlyAt(t, strict, primary)
		where(t, p, ports...)
		c.pass(t)
		h.execute(t, "e2e", "alter table api.books add column fresh int default 5")
		known := "/books?id=eq.1&select=fresh"
		p.expect(t, "GET", known, "", other, 200, `[{"fresh":5}]`) // compiled where the column is
		for range 3 {
			p.expect(t, "GET", known, "", other, 200, `[{"fresh":5}]`)
			p.expect(t, "GET", known, "", reader, 200, `[{"fresh":5}]`)
		}
		h.execute(t, "e2e", "notify pgrst, 'reload schema'")
		onlyAt(t, p, primary)
		both("select pg_wal_replay_resume()")
		where(t, p, ports...)
		where(t, strict, ports...)
	})

	t.Run("no primary", func(t *testing.T) {
		c.allowed.Store(&down)
		if err := syscall.Kill(postmaster(t, h.cluster), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-h.cluster.Done()
		c.pass(t)
		where(t, p, ports...)
		again()
		eventually(t, "a write", func() bool { return p.send(t, "POST", "/written", `{"id":0}`, other...).status == 201 })
		c.allowed.Store(&[]string{})
		where(t, p, ports...)
	})

	if os.Getenv("POSTERN_SOAK") != "" {
		t.Run("silent", func(t *testing.T) {
			stopped := family(t, postmaster(t, one.cluster))
			signalAll(stopped, syscall.SIGSTOP)
			c.pass(t)
			where(t, p, ports[1])
			signalAll(stopped, syscall.SIGCONT)
			where(t, p, ports...)
		})
	}

	t.Run("killed", func(t *testing.T) {
		if err := syscall.Kill(postmaster(t, one.cluster), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-one.cluster.Done()
		c.pass(t)
		where(t, p, ports[1])
	})

	t.Run("promoted", func(t *testing.T) {
		two.execute(t, "e2e", "select pg_promote()")
		c.pass(t)
		onlyAt(t, p, primary)
	})
	if t.Failed() {
		t.Log(p.events)
	}
}
