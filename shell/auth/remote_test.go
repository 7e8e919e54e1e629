package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"postern/shell/auth"
)

// signer is a key of an issuer.
type signer struct {
	id  string
	key *ecdsa.PrivateKey
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, key}
}

func (s signer) jwk(t *testing.T) string {
	t.Helper()
	point, err := s.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"%s","x":"%s","y":"%s"}`, s.id, b64(point[1:33]), b64(point[33:]))
}

func (s signer) token(t *testing.T, payload string) string {
	t.Helper()
	return "Bearer " + sign(t, jwt.SigningMethodES256, s.key, `{"alg":"ES256","kid":"`+s.id+`"}`, payload)
}

func set(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// issuer answers with what its pages are at the moment.
type issuer struct {
	*httptest.Server
	mutex sync.Mutex
	pages map[string]page
	asked map[string]int
}

type page struct {
	status int // 0 means 200
	header [2]string
	body   string
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{pages: map[string]page{}, asked: map[string]int{}}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mutex.Lock()
		i.asked[r.URL.Path]++
		found, ok := i.pages[r.URL.Path]
		i.mutex.Unlock()
		if !ok {
			found.status = 404
		}
		if found.header[0] != "" {
			w.Header().Set(found.header[0], found.header[1])
		}
		if found.status != 0 {
			w.WriteHeader(found.status)
		}
		_, _ = w.Write([]byte(found.body))
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) set(path string, p page) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.pages[path] = p
}

func (i *issuer) times(path string) int {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.asked[path]
}

// remote starts a Remote that fetches at most every pause, and a Verifier with it.
func remote(t *testing.T, url string, pause time.Duration) (*auth.Remote, *auth.Verifier, *auth.Counters) {
	t.Helper()
	counters := new(auth.Counters)
	r, err := auth.NewRemote(auth.RemoteOptions{URL: url, Pause: pause, Counters: counters})
	if err != nil {
		t.Fatal(err)
	}
	v := auth.New(auth.Options{Remote: r, RolePath: path(t, "$.role"), CacheEntries: 10, Counters: counters})
	r.Start()
	t.Cleanup(r.Stop)
	return r, v, counters
}

func eventually(t *testing.T, what string, works func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !works(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + " did not happen")
		}
	}
}

const (
	never  = time.Hour // as the pause: nothing is fetched a second time
	noKeys = "503 PGRST300"
	ann    = `ann {"role":"ann"}`
)

// The keys are found by the address of the set, of the configuration, and of the issuer.
func TestRemoteAddresses(t *testing.T) {
	a := newSigner(t, "a")
	i := newIssuer(t)
	i.set("/keys", page{body: set(a.jwk(t))})
	configuration := `{"issuer":"` + i.URL + `/realm","jwks_uri":"` + i.URL + `/keys"}`
	for _, base := range []string{"/realm", "/json"} {
		i.set(base+"/.well-known/openid-configuration", page{body: configuration})
	}
	i.set("/json", page{body: `{"realm":"json","public_key":"x"}`}) // as Keycloak's
	i.set("/moved", page{status: 302, header: [2]string{"Location", "/keys"}})
	good := `{"role":"ann","iss":"` + i.URL + `/realm"}`
	accepted := `ann {"iss":"` + i.URL + `/realm","role":"ann"}`
	stranger := refused("PGRST303", "The token is from another issuer")
	for _, test := range []struct{ path, payload, want string }{
		{"/keys", `{"role":"ann"}`, ann},
		{"/moved", `{"role":"ann"}`, ann},
		{"/realm/.well-known/openid-configuration", good, accepted},
		{"/realm", good, accepted},
		{"/realm/", good, accepted},
		{"/json", good, accepted},
		{"/realm", `{"role":"ann"}`, stranger},
		{"/realm", `{"role":"ann","iss":"` + i.URL + `"}`, stranger},
		{"/realm", `{"role":"ann","iss":["` + i.URL + `/realm"]}`, stranger},
	} {
		_, v, _ := remote(t, i.URL+test.path, never)
		eventually(t, "fetching by "+test.path, v.Ready)
		for range 2 {
			if got := answer(v, a.token(t, test.payload)); got != test.want {
				t.Errorf("%s %s: got %s, want %s", test.path, test.payload, got, test.want)
			}
		}
	}
}

// Until the keys arrive tokens are answered with 503, and requests without one as ever.
func TestRemoteComesLate(t *testing.T) {
	a := newSigner(t, "a")
	i := newIssuer(t)
	i.set("/keys", page{status: 500})
	_, v, counters := remote(t, i.URL+"/keys", 10*time.Millisecond)
	if got := answer(v, a.token(t, `{"role":"ann"}`)); got != noKeys || v.Ready() {
		t.Error(got)
	}
	if got := answer(v, ""); got != "401 PGRST302 Bearer" {
		t.Error(got)
	}
	eventually(t, "failures", func() bool { return counters.Failures.Load() > 1 })
	i.set("/keys", page{body: set(a.jwk(t))})
	eventually(t, "keys", v.Ready)
	if got := answer(v, a.token(t, `{"role":"ann"}`)); got != ann {
		t.Error(got)
	}
	eventually(t, "the counters", func() bool { return counters.Keys.Load() == 1 && counters.Fetched.Load() > 0 })
}

// The last good keys stay while the issuer is down or talks nonsense; new ones end what was verified with the old ones.
func TestRemoteChanges(t *testing.T) {
	a, b := newSigner(t, "a"), newSigner(t, "b")
	i := newIssuer(t)
	i.set("/keys", page{body: set(a.jwk(t))})
	r, v, counters := remote(t, i.URL+"/keys", 10*time.Millisecond)
	eventually(t, "keys", v.Ready)
	first := r.Keys()
	token := a.token(t, `{"role":"ann"}`)
	for n := range int64(3) {
		if got := answer(v, token); got != ann || counters.Hits.Load() != n {
			t.Errorf("%s, %d hits", got, counters.Hits.Load())
		}
	}
	fetches := counters.Fetches.Load()
	eventually(t, "fetching", func() bool { r.Renew(); return counters.Fetches.Load() > fetches })
	if r.Keys() != first {
		t.Error("the same set became other keys")
	}
	for _, bad := range []page{
		{status: 500}, {status: 404}, {body: "<html>"}, {body: `{}`}, {body: set()}, {body: `{"keys":{}}`}, {body: set(`{"kty":"mystery"}`)},
		{body: set(`{"kty":"oct","kid":"a","k":"` + encode(secret) + `"}`)}, // a secret that everybody can read
		{body: set(a.jwk(t)) + strings.Repeat(" ", 1<<20)}, {status: 302, header: [2]string{"Location", "/keys"}},
	} {
		i.set("/keys", bad)
		failures := counters.Failures.Load()
		eventually(t, "a failure", func() bool { r.Renew(); return counters.Failures.Load() > failures })
		if got := answer(v, token); got != ann {
			t.Errorf("after %.100v: %s", bad, got)
		}
	}
	i.set("/keys", page{body: set(b.jwk(t))})
	eventually(t, "other keys", func() bool { r.Renew(); return r.Keys() != first })
	if got := answer(v, token); got != refused("PGRST301", noKey) {
		t.Error("a token outlived its key: " + got)
	}
	if got := answer(v, b.token(t, `{"role":"ann"}`)); got != ann {
		t.Error(got)
	}
}

// Keys are fetched again when their header says so, without any token.
func TestRemoteFollowsHeaders(t *testing.T) {
	a := newSigner(t, "a")
	for _, test := range []struct {
		control string
		again   bool
	}{{"max-age=0", true}, {"no-cache", true}, {"max-age=3600", false}, {"", false}} {
		i := newIssuer(t)
		i.set("/keys", page{body: set(a.jwk(t)), header: [2]string{"Cache-Control", test.control}})
		_, v, _ := remote(t, i.URL+"/keys", 20*time.Millisecond)
		eventually(t, "keys", v.Ready)
		time.Sleep(200 * time.Millisecond)
		if times := i.times("/keys"); (times > 2) != test.again {
			t.Errorf("%s: fetched %d times", test.control, times)
		}
	}
}

// A kid that no key has lets the keys be fetched again, but not again and again.
func TestRemoteUnknownKid(t *testing.T) {
	a, b := newSigner(t, "a"), newSigner(t, "b")
	i := newIssuer(t)
	i.set("/keys", page{body: set(a.jwk(t)), header: [2]string{"Cache-Control", "max-age=3600"}})
	const pause = 500 * time.Millisecond
	_, v, counters := remote(t, i.URL+"/keys", pause)
	eventually(t, "keys", v.Ready)
	i.set("/keys", page{body: set(a.jwk(t), b.jwk(t)), header: [2]string{"Cache-Control", "max-age=3600"}})
	if got := answer(v, b.token(t, `{"role":"ann"}`)); got != refused("PGRST301", noKey) {
		t.Error("too early: " + got)
	}
	time.Sleep(pause)
	if got := answer(v, b.token(t, `{"role":"ann"}`)); got != ann {
		t.Error(got)
	}
	time.Sleep(pause)
	before, began := counters.Fetches.Load(), time.Now()
	var flood sync.WaitGroup
	var wrong atomic.Int64
	for n := range 200 {
		token := "Bearer " + encode(fmt.Sprintf(`{"alg":"ES256","kid":"k%d"}`, n)) + "." + encode(`{"role":"ann"}`) + ".eA"
		flood.Go(func() {
			if answer(v, token) != refused("PGRST301", noKey) {
				wrong.Add(1)
			}
		})
	}
	flood.Wait()
	most := 1 + int64(time.Since(began)/pause)
	if fetches := counters.Fetches.Load() - before; wrong.Load() != 0 || fetches < 1 || fetches > most {
		t.Errorf("%d wrong answers, %d fetches", wrong.Load(), fetches)
	}
}

// An issuer that does not answer holds up neither the start nor the end.
func TestRemoteHangs(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hanging.Close()
	defer close(release)
	began := time.Now()
	r, err := auth.NewRemote(auth.RemoteOptions{URL: hanging.URL})
	if err != nil {
		t.Fatal(err)
	}
	v := auth.New(auth.Options{Remote: r, RolePath: path(t, "$.role")})
	r.Start()
	if got := answer(v, "Bearer "+hs256(t, `{}`)); got != noKeys {
		t.Error(got)
	}
	r.Stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Error(took)
	}
}

// What an issuer leads to is https, and no private address.
func TestRemoteLeadsAstray(t *testing.T) {
	a := newSigner(t, "a")
	private := newIssuer(t)
	private.set("/keys", page{body: set(a.jwk(t))})
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(secure.URL, "https://"), ":")
	for _, test := range []struct{ target, want string }{
		{private.URL + "/keys", "not https"},
		{secure.URL + "/keys", "prohibited"},
		{"https://localhost:" + port + "/keys", "prohibited"},
		{"https://10.0.0.1/keys", "prohibited"},
		{"https://169.254.169.254/latest", "prohibited"},
		{"https://[::ffff:127.0.0.1]/keys", "prohibited"},
		{"https://[fd00::1]/keys", "prohibited"},
		{"gopher://127.0.0.1/", "not https"},
	} {
		for _, way := range []page{
			{status: 302, header: [2]string{"Location", test.target}},
			{body: `{"issuer":"x","jwks_uri":"` + test.target + `"}`},
		} {
			i := newIssuer(t)
			i.set("/.well-known/openid-configuration", way)
			told := make(chan string, 1)
			r, err := auth.NewRemote(auth.RemoteOptions{URL: i.URL + "/.well-known/openid-configuration", Pause: never,
				Log: func(format string, a ...any) { told <- fmt.Sprintf(format, a...) }})
			if err != nil {
				t.Fatal(err)
			}
			r.Start()
			if text := <-told; r.Keys() != nil || !strings.Contains(text, test.want) {
				t.Errorf("%s: %s", test.target, text)
			}
			r.Stop()
		}
	}
	if private.times("/keys") != 0 {
		t.Error("the private address was asked")
	}
}
