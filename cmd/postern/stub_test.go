package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
	"postern/shell"
	"postern/shell/config"
)

//go:embed testdata/stub.sql
var stub string

const testSecret = "reallyreallyreallyreallyverysafe"

// stubCluster starts a cluster whose database postgres has the stub.
func stubCluster(t *testing.T) *cluster.Cluster {
	t.Helper()
	c := emptyCluster(t)
	if err := c.Exec(t.Context(), "postgres", stub); err != nil {
		t.Fatal(err)
	}
	return c
}

func emptyCluster(t *testing.T) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Start(t.Context(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// testServer is a running server.
type testServer struct {
	base   string
	admin  *http.Client
	events *output
	stop   func() error
}

// startServer runs a server with the settings of environment on top of what tests have in common, and waits for the
// database unless told not to.
func startServer(t *testing.T, uri string, wait bool, environment ...string) *testServer {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "admin.sock")
	sources := config.Sources{Environment: append([]string{
		"PGRST_DB_URI=" + uri, "PGRST_DB_SCHEMAS=test", "PGRST_DB_ANON_ROLE=anon", "PGRST_JWT_SECRET=" + testSecret,
		"PGRST_SERVER_HOST=127.0.0.1", "PGRST_SERVER_PORT=0", "PGRST_ADMIN_SERVER_UNIX_SOCKET=" + socket,
	}, environment...)}
	c, err := config.Load(sources)
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{events: new(output)}
	connected := make(chan struct{})
	server, err := shell.New(shell.Options{
		Config: c, Sources: sources, Requests: io.Discard, Events: s.events, Connected: func() { close(connected) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.admin = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	s.base = "http://" + server.Address().String()
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { _ = s.stop() })
	if !wait {
		return s
	}
	select {
	case <-connected:
	case <-time.After(20 * time.Second):
		t.Fatalf("not connected:\n%s", s.events)
	}
	return s
}

// get sends a request with pairs of header names and values.
func (s *testServer) get(t *testing.T, path string, headers ...string) (status int, body string) {
	t.Helper()
	response := s.send(t, http.MethodGet, path, nil, headers...)
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (s *testServer) send(t *testing.T, method, path string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func (s *testServer) ready(t *testing.T, path string) int {
	t.Helper()
	status, _ := s.ask(t, path)
	return status
}

// ask sends a request to the admin server.
func (s *testServer) ask(t *testing.T, path string) (status int, body string) {
	t.Helper()
	response, err := s.admin.Get("http://admin" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// token is the value of Authorization for claims.
func token(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	content := encode([]byte(`{"alg":"HS256"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(testSecret))
	mac.Write([]byte(content))
	return "Bearer " + content + "." + encode(mac.Sum(nil))
}

// eventually tries until it works or ten seconds are over.
func eventually(t *testing.T, what string, works func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !works(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + " did not happen")
		}
	}
}

// generationOf is the generation of settings and roles that the shell was in when it asked the stub.
func generationOf(body string) string {
	_, rest, _ := strings.Cut(body, `"generation": "`)
	generation, _, _ := strings.Cut(rest, `"`)
	return generation
}
