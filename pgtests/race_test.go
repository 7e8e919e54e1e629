package pgtests

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// raced is what the DDL of TestRaces changes.
const raced = `
create table store.raced (id int primary key, n int, label text);
insert into store.raced values (1, 10, 'a'), (2, 10, 'b');
create function store.raced_number() returns int language sql stable as 'select 1';
create view store.raced_view as select 1 as v;
grant select, update on store.raced to store_clerk;
grant select on store.raced_view to store_clerk;
`

// racedState is the schema after a step: the row of number 1 and 2 but for id, and what else is asked for.
type racedState struct {
	ddl    string
	n      string // as JSON
	label  string // the name of the column
	extra  bool   // whether there is a column extra
	number int
	v      int
}

var racedStates = []racedState{
	{ddl: "alter table store.raced add column extra int default 7", n: "10", label: "label", extra: true, number: 1, v: 1},
	{ddl: "alter table store.raced drop column extra", n: "10", label: "label", number: 1, v: 1},
	{ddl: `alter table store.raced alter column n type text using '1,"role":"admin"'`, n: `"1,\"role\":\"admin\""`, label: "label", number: 1, v: 1},
	{ddl: "alter table store.raced alter column n type int using 10", n: "10", label: "label", number: 1, v: 1},
	{ddl: "alter table store.raced rename column label to title", n: "10", label: "title", number: 1, v: 1},
	{ddl: "alter table store.raced rename column title to label", n: "10", label: "label", number: 1, v: 1},
	{ddl: "create or replace function store.raced_number() returns int language sql stable as 'select 2'", n: "10", label: "label", number: 2, v: 1},
	{ddl: "create or replace view store.raced_view as select 2 as v", n: "10", label: "label", number: 2, v: 2},
	{ddl: "create or replace function store.raced_number() returns int language sql stable as 'select 1'; create or replace view store.raced_view as select 1 as v",
		n: "10", label: "label", number: 1, v: 1},
}

// racedRequests are what clients ask, each with the answer in a state. %d in a target makes its shape a new one.
var racedRequests = []struct {
	request
	want func(s racedState, n int) string
}{
	{request{"GET", "/raced?order=id", "", nil}, func(s racedState, _ int) string {
		return "200 [" + s.row(1, "a") + "," + s.row(2, "b") + "]"
	}},
	{request{"GET", "/raced?id=eq.1", "", nil}, func(s racedState, _ int) string { return "200 [" + s.row(1, "a") + "]" }},
	{request{"GET", "/raced?select=x%d:id,n&order=id", "", nil}, func(s racedState, n int) string {
		return fmt.Sprintf(`200 [{"x%d":1,"n":%s},{"x%[1]d":2,"n":%[2]s}]`, n, s.n)
	}},
	{request{"GET", "/raced?id=eq.1&select=extra", "", nil}, func(s racedState, _ int) string {
		if s.extra {
			return `200 [{"extra":7}]`
		}
		return "400 42703"
	}},
	{request{"GET", "/raced?id=eq.1&select=x%d:label", "", nil}, func(s racedState, n int) string {
		if s.label == "label" {
			return fmt.Sprintf(`200 [{"x%d":"a"}]`, n)
		}
		return "400 42703"
	}},
	{request{"GET", "/rpc/raced_number", "", nil}, func(s racedState, _ int) string { return fmt.Sprintf("200 %d", s.number) }},
	{request{"GET", "/raced_view?select=x%d:v", "", nil}, func(s racedState, n int) string { return fmt.Sprintf(`200 [{"x%d":%d}]`, n, s.v) }},
	{request{"GET", "/raced_view", "", nil}, func(s racedState, _ int) string { return fmt.Sprintf(`200 [{"v":%d}]`, s.v) }},
	{request{"PATCH", "/raced?id=eq.2&select=id,n", "Prefer: return=representation", []byte(`{"label":"b"}`)}, func(s racedState, _ int) string {
		if s.label == "label" {
			return fmt.Sprintf(`200 [{"id":2,"n":%s}]`, s.n)
		}
		return "400 PGRST204"
	}},
}

func (s racedState) row(id int, label string) string {
	extra := ""
	if s.extra {
		extra = `,"extra":7`
	}
	return fmt.Sprintf(`{"id":%d,"n":%s,"%s":"%s"%s}`, id, s.n, s.label, label, extra)
}

// races are DDL in a loop and clients beside it.
type races struct {
	shell    *httpServer
	state    atomic.Int64 // twice the number of states so far, and one more while the next is made
	answers  atomic.Int64
	compared atomic.Int64 // answers that one state only allows
	newest   atomic.Int64 // number of the last new shape
}

// TestRaces changes the schema in a loop beside eight clients: no answer is malformed, of a state that was over when the request
// was sent, or an error that the client has not caused.
func TestRaces(t *testing.T) {
	t.Parallel()
	limit := 5 * time.Second
	if os.Getenv("POSTERN_SOAK") != "" {
		limit = time.Minute
	}
	database := newDatabase(t)
	owner := connect(t, database)
	execute(t, owner, raced)
	r := &races{shell: serveHTTP(t, database)}
	r.state.Store(2 * int64(len(racedStates)-1))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for first := range 8 {
		clients.Go(func() {
			c := r.shell.client()
			defer c.close()
			for n := first; ; n++ {
				select {
				case <-stop:
					return
				default:
					r.ask(t, c, n%len(racedRequests))
				}
			}
		})
	}
	steps := 0
	own := r.shell.client()
	defer own.close()
	for start := time.Now(); time.Since(start) < limit && !t.Failed(); steps++ {
		r.state.Add(1)
		execute(t, owner, racedStates[steps%len(racedStates)].ddl)
		r.state.Add(1)
		for which := range racedRequests {
			r.ask(t, own, which)
		}
	}
	close(stop)
	clients.Wait()
	t.Logf("%d answers, %d of them within one state; %d changes of the schema", r.answers.Load(), r.compared.Load(), steps)
	if steps < len(racedStates) || r.compared.Load() < int64(steps*len(racedRequests)) {
		t.Error("there is too little to tell")
	}
}

// ask sends a request and compares the answer with those of the states in which it can have been answered.
func (r *races) ask(t *testing.T, c *client, which int) {
	test := racedRequests[which]
	n := int(r.newest.Add(1))
	if strings.Contains(test.target, "%d") {
		test.target = fmt.Sprintf(test.target, n)
	}
	before := r.state.Load()
	answer, err := c.do(test.request)
	after := r.state.Load()
	if err != nil {
		t.Errorf("%s %s: %v", test.method, test.target, err)
		return
	}
	r.answers.Add(1)
	got := fmt.Sprintf("%d %s", answer.status, strings.ReplaceAll(string(answer.body), ", \n ", ","))
	var failure struct{ Code string }
	if answer.status >= 400 && json.Unmarshal(answer.body, &failure) == nil {
		got = fmt.Sprintf("%d %s", answer.status, failure.Code)
	}
	if before == after && before%2 == 0 {
		r.compared.Add(1)
		state := int(before/2) % len(racedStates)
		if want := test.want(racedStates[state], n); got != want {
			t.Errorf("%s %s in state %d: %.300s (%s), want %s", test.method, test.target, state, got, answer.body, want)
		}
		return
	}
	for _, state := range racedStates {
		if got == test.want(state, n) {
			return
		}
	}
	t.Errorf("%s %s is answered in no state by %.300s (%s)", test.method, test.target, got, answer.body)
}
