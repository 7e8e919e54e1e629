// Command bench measures postern beside hand-written HTTP handlers on net/http and pgx, on one machine, over loopback,
// on the database of an application (app.sql):
//
//   - hand is what a careful engineer writes where the database guards the rows: verify the token (cached); BEGIN; set
//     role and claims; query; COMMIT, which are four trips; rows scanned into structs; encoding/json.
//   - pipelined is as well as it can be done: settings and one query that makes the JSON in PostgreSQL, prepared, sent
//     in one batch, which is an implicit transaction.
//   - bare is the floor: one cached query, rows scanned into structs, no token, no transaction, no role.
//
// All serve one private cluster that is made for the run and removed after it, with durability off, so that it is
// processors and not disks that are compared. Every server is a process of its own with ten connections to the
// database, over TCP as to a database on another machine; the load comes from this process. Before a case is measured
// all must give the same answers and write the same rows. Rounds alternate between the servers, ratios are taken round
// by round, and all that is reported is a median over the rounds. Absolute figures say little about another machine.
//
//	bench           the cases, new shapes and new connections (a quarter of an hour)
//	bench idle      200 requests after a pause of 60 seconds
//	bench memory    what 10,000 shapes and 300 deep embeds leave in memory
//	bench batch     ten inserts in a batch beside ten requests
//	bench etags     what If-Match adds to a PATCH
//	bench query     100,000 keys by QUERY beside the same in SQL
//	bench catalog   first requests of a fresh process, and memory, with few and with many relations
//	bench growth    requests per second and memory by rows, roles, shapes, connections and relations, drawn in bin/growth
//	bench soak      30 minutes of the mix beside DDL, reloads and restarts of PostgreSQL: is all right, is nothing lost?
//
// Other settings: -env PGRST_DB_TX_END=commit-allow-override -env PGRST_DB_PRE_REQUEST=app.check_request -profile.
// Another server with PostgREST's settings and URLs beside it: -other postgrest=/usr/local/bin/postgrest.
//
// The exit code is 0 when everything ran, whatever the figures; 1 when something did not, or a server answered
// something else than the others. That of bench soak is 1 also when memory grew.
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
	mode     string // cases, idle, memory, batch, etags or query
	rounds   int
	duration time.Duration
	pause    time.Duration
	cases    []benchCase
	conns    []int
	json     string    // file for the report as JSON; empty for none
	tcp      bool      // whether the servers connect to the database over TCP
	postern  string    // the binary to measure; empty to build it
	others   []command // further servers with PostgREST's settings
	env      []string  // more settings of these
	profile  bool      // whether there are two schemas, and the requests name theirs
}

// command is how a server is started.
type command struct {
	name  string
	words []string
}

// usage is printed before the flags.
const usage = `bench [flags]    the cases, new shapes and new connections
bench idle [flags], bench memory [flags]    after a pause; what many shapes leave in memory
bench batch [flags]    ten inserts in a batch beside ten requests
bench etags [flags]    what If-Match adds to a PATCH
bench query [flags]    100,000 keys by QUERY beside the same in SQL
bench catalog, bench growth, bench soak    with flags of their own: bench growth -help
`

// errUsage has been reported on standard error already.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does what the arguments say.
func run(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) == 2 && arguments[0] == serveHandCommand {
		return serveHand(ctx, arguments[1])
	}
	if len(arguments) > 0 && arguments[0] == "catalog" {
		return benchCatalog(ctx, arguments[1:], out)
	}
	if len(arguments) > 0 && arguments[0] == "growth" {
		return benchGrowth(ctx, arguments[1:], out)
	}
	if len(arguments) > 0 && arguments[0] == "soak" {
		return benchSoak(ctx, arguments[1:], out)
	}
	o, err := parseOptions(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return errUsage
	}
	return bench(ctx, o, out)
}

func parseOptions(arguments []string) (options, error) {
	o := options{mode: "cases"}
	if len(arguments) > 0 && slices.Contains([]string{"idle", "memory", "batch", "etags", "query"}, arguments[0]) {
		o.mode, arguments = arguments[0], arguments[1:]
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 3, "rounds for each case and number of connections")
	flags.DurationVar(&o.duration, "duration", 750*time.Millisecond, "length of a round for each server")
	flags.DurationVar(&o.pause, "pause", time.Minute, "length of the pause of bench idle")
	chosen := flags.String("cases", "", "`names` of cases to run, or what they begin with, by commas (default: all)")
	conns := flags.String("conns", "1,16,64", "numbers of connections to load with")
	flags.StringVar(&o.json, "json", "", "`file` to write the report to as JSON")
	network := flags.String("network", "tcp", "how the servers connect to the database: tcp or unix")
	flags.StringVar(&o.postern, "postern", "", "`binary` to measure (default: built from the sources)")
	flags.BoolVar(&o.profile, "profile", false, "two schemas, and Accept-Profile or Content-Profile in every request")
	flags.Func("env", "setting of postern and the others, `NAME=VALUE`; may be repeated", func(text string) error {
		o.env = append(o.env, text)
		return nil
	})
	const other = "another server to measure, `NAME=COMMAND`, which gets postern's settings; may be repeated"
	flags.Func("other", other, func(text string) error {
		name, line, _ := strings.Cut(text, "=")
		words := strings.Fields(line)
		if name == "" || len(words) == 0 {
			return errors.New("not NAME=COMMAND")
		}
		o.others = append(o.others, command{name, words})
		return nil
	})
	flags.Usage = func() {
		_, _ = fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
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
	var err error
	if o.cases, err = matching(*chosen); err != nil {
		return fail("%v", err)
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

// build builds postern where no binary is named, and returns what removes it again.
func (o *options) build(ctx context.Context) (remove func(), err error) {
	if o.postern != "" {
		o.postern, err = filepath.Abs(o.postern)
		return func() {}, err
	}
	dir, err := os.MkdirTemp("", "postern-bench-")
	if err != nil {
		return nil, err
	}
	o.postern = filepath.Join(dir, "postern")
	if err := buildPostern(ctx, o.postern); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return func() { _ = os.RemoveAll(dir) }, nil
}

// bench measures what the mode says and prints a report.
func bench(ctx context.Context, o options, out io.Writer) (err error) {
	remove, err := o.build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	db, err := startDatabase(ctx, clusterOptions(), o.postern, o.tcp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.stop()) }()
	servers, err := startServers(ctx, db, o)
	if err != nil {
		return err
	}
	defer stopServers(servers)
	result := &report{Machine: db.describe(ctx), Options: o.String()}
	failed := o.measure(ctx, db, servers, result)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err := result.print(out); err != nil {
		return err
	}
	if o.json != "" {
		failed = errors.Join(failed, result.write(o.json))
	}
	return failed
}

// runsCode reports whether code of the user's runs before every request.
func (o options) runsCode() bool {
	return slices.ContainsFunc(o.env, func(setting string) bool {
		return strings.HasPrefix(setting, "PGRST_DB_PRE_REQUEST=")
	})
}

// String returns what the figures depend on.
func (o options) String() string {
	text := fmt.Sprintf("medians of %d rounds of %s", o.rounds, o.duration)
	if o.profile {
		text += ", two schemas"
	}
	return strings.Join(append([]string{text}, o.env...), ", ")
}

// measure adds to the report what the mode is about. A case that fails does not keep the others from running.
func (o options) measure(ctx context.Context, db *database, servers []*server, result *report) error {
	add := func(targets []target, err error) error {
		result.Targets = append(result.Targets, targets...)
		return err
	}
	switch o.mode {
	case "idle":
		return add(measureIdle(ctx, db, servers, o.pause))
	case "etags":
		return add(measureTags(ctx, db, servers[0]))
	case "memory":
		return add(measureMemory(ctx, db, servers[0]))
	case "query":
		return add(measureQuery(ctx, o, db, servers[0]))
	case "batch":
		return add(measureBatch(ctx, o, db, servers[0]))
	}
	var failed error
	for _, c := range o.cases {
		measured, err := measureCase(ctx, o, c, db, servers)
		result.Results = append(result.Results, measured...)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			err = fmt.Errorf("case %s: %w", c.name, err)
			progress(err.Error())
			failed = errors.Join(failed, err)
		}
	}
	result.judge()
	failed = errors.Join(failed, add(measureNewShapes(ctx, db, servers[0])))
	return errors.Join(failed, add(measureNewConnection(ctx, db, o)))
}

// progress reports on standard error what is being done.
func progress(sentence string) { _, _ = fmt.Fprintln(os.Stderr, "bench:", sentence) }
