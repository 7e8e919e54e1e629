package main

import (
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// TestBinaryTransport serves over TLS, HTTP/2 and with compression, by the binary as it is released.
func TestBinaryTransport(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.database(t, "transport", true)
	t.Run("TLS", func(t *testing.T) { testTLS(t, h) })
	t.Run("HTTP/2 in clear text", func(t *testing.T) { testClearHTTP2(t, h) })
	t.Run("compression", func(t *testing.T) { testCompression(t, h) })
	t.Run("gone clients", func(t *testing.T) { testGoneClients(t, h) })
}

// over returns the process with a client that speaks only one version of HTTP.
func (p *process) over(version string, config *tls.Config) *process {
	protocols := new(http.Protocols)
	switch version {
	case "HTTP/1.1":
		protocols.SetHTTP1(true)
	case "HTTP/2.0":
		protocols.SetHTTP2(true)
		protocols.SetUnencryptedHTTP2(config == nil)
	}
	other := *p
	other.client = &http.Client{Transport: &http.Transport{Protocols: protocols, TLSClientConfig: config, DisableCompression: true}}
	if config != nil {
		other.base = strings.Replace(p.base, "http://", "https://", 1)
	}
	return &other
}

// raw sends a GET and gives the answer with its body still to be read.
func (p *process) raw(t *testing.T, target string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", p.base+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v\n%s", target, err, p.events)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// writeCertificate writes a self-signed certificate for 127.0.0.1 and its key, each in one step, and gives a pool to
// trust it.
func writeCertificate(t *testing.T, certFile, keyFile string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "postern"}, DNSNames: []string{"postern.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: certificate}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		text := pem.EncodeToMemory(block)
		if file == certFile {
			trusted.AppendCertsFromPEM(text)
		}
		if err := os.WriteFile(file+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	return &tls.Config{RootCAs: trusted, ServerName: "postern.test"}
}

func testTLS(t *testing.T, h *house) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	settings := []string{"PGRST_SERVER_TLS_CERT=" + certFile, "PGRST_SERVER_TLS_KEY=" + keyFile}
	for _, wrong := range [][]string{settings[:1], settings[1:], settings} { // one without the other; files that are not there
		out, err := h.run(t, append([]string{"serve", "PGRST_DB_URI=" + h.cluster.URI("e2e_login", "transport"), "PGRST_SERVER_PORT=0"}, wrong...)...)
		if err == nil || !strings.Contains(out, "server-tls-cert") {
			t.Errorf("%v: %v %s", wrong, err, out)
		}
	}
	trust := writeCertificate(t, certFile, keyFile)
	p := h.serve(t, "transport", settings...)
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		response := p.over(version, trust).raw(t, "/books?select=id&id=eq.1")
		body, _ := io.ReadAll(response.Body)
		if response.Proto != version || response.StatusCode != 200 || string(body) != `[{"id":1}]` || response.TLS == nil || response.TLS.Version < tls.VersionTLS12 {
			t.Errorf("%s: %s %d %s", version, response.Proto, response.StatusCode, body)
		}
	}
	old := trust.Clone()
	old.MaxVersion = tls.VersionTLS11
	if _, err := p.over("HTTP/1.1", old).client.Get(strings.Replace(p.base, "http:", "https:", 1)); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if r := p.send(t, "GET", "/books", ""); r.status != 400 {
		t.Errorf("without TLS: %d %s", r.status, r.body)
	}

	// A certificate that does not fit the key is not taken; one that does is, without a restart.
	renewed := writeCertificate(t, certFile, filepath.Join(dir, "later.pem"))
	fresh := func(config *tls.Config) bool {
		response, err := p.over("HTTP/2.0", config).client.Get(strings.Replace(p.base, "http:", "https:", 1) + "/books?limit=1")
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == 200
	}
	eventually(t, "the complaint", func() bool {
		return fresh(trust) && strings.Contains(p.events.String(), "The new certificate cannot be used")
	})
	if err := os.Rename(filepath.Join(dir, "later.pem"), keyFile); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new certificate", func() bool { return fresh(renewed) })
	if fresh(trust) {
		t.Error("the old certificate is shown")
	}
}

func testClearHTTP2(t *testing.T, h *house) {
	p := h.serve(t, "transport", "PGRST_DB_POOL=4").over("HTTP/2.0", nil)
	user := []string{"Authorization", token(`{"role":"e2e_user","sub":"ann"}`)}
	response := p.raw(t, "/rpc/me", user...)
	body, _ := io.ReadAll(response.Body)
	if response.Proto != "HTTP/2.0" || string(body) != `{"role" : "e2e_user", "sub" : "ann"}` || response.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
		t.Errorf("%s %v %s", response.Proto, response.Header, body)
	}
	p.expect(t, "POST", "/rpc/add", `{"a":1,"b":2}`, nil, 200, "3")
	r := p.expect(t, "POST", "/authors?select=name", `{"name":"h2"}`, append([]string{"Prefer", "return=representation"}, user...), 201, `[{"name":"h2"}]`)
	if r.header.Get("Preference-Applied") == "" {
		t.Errorf("%v", r.header)
	}
	p.expect(t, "DELETE", "/authors?name=eq.h2", "", user, 204, "")
	p.expect(t, "HEAD", "/books", "", nil, 200, "")
	if r := p.send(t, "POST", "/rpc/set_header", `{"name":"X-A","value":"a\r\nSet-Cookie: b=c"}`); r.status != 500 || r.code() != "PGRST111" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := p.send(t, "POST", "/rpc/set_header", `{"name":"Connection","value":"close"}`); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	// Many requests share the connection, and none gets the answer of another.
	var waiting sync.WaitGroup
	for n := range 200 {
		waiting.Go(func() { p.expect(t, "GET", fmt.Sprintf("/rpc/add?a=%d&b=1", n), "", nil, 200, fmt.Sprint(n+1)) })
	}
	waiting.Wait()
}

func testCompression(t *testing.T, h *house) {
	plain := h.serve(t, "transport").over("HTTP/1.1", nil)
	many := "/rpc/many?n=500"
	h.execute(t, "transport", `create function api.many(n int) returns table (line text) language sql immutable rows 500 as
		$$ select 'line ' || i from generate_series(1, n) as i $$`)
	text := func(response *http.Response, body io.Reader) string {
		got, err := io.ReadAll(body)
		if err != nil {
			t.Errorf("%v: %v", response.Header, err)
		}
		return string(got)
	}
	response := plain.raw(t, many, "Accept-Encoding", "gzip, br, zstd")
	want := text(response, response.Body)
	if response.Header.Get("Content-Encoding") != "" || strings.Contains(response.Header.Get("Vary"), "Encoding") || len(want) < 5000 {
		t.Errorf("compressed without being told: %v", response.Header)
	}
	p := h.serve(t, "transport", "PGRST_SERVER_COMPRESSION=zstd, br, gzip", "PGRST_DB_MAX_ROWS=1000")
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		q := p.over(version, nil)
		for _, coding := range []string{"gzip", "br", "zstd"} {
			response := q.raw(t, many, "Accept-Encoding", coding)
			if got := response.Header; got.Get("Content-Encoding") != coding || !strings.Contains(got.Get("Vary"), "Accept-Encoding") ||
				response.ContentLength <= 0 || response.ContentLength > int64(len(want)/4) {
				t.Errorf("%s %s: %v", version, coding, got)
			}
			var body io.Reader
			var err error
			switch coding {
			case "gzip":
				body, err = gzip.NewReader(response.Body)
			case "br":
				body = brotli.NewReader(response.Body)
			case "zstd":
				body, err = zstd.NewReader(response.Body)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := text(response, body); got != want {
				t.Errorf("%s %s: %.100s", version, coding, got)
			}
		}
		for _, headers := range [][]string{
			{"Range", "0-399", "Prefer", "count=exact", "Accept-Encoding", "gzip"}, // 206
			{"Accept-Encoding", "gzip;q=0"},
			nil,
		} {
			response := q.raw(t, many, headers...)
			if got := text(response, response.Body); response.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(want, got[:4000]) {
				t.Errorf("%s %v: %d %v %.100s", version, headers, response.StatusCode, response.Header, got)
			}
		}
		if response := q.raw(t, "/books?id=eq.1", "Accept-Encoding", "gzip"); response.Header.Get("Content-Encoding") != "" {
			t.Errorf("a small answer: %v", response.Header)
		}
	}
}

// A client that goes away ends its query within 100 ms, by PostgreSQL's own clock, and others get the connection. The best
// of three times counts: the machine may be busy.
func testGoneClients(t *testing.T, h *house) {
	p := h.serve(t, "transport", "PGRST_DB_POOL=2")
	const sleeping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
	// One that has closed its side gets no answer in place of the one that it did not wait for.
	half := p.dial(t)
	_, _ = io.WriteString(half, "POST /rpc/sleep HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"seconds\": 30}")
	eventually(t, "sleep", func() bool { return h.ask(t, "transport", sleeping) == "1" })
	_ = half.CloseWrite()
	if answer, _ := io.ReadAll(half); len(answer) > 0 {
		t.Errorf("half closed: %s", answer)
	}
	const sessions = "select string_agg(pid::text, ',' order by pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		q := p.over(version, nil)
		var before string
		best := time.Hour
		for range 3 {
			ctx, leave := context.WithCancel(t.Context())
			var waiting sync.WaitGroup
			for range 2 { // all connections of the pool
				waiting.Go(func() {
					request, err := http.NewRequestWithContext(ctx, "POST", q.base+"/rpc/sleep", strings.NewReader(`{"seconds": 30}`))
					if err != nil {
						t.Error(err)
						return
					}
					if response, err := q.client.Do(request); err == nil {
						_ = response.Body.Close()
						t.Errorf("%s: an answer: %d", version, response.StatusCode)
					}
				})
			}
			eventually(t, "sleep", func() bool { return h.ask(t, "transport", sleeping) == "2" })
			pids := h.ask(t, "transport", sessions)
			if before != "" && pids != before {
				t.Errorf("%s: the connections were replaced: %s, then %s", version, before, pids)
			}
			before = pids
			left := time.Now()
			leave()
			eventually(t, "the end of the queries", func() bool { return h.ask(t, "transport", sleeping) == "0" })
			ended, err := strconv.ParseFloat(h.ask(t, "transport", "select extract(epoch from max(state_change)) from pg_stat_activity where pid in ("+pids+")"), 64)
			if err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Unix(0, int64(ended*1e9)).Sub(left))
			q.expect(t, "GET", "/rpc/add?a=1&b=2", "", nil, 200, "3")
			waiting.Wait()
		}
		t.Logf("%s: the queries end after %v", version, best)
		if best > 100*time.Millisecond {
			t.Errorf("%s: the queries end after %v", version, best)
		}
	}
}
