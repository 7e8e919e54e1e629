package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/cluster"
)

// catalogSize is how large a database is. Table n refers to table n/10; view n joins the two.
type catalogSize struct{ tables, views, junctions int }

// catalogRequests are embeds: of a table, of a view, of a view three levels deep, and of one of many junctions, which
// the hint names.
var catalogRequests = []struct{ name, target string }{
	{"table", "/t20?select=id,name,t2(name)"},
	{"view", "/v20?select=id,name,t2(name)"},
	{"view of a view of a view", "/deep?select=id,name,t2(name)"},
	{"junction", "/hub_a?select=id,hub_b!j5(id)"},
}

// cold is what one fresh process showed: milliseconds of its first requests, all the same, and MiB.
type cold struct {
	taken            [3]float64
	shell, ofSession float64
}

// benchCatalog measures databases with few and with many relations.
func benchCatalog(ctx context.Context, arguments []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench catalog", flag.ContinueOnError)
	tables := flags.Int("tables", 10000, "tables of the large database, at least 100")
	views := flags.Int("views", 2000, "its views, from 20 to the number of tables")
	junctions := flags.Int("junctions", 2500, "tables that relate the same two others, at least 5")
	rounds := flags.Int("rounds", 5, "fresh processes for each request")
	var o options
	flags.StringVar(&o.postern, "postern", "", "`binary` to measure (default: built from the sources)")
	if err := flags.Parse(arguments); err != nil {
		return errUsage
	}
	if flags.NArg() > 0 || *tables < 100 || *views < 20 || *views > *tables || *junctions < 5 || *rounds < 1 {
		flags.Usage()
		return errUsage
	}
	remove, err := o.build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	c, err := cluster.Start(ctx, clusterOptions())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	const roles = "create role app_anon; create role authenticator login noinherit in role app_anon"
	if err := c.Exec(ctx, "postgres", roles); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table,
		"tables\tviews\tembed of\tfirst request ms\tsecond ms\tthird ms\tpostern MiB\tits session MiB")
	for _, size := range []catalogSize{{100, 20, 5}, {*tables, *views, *junctions}} {
		name := fmt.Sprintf("of_%d", size.tables)
		progress(fmt.Sprintf("making a database of %d tables and %d views", size.tables, size.views))
		if err := makeCatalog(ctx, c, name, size, o.postern); err != nil {
			return err
		}
		for _, request := range catalogRequests {
			var rounded []cold
			for range *rounds {
				one, err := coldStart(ctx, c, name, o, request.target)
				if err != nil {
					return fmt.Errorf("%s: %w", request.target, err)
				}
				rounded = append(rounded, one)
			}
			of := func(f func(cold) float64) float64 { return median(mapped(rounded, f)) }
			_, _ = fmt.Fprintf(table, "%d\t%d\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\n", size.tables, size.views, request.name,
				of(func(c cold) float64 { return c.taken[0] }), of(func(c cold) float64 { return c.taken[1] }),
				of(func(c cold) float64 { return c.taken[2] }), of(func(c cold) float64 { return c.shell }),
				of(func(c cold) float64 { return c.ofSession }))
		}
	}
	return table.Flush()
}

// makeCatalog makes a database of that size with postern in it.
func makeCatalog(ctx context.Context, c *cluster.Cluster, name string, size catalogSize, binary string) error {
	if err := c.Exec(ctx, "postgres", "create database "+name); err != nil {
		return err
	}
	statements := []string{
		"create schema app; grant usage on schema app to app_anon; " +
			"alter default privileges in schema app grant select on tables to app_anon",
		"create table app.t1 (id int primary key, name text, ref int)",
	}
	for n := 2; n <= size.tables; n++ {
		statements = append(statements, fmt.Sprintf(
			"create table app.t%d (id int primary key, name text, ref int references app.t%d)", n, max(n/10, 1)))
	}
	for n := 2; n <= size.views+1; n++ {
		statements = append(statements, fmt.Sprintf(
			"create view app.v%d as select t.id, t.name, t.ref, up.name as up "+
				"from app.t%[1]d as t join app.t%d as up on up.id = t.ref", n, max(n/10, 1)))
	}
	statements = append(statements, "create view app.deeper as select * from app.v20",
		"create view app.deep as select * from app.deeper",
		"create table app.hub_a (id int primary key); create table app.hub_b (id int primary key)")
	for n := 1; n <= size.junctions; n++ {
		statements = append(statements, fmt.Sprintf(
			"create table app.j%d (a int references app.hub_a, b int references app.hub_b, primary key (a, b))", n))
	}
	for batch := 500; len(statements) > 0; statements = statements[min(batch, len(statements)):] {
		if err := c.Exec(ctx, name, strings.Join(statements[:min(batch, len(statements))], ";\n")); err != nil {
			return err
		}
	}
	if err := c.Exec(ctx, name, "vacuum (analyze)"); err != nil {
		return err
	}
	return migrate(ctx, binary, c.URI(c.Superuser, name))
}

// coldStart starts postern, waits until it says that it is ready, and sends it the same request three times.
func coldStart(
	ctx context.Context, c *cluster.Cluster, database string, o options, target string,
) (made cold, err error) {
	address, err := freeAddress()
	if err != nil {
		return made, err
	}
	admin, err := freeAddress()
	if err != nil {
		return made, err
	}
	s := &server{name: posternName, address: admin, process: exec.CommandContext(ctx, o.postern, "serve")}
	_, port, _ := strings.Cut(admin, ":")
	s.process.Env = append(o.environment(c.URI(authenticator, database), address), "PGRST_DB_SCHEMAS=app",
		"PGRST_ADMIN_SERVER_PORT="+port)
	var log strings.Builder
	s.process.Stderr = &log
	if err := s.start(); err != nil {
		return made, err
	}
	defer func() {
		stopServers([]*server{s})
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, log.String())
		}
	}()
	if err := s.await(ctx, []byte("GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")); err != nil {
		return made, err
	}
	s.address = address
	for i := range made.taken {
		began := time.Now()
		if _, err := s.ask(ctx, []byte("GET "+target+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 200); err != nil {
			return made, err
		}
		made.taken[i] = milliseconds(time.Since(began))
	}
	if made.shell, err = memoryOf(s.pid(), "status", "VmRSS"); err != nil {
		return made, err
	}
	conn, err := pgx.Connect(ctx, c.URI(c.Superuser, database))
	if err != nil {
		return made, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "select pid from pg_stat_activity where usename = $1", authenticator)
	if err != nil {
		return made, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	for _, pid := range pids {
		mib, failed := memoryOf(pid, "status", "RssAnon")
		made.ofSession, err = max(made.ofSession, mib), errors.Join(err, failed)
	}
	return made, err
}
