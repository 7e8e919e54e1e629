package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"postern/cmd/internal/cluster"
	"postern/cmd/postern/demo"
	"postern/migrations"
)

// demoOptions are the flags of the demo command.
type demoOptions struct {
	port   int
	dir    string
	dbOnly bool
	remove bool
	out    io.Writer
}

// runDemo runs the demo until the context ends: a private cluster below the directory, the demo database, postern's
// installation in it, and the server on top. With --db-only it prints the superuser's connection URI on standard
// output and serves nothing; with --remove it deletes the cluster and what goes with it.
func runDemo(ctx context.Context, arguments []string) error {
	options := demoOptions{out: os.Stdout}
	flags := newFlags("postern demo", "[--port N] [--dir DIRECTORY] [--db-only] [--remove]")
	flags.IntVar(&options.port, "port", 3000, "the port to serve on")
	flags.StringVar(&options.dir, "dir", ".postern", "the `directory` that keeps the cluster")
	flags.BoolVar(&options.dbOnly, "db-only", false, "start the database only and print its connection URI")
	flags.BoolVar(&options.remove, "remove", false, "stop the cluster and delete it")
	if _, err := parse(flags, arguments, 0); err != nil {
		return err
	}
	if options.remove {
		return removeDemo(ctx, options.dir)
	}
	return startDemo(ctx, options)
}

func removeDemo(ctx context.Context, dir string) error {
	if err := cluster.Remove(ctx, filepath.Join(dir, "cluster")); err != nil {
		return err
	}
	for _, file := range []string{secretFile(dir), installedFile(dir)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func startDemo(ctx context.Context, options demoOptions) (err error) {
	began := time.Now()
	if !options.dbOnly {
		if err := checkPort(options.port); err != nil {
			return err
		}
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Dir:      filepath.Join(options.dir, "cluster"),
		Places:   []string{filepath.Join(options.dir, "deb/usr/lib/postgresql/*/bin")},
		Settings: demo.Settings,
		MinFree:  512 << 20,
		Notice:   notice,
	})
	if err != nil && ctx.Err() != nil {
		return nil // Ctrl-C is how the demo ends, at any time
	}
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, c.Stop(stopping))
	}()
	if c.Created {
		notice("A private PostgreSQL cluster was made in " + c.Home +
			"; the demo database is being loaded, some seconds only.")
	}

	// Everything below ends too when the server goes away on its own.
	serving, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		<-c.Done()
		cancel(fmt.Errorf("PostgreSQL has ended; its last words are in %s", filepath.Join(c.Home, "log")))
	}()
	err = runOnCluster(serving, c, options, began)
	switch {
	case ctx.Err() != nil:
		return nil
	case serving.Err() != nil:
		return context.Cause(serving)
	}
	return explainDemo(err)
}

func runOnCluster(ctx context.Context, c *cluster.Cluster, options demoOptions, began time.Time) error {
	made, err := demo.Load(ctx, c, notice)
	if err != nil {
		return err
	}
	superuser := c.URI(c.Superuser, demo.Database)
	if err := installDemo(ctx, superuser, installedFile(options.dir), made); err != nil {
		return fmt.Errorf("install postern in the demo database: %w", err)
	}
	if options.dbOnly {
		_, _ = fmt.Fprintln(options.out, superuser)
		<-ctx.Done()
		return ctx.Err()
	}
	secret, err := keptSecret(options.dir)
	if err != nil {
		return err
	}
	environment := demoEnvironment(c, options.port, secret)
	return serveEnvironment(ctx, environment, func() {
		printDemo(options.out, c, options.port, secret, time.Since(began))
	})
}

// installDemo brings the database to the newest migration. Where the migrations are no longer those it was brought
// there with, which happens while one is being written, postern is taken out first; the record file tells.
func installDemo(ctx context.Context, uri, record string, fresh bool) error {
	sum := sha256.New()
	err := fs.WalkDir(migrations.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(migrations.Files, path)
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return err
	}
	current := hex.EncodeToString(sum.Sum(nil))
	if installed, _ := os.ReadFile(record); !fresh && string(installed) != current {
		notice("The migrations have changed: postern is installed anew.")
		if err := migrateTo(ctx, uri, 0, func(string) {}); err != nil {
			return err
		}
	}
	if err := migrateDatabase(ctx, uri); err != nil {
		return err
	}
	return os.WriteFile(record, []byte(current), 0o644)
}

// demoEnvironment is the configuration of the demo's server, written like the environment of any other.
func demoEnvironment(c *cluster.Cluster, port int, secret string) []string {
	environment := []string{
		"PGRST_DB_URI=" + c.URI(demo.Authenticator, demo.Database),
		"PGRST_DB_SCHEMAS=" + demo.Schemas,
		"PGRST_DB_ANON_ROLE=" + demo.Anonymous,
		"PGRST_DB_AGGREGATES_ENABLED=true",
		"PGRST_JWT_SECRET=" + secret,
		"PGRST_SERVER_HOST=127.0.0.1",
		"PGRST_SERVER_PORT=" + strconv.Itoa(port),
		"PGRST_OPENAPI_SERVER_PROXY_URI=http://localhost:" + strconv.Itoa(port),
	}
	if checkPort(port+1) == nil {
		environment = append(environment, "PGRST_ADMIN_SERVER_PORT="+strconv.Itoa(port+1))
	} else {
		notice(fmt.Sprintf("Port %d is taken: the demo runs without the admin server.", port+1))
	}
	return environment
}

// printDemo says what is there and how to try it.
func printDemo(out io.Writer, c *cluster.Cluster, port int, secret string, took time.Duration) {
	base := "http://localhost:" + strconv.Itoa(port)
	customer := signDemoToken(secret, map[string]any{"role": "customer", "customer_id": 17})
	clerk := signDemoToken(secret, map[string]any{"role": "clerk", "shop_id": 3, "employee_id": 16})
	_, _ = fmt.Fprintf(out, `
postern demo: Quayside Books, a chain of bookshops. Up after %.1f s; Ctrl-C stops everything.

  API       %[2]s/            (what there is, as OpenAPI)
  Schemas   api (the default), reports (with the header Accept-Profile: reports)
  Database  psql '%[3]s'

Try it:

curl '%[2]s/books?select=id,title,price&order=price.desc,id&limit=3'
curl '%[2]s/shops?select=name,employees(name,job)&employees.job=eq.manager&city=like.S*'
curl '%[2]s/rpc/wish' -H 'Content-Type: application/json' -H 'Authorization: Bearer %[4]s' `+
		`-d '{"book_id": 5, "note": "for the ferry"}'

Tokens, good for a year:

customer  (sees what is theirs; customer 17)
%[4]s

clerk  (works with the stock and sales of shop 3)
%[5]s

`, took.Seconds(), base, c.URI(c.Superuser, demo.Database), customer, clerk)
}

// explainDemo adds advice to errors that have a plain cause.
func explainDemo(err error) error {
	var failure *pgconn.PgError
	if errors.As(err, &failure) && failure.Code == "53100" {
		return fmt.Errorf("the disk is full: free some space and start again, the database is then made anew (%w)", err)
	}
	return err
}

// checkPort fails when nothing can listen on a port of this machine.
func checkPort(port int) error {
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("port %d is taken or closed to you (%w): stop what listens there, or choose another with --port",
			port, err)
	}
	return listener.Close()
}

func secretFile(dir string) string { return filepath.Join(dir, "jwt-secret") }

func installedFile(dir string) string { return filepath.Join(dir, "installed") }

// keptSecret returns the key that tokens are signed with; the first run makes it.
func keptSecret(dir string) (string, error) {
	content, err := os.ReadFile(secretFile(dir))
	if secret := strings.TrimSpace(string(content)); err == nil && len(secret) >= 32 {
		return secret, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the key of the tokens: %w", err)
	}
	secret := rand.Text() + rand.Text()
	if err := os.WriteFile(secretFile(dir), []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the key of the tokens: %w", err)
	}
	return secret, nil
}

// signDemoToken makes a JWT (RFC 7519) with the claims and an expiry in a year, signed with HMAC-SHA256.
func signDemoToken(secret string, claims map[string]any) string {
	claims["exp"] = time.Now().AddDate(1, 0, 0).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err) // strings and numbers only
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

func notice(sentence string) { _, _ = fmt.Fprintln(os.Stderr, "postern demo:", sentence) }
