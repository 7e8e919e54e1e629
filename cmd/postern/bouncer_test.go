package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
)

// bouncer is a pgbouncer, in transaction mode, before a cluster's database e2e.
type bouncer struct {
	program, configuration, address, text string

	owner   *syscall.Stat_t // who runs it
	running *exec.Cmd
}

// newBouncer writes the configuration of a pgbouncer and does not start it. It skips the test where there is none.
func newBouncer(t *testing.T, c *cluster.Cluster) *bouncer {
	t.Helper()
	program := os.Getenv("POSTERN_PGBOUNCER")
	for _, place := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if found, err := exec.LookPath(place); program == "" && err == nil {
			program = found
		}
	}
	if program == "" {
		t.Skip("there is no pgbouncer (.ci/pgbouncer.sh gets one; POSTERN_PGBOUNCER names it)")
	}
	port := freePort(t)
	b := &bouncer{
		program: program, configuration: filepath.Join(c.Home, "pgbouncer.ini"), address: fmt.Sprintf("127.0.0.1:%d", port), owner: like(t, c.Home),
		text: fmt.Sprintf(`[databases]
e2e = host=%s port=%d dbname=e2e user=e2e_login
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir = %s
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 50
server_round_robin = 1
server_login_retry = 0
`, c.SocketDir, c.Port, port, c.SocketDir), // it names a user as auth_type any asks
	}
	b.configure(t, "extra_float_digits")
	if err := os.Chown(b.configuration, int(b.owner.Uid), int(b.owner.Gid)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.kill)
	return b
}

// configure says which parameters of a session are ignored, once it is started.
func (b *bouncer) configure(t *testing.T, ignored string) {
	t.Helper()
	if err := os.WriteFile(b.configuration, []byte(b.text+"ignore_startup_parameters = "+ignored+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (b *bouncer) uri() string { return "postgresql://e2e_login@" + b.address + "/e2e?sslmode=disable" }

// settings are those of a server behind it.
func (b *bouncer) settings() []string {
	return []string{"PGRST_DB_URI=" + b.uri(), "PGRST_DB_PREPARED_STATEMENTS=false", "PGRST_DB_CHANNEL_ENABLED=false"}
}

// start starts it and waits until it can be connected to.
func (b *bouncer) start(t *testing.T) {
	t.Helper()
	b.launch(t)
}

func (b *bouncer) launch(t *testing.T, arguments ...string) {
	t.Helper()
	b.running = exec.Command(b.program, append(arguments, b.configuration)...)
	if os.Geteuid() == 0 {
		b.running.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: b.owner.Uid, Gid: b.owner.Gid}}
	}
	said := new(output)
	b.running.Stdout, b.running.Stderr = said, said
	if err := b.running.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			t.Log(said)
		}
	}()
	eventually(t, "pgbouncer", func() bool {
		conn, err := net.Dial("tcp", b.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// replace has another take over its sockets, and waits for its end.
func (b *bouncer) replace(t *testing.T) {
	t.Helper()
	old := b.running
	b.launch(t, "-R")
	patience := time.AfterFunc(10*time.Second, func() { _ = old.Process.Kill() })
	err := old.Wait()
	if patience.Stop(); err != nil {
		t.Error(err)
	}
}

func (b *bouncer) kill() {
	if b.running != nil {
		_ = b.running.Process.Kill()
		_ = b.running.Wait()
	}
}
