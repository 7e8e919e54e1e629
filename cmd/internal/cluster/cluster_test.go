package cluster

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// inDir starts a kept cluster in a directory, quick rather than durable, and stops it at the test's end.
func inDir(t *testing.T, dir string, change ...func(*Options)) (*Cluster, []string) {
	t.Helper()
	var notices []string
	options := Options{
		Dir: dir, Superuser: "boss", Settings: map[string]string{"fsync": "off"},
		Notice: func(sentence string) { notices = append(notices, sentence) },
	}
	for _, f := range change {
		f(&options)
	}
	c, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Stop(context.Background())
		_ = Remove(context.Background(), dir)
	})
	return c, notices
}

func TestTemporaryCluster(t *testing.T) {
	t.Parallel()
	c, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Created {
		t.Error("a temporary cluster is always a new one")
	}
	if err := c.Exec(t.Context(), "postgres", "create table t (n int); insert into t values (1)"); err != nil {
		t.Error(err)
	}
	err = c.Exec(t.Context(), "postgres", "select 1 / 0")
	if failure, ok := err.(*pgconn.PgError); !ok || failure.Code != "22012" {
		t.Errorf("an error of PostgreSQL comes back as %v", err)
	}
	connection, err := pgconn.Connect(t.Context(), c.LoopbackURI(c.Superuser, c.Password, "postgres"))
	if err != nil {
		t.Error(err)
	} else {
		_ = connection.Close(t.Context())
	}
	if _, err := pgconn.Connect(t.Context(), c.LoopbackURI(c.Superuser, "wrong", "postgres")); err == nil {
		t.Error("the TCP port takes a wrong password")
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Home); !os.IsNotExist(err) {
		t.Errorf("%s is left behind", c.Home)
	}
}

func TestKeptClusterKeepsItsData(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cluster")
	c, _ := inDir(t, dir)
	if err := c.Exec(t.Context(), "postgres", "create table kept (n int)"); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("a second start of a running cluster gives %v", err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, _ = inDir(t, dir)
	if c.Created {
		t.Error("the cluster was made anew")
	}
	if err := c.Exec(t.Context(), "postgres", "select * from kept"); err != nil {
		t.Error(err)
	}
}

func TestRepairs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cluster")
	c, _ := inDir(t, dir)
	pidPath := filepath.Join(c.data(), "postmaster.pid")
	pidContent, err := os.ReadFile(pidPath)
	if err != nil {
		t.Fatal(err)
	}

	// The server was killed: its files stay, the process is gone.
	if err := c.server.process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	c.release()
	c, _ = inDir(t, dir)
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	// The process number in postmaster.pid has come to be another program's.
	lines := strings.SplitN(string(pidContent), "\n", 2)
	stale := strconv.Itoa(os.Getpid()) + "\n" + lines[1]
	if err := os.WriteFile(pidPath, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	c, notices := inDir(t, dir)
	if !strings.Contains(strings.Join(notices, "\n"), "stale postmaster.pid") {
		t.Errorf("the repair is not told of: %q", notices)
	}

	// The server is still running although the process that started it is gone.
	_ = c.lock.Close()
	next, notices := inDir(t, dir)
	if !strings.Contains(strings.Join(notices, "\n"), "shut down first") {
		t.Errorf("the orphan is not told of: %q", notices)
	}
	select {
	case <-c.Done():
	default:
		t.Error("the orphan still runs")
	}
	if err := next.Exec(t.Context(), "postgres", "select 1"); err != nil {
		t.Error(err)
	}
}

func TestLongDirectory(t *testing.T) {
	t.Parallel()
	c, _ := inDir(t, filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 10), "it's, \"odd\""))
	if err := c.Exec(t.Context(), "postgres", "select 1"); err != nil {
		t.Error(err)
	}
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cluster")
	c, _ := inDir(t, dir)
	for name, check := range map[string]struct {
		options Options
		want    string
	}{
		"full disk":   {Options{MinFree: 1 << 60}, "too full"},
		"taken port":  {Options{Port: c.Port}, "is taken"},
		"no binaries": {Options{PgBin: t.TempDir()}, "holds no PostgreSQL server"},
		"bad setting": {Options{Settings: map[string]string{"shared_buffers": "many"}}, "shared_buffers"},
	} {
		if _, err := Start(t.Context(), check.options); err == nil || !strings.Contains(err.Error(), check.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStartHeedsItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{}); err == nil {
		t.Error("a cluster started in 50 ms")
	}
}

// TestServerDiesWithItsMaker starts a cluster in another process, kills that and waits for the server to go.
func TestServerDiesWithItsMaker(t *testing.T) {
	if dir := os.Getenv("POSTERN_TEST_MAKER"); dir != "" {
		c, err := Start(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		_ = os.WriteFile(filepath.Join(dir, "started"), []byte(c.Home), 0o600)
		select {}
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cluster")
	t.Cleanup(func() { _ = Remove(context.Background(), dir) })
	maker := exec.Command(os.Args[0], "-test.run=^TestServerDiesWithItsMaker$")
	maker.Env = append(os.Environ(), "POSTERN_TEST_MAKER="+dir)
	maker.SysProcAttr = &syscall.SysProcAttr{}
	dieWithParent(maker.SysProcAttr)
	var said bytes.Buffer
	maker.Stdout, maker.Stderr = &said, &said
	// The thread that starts a child with a parent-death signal must outlive it. Any other thread may become that of
	// another test's server, which ends with it.
	runtime.LockOSThread()
	if err := maker.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = maker.Wait()
		close(ended)
	}()
	var home []byte
	eventually(t, "the cluster starts", func() bool {
		select {
		case <-ended:
			t.Fatalf("the maker ended, %v: %s", maker.ProcessState, &said)
		default:
		}
		home, _ = os.ReadFile(filepath.Join(dir, "started"))
		return len(home) > 0
	})
	data := filepath.Join(string(home), "data")
	if !running(data) {
		t.Fatal("no server runs")
	}
	_ = maker.Process.Kill()
	<-ended
	eventually(t, "the server ends", func() bool { return !running(data) })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}
