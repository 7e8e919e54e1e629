// Command bench measures postern beside hand-written HTTP handlers on net/http and pgx, on one machine, over loopback:
//
//   - hand-rls is what a careful engineer writes where the database guards the rows: verify the token (cached); BEGIN;
//     set role and claims; query; COMMIT; rows scanned into structs; encoding/json.
//   - hand-bare is the floor: one cached query, no token, no transaction, no role.
//
// All three serve the demo database from one private cluster that is made for the run and removed after it, with durability
// off, so that it is processors and not disks that are compared. Every server is a process of its own with ten connections
// to the database, over TCP as to a database on another machine; the load comes from this process. Rounds alternate
// between the servers, ratios are taken round by round, and all that is reported is a median over the rounds. Absolute
// figures say little about another machine.
//
// `bench catalog` measures something else: the first request of a fresh process, and memory, with few and with many relations.
//
// The exit code is 0 when everything ran, whatever the figures; 1 when something did not, or a server answered something
// else than the others.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	rounds   int
	duration time.Duration
	cases    []benchCase
	conns    []int
	json     string // file for the report as JSON; empty for none
	tcp      bool   // whether the servers connect to the database over TCP
	postern  string // the binary to measure; empty to build it
}

// errUsage has been told on standard error already.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	var err error
	if len(os.Args) > 2 && os.Args[1] == serveHandCommand {
		err = serveHand(ctx, os.Args[2])
	} else if len(os.Args) > 1 && os.Args[1] == catalogCommand {
		err = benchCatalog(ctx, os.Args[2:], os.Stdout)
	} else {
		err = bench(ctx, os.Args[1:], os.Stdout)
	}
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 5, "rounds for each case and number of connections")
	flags.DurationVar(&o.duration, "duration", 2*time.Second, "length of a round for each server")
	chosen := flags.String("cases", strings.Join(caseNames(), ","), "cases to run")
	conns := flags.String("conns", "1,16", "numbers of connections to load with")
	flags.StringVar(&o.json, "json", "", "`file` to write the report to as JSON")
	network := flags.String("network", "tcp", "how the servers connect to the database: tcp or unix")
	flags.StringVar(&o.postern, "postern", "", "`binary` to measure (default: built from the sources)")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	fail := func(format string, a ...any) (options, error) {
		_, _ = fmt.Fprintf(flags.Output(), format+"\n", a...)
		flags.Usage()
		return o, errUsage
	}
	if flags.NArg() > 0 {
		return fail("too many arguments: %s", strings.Join(flags.Args(), " "))
	}
	if o.rounds < 1 || o.duration <= 0 {
		return fail("there must be a round, and it must take some time")
	}
	if *network != "tcp" && *network != "unix" {
		return fail("the network is tcp or unix, not %q", *network)
	}
	o.tcp = *network == "tcp"
	for name := range strings.SplitSeq(*chosen, ",") {
		i := slices.IndexFunc(cases, func(c benchCase) bool { return c.name == name })
		if i < 0 {
			return fail("there is no case %q; the cases are %s", name, strings.Join(caseNames(), ", "))
		}
		o.cases = append(o.cases, cases[i])
	}
	for text := range strings.SplitSeq(*conns, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fail("%q is no number of connections", text)
		}
		o.conns = append(o.conns, n)
	}
	return o, nil
}

// bench runs the whole benchmark and prints its table.
func bench(ctx context.Context, arguments []string, out io.Writer) (err error) {
	o, err := parseOptions(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return errUsage
	}
	dir, err := os.MkdirTemp("", "postern-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.postern == "" {
		progress("building postern")
		o.postern = filepath.Join(dir, "postern")
		if err := buildPostern(ctx, o.postern); err != nil {
			return err
		}
	}
	progress("making the demo database")
	db, err := startDatabase(ctx, o.postern, o.tcp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.stop()) }()
	servers, err := startServers(ctx, db, o.postern)
	if err != nil {
		return err
	}
	defer stopServers(servers)

	result := &report{Machine: describeMachine(ctx, db), Rounds: o.rounds, Seconds: o.duration.Seconds()}
	progress("timing compilation")
	if result.Compile, err = timeCompile(ctx, db); err != nil {
		return err
	}
	failed := measureAll(ctx, o, db, servers, result)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	for _, s := range servers {
		result.Memory = append(result.Memory, memory{Server: s.name, PeakMiB: peakMemory(s.pid())})
	}
	result.judge()
	if err := result.print(out); err != nil {
		return err
	}
	if o.json != "" {
		failed = errors.Join(failed, result.write(o.json))
	}
	return failed
}

// measureAll runs the cases one after the other. One that fails does not keep the others from running.
func measureAll(ctx context.Context, o options, db *database, servers []*server, result *report) error {
	var failed error
	for _, c := range o.cases {
		measured, err := measureCase(ctx, o, c, db, servers)
		result.Results = append(result.Results, measured...)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			err = fmt.Errorf("case %s: %w", c.name, err)
			progress(err.Error())
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// progress tells on standard error what is being done.
func progress(sentence string) { _, _ = fmt.Fprintln(os.Stderr, "bench:", sentence) }
