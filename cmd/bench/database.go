package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"postern/cmd/internal/cluster"
)

//go:embed app.sql
var appSQL string

const (
	databaseName  = "app"
	requestRole   = "app_user" // what the token of the requests names
	authenticator = "authenticator"
	bareRole      = "app_bare"
)

// database is the application's, in a cluster of its own that lasts as long as the run.
type database struct {
	cluster *cluster.Cluster
	control *pgx.Conn // as the superuser
	secret  string    // signs tokens by HS256, and is the roles' password
	key     *rsa.PrivateKey
	tokens  tokens
	tcp     bool // whether the servers connect over TCP rather than a unix socket
}

// tokens are sent with the requests.
type tokens struct{ hs256, rs256 string }

// clusterOptions are those of a cluster in which nothing is vacuumed but between the rounds.
func clusterOptions() cluster.Options {
	return cluster.Options{
		Places:  []string{".postern/deb/usr/lib/postgresql/*/bin", "../../.postern/deb/usr/lib/postgresql/*/bin"},
		MinFree: 2 << 30, Notice: progress,
		Settings: map[string]string{"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0", "timezone": "UTC"},
	}
}

// startDatabase makes the database, with postern in it.
func startDatabase(ctx context.Context, options cluster.Options, binary string, tcp bool) (db *database, err error) {
	progress("making the database")
	c, err := cluster.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	db = &database{cluster: c, secret: rand.Text() + rand.Text(), tcp: tcp}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.stop())
		}
	}()
	if err := c.Exec(ctx, "postgres", "create database "+databaseName); err != nil {
		return nil, err
	}
	if err := c.Exec(ctx, databaseName, strings.ReplaceAll(appSQL, ":password", "'"+db.secret+"'")); err != nil {
		return nil, fmt.Errorf("app.sql: %w", err)
	}
	if err := migrate(ctx, binary, c.URI(c.Superuser, databaseName)); err != nil {
		return nil, err
	}
	if db.control, err = pgx.Connect(ctx, c.URI(c.Superuser, databaseName)); err != nil {
		return nil, err
	}
	// Rows are put back without triggers and checks of foreign keys.
	if err := db.run(ctx, "vacuum (analyze)", "set session_replication_role = replica"); err != nil {
		return nil, err
	}
	if db.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{"role": requestRole, "tenant_id": 3, "exp": time.Now().AddDate(0, 0, 1).Unix()}
	db.tokens.hs256, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(db.secret))
	if err != nil {
		return nil, err
	}
	db.tokens.rs256, err = jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(db.key)
	return db, err
}

// migrate installs postern.
func migrate(ctx context.Context, binary, uri string) error {
	install := exec.CommandContext(ctx, binary, "migrate", "--db-uri", uri)
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		return fmt.Errorf("install postern: %w", err)
	}
	return nil
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

// keySet returns the keys of the tokens as a JSON Web Key Set.
func (db *database) keySet() string {
	encode := base64.RawURLEncoding.EncodeToString
	set, _ := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "oct", "alg": "HS256", "k": encode([]byte(db.secret))},
		{"kty": "RSA", "alg": "RS256", "n": encode(db.key.N.Bytes()), "e": encode(big.NewInt(int64(db.key.E)).Bytes())},
	}})
	return string(set)
}

// publicKey returns the key of the tokens by RS256 as PEM.
func (db *database) publicKey() string {
	block := pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&db.key.PublicKey)}
	return string(pem.EncodeToMemory(&block))
}

// uri returns how a server connects.
func (db *database) uri(role, application string) string {
	name := "application_name=" + url.QueryEscape(application)
	if db.tcp {
		return db.cluster.LoopbackURI(role, db.secret, databaseName) + "?sslmode=disable&" + name
	}
	return db.cluster.URI(role, databaseName) + "&" + name
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

// restore puts tables back to what they were, so that every round starts from the same.
func (db *database) restore(ctx context.Context, tables []string) error {
	for _, table := range tables {
		back := []string{"truncate app." + table, "insert into app." + table + " select * from kept." + table}
		if table == "customers" { // others refer to it
			back = []string{"update app.customers as c set city = k.city from kept.customers as k " +
				"where c.id = k.id and c.city is distinct from k.city"}
		}
		if err := db.run(ctx, append(back, "vacuum (analyze) app."+table)...); err != nil {
			return err
		}
	}
	return nil
}

// changes returns what is in tables that was not, apart from what differs from one time to the next.
func (db *database) changes(ctx context.Context, tables []string) (string, error) {
	var found []string
	for _, table := range tables {
		var rows string
		err := db.control.QueryRow(ctx, fmt.Sprintf(`select coalesce(string_agg(t, e'\n' order by t), '') from (
			select (to_jsonb(w) - '{id,at,updated_at}'::text[])::text as t from app.%[1]s as w
			except all select (to_jsonb(w) - '{id,at,updated_at}'::text[])::text from kept.%[1]s as w) as w`, table)).Scan(&rows)
		if err != nil {
			return "", err
		}
		found = append(found, rows)
	}
	return strings.Join(found, "\n"), nil
}

// backends returns the processes of the database that serve an application.
func (db *database) backends(ctx context.Context, application string) ([]int, error) {
	rows, err := db.control.Query(ctx, "select pid from pg_stat_activity where application_name = $1", application)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// cpu returns the processor time of these processes.
func (db *database) cpu(ctx context.Context, application string) (map[int]time.Duration, error) {
	pids, err := db.backends(ctx, application)
	return cpuTime(pids...), err
}

// describe says where a report was made.
func (db *database) describe(ctx context.Context) string {
	var version string
	_ = db.control.QueryRow(ctx, "show server_version").Scan(&version)
	network := "unix"
	if db.tcp {
		network = "tcp"
	}
	return fmt.Sprintf("%s/%s, %d processors, %s, PostgreSQL %s over %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		runtime.Version(), version, network)
}
