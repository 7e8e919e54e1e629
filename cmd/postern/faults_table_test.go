package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// events are what TestFaultsTable measures: each starts what it is about, and returns the server that is asked and what happens, some
// times. The errors that reads and writes may meet are those that no server can prevent.
var events = []struct {
	test, name    string
	begin         func(t *testing.T, binary string) (h *house, p *process, happen func())
	times         int
	reads, writes []string
}{
	{test: "hand-over", name: "hand-over to a new process (`server-reuseport`)", begin: beginHandOver, times: 10},
	{test: "upgrade", name: "upgrade and downgrade of the functions", begin: beginUpgrade, times: 4},
	{test: "promotion", name: "primary killed, its synchronous standby promoted after 0.2 s (`db-uri-read`)", begin: beginFailOver, times: 1, writes: down},
	{test: "pooler killed", name: "PgBouncer killed, started after 0.2 s", begin: beginBouncerKilled, times: 5, reads: down, writes: down},
	{test: "pooler replaced", name: "PgBouncer replaced (`-R`)", begin: beginBouncerReplaced, times: 5, reads: []string{"503 08P01"}, writes: []string{"503 08P01"}},
}

// TestFaultsTable sends 200 requests a second while servers are replaced, and prints what became of them, as docs/security.md has it.
func TestFaultsTable(t *testing.T) {
	if os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("takes two minutes: make soak has it")
	}
	binary := compile(t)
	rows := []string{"| Event | Times | Requests | Reads that failed | Writes that failed | Longest |", "|---|---|---|---|---|---|"}
	for _, event := range events {
		t.Run(event.test, func(t *testing.T) {
			h, p, happen := event.begin(t, binary)
			s := pour(t, p.base)
			for range event.times {
				time.Sleep(2 * time.Second)
				happen()
			}
			time.Sleep(5 * time.Second)
			s.end()
			rows = append(rows, s.row(event.name, event.times))
			s.expect(t, "reads", s.reads, event.reads)
			s.expect(t, "writes", s.writes, event.writes)
			s.check(t, h)
		})
	}
	for _, row := range rows {
		t.Log(row)
	}
}

func beginHandOver(t *testing.T, binary string) (*house, *process, func()) {
	h, _ := faultHouse(t, binary)
	port := fmt.Sprintf("PGRST_SERVER_PORT=%d", freePort(t))
	serve := func() *process { return h.serve(t, "e2e", port, "PGRST_SERVER_REUSEPORT=true") }
	p := serve()
	return h, p, func() { p = p.handOver(t, serve) }
}

func beginUpgrade(t *testing.T, binary string) (*house, *process, func()) {
	h, _ := faultHouse(t, binary)
	newer, upgraded := h.newer(t), false
	return h, h.serve(t, "e2e"), func() {
		if upgraded = !upgraded; upgraded {
			newer.migrate(t, "e2e")
		} else {
			newer.migrate(t, "e2e", ownVersion(t))
		}
	}
}

func beginFailOver(t *testing.T, binary string) (*house, *process, func()) {
	h, standby, uri := synchronous(t, binary)
	p := h.serve(t, "e2e", "PGRST_DB_URI="+uri, "PGRST_DB_URI_READ="+standby.cluster.URI("e2e_login", "e2e"))
	p.await(t, "Reads go to the standby")
	return standby, p, func() { failOver(t, h, standby) }
}

func beginBouncerKilled(t *testing.T, binary string) (*house, *process, func()) {
	h, p, b := beginBouncer(t, binary)
	return h, p, func() {
		b.kill()
		time.Sleep(200 * time.Millisecond)
		b.start(t)
	}
}

func beginBouncerReplaced(t *testing.T, binary string) (*house, *process, func()) {
	h, p, b := beginBouncer(t, binary)
	return h, p, func() { b.replace(t) }
}

func beginBouncer(t *testing.T, binary string) (*house, *process, *bouncer) {
	h, _ := faultHouse(t, binary)
	b := newBouncer(t, h.cluster)
	b.start(t)
	return h, h.serve(t, "e2e", b.settings()...), b
}

// stream is 200 requests a second, however long their answers take: half of them reads, half of them on connections of their own. Of
// each half some have shapes that are new.
type stream struct {
	base          string
	clients       [2]*http.Client
	writer        string
	stop          chan struct{}
	sending       sync.WaitGroup
	mutex         sync.Mutex
	began         time.Time
	sent          int
	reads, writes map[string]int // by status, and code of errors
	longest       time.Duration
	fates         map[fate][]string // of writes
}

const pace = 5 * time.Millisecond

// pour starts a stream.
func pour(t *testing.T, base string) *stream {
	t.Helper()
	s := &stream{
		base: base, writer: token(`{"role":"e2e_user"}`), stop: make(chan struct{}), began: time.Now(),
		reads: make(map[string]int), writes: make(map[string]int), fates: make(map[fate][]string),
	}
	for i := range s.clients {
		transport := &http.Transport{MaxIdleConnsPerHost: 32, DisableKeepAlives: i == 1}
		s.clients[i] = &http.Client{Transport: transport, Timeout: 30 * time.Second}
		t.Cleanup(transport.CloseIdleConnections)
	}
	s.sending.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-s.stop:
				return
			case <-time.After(time.Until(s.began.Add(time.Duration(n) * pace))):
				s.sending.Go(func() { s.send(n) })
			}
		}
	})
	return s
}

// end waits for all answers.
func (s *stream) end() {
	close(s.stop)
	s.sending.Wait()
}

// send sends the request of a number and notes what became of it.
func (s *stream) send(n int) {
	number := strconv.Itoa(n)
	kind := []struct{ method, target, body, answer string }{
		{"GET", "/books?id=eq.1&select=id", "", `200 [{"id":1}]`},
		{"POST", "/written", `{"id":` + number + `}`, "201 "},
		{"GET", "/books?id=eq.1&select=a" + strconv.Itoa(n/40) + ":id", "", `200 [{"a` + strconv.Itoa(n/40) + `":1}]`},
		{"POST", "/rpc/write_down", `{"id":` + number + `}`, "200 " + number},
	}[n%4]
	began := time.Now()
	answer := s.ask(n/4%2, kind.method, kind.target, kind.body)
	took := time.Since(began)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.sent++
	s.longest = max(s.longest, took)
	told, what := answer, acknowledged
	if answer == kind.answer {
		told, _, _ = strings.Cut(answer, " ")
	} else {
		status, body, _ := strings.Cut(answer, " ")
		what = unknown
		if code := (reply{body: body}).code(); code != "" {
			told, what = status+" "+code, fateAfter(code, body)
		}
	}
	if kind.method == "GET" {
		s.reads[told]++
		return
	}
	s.writes[told]++
	s.fates[what] = append(s.fates[what], number)
}

// ask returns the answer, or what is wrong.
func (s *stream) ask(client int, method, target, body string) string {
	request, err := http.NewRequest(method, s.base+target, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	if method != http.MethodGet {
		request.Header.Set("Authorization", s.writer)
	}
	response, err := s.clients[client].Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", response.StatusCode, text)
}

// row is the stream's row of the table.
func (s *stream) row(name string, times int) string {
	return fmt.Sprintf("| %s | %d | %d | %s | %s | %.1f s |", name, times, s.sent, failures(s.reads), failures(s.writes), s.longest.Seconds())
}

// failures says how many of which, "0" for none.
func failures(answers map[string]int) string {
	var parts []string
	for _, answer := range slices.Sorted(maps.Keys(answers)) {
		if answer != "200" && answer != "201" {
			parts = append(parts, fmt.Sprintf("%d × %s", answers[answer], answer))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "0")
}

// expect fails for answers that are neither good nor allowed.
func (s *stream) expect(t *testing.T, what string, answers map[string]int, allowed []string) {
	t.Helper()
	for answer, n := range answers {
		if answer != "200" && answer != "201" && !slices.Contains(allowed, answer) {
			t.Errorf("%d %s: %s", n, what, answer)
		}
	}
}

// check looks for the rows of writes: what was acknowledged is there once, what was refused is not.
func (s *stream) check(t *testing.T, h *house) {
	t.Helper()
	const rows = "(select count(*) from api.written as w where w.id = n::int)"
	for what, times := range map[fate]string{acknowledged: "<> 1", refused: "<> 0", unknown: "> 1"} {
		wrong := h.ask(t, "e2e", "select count(*) from unnest('{"+strings.Join(s.fates[what], ",")+"}'::text[]) as n where "+rows+times)
		if wrong != "0" {
			t.Errorf("%s of %d writes with fate %d have another number of rows", wrong, len(s.fates[what]), what)
		}
	}
	if rate := float64(s.sent) / time.Since(s.began).Seconds(); rate < 150 {
		t.Errorf("no more than %.0f requests a second", rate)
	}
}
