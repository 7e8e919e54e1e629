package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"postern/cmd/internal/cluster"
)

const (
	soakClients   = 8
	soakQuestions = 40 // different requests of each case that reads
)

// soak is a run of the mix beside all that happens to an application's database.
type soak struct {
	db       *database
	options  cluster.Options
	shell    *server
	kinds    []*soakKind
	book     *book
	trouble  atomic.Int64 // odd while PostgreSQL is restarted
	turn     atomic.Int64
	mutex    sync.Mutex
	problems []string // the first of them
	happened map[string]int
	memory   []memorySample
}

// soakKind is a case and how often it was asked.
type soakKind struct {
	benchCase
	numbers  []int // of the requests whose answers are known
	expected []answered
	right    atomic.Int64
	down     atomic.Int64 // answered by an error that a restart accounts for
	wrong    atomic.Int64
}

// benchSoak runs the mix for some minutes and reports what was tried and what failed.
func benchSoak(ctx context.Context, arguments []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench soak", flag.ContinueOnError)
	minutes := flags.Float64("minutes", 30, "how long it takes")
	// What is kept of statements reaches its bound soon, so that memory that grows beyond it is seen.
	o := options{env: []string{"PGRST_DB_STATEMENT_CACHE_SIZE=4194304"}}
	flags.StringVar(&o.postern, "postern", "", "`binary` to try (default: built from the sources)")
	if err := flags.Parse(arguments); err != nil {
		return errUsage
	}
	if flags.NArg() > 0 || *minutes <= 0 {
		flags.Usage()
		return errUsage
	}
	remove, err := o.build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	s := &soak{options: clusterOptions(), book: newBook(), happened: make(map[string]int)}
	if s.options.Dir, err = os.MkdirTemp("", "postern-soak-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Remove(context.WithoutCancel(ctx), s.options.Dir)) }()
	// Processes are killed here, machines are not.
	for name, value := range map[string]string{
		"autovacuum": "on", "fsync": "off", "synchronous_commit": "on", "full_page_writes": "off",
	} {
		s.options.Settings[name] = value
	}
	if s.db, err = startDatabase(ctx, s.options, o.postern, true); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.db.stop()) }()
	s.options.Port = s.db.cluster.Port
	if s.shell, err = startOne(ctx, s.db, o, command{posternName, []string{o.postern, "serve"}}); s.shell != nil {
		defer stopServers([]*server{s.shell})
	}
	if err != nil {
		return err
	}
	if err := s.learn(ctx, o); err != nil {
		return err
	}
	if err := s.run(ctx, time.Duration(*minutes*float64(time.Minute))); err != nil {
		return err
	}
	return s.report(ctx, out)
}

// learn asks a hand-written server for the answers of requests that read.
func (s *soak) learn(ctx context.Context, o options) error {
	hand, err := startHand(ctx, s.db, o, pipelinedName)
	if hand != nil {
		defer stopServers([]*server{hand})
	}
	if err != nil {
		return err
	}
	progress("asking for the answers")
	known := make(map[string]*soakKind)
	for _, c := range parts {
		k := known[c.name]
		if k == nil {
			k = &soakKind{benchCase: c}
			known[c.name] = k
			for i := 0; i < min(soakQuestions, c.requests) && c.writes == nil; i++ {
				n := i * 7919 % c.requests
				answer, err := s.answer(ctx, hand, k, n)
				if err != nil {
					return fmt.Errorf("%s, request %d: %w", c.name, n, err)
				}
				k.numbers, k.expected = append(k.numbers, n), append(k.expected, answer)
			}
		}
		s.kinds = append(s.kinds, k)
	}
	return nil
}

// answer is what a server gives for a request that reads, without what requests that write or DDL change.
func (s *soak) answer(ctx context.Context, from *server, k *soakKind, n int) (answered, error) {
	got, err := from.ask(ctx, from.request(k.benchCase, n, s.db.tokens), k.status)
	if err != nil {
		return answered{}, err
	}
	return k.understood(got)
}

func (k *soakKind) understood(got response) (a answered, err error) {
	a.status = got.status
	if k.counts {
		a.total = got.total
	}
	a.value, err = decode(got.body, false)
	a.value = constant(a.value)
	return a, err
}

// constant leaves out of rows what does not stay.
func constant(value any) any {
	switch value := value.(type) {
	case []any:
		return mapped(value, constant)
	case map[string]any:
		for _, name := range []string{"city", "body", "updated_at", "soak_extra"} {
			delete(value, name)
		}
		for name, field := range value {
			value[name] = constant(field)
		}
	}
	return value
}

// run has clients ask while everything happens.
func (s *soak) run(ctx context.Context, length time.Duration) error {
	progress(fmt.Sprintf("the mix on %d connections for %s", soakClients, length))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	for range soakClients {
		group.Go(func() { s.ask(asking) })
	}
	began := time.Now()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		s.watch(asking, began)
	}()
	err := s.disturb(ctx, began, length)
	stop()
	group.Wait()
	<-watching
	return err
}

// ask sends one request of the mix after the other.
func (s *soak) ask(ctx context.Context) {
	var c *client
	defer func() {
		if c != nil {
			_ = c.conn.Close()
		}
	}()
	for ctx.Err() == nil {
		turn := int(s.turn.Add(1))
		k := s.kinds[turn%len(s.kinds)]
		send := func(request []byte) (response, error) {
			if c == nil {
				var err error
				if c, err = dial(context.WithoutCancel(ctx), s.shell.address); err != nil {
					return response{}, err
				}
			}
			_ = c.conn.SetDeadline(time.Now().Add(patience))
			got, err := c.do(request, k.status, true)
			if err != nil && got.status == 0 || got.closes {
				_ = c.conn.Close()
				c = nil
			}
			return got, err
		}
		before := s.trouble.Load()
		var outcome fate
		var problem error
		if k.writes != nil {
			outcome, problem = s.book.write(k, turn, s.db.tokens.hs256, send)
		} else {
			outcome, problem = s.read(k, turn, send)
		}
		troubled := before%2 == 1 || s.trouble.Load() != before
		switch {
		case problem == nil && outcome == kept:
			k.right.Add(1)
		case problem == nil && troubled:
			k.down.Add(1)
			time.Sleep(5 * time.Millisecond)
		default:
			k.wrong.Add(1)
			s.problem(fmt.Sprintf("%s, turn %d, restarting: %t: %v", k.name, turn, troubled, problem))
		}
	}
}

// read asks a question whose answer is known.
func (s *soak) read(k *soakKind, turn int, send func([]byte) (response, error)) (fate, error) {
	i := turn / len(s.kinds) % len(k.numbers)
	got, err := send(s.shell.request(k.benchCase, k.numbers[i], s.db.tokens))
	switch {
	case err != nil && k.name == "row-head" && (got.status == 503 || got.status == 504):
		return lost, nil // it has no body to say why
	case err != nil:
		return failed(got, err)
	}
	found, err := k.understood(got)
	if err != nil {
		return lost, err
	}
	if k.name == "row-head" {
		found.value = k.expected[i].value
	}
	text, _ := json.Marshal(found.value)
	want, _ := json.Marshal(k.expected[i].value)
	if found.status != k.expected[i].status || found.total != k.expected[i].total || string(text) != string(want) {
		return lost, fmt.Errorf("request %d: %d %s %.300s, not %.300s", k.numbers[i], found.status, found.total, text, want)
	}
	return kept, nil
}

// failed returns what an error means: of those that a restart explains what becomes of a write, of all others that they
// are wrong.
func failed(got response, err error) (fate, error) {
	var failure struct{ Code, Message *string }
	if got.status == 0 || json.Unmarshal(got.body, &failure) != nil || failure.Code == nil || failure.Message == nil {
		return unknown, err
	}
	switch *failure.Code {
	case "PGRST001", "57P01", "57P02":
		return unknown, nil
	case "PGRST000", "PGRST003", "57P03":
		return lost, nil
	}
	return lost, err
}

func (s *soak) problem(text string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.problems = append(s.problems, text); len(s.problems) <= 20 {
		progress(text)
	}
}

// each are the kinds, once each, by name.
func (s *soak) each() []*soakKind {
	seen := make(map[*soakKind]bool)
	var all []*soakKind
	for _, k := range s.kinds {
		if !seen[k] {
			all = append(all, k)
		}
		seen[k] = true
	}
	slices.SortFunc(all, func(a, b *soakKind) int { return slices.Index(names(), a.name) - slices.Index(names(), b.name) })
	return all
}

func names() []string { return mapped(cases, func(c benchCase) string { return c.name }) }
