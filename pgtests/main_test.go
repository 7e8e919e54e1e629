// Package pgtests tests what is installed in the database: the rooms of sql/ by pgTAP (the .sql files here), and the
// whole by Go tests that need several sessions, the parser of PostgreSQL or random input.
package pgtests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/tern/v2/migrate"

	"postern/cmd/testcluster"
	"postern/sql"
)

// template is the database that those of the tests are copies of: postern, pgTAP, plpgsql_check and setup.sql.
const template = "postern_template"

// inMatrix reports whether the tests run on a server of make matrix, for which there is no plpgsql_check.
var inMatrix = os.Getenv("POSTERN_MATRIX") != ""

// server is the private cluster that all tests share.
var server *testcluster.Cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtests:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if server, err = testcluster.Start(ctx); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, server.Stop(ctx)) }()
	if err := makeTemplate(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func makeTemplate(ctx context.Context) error {
	if err := server.Exec(ctx, "postgres", "create database "+template); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, server.URI(server.Superuser, template))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	extensions := []string{"pgtap", "plpgsql_check"}
	if inMatrix {
		extensions = extensions[:1]
	}
	for _, extension := range extensions {
		if _, err := conn.Exec(ctx, "create extension "+extension+" schema public"); err != nil {
			return fmt.Errorf("%w: the tests need pgTAP and plpgsql_check; `make setup-test` gets a server that has them", err)
		}
	}
	code, err := migrate.LoadCodePackage(sql.Files)
	if err != nil {
		return fmt.Errorf("sql/: %w", err)
	}
	if err := migrate.InstallCodePackage(ctx, conn, nil, code); err != nil {
		return fmt.Errorf("installing sql/: %w", err)
	}
	setup, err := os.ReadFile("setup.sql")
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(ctx, string(setup)).ReadAll()
	return located(err, string(setup))
}

// located adds the line that an error of PostgreSQL points to.
func located(err error, text string) error {
	var failed *pgconn.PgError
	if !errors.As(err, &failed) {
		return err
	}
	detail := strings.TrimSpace(failed.Detail + "\n" + failed.Where)
	if failed.Position == 0 {
		return fmt.Errorf("%w\n%s", err, detail)
	}
	before := string([]rune(text)[:min(int(failed.Position), len([]rune(text)))])
	return fmt.Errorf("line %d: %w\n%s", 1+strings.Count(before, "\n"), err, detail)
}

// trial returns how long a test of random requests runs, and its seed, which it logs. Both are the same each time, so that a change is
// blamed only for what it did; where POSTERN_SOAK is set they are ten minutes and a new seed. POSTERN_SEED repeats a run.
func trial(t *testing.T, short time.Duration) (limit time.Duration, seed uint64) {
	t.Helper()
	limit, seed = short, 1
	if os.Getenv("POSTERN_SOAK") != "" {
		limit, seed = 10*time.Minute, rand.Uint64N(1<<40)
	}
	if given, err := strconv.ParseUint(os.Getenv("POSTERN_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("POSTERN_SEED=%d", seed)
	return limit, seed
}

var databases atomic.Int32

// newDatabase makes a database for one test.
func newDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	ctx := context.Background()
	var err error
	for range 50 { // two copies of a template at a time are refused
		err = server.Exec(ctx, "postgres", "create database "+name+" template "+template)
		var failed *pgconn.PgError
		if !errors.As(err, &failed) || failed.Code != "55006" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Exec(ctx, "postgres", "drop database "+name+" with (force)"); err != nil {
			t.Error(err)
		}
	})
	return name
}

// connect opens a session of the superuser, closed at the test's end.
func connect(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(server.URI(server.Superuser, database))
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// execute runs SQL, several statements if need be.
func execute(t testing.TB, conn *pgx.Conn, text string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(context.Background(), text).ReadAll(); err != nil {
		t.Fatalf("%v\nin: %.200s", located(err, text), text)
	}
}
