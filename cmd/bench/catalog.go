package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/cluster"
)

// catalogCommand measures postern on databases with few and with many relations instead of beside other servers: how long the
// first request to an embed takes in a fresh process on fresh connections, and what memory the process and its backend hold
// then. It takes about a minute.
const catalogCommand = "catalog"

// catalogSize is how large a database is. Table n refers to table n/10; view n joins the two.
type catalogSize struct{ tables, views, junctions int }

// catalogRequests are embeds: of a table, of a view, of a view three levels deep, and of one of many junctions, which the hint names.
var catalogRequests = []struct{ name, target string }{
	{"table", "/t20?select=id,name,t2(name)"},
	{"view", "/v20?select=id,name,t2(name)"},
	{"view of a view of a view", "/deep?select=id,name,t2(name)"},
	{"junction", "/hub_a?select=id,hub_b!j5(id)"},
}

// cold is what one fresh process showed.
type cold struct {
	first, second, third float64 // milliseconds of its first requests, all the same
	shellKiB, backendKiB float64
}

func benchCatalog(ctx context.Context, arguments []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench "+catalogCommand, flag.ContinueOnError)
	tables := flags.Int("tables", 10000, "tables of the large database, at least 100")
	views := flags.Int("views", 2000, "its views, from 20 to the number of tables")
	junctions := flags.Int("junctions", 2500, "tables that relate the same two others, at least 5")
	rounds := flags.Int("rounds", 5, "fresh processes for each request")
	binary := flags.String("postern", "", "`binary` to measure (default: built from the sources)")
	if err := flags.Parse(arguments); err != nil {
		return errUsage
	}
	if flags.NArg() > 0 || *tables < 100 || *views < 20 || *views > *tables || *junctions < 5 || *rounds < 1 {
		flags.Usage()
		return errUsage
	}
	dir, err := os.MkdirTemp("", "postern-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if *binary == "" {
		progress("building postern")
		*binary = filepath.Join(dir, "postern")
		if err := buildPostern(ctx, *binary); err != nil {
			return err
		}
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Places: []string{".postern/deb/usr/lib/postgresql/*/bin"}, MinFree: 2 << 30, Notice: progress,
		Settings: map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	if err := c.Exec(ctx, "postgres", "create role web_anon; create role authenticator login noinherit in role web_anon"); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "tables\tviews\tembed of\tfirst request ms\tsecond ms\tthird ms\tpostern KiB\tits backend KiB")
	for _, size := range []catalogSize{{100, 20, 5}, {*tables, *views, *junctions}} {
		name := fmt.Sprintf("of_%d", size.tables)
		progress(fmt.Sprintf("making a database of %d tables and %d views", size.tables, size.views))
		if err := makeCatalog(ctx, c, name, size, *binary); err != nil {
			return err
		}
		for _, request := range catalogRequests {
			var rounded []cold
			for range *rounds {
				one, err := coldStart(ctx, c, name, *binary, request.target)
				if err != nil {
					return fmt.Errorf("%s: %w", request.target, err)
				}
				rounded = append(rounded, one)
			}
			of := func(f func(cold) float64) float64 { return median(mapped(rounded, f)) }
			_, _ = fmt.Fprintf(table, "%d\t%d\t%s\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\n", size.tables, size.views, request.name,
				of(func(c cold) float64 { return c.first }), of(func(c cold) float64 { return c.second }), of(func(c cold) float64 { return c.third }),
				of(func(c cold) float64 { return c.shellKiB }), of(func(c cold) float64 { return c.backendKiB }))
		}
	}
	return table.Flush()
}

// makeCatalog makes a database of that size with postern in it.
func makeCatalog(ctx context.Context, c *cluster.Cluster, name string, size catalogSize, binary string) error {
	if err := c.Exec(ctx, "postgres", "create database "+name); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, c.URI(c.Superuser, name))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	statements := []string{"create schema api; grant usage on schema api to web_anon; alter default privileges in schema api grant select on tables to web_anon",
		"create table api.t1 (id int primary key, name text, ref int)"}
	for n := 2; n <= size.tables; n++ {
		statements = append(statements, fmt.Sprintf("create table api.t%d (id int primary key, name text, ref int references api.t%d)", n, max(n/10, 1)))
	}
	for n := 2; n <= size.views+1; n++ {
		statements = append(statements, fmt.Sprintf("create view api.v%d as select t.id, t.name, t.ref, up.name as up from api.t%[1]d as t join api.t%d as up on up.id = t.ref", n, max(n/10, 1)))
	}
	statements = append(statements, "create view api.deeper as select * from api.v20", "create view api.deep as select * from api.deeper",
		"create table api.hub_a (id int primary key); create table api.hub_b (id int primary key)")
	for n := 1; n <= size.junctions; n++ {
		statements = append(statements, fmt.Sprintf("create table api.j%d (a int references api.hub_a, b int references api.hub_b, primary key (a, b))", n))
	}
	for batch := 500; len(statements) > 0; statements = statements[min(batch, len(statements)):] {
		if _, err := conn.PgConn().Exec(ctx, strings.Join(statements[:min(batch, len(statements))], ";\n")).ReadAll(); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, "vacuum (analyze)"); err != nil {
		return err
	}
	install := exec.CommandContext(ctx, binary, "migrate", "--db-uri", c.URI(c.Superuser, name))
	install.Stderr = os.Stderr
	return install.Run()
}

// coldStart starts postern, waits until it says that it is ready, and sends it the same request three times.
func coldStart(ctx context.Context, c *cluster.Cluster, database, binary, target string) (made cold, err error) {
	var ports [2]string
	for i := range ports {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return made, err
		}
		ports[i] = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
		if err := listener.Close(); err != nil {
			return made, err
		}
	}
	process := exec.CommandContext(ctx, binary, "serve")
	process.Env = []string{"PGRST_DB_URI=" + c.URI("authenticator", database) + "&application_name=" + posternName, "PGRST_DB_SCHEMAS=api", "PGRST_DB_ANON_ROLE=web_anon",
		"PGRST_SERVER_HOST=127.0.0.1", "PGRST_SERVER_PORT=" + ports[0], "PGRST_ADMIN_SERVER_PORT=" + ports[1]}
	var log bytes.Buffer
	process.Stderr = &log
	if err := process.Start(); err != nil {
		return made, err
	}
	defer func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, log.String())
		}
	}()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err = get(ctx, client, "http://127.0.0.1:"+ports[1]+"/ready"); err == nil {
			break
		} else if time.Now().After(deadline) {
			return made, fmt.Errorf("postern is not ready: %w", err)
		}
	}
	for _, taken := range []*float64{&made.first, &made.second, &made.third} {
		if *taken, err = get(ctx, client, "http://127.0.0.1:"+ports[0]+target); err != nil {
			return made, err
		}
	}
	made.shellKiB = resident(process.Process.Pid, "VmRSS:")
	conn, err := pgx.Connect(ctx, c.URI(c.Superuser, database))
	if err != nil {
		return made, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "select pid from pg_stat_activity where usename = 'authenticator'")
	if err != nil {
		return made, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	for _, pid := range pids {
		made.backendKiB = max(made.backendKiB, resident(pid, "RssAnon:"))
	}
	return made, err
}

// get asks for a URL and gives the milliseconds until the whole answer is there. An answer other than 200 is an error.
func get(ctx context.Context, client *http.Client, url string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(answer.Body)
	taken := milliseconds(time.Since(began))
	if err = errors.Join(err, answer.Body.Close()); err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return taken, err
}

// resident is a figure of memory in KiB from proc_pid_status(5); 0 where not known.
func resident(pid int, name string) float64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(content), name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kibibytes, _ := strconv.ParseFloat(fields[0], 64)
	return kibibytes
}
