package main

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// testDrainStopped stops a server whose database does not answer any more: with requests that wait for it, and with connections that are
// idle, it ends within two seconds of its deadline.
func testDrainStopped(t *testing.T, h *house) {
	const deadline = 1
	var waiting sync.WaitGroup
	busy := h.serve(t, "e2e", "PGRST_SERVER_DRAIN_TIMEOUT=1", "PGRST_DB_POOL=2")
	idle := h.serve(t, "e2e", "PGRST_SERVER_DRAIN_TIMEOUT=1", "PGRST_DB_POOL=2")
	for _, p := range []*process{busy, idle} {
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
	}
	for range 4 { // two of them have no connection
		waiting.Go(func() {
			if response, err := busy.client.Post(busy.base+"/rpc/sleep", "application/json", strings.NewReader(`{"seconds":30}`)); err == nil {
				_ = response.Body.Close()
			}
		})
	}
	eventually(t, "sleep", func() bool {
		return h.ask(t, "e2e", "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "2"
	})
	first := postmaster(t, h.cluster)
	_ = syscall.Kill(first, syscall.SIGSTOP) // else it makes more meanwhile
	stopped := family(t, first)
	signalAll(stopped, syscall.SIGSTOP)
	defer signalAll(stopped, syscall.SIGCONT)
	for name, p := range map[string]*process{"busy": busy, "idle": idle} {
		waiting.Go(func() {
			began := time.Now()
			if err := p.stop(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			took := time.Since(began)
			t.Logf("%s: it ends after %s", name, took.Round(time.Millisecond))
			if took > (deadline+2)*time.Second {
				t.Errorf("%s: stopping takes %s\n%s", name, took, p.events)
			}
		})
	}
	waiting.Wait()
}
