package main

import (
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The service manager is told what happens (sd_notify).
func testServiceManager(t *testing.T, h *house, database string) {
	address := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	h.execute(t, database, "create function api.nothing() returns int language sql as 'select 1'")
	p := h.launch(t, exec.Command(h.binary, "serve"), database, "NOTIFY_SOCKET="+address, "WATCHDOG_USEC=200000")
	told := make(map[string]int)
	hear := func(wanted string) {
		t.Helper()
		_ = socket.SetReadDeadline(time.Now().Add(20 * time.Second))
		for message := make([]byte, 1<<12); ; {
			n, err := socket.Read(message)
			if err != nil {
				t.Fatalf("%s is not told: %v, %v\n%s", wanted, slices.Collect(maps.Keys(told)), err, p.events)
			}
			first, _, _ := strings.Cut(string(message[:n]), "=")
			told[first]++
			if strings.HasPrefix(string(message[:n]), wanted) {
				return
			}
		}
	}
	hear("READY=1")
	p.await(t, "API server listening")
	if got := p.status("/rpc/nothing"); got != 200 {
		t.Errorf("an answer: %d", got)
	}
	hear("WATCHDOG=1")
	hear("WATCHDOG=1")
	_ = p.command.Process.Signal(syscall.SIGUSR2)
	hear("RELOADING=1\nMONOTONIC_USEC=")
	hear("READY=1")
	_ = p.command.Process.Signal(syscall.SIGTERM)
	hear("STOPPING=1")
}

// Sockets that the service manager has opened (systemd.socket) are served, and nobody who connects meanwhile is refused.
func testActivation(t *testing.T, h *house, database string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	place := filepath.Join(t.TempDir(), "activated.sock")
	admin, err := net.Listen("unix", place)
	if err != nil {
		t.Fatal(err)
	}
	var files []*os.File
	for _, socket := range []interface{ File() (*os.File, error) }{listener.(*net.TCPListener), admin.(*net.UnixListener)} {
		file, err := socket.File()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		files = append(files, file)
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 2 {
		answer := make(chan string, 1)
		go func() { // before there is a server
			response, err := client.Get("http://" + listener.Addr().String() + "/books?select=id&id=eq.1")
			if err != nil {
				answer <- err.Error()
				return
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			answer <- string(body)
		}()
		command := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" serve`, h.binary)
		command.ExtraFiles = files
		p := h.launch(t, command, database, "LISTEN_FDS=2", "LISTEN_FDNAMES=api:admin", "PGRST_SERVER_PORT=1")
		if got := <-answer; got != `[{"id":1}]` {
			t.Errorf("%s\n%s", got, p.events)
		}
		conn, err := net.Dial("unix", place)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET /ready HTTP/1.0\r\n\r\n")
		if got, _ := io.ReadAll(conn); !strings.HasPrefix(string(got), "HTTP/1.0 200") {
			t.Errorf("the admin server: %s", got)
		}
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
}

// The units are ones that systemd understands.
func TestUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	dir := t.TempDir()
	for _, name := range []string{"postern.service", "postern.socket"} {
		text := strings.ReplaceAll(readText(t, "../../docs/deploy/"+name), "/usr/bin/postern", "/bin/true")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"postern.service", "postern.socket"} {
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", filepath.Join(dir, name)).CombinedOutput()
		if err != nil || strings.Contains(string(out), dir) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
