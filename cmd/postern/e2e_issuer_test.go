package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// testIssuer serves with the keys of an issuer that is down at first, comes, gets another key, goes, and is replaced.
func testIssuer(t *testing.T, h *house) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwks := `{"keys":[{"kty":"EC","crv":"P-256","kid":"one","x":"` + segment(point[1:33]) + `","y":"` + segment(point[33:]) + `"}]}`
	var issuer *httptest.Server
	var fetches atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/realm/.well-known/openid-configuration":
			_, _ = io.WriteString(w, `{"issuer":"https://issuer.example/realm","jwks_uri":"`+issuer.URL+`/keys"}`)
		case "/keys":
			fetches.Add(1)
			_, _ = io.WriteString(w, jwks)
		default:
			http.NotFound(w, r)
		}
	})
	issuer = httptest.NewUnstartedServer(handler)
	issuer.Config.ErrorLog = log.New(io.Discard, "", 0)
	issuer.StartTLS()
	defer issuer.Close()
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw})
	if err := os.WriteFile(trusted, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	signed := func(claims string) string {
		return forged(t, jwt.SigningMethodES256, key, `{"alg":"ES256","kid":"one"}`, claims)
	}
	ann := signed(`{"iss":"https://issuer.example/realm","role":"e2e_user"}`)
	annHas := `{"iss":"https://issuer.example/realm","role":"e2e_user"}`

	t.Run("down", func(t *testing.T) {
		down, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := down.Addr().String()
		_ = down.Close()
		p := h.serve(t, "attacked", "PGRST_JWT_SECRET=https://"+address+"/keys")
		r := p.who(t, ann)
		if r.status != 503 || r.header.Get("Retry-After") == "" ||
			r.body != `{"code":"PGRST300","details":null,"hint":null,"message":"The keys to verify tokens with have not been fetched yet"}` {
			t.Errorf("%d %s %v", r.status, r.body, r.header)
		}
		p.expect(t, "GET", "/books?select=id&id=eq.1", "", nil, 200, `[{"id":1}]`) // without a token all is well
		p.admin.expect(t, "GET", "/ready", "", nil, 503, "")
		p.admin.expect(t, "GET", "/live", "", nil, 200, "")
		eventually(t, "a complaint", func() bool { return strings.Contains(p.events.String(), "The keys of jwt-secret could not be fetched") })
	})

	t.Run("not trusted", func(t *testing.T) {
		p := h.serve(t, "attacked", "PGRST_JWT_SECRET="+issuer.URL+"/keys")
		eventually(t, "a complaint", func() bool { return strings.Contains(p.events.String(), "certificate") })
		if r := p.who(t, ann); r.status != 503 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})

	t.Run("up", func(t *testing.T) {
		p := h.serve(t, "attacked", "PGRST_JWT_SECRET="+issuer.URL+"/realm", "SSL_CERT_FILE="+trusted)
		eventually(t, "keys", func() bool { return p.who(t, ann).status == 200 })
		p.admin.expect(t, "GET", "/ready", "", nil, 200, "")
		for range 3 {
			p.accepts(t, "by discovery", ann, "e2e_user", annHas)
		}
		p.refuses(t, "another issuer", signed(`{"iss":"https://issuer.example/","role":"e2e_user"}`), refusal{"PGRST303", "The token is from another issuer", ""})
		p.refuses(t, "no issuer", signed(forAnn), refusal{"PGRST303", "The token is from another issuer", ""})
		p.refuses(t, "alg none", segment([]byte(`{"alg":"none","kid":"one"}`))+"."+segment([]byte(annHas))+".", noAlgorithm)
		before := fetches.Load()
		for range 5 { // just fetched: unknown kids fetch nothing
			p.refuses(t, "unknown kid", forged(t, jwt.SigningMethodES256, key, `{"alg":"ES256","kid":"two"}`, annHas), noKey)
		}
		if fetches.Load() != before {
			t.Error("unknown kids make the keys be fetched again and again")
		}
		metrics := p.admin.send(t, "GET", "/metrics", "")
		for _, line := range []string{"postern_jwks_fetches_total 1", "postern_jwks_keys 1", "postern_jwks_failures_total 0", "pgrst_db_pool_max 10",
			"pgrst_db_pool_waiting 0", "pgrst_db_pool_timeouts_total 0", "pgrst_jwt_cache_evictions_total 0"} {
			if !strings.Contains(metrics.body, line+"\n") {
				t.Errorf("no line %s", line)
			}
		}
		for _, name := range []string{"pgrst_db_pool_available ", "pgrst_jwt_cache_requests_total ", "pgrst_jwt_cache_hits_total ",
			`postern_http_requests_total{method="GET",route="function",status="200"} `, `postern_http_requests_total{method="GET",route="function",status="401"} 8`, "go_goroutines "} {
			if !strings.Contains(metrics.body, "\n"+name) {
				t.Errorf("no metric %s in\n%s", name, metrics.body)
			}
		}
		if kind := metrics.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4; charset=utf-8") {
			t.Error(kind)
		}
		if r := p.send(t, "GET", "/metrics", ""); r.status != 404 {
			t.Error("the API's port shows metrics")
		}
		issuer.CloseClientConnections()
		issuer.Listener.Close()
		h.execute(t, "attacked", "notify pgrst, 'reload config'")
		eventually(t, "reloading", func() bool { return strings.Contains(p.events.String(), "Config reloaded") })
		p.accepts(t, "while the issuer is down", ann, "e2e_user", annHas)

		h.execute(t, "attacked", "alter role e2e_login in database attacked set pgrst.jwt_secret = '"+testSecret+"'; notify pgrst, 'reload config'")
		eventually(t, "another secret", func() bool { return p.who(t, ann).status == 401 })
		h.execute(t, "attacked", "alter role e2e_login in database attacked reset pgrst.jwt_secret")
	})
}
