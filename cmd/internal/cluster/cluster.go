// Package cluster makes and runs private PostgreSQL clusters for the demo, the tests and the benchmark.
//
// A cluster is a child process of its maker: it listens on a unix socket in a directory only its owner may enter and
// on a free port of 127.0.0.1, and it stops when its maker stops or dies. Clusters it did not make are never touched.
package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Options say which cluster to start. The zero value asks for a throwaway cluster with the newest binaries found.
type Options struct {
	// Dir is the directory of a cluster that is kept from one run to the next; it is made where missing.
	// Left empty, a new cluster is made in a temporary directory, with durability off, and Stop removes it.
	Dir string
	// PgBin is the directory of the server binaries; left empty, [FindBinaries] chooses.
	PgBin string
	// Places are patterns of directories to look for binaries in, after the usual ones.
	Places []string
	// Superuser is the name of the cluster's first role; left empty it is "postgres".
	// Of a cluster that exists it must be the name it was made with.
	Superuser string
	// Settings are server settings by name (postgresql.conf), given on the server's command line.
	Settings map[string]string
	// Port is the TCP port on 127.0.0.1; 0 picks a free one.
	Port int
	// MinFree is how many bytes must be free on the disk to make a new cluster; 0 means 256 MiB.
	MinFree uint64
	// Notice, if given, is told in one sentence what the user should know: a repair, a directory chosen elsewhere.
	Notice func(sentence string)
}

// Cluster is a running private cluster. Its fields are for reading.
type Cluster struct {
	// Home is the directory with everything of the cluster; Options.Dir, or where that had to be moved to.
	Home string
	// SocketDir holds the unix socket.
	SocketDir string
	// Port is the TCP port on 127.0.0.1 and the number in the socket's name.
	Port int
	// Superuser is the cluster's first role, Password its password on the TCP port; the socket asks for none.
	Superuser, Password string
	// PgBin is the directory of the binaries that run it.
	PgBin string
	// Created reports that Start made the cluster, rather than finding it kept.
	Created bool

	server    *server
	lock      *os.File
	temporary bool
}

const (
	defaultMinFree = 256 << 20
	startFree      = 32 << 20 // what a cluster that exists is not started without: two segments of its log of changes
)

// Start makes the cluster if it does not exist, repairs what an earlier killed run left behind, starts the server and
// returns once it accepts connections. The context bounds the start only. Started as root, the server runs as the OS
// user that owns the cluster, or postgres for a new one.
//
// Errors say what to do: no binaries, a full disk, a taken port, a directory of another user, a cluster in use.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	notice := options.Notice
	if notice == nil {
		notice = func(string) {}
	}
	home, owner, err := settle(options.Dir, notice)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Home: home, Superuser: cmp.Or(options.Superuser, "postgres"), temporary: options.Dir == ""}
	if c.lock, err = lockHome(home); err != nil {
		return nil, err
	}
	if err := c.start(ctx, options, owner, notice); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, options Options, owner account, notice func(string)) error {
	kept := dataVersion(c.data())
	bin, err := findBinaries(options.PgBin, options.Places, kept)
	if err != nil {
		return err
	}
	c.PgBin = bin.dir
	run := runner{account: owner, bin: bin, home: c.Home}
	if err := run.check(ctx); err != nil {
		return err
	}
	if err := endOrphan(ctx, c.data(), notice); err != nil {
		return err
	}
	c.Created = kept == ""
	needed := uint64(startFree)
	if c.Created {
		needed = cmp.Or(options.MinFree, defaultMinFree)
	}
	if err := checkFree(c.Home, needed); err != nil {
		return err
	}
	if c.Created {
		if err := c.create(ctx, run, options); err != nil {
			return err
		}
	}
	password, err := os.ReadFile(c.passwordFile())
	if err != nil {
		return fmt.Errorf("read the cluster's password: %w", err)
	}
	c.Password = string(bytes.TrimSpace(password))
	if c.SocketDir, err = makeSocketDir(c.Home, owner); err != nil {
		return err
	}
	return c.serve(ctx, run, options)
}

// serve starts the server, again on another port while the one chosen turns out taken, and again for some seconds
// while processes of a killed server still hold its shared memory.
func (c *Cluster) serve(ctx context.Context, run runner, options Options) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		c.Port = options.Port
		if c.Port == 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			c.Port = port
		}
		var err error
		c.server, err = startServer(ctx, run, c.data(), c.logFile(), c.arguments(options.Settings))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errPortTaken) && options.Port != 0:
			return fmt.Errorf("port %d on 127.0.0.1 is taken by another program: choose another for PostgreSQL", options.Port)
		case errors.Is(err, errPortTaken), errors.Is(err, errMemoryInUse):
			if time.Now().After(deadline) {
				return err
			}
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (c *Cluster) arguments(settings map[string]string) []string {
	merged := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(c.Port),
		"unix_socket_directories": `"` + c.SocketDir + `"`,
		"jit":                     "off",
	}
	if c.temporary {
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			merged[name] = "off"
		}
	}
	for name, value := range settings {
		merged[name] = value
	}
	arguments := []string{"-D", c.data()}
	for name, value := range merged {
		arguments = append(arguments, "-c", name+"="+value)
	}
	return arguments
}

// URI returns the connection URI of a role and a database over the unix socket, which asks for no password.
func (c *Cluster) URI(user, database string) string {
	query := url.Values{"host": {c.SocketDir}, "port": {strconv.Itoa(c.Port)}}
	address := url.URL{Scheme: "postgresql", User: url.User(user), Path: "/" + database, RawQuery: query.Encode()}
	return address.String()
}

// LoopbackURI returns the connection URI of a role and a database over TCP on 127.0.0.1.
func (c *Cluster) LoopbackURI(user, password, database string) string {
	host := net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port))
	address := url.URL{Scheme: "postgresql", User: url.UserPassword(user, password), Host: host, Path: "/" + database}
	return address.String()
}

// Exec runs SQL, one statement or several (then in one transaction unless it says otherwise), as the superuser.
// PostgreSQL's errors come back as *pgconn.PgError.
func (c *Cluster) Exec(ctx context.Context, database, sql string) error {
	connection, err := pgconn.Connect(ctx, c.URI(c.Superuser, database))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(context.WithoutCancel(ctx)) }()
	_, err = connection.Exec(ctx, sql).ReadAll()
	return err
}

// Environment is what programs in PgBin need to run, psql for one.
func (c *Cluster) Environment() []string { return serverEnvironment(c.PgBin) }

// Done is closed when the server has ended, by Stop or on its own.
func (c *Cluster) Done() <-chan struct{} { return c.server.done }

// Stop shuts the server down fast: open transactions are rolled back, sessions ended, data made durable. When the
// context ends first, the server is stopped at once and recovers at its next start. A temporary cluster is removed.
func (c *Cluster) Stop(ctx context.Context) error {
	err := c.server.stop(ctx)
	c.release()
	return err
}

func (c *Cluster) release() {
	if c.SocketDir != "" && filepath.Dir(c.SocketDir) != c.Home {
		_ = os.Remove(c.SocketDir)
	}
	if c.temporary {
		_ = os.RemoveAll(c.Home)
	}
	_ = c.lock.Close()
}

// Remove stops what runs in a kept cluster's directory and deletes the cluster, wherever it had to be moved to.
// A directory without a cluster is no error; one in use by a living process is.
func Remove(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	home := movedTo(dir)
	if home == "" {
		home = dir
	}
	if _, err := os.Stat(home); err == nil {
		lock, err := lockHome(home)
		if err != nil {
			return err
		}
		defer func() { _ = lock.Close() }()
		if err := endOrphan(ctx, filepath.Join(home, "data"), func(string) {}); err != nil {
			return err
		}
	}
	err = errors.Join(os.RemoveAll(home), os.RemoveAll(dir))
	_ = os.Remove(movedRoot) // only if nothing else is kept there
	return err
}

func (c *Cluster) data() string         { return filepath.Join(c.Home, "data") }
func (c *Cluster) logFile() string      { return filepath.Join(c.Home, "log") }
func (c *Cluster) passwordFile() string { return filepath.Join(c.Home, "password") }

func freePort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
