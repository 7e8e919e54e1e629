package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/cluster"
	"postern/cmd/postern/demo"
)

const (
	// requestRole is the role that the token of the requests names.
	requestRole = "clerk"
	// bareRole is what hand-bare connects as: it has the rights of requestRole without assuming it.
	bareRole = "bench_bare"
)

// database is the demo database in a cluster of its own.
type database struct {
	cluster *cluster.Cluster
	control *pgx.Conn // as the superuser
	secret  string    // what tokens are signed with
	token   string    // sent with every request
	tcp     bool      // whether the servers connect over TCP rather than a unix socket
}

// startDatabase makes a cluster that lasts as long as the run, with the demo database and postern in it. Nothing is
// vacuumed but between the rounds.
func startDatabase(ctx context.Context, binary string, tcp bool) (db *database, err error) {
	settings := maps.Clone(demo.Settings)
	settings["autovacuum"] = "off"
	c, err := cluster.Start(ctx, cluster.Options{
		Places: []string{".postern/deb/usr/lib/postgresql/*/bin"}, Settings: settings, MinFree: 1 << 30, Notice: progress,
	})
	if err != nil {
		return nil, err
	}
	db = &database{cluster: c, secret: rand.Text() + rand.Text(), tcp: tcp}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.stop())
		}
	}()
	if _, err := demo.Load(ctx, c, progress); err != nil {
		return nil, err
	}
	install := exec.CommandContext(ctx, binary, "migrate", "--db-uri", c.URI(c.Superuser, demo.Database))
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		return nil, fmt.Errorf("install postern: %w", err)
	}
	if db.control, err = pgx.Connect(ctx, c.URI(c.Superuser, demo.Database)); err != nil {
		return nil, err
	}
	err = db.run(ctx,
		"create role "+bareRole+" login inherit in role "+requestRole+" password '"+db.secret+"'",
		"alter role "+demo.Authenticator+" password '"+db.secret+"'",
		"create table public.bench_visits as table api.visits",
		"vacuum (analyze)")
	if err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{"role": requestRole, "shop_id": 3, "employee_id": 16, "exp": time.Now().AddDate(0, 0, 1).Unix()}
	db.token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(db.secret))
	return db, err
}

// stop ends the cluster and removes it.
func (db *database) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if db.control != nil {
		_ = db.control.Close(ctx)
	}
	return db.cluster.Stop(ctx)
}

// uri is how a server connects.
func (db *database) uri(role, application string) string {
	name := "application_name=" + url.QueryEscape(application)
	if db.tcp {
		return db.cluster.LoopbackURI(role, db.secret, demo.Database) + "?sslmode=disable&" + name
	}
	return db.cluster.URI(role, demo.Database) + "&" + name
}

// run runs statements, each by itself.
func (db *database) run(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := db.control.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// restore puts the table that is written to back to what it was, so that every round starts from the same.
func (db *database) restore(ctx context.Context) error {
	return db.run(ctx, "truncate api.visits", "insert into api.visits overriding system value table public.bench_visits",
		"vacuum (analyze) api.visits", "checkpoint")
}

// written is what is in the table that is written to, apart from what differs from one time to the next.
func (db *database) written(ctx context.Context) (string, error) {
	var sum string
	err := db.control.QueryRow(ctx, `select count(*) || ' rows, ' || md5(string_agg(concat_ws(',', shop_id, visitors, note), ';'
		order by shop_id, visitors, note)) from api.visits`).Scan(&sum)
	return sum, err
}

// backends are the processes of the database that serve an application.
func (db *database) backends(ctx context.Context, application string) ([]int, error) {
	rows, err := db.control.Query(ctx, "select pid from pg_stat_activity where application_name = $1", application)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// machine is where a report was made.
type machine struct {
	System     string `json:"system"`
	Processors int    `json:"processors"`
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
	Network    string `json:"network"` // between servers and database: tcp or unix
	Time       string `json:"time"`
}

func describeMachine(ctx context.Context, db *database) machine {
	m := machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU(), Go: runtime.Version(),
		Network: "unix", Time: time.Now().UTC().Format(time.RFC3339),
	}
	if db.tcp {
		m.Network = "tcp"
	}
	_ = db.control.QueryRow(ctx, "show server_version").Scan(&m.PostgreSQL)
	return m
}
