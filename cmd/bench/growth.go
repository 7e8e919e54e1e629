package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// growth is a run that measures how postern does as one thing grows and all else stays.
type growth struct {
	options options
	db      *database
	dir     string // for the charts
	only    []string
	points  map[string][]int // by the name of a dimension
}

// A dimension is what grows. Its trials at a point are made of what was made for the points before, which are smaller.
type dimension struct {
	name   string // of the flag and the file
	title  string // of the axis
	points string // where it is measured, unless a flag says otherwise
	trials func(ctx context.Context, g *growth, at int) ([]trial, error)
}

// dimensions end with that which fills the catalog.
var dimensions = []dimension{
	{"rows", "rows of an answer", "1,10,100,1000,10000", rowTrials},
	{"roles", "roles", "1,10,100,1000", roleTrials},
	{"shapes", "shapes of requests", "1,10,100,1000,10000,100000", shapeTrials},
	{"connections", "connections of clients", "1,5,20,100,500", connectionTrials},
	{"relations", "relations in the schema", "10,100,1000,10000,50000", relationTrials},
}

// A trial is what a fresh process is asked, on so many connections.
type trial struct {
	curve       string
	env         []string // settings
	fill        [][]byte // sent before; nil for the requests themselves
	requests    [][]byte
	shapes      int // that these are, for each session to meet before; 0 where they are measured as they are met first
	connections int
}

// grown is what a trial at a point showed. Memory is in MiB.
type grown struct {
	curve string
	at    int
	round
	shell    float64 // the most that postern had resident
	session  float64 // what the largest session has of its own
	sessions float64 // what all have
	count    int     // how many these are
	failed   error
}

const (
	growthClients = 16
	// So many requests are all sent before it is measured, more of them for as long as is said.
	fillAll = 20000
	fillFor = 30 * time.Second
	// The description of 50,000 relations takes more than a request may take elsewhere.
	growthPatience = 3 * time.Minute
)

// benchGrowth measures the dimensions one after the other. Each has its table and its chart as soon as it has been
// measured.
func benchGrowth(ctx context.Context, arguments []string, out io.Writer) (err error) {
	g, err := parseGrowth(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return errUsage
	}
	if err := os.MkdirAll(g.dir, 0o755); err != nil {
		return err
	}
	remove, err := g.options.build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	cluster := clusterOptions()
	cluster.Settings["max_connections"] = strconv.Itoa(slices.Max(g.points["connections"]) + 50)
	if g.db, err = startDatabase(ctx, cluster, g.options.postern, g.options.tcp); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.db.stop()) }()
	if _, err := fmt.Fprintf(out, "%s; rounds of %s\n", g.db.describe(ctx), g.options.duration); err != nil {
		return err
	}
	var failed error
	for _, d := range dimensions {
		if len(g.only) > 0 && !slices.Contains(g.only, d.name) {
			continue
		}
		if err := g.measure(ctx, d, out); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", d.name, err))
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
	}
	return failed
}

func parseGrowth(arguments []string) (*growth, error) {
	g := &growth{options: options{tcp: true}, points: make(map[string][]int)}
	flags := flag.NewFlagSet("bench growth", flag.ContinueOnError)
	flags.DurationVar(&g.options.duration, "duration", 2*time.Second, "length of the measurement of each point")
	flags.StringVar(&g.dir, "out", filepath.Join("bin", "growth"), "`directory` for the charts")
	flags.StringVar(&g.options.postern, "postern", "", "`binary` to measure (default: built from the sources)")
	only := flags.String("only", "", "`names` of dimensions to measure, by commas (default: all)")
	texts := make(map[string]*string)
	for _, d := range dimensions {
		texts[d.name] = flags.String(d.name, d.points, "`points` to measure: "+d.title+", in ascending order")
	}
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	fail := func(format string, a ...any) (*growth, error) {
		_, _ = fmt.Fprintf(flags.Output(), format+"\n", a...)
		flags.Usage()
		return nil, errUsage
	}
	if flags.NArg() > 0 || g.options.duration <= 0 {
		return fail("there are too many arguments, or no time to measure")
	}
	for name, text := range texts {
		for part := range strings.SplitSeq(*text, ",") {
			n, err := strconv.Atoi(part)
			if err != nil || n < 1 || len(g.points[name]) > 0 && n <= slices.Max(g.points[name]) {
				return fail("-%s: %q is no number, or not greater than the one before", name, part)
			}
			g.points[name] = append(g.points[name], n)
		}
	}
	if *only != "" {
		g.only = strings.Split(*only, ",")
	}
	for _, name := range g.only {
		if texts[name] == nil {
			return fail("there is no dimension %q", name)
		}
	}
	return g, nil
}

// measure measures a dimension, prints its table and draws it. A point that fails does not keep the others from being
// measured.
func (g *growth) measure(ctx context.Context, d dimension, out io.Writer) error {
	var all []grown
	var failed error
	for _, at := range g.points[d.name] {
		trials, err := d.trials(ctx, g, at)
		if err != nil {
			return err
		}
		for _, t := range trials {
			progress(fmt.Sprintf("%s: %d, %s", d.title, at, t.curve))
			one := g.try(ctx, t)
			one.curve, one.at = t.curve, at
			if all = append(all, one); one.failed != nil {
				first, _, _ := strings.Cut(one.failed.Error(), "\n") // each connection has its own
				failed = errors.Join(failed, fmt.Errorf("%d, %s: %s", at, t.curve, first))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	if err := printGrowth(out, d, all); err != nil {
		return err
	}
	file := filepath.Join(g.dir, d.name+".svg")
	if err := drawGrowth(file, d, all); err != nil {
		return err
	}
	progress("wrote " + file)
	return failed
}

// try starts postern, fills it, and measures it.
func (g *growth) try(ctx context.Context, t trial) (found grown) {
	o := g.options
	o.env = t.env
	s, err := startOne(ctx, g.db, o, command{posternName, []string{o.postern, "serve"}})
	if s != nil {
		defer stopServers([]*server{s})
	}
	if err != nil {
		return grown{failed: err}
	}
	asking := &asked{requests: t.requests, patience: growthPatience}
	if err := g.fill(ctx, s, t, asking); err != nil {
		return grown{failed: err}
	}
	if found.round, err = measure(ctx, g.db, s, asking, t.connections, o.duration); err != nil {
		return grown{failed: err}
	}
	if found.shell, err = memoryOf(s.pid(), "status", "VmHWM"); err != nil {
		return grown{failed: err}
	}
	private, _, err := g.db.memory(ctx, s.name)
	for _, mib := range private {
		found.session, found.sessions, found.count = max(found.session, mib), found.sessions+mib, found.count+1
	}
	found.failed = err
	return found
}

// fill sends what goes before a measurement.
func (g *growth) fill(ctx context.Context, s *server, t trial, asking *asked) error {
	fill := asking
	if t.fill != nil {
		fill = &asked{requests: t.fill, patience: growthPatience}
	}
	duration := time.Duration(0)
	if len(fill.requests) > fillAll {
		duration = fillFor
	}
	// Not more connections to the database at once than come up in time.
	for connections := min(t.connections, growthClients); ; connections = min(2*connections, t.connections) {
		if _, err := load(ctx, s.address, fill, connections, duration); err != nil {
			return err
		}
		if connections == t.connections {
			break
		}
	}
	settle := g.options.duration/2 + min(time.Duration(t.shapes)*10*time.Millisecond, fillFor/3)
	_, err := load(ctx, s.address, asking, t.connections, settle)
	return err
}

// printGrowth writes the table of a dimension.
func printGrowth(out io.Writer, d dimension, all []grown) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(table, "\n%s\t\trequests/s\tp50 ms\tp99 ms\tserver CPU µs\tdatabase CPU µs\tpostern MiB\t"+
		"largest session MiB\tsessions\tall MiB\t\n", d.title)
	for _, one := range all {
		if one.failed != nil {
			_, _ = fmt.Fprintf(table, "%d\t%s\tfailed\t\t\t\t\t\t\t\t\t\n", one.at, one.curve)
			continue
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%.4g\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.1f\t%d\t%.0f\t\n", one.at, one.curve,
			one.Rate, one.P50, one.P99, one.ServerCPU, one.DatabaseCPU, one.shell, one.session, one.count, one.sessions)
	}
	return table.Flush()
}
