package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// output is a buffer that one goroutine writes to while another reads.
type output struct {
	lock sync.Mutex
	text bytes.Buffer // not embedded: its ReadFrom would go past the lock
}

func (o *output) Write(p []byte) (int, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.text.String()
}

// runningDemo starts the demo in a directory, waits until it has printed a text and returns all it has printed; stop is
// Ctrl-C and returns the demo's error.
func runningDemo(t *testing.T, options demoOptions, until string) (printed string, stop func() error) {
	t.Helper()
	var out output
	options.out = &out
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	var failure error
	go func() {
		defer close(ended)
		failure = startDemo(ctx, options)
	}()
	stop = func() error {
		cancel()
		<-ended
		return failure
	}
	t.Cleanup(func() { _ = stop() })
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(out.String(), until); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("the demo ended early: %v", failure)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("the demo is not up after two minutes")
		}
	}
	return out.String(), stop
}

// freePort returns a port that nothing listens on, below those that the system gives to connections, which other tests make.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(10000)
		if checkPort(port) == nil {
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func TestDemo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	t.Cleanup(func() {
		if err := removeDemo(context.Background(), dir); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	port := freePort(t)
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	err = startDemo(t.Context(), demoOptions{port: port, dir: dir, out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "port "+strconv.Itoa(port)) || !strings.Contains(err.Error(), "--port") {
		t.Errorf("a taken port gives %v", err)
	}
	_ = listener.Close()

	printed, stop := runningDemo(t, demoOptions{port: port, dir: dir}, "clerk  (")
	if _, err := exec.LookPath("curl"); err == nil {
		lines := 0
		for line := range strings.Lines(printed) {
			if !strings.HasPrefix(line, "curl ") {
				continue
			}
			lines++
			answer, err := exec.Command("sh", "-c", strings.TrimSpace(line)+" -sSf").CombinedOutput()
			if err != nil || len(answer) < 20 {
				t.Errorf("%s\n%v %s", line, err, answer)
			}
		}
		if lines != 3 {
			t.Errorf("%d curl lines are printed", lines)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("Ctrl-C ends in %v", err)
	}
	secret, err := os.ReadFile(secretFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(secretFile(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key of the tokens: %v %v", info, err)
	}

	// The second start is on the kept cluster, with the kept key.
	began := time.Now()
	printed, stop = runningDemo(t, demoOptions{dir: dir, dbOnly: true}, "\n")
	// Three seconds are promised on a machine that has nothing else to do; here other tests run beside.
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the second start takes %v", took)
	}
	if uri, err := url.Parse(strings.TrimSpace(printed)); err != nil || uri.Path != "/demo" {
		t.Errorf("--db-only prints %q", printed)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if again, err := keptSecret(dir); err != nil || again != strings.TrimSpace(string(secret)) {
		t.Errorf("the key of the tokens has changed: %v", err)
	}
}
