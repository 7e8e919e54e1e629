package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
)

// A server answers its first request within a tenth of a second of its start, however many relations there are. On a machine that has
// more to do than it can it may take longer, but not because of the relations.
func TestBinaryStartTime(t *testing.T) {
	const most = 100 * time.Millisecond
	if os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("makes 12,000 relations: make soak has it")
	}
	h, _ := keptCluster(t, cluster.Options{Settings: durable("max_locks_per_transaction", "1024")})
	h.binary = compile(t)
	h.database(t, "few", true)
	h.database(t, "many", false)
	for first := 1; first <= 10000; first += 2000 {
		h.execute(t, "many", fmt.Sprintf(`do $$ begin for n in %d .. %d loop
			execute format('create table api.t%%s (id int primary key, name text, ref int)', n);
			if n %% 5 = 0 then execute format('create view api.v%%s as select id, name from api.t%%1$s', n); end if;
		end loop; end $$`, first, first+1999))
	}
	h.execute(t, "many", "grant select on all tables in schema api to e2e_anon; insert into api.t5000 values (1); analyze pg_catalog.pg_class, pg_catalog.pg_attribute")
	if out, err := h.run(t, "migrate", "--db-uri", h.cluster.URI(h.cluster.Superuser, "many")); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	var few time.Duration
	for _, database := range []struct{ name, target string }{{"few", "/books?select=id&id=eq.1"}, {"many", "/t5000?select=id"}, {"many", "/v5000?select=id"}} {
		var took []time.Duration
		for len(took) < 20 && (len(took) < 5 || slices.Min(took) > most) { // the machine may be busy
			port := freePort(t)
			began := time.Now()
			p := h.launch(t, exec.Command(h.binary, "serve"), database.name, fmt.Sprintf("PGRST_SERVER_PORT=%d", port))
			p.base = fmt.Sprintf("http://127.0.0.1:%d", port)
			status := 0
			for ; status == 0 && time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
				status = p.status(database.target)
			}
			took = append(took, time.Since(began).Round(time.Millisecond))
			if status != http.StatusOK {
				t.Errorf("%s: %d\n%s", database.target, status, p.events)
			}
			if err := p.stop(); err != nil {
				t.Error(err)
			}
		}
		t.Logf("%s, %s: the first answer after %v", database.name, database.target, took)
		best := slices.Min(took)
		if few == 0 {
			few = best
		}
		if best > most && (!busy() || best > few+few/2) {
			t.Errorf("%s: the first answer takes %s", database.target, best)
		}
	}
	if n := h.ask(t, "many", "select count(*) from pg_class where relnamespace = 'api'::regnamespace and relkind in ('r', 'v')"); n < "12000" {
		t.Errorf("there are %s relations", n)
	}
}

// busy reports whether more is running than there are processors for.
func busy() bool {
	content, err := os.ReadFile("/proc/loadavg")
	var load float64
	if err == nil {
		_, err = fmt.Sscan(string(content), &load)
	}
	return err == nil && load > float64(runtime.NumCPU())
}
