package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/cmd/internal/next"
	"postern/migrations"
	"postern/shell"
)

// From what is installed by this version to the next and back the catalog is what a fresh installation makes of it, and a server of
// this version answers every request meanwhile.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	h := build(t)
	newer := h.newer(t)
	h.database(t, "served", true)
	newer.database(t, "fresh", true)
	old, fresh := h.ask(t, "served", contents), h.ask(t, "fresh", contents)
	for _, part := range []string{"postern.statement_compiled(", "postern.next(", "{raw}", next.Version} {
		if !strings.Contains(fresh, part) || strings.Contains(old, part) {
			t.Fatalf("%s is not what the next version has, or this one has it", part)
		}
	}

	p := h.serve(t, "served")
	ends := keepAsking(t, p)
	migrate := func(by *house, to string, want string) {
		t.Helper()
		by.migrate(t, "served", strings.Fields(to)...)
		if got := h.ask(t, "served", contents); got != want {
			t.Errorf("%s: it is not what a fresh installation is:\n%s", to, firstDifference(got, want))
		}
	}
	migrate(newer, "", fresh)
	migrate(newer, ownVersion(t), old)
	migrate(newer, "", fresh)
	ends()

	// A connection that is opened now meets the newer functions, and the newer server had no need of them.
	if _, err := h.run(t, "migrate", "--db-uri", h.cluster.URI(h.cluster.Superuser, "served")); err == nil {
		t.Error("the older binary migrates what it does not know")
	}
	for _, by := range []*house{h, newer} {
		p := by.serve(t, "served")
		p.expect(t, "GET", "/books?id=eq.1&select=id", "", nil, 200, `[{"id":1}]`)
		told := "The database has postern " + next.Version + ", this binary is " + shell.Version + ": they work together"
		if strings.Contains(p.events.String(), told) != (by == h) {
			t.Error(p.events)
		}
	}
}

// newer is the same cluster with the binary of the next version.
func (h *house) newer(t *testing.T) *house {
	t.Helper()
	tree := next.Tree(t)
	newer := &house{binary: filepath.Join(tree, "newer"), cluster: h.cluster}
	command := []string{"build", "-o", newer.binary, "./cmd/postern"}
	if os.Getenv("POSTERN_RACE") != "" {
		command = append([]string{"build", "-race"}, command[1:]...)
	}
	next.Run(t, tree, "go", command...)
	return newer
}

// migrate installs the functions of the binary in a database, or those that its arguments say.
func (h *house) migrate(t *testing.T, database string, arguments ...string) {
	t.Helper()
	arguments = append([]string{"migrate", "--db-uri", h.cluster.URI(h.cluster.Superuser, database)}, arguments...)
	if out, err := h.run(t, arguments...); err != nil {
		t.Fatal(err, out)
	}
}

// ownVersion is the argument by which the next version's binary goes back to this one.
func ownVersion(t *testing.T) string {
	t.Helper()
	own, err := fs.Glob(migrations.Files, "[0-9]*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("--to=%d", len(own))
}

// keepAsking sends some 200 requests a second, until it is told to end, and fails for each that is not answered as it should be: of
// some the statements are kept, others are compiled each time.
func keepAsking(t *testing.T, p *process) (end func()) {
	t.Helper()
	var sent, failed atomic.Int64
	var sending sync.WaitGroup
	ended := make(chan struct{})
	user := []string{"Authorization", token(`{"role":"e2e_user"}`), "Prefer", "return=representation"}
	for n, request := range []struct {
		method, target, body string
		headers              []string
		status               int
		answer               string
	}{
		{"GET", "/books?id=eq.1&select=id,authors(name)", "", nil, 200, `^\[{"id":1,"authors":{"name":"Ann"}}\]$`},
		{"GET", "/books?select=id&limit=1&order=id", "", []string{"Range", "0-0"}, 200, `^\[{"id":1}\]$`},
		{"POST", "/rpc/add", `{"a": 1, "b": 2}`, nil, 200, `^3$`},
		{"POST", "/books?select=title", "title\nload\n", append(user, "Content-Type", "text/csv"), 201, `^\[{"title":"load"}\]$`},
		{"PATCH", "/authors?id=eq.2&select=id", `{"name":"Bo"}`, user, 200, `^\[{"id":2}\]$`},
		{"GET", "/missing", "", nil, 404, `PGRST205`},
	} {
		sending.Go(func() {
			for pace := time.NewTicker(30 * time.Millisecond); ; {
				select {
				case <-ended:
					return
				case <-pace.C:
				}
				r := p.send(t, request.method, request.target, request.body, request.headers...)
				if sent.Add(1); r.status != request.status || !regexp.MustCompile(request.answer).MatchString(r.body) {
					failed.Add(1)
					t.Errorf("request %d: %d %.300s", n, r.status, r.body)
				}
			}
		})
	}
	return func() {
		close(ended)
		sending.Wait()
		t.Logf("%d of %d requests failed", failed.Load(), sent.Load())
	}
}
