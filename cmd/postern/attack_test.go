package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// attackSchema is what tokens that are accepted are told by, and roles with names that invite mistakes.
const attackSchema = `
create function api.who() returns json language sql stable as
  $$ select json_build_array(current_user, current_setting('request.jwt.claims'), current_setting('is_superuser'),
       current_setting('request.headers')::json ->> 'x-claimed') $$;
create role "e2e ""quo'ted""; drop table api.books; -- é";
create role e2e_long_name_of_63_bytes_abcdefghijklmnopqrstuvwxyz0123456789a;
create role e2e_stranger superuser;
grant "e2e ""quo'ted""; drop table api.books; -- é", e2e_long_name_of_63_bytes_abcdefghijklmnopqrstuvwxyz0123456789a to e2e_login;
grant usage on schema api to "e2e ""quo'ted""; drop table api.books; -- é", e2e_long_name_of_63_bytes_abcdefghijklmnopqrstuvwxyz0123456789a;
`

// What a refused token is answered with.
type refusal struct {
	code, message, details string
}

var (
	notJWT      = refusal{"PGRST301", "The token is not a valid JWT", ""}
	noExtension = refusal{"PGRST301", "The token is not a valid JWT", "Its header asks for extensions (crit) that are not supported"}
	noAlgorithm = refusal{"PGRST301", "The token's algorithm is not supported", ""}
	noKey       = refusal{"PGRST301", "No key suits the token", "None of the keys in jwt-secret has the token's kid and algorithm"}
	noSignature = refusal{"PGRST301", "The token's signature does not verify", ""}
	noToken     = refusal{"PGRST301", "The Authorization header holds an empty token", ""}
	tooLong     = refusal{"PGRST301", "The token is too long", "At most 65536 bytes are accepted"}
	expired     = refusal{"PGRST303", "The token has expired", ""}
	tooEarly    = refusal{"PGRST303", "The token is not valid yet", ""}
	fromFuture  = refusal{"PGRST303", "The token was issued in the future", ""}
	notForUs    = refusal{"PGRST303", "The token is meant for another audience", ""}
	noObject    = refusal{"PGRST303", "The token's claims are not a JSON object", ""}
	noAudience  = refusal{"PGRST303", "The claim 'aud' must be a string or an array of strings", ""}
	noRole      = refusal{"PGRST303", "The token's role is not a name that a role can have", ""}
)

func parts(n int) refusal {
	return refusal{"PGRST301", fmt.Sprintf("A JWT has 3 parts, this one has %d", n), ""}
}

func noNumber(claim string) refusal {
	return refusal{"PGRST303", "The claim '" + claim + "' must be a number", ""}
}

func (r refusal) body() string {
	details := "null"
	if r.details != "" {
		details = `"` + r.details + `"`
	}
	return `{"code":"` + r.code + `","details":` + details + `,"hint":null,"message":"` + r.message + `"}`
}

func (r refusal) challenge() string {
	return `Bearer error="invalid_token", error_description="` + r.message + `"`
}

var segment = base64.RawURLEncoding.EncodeToString

// forged is a token with any header and claims, signed with any key.
func forged(t *testing.T, method jwt.SigningMethod, key any, header, claims string) string {
	t.Helper()
	content := segment([]byte(header)) + "." + segment([]byte(claims))
	signature, err := method.Sign(content, key)
	if err != nil {
		t.Fatal(err)
	}
	return content + "." + segment(signature)
}

// TestBinaryTokens tries tokens, of friends and of attackers, on the binary as it is released. The very seconds at which times
// begin and end to count are tested with a clock of their own, in shell/auth.
func TestBinaryTokens(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.database(t, "attacked", true)
	h.execute(t, "attacked", attackSchema)
	t.Run("secret", func(t *testing.T) { testSecretAttacks(t, h) })
	t.Run("key set", func(t *testing.T) { testKeySetAttacks(t, h) })
	t.Run("roles", func(t *testing.T) { testRoleAttacks(t, h) })
	t.Run("headers", func(t *testing.T) { testHeaderAttacks(t, h) })
	t.Run("settings", func(t *testing.T) { testSecretSettings(t, h) })
	t.Run("reload", func(t *testing.T) { testSecretReload(t, h) })
	t.Run("issuer", func(t *testing.T) { testIssuer(t, h) })
	if h.ask(t, "attacked", "select count(*) from api.books") != "3" {
		t.Error("the books are not as they were")
	}
	t.Run("settings of roles", func(t *testing.T) { testRoleSettings(t, h) })
}

// who sends a token to a function that tells who asks.
func (p *process) who(t *testing.T, token string) reply {
	t.Helper()
	return p.send(t, "GET", "/rpc/who", "", "Authorization", "Bearer "+token)
}

func (p *process) refuses(t *testing.T, name, token string, want refusal) {
	t.Helper()
	r := p.who(t, token)
	if r.status != 401 || r.body != want.body() || r.header.Get("WWW-Authenticate") != want.challenge() ||
		r.header.Get("Proxy-Status") != "postern; error="+want.code {
		t.Errorf("%s:\n got %d %s %s\nwant 401 %s", name, r.status, r.body, r.header.Get("WWW-Authenticate"), want.body())
	}
}

// accepts checks the role and the claims that the database got.
func (p *process) accepts(t *testing.T, name, token, role, claims string) {
	t.Helper()
	r := p.who(t, token)
	want := fmt.Sprintf("[%s, %s, %s, null]", jsonQuoted(role), jsonQuoted(claims), `"off"`)
	if r.status != 200 || r.body != want {
		t.Errorf("%s:\n got %d %.300s\nwant 200 %.300s", name, r.status, r.body, want)
	}
}

// quoted is text as PostgreSQL writes it in JSON.
func jsonQuoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text) + `"`
}

const (
	hs256  = `{"alg":"HS256"}`
	forAnn = `{"role":"e2e_user","sub":"ann"}`
	annHas = `{"sub":"ann","role":"e2e_user"}` // her claims as the database gets them: the role comes last
)

func testSecretAttacks(t *testing.T, h *house) {
	p := h.serve(t, "attacked", "PGRST_JWT_AUD=postern")
	secret := []byte(testSecret)
	plain := func(header, claims string) string { return forged(t, jwt.SigningMethodHS256, secret, header, claims) }
	now := time.Now().Unix()
	good := plain(hs256, forAnn)
	s := strings.Split(good, ".")
	head := func(text string) string { return segment([]byte(text)) }

	p.accepts(t, "good", good, "e2e_user", annHas)
	for _, row := range []struct {
		name, token string
		want        refusal
	}{
		{"alg none, no signature", head(`{"alg":"none"}`) + "." + s[1] + ".", noAlgorithm},
		{"alg none, a signature", head(`{"alg":"none"}`) + "." + s[1] + "." + s[2], noAlgorithm},
		{"alg nOnE", head(`{"alg":"nOnE"}`) + "." + s[1] + ".", noAlgorithm},
		{"alg NONE", head(`{"alg":"NONE"}`) + "." + s[1] + ".", noAlgorithm},
		{"alg none with a blank", head(`{"alg":"none "}`) + "." + s[1] + ".", noAlgorithm},
		{"alg empty", plain(`{"alg":""}`, forAnn), noAlgorithm},
		{"alg missing", plain(`{"typ":"JWT"}`, forAnn), noAlgorithm},
		{"alg null", plain(`{"alg":null}`, forAnn), noAlgorithm},
		{"alg not a string", plain(`{"alg":["HS256"]}`, forAnn), notJWT},
		{"alg in lower case", plain(`{"alg":"hs256"}`, forAnn), noAlgorithm},
		{"alg unknown", plain(`{"alg":"HS257"}`, forAnn), noAlgorithm},
		{"alg twice, none last", head(`{"alg":"HS256","alg":"none"}`) + "." + s[1] + ".", noAlgorithm},
		{"alg for encryption", plain(`{"alg":"dir","enc":"A256GCM"}`, forAnn), noAlgorithm},
		{"another alg of the family", forged(t, jwt.SigningMethodHS512, secret, `{"alg":"HS512"}`, forAnn), noKey},
		{"RS256 without RSA key", plain(`{"alg":"RS256"}`, forAnn), noKey},
		{"ES256 without EC key", plain(`{"alg":"ES256"}`, forAnn), noKey},
		{"EdDSA without Ed key", plain(`{"alg":"EdDSA"}`, forAnn), noKey},
		{"signed with the empty secret", forged(t, jwt.SigningMethodHS256, []byte{}, hs256, forAnn), noSignature},
		{"signed with another secret", forged(t, jwt.SigningMethodHS256, []byte(testSecret+"x"), hs256, forAnn), noSignature},
		{"signed with the secret and a NUL", forged(t, jwt.SigningMethodHS256, []byte(testSecret[:31]+"\x00"), hs256, forAnn), noSignature},
		{"claims changed", s[0] + "." + head(`{"role":"e2e_stranger"}`) + "." + s[2], noSignature},
		{"header changed", head(`{"alg":"HS256","typ":"JWT"}`) + "." + s[1] + "." + s[2], noSignature},
		{"no signature", s[0] + "." + s[1] + ".", noSignature},
		{"signature cut", s[0] + "." + s[1] + "." + s[2][:40], noSignature},
		{"no header", "." + s[1] + "." + s[2], notJWT},
		{"no claims", s[0] + ".." + s[2], noSignature},
		{"nothing but dots", "..", notJWT},
		{"one part", "x", parts(1)},
		{"two parts", s[0] + "." + s[1], parts(2)},
		{"four parts", good + "." + s[2], parts(4)},
		{"encrypted, five parts", "a.b.c.d.e", parts(5)},
		{"10,000 parts", strings.Repeat(".", 10_000), parts(10_001)},
		{"padding", s[0] + "." + s[1] + "." + s[2] + "=", notJWT},
		{"padding of the header", s[0] + "=." + s[1] + "." + s[2], notJWT},
		{"standard base64", s[0] + "." + s[1] + ".+/" + s[2][2:], notJWT},
		{"a blank inside", s[0] + "." + s[1] + ". " + s[2], notJWT},
		{"a blank after", good + " x", notJWT},
		{"two tokens", good + ", Bearer " + good, parts(5)},
		{"percent-encoding", s[0] + "." + s[1] + ".%20" + s[2], notJWT},
		{"garbage", "\xff\xfe.\x80.\xc3\x28", notJWT},
		{"header is no JSON", head("x") + "." + s[1] + "." + s[2], notJWT},
		{"header is an array", plain(`["HS256"]`, forAnn), notJWT},
		{"header is null", plain(`null`, forAnn), noAlgorithm},
		{"header goes on", plain(hs256+`{"alg":"none"}`, forAnn), notJWT},
		{"header is deep", plain(`{"alg":"HS256","x":`+strings.Repeat("[", 11_000)+strings.Repeat("]", 11_000)+`}`, forAnn), notJWT},
		{"crit", plain(`{"alg":"HS256","crit":["exp"],"exp":1}`, forAnn), noExtension},
		{"crit empty", plain(`{"alg":"HS256","crit":[]}`, forAnn), noExtension},
		{"crit null", plain(`{"alg":"HS256","crit":null}`, forAnn), noExtension},
		{"claims not encoded (b64)", plain(`{"alg":"HS256","crit":["b64"],"b64":false}`, forAnn), noExtension},
		{"kid that no key has", plain(`{"alg":"HS256","kid":"1"}`, forAnn), noKey},
		{"kid is a path", plain(`{"alg":"HS256","kid":"../../../../dev/null"}`, forAnn), noKey},
		{"kid is SQL", plain(`{"alg":"HS256","kid":"' union select 'x"}`, forAnn), noKey},
		{"kid is a command", plain(`{"alg":"HS256","kid":"| sleep 5 |"}`, forAnn), noKey},
		{"kid is empty", plain(`{"alg":"HS256","kid":""}`, forAnn), noKey},
		{"kid is no string", plain(`{"alg":"HS256","kid":1}`, forAnn), notJWT},
		{"kid is long", plain(`{"alg":"HS256","kid":"`+strings.Repeat("k", 40_000)+`"}`, forAnn), noKey},
		{"jku and no kid", plain(`{"alg":"RS256","jku":"http://127.0.0.1:1/keys"}`, forAnn), noKey},

		{"expired 31 s ago", plain(hs256, fmt.Sprintf(`{"role":"e2e_user","exp":%d}`, now-31)), expired},
		{"expired long ago", plain(hs256, `{"role":"e2e_user","exp":0}`), expired},
		{"expired before 1970", plain(hs256, `{"role":"e2e_user","exp":-9e99}`), expired},
		{"exp beyond numbers", plain(hs256, `{"role":"e2e_user","exp":1e999}`), expired},
		{"exp is text", plain(hs256, fmt.Sprintf(`{"role":"e2e_user","exp":"%d"}`, now+60)), noNumber("exp")},
		{"exp is true", plain(hs256, `{"role":"e2e_user","exp":true}`), noNumber("exp")},
		{"exp is an array", plain(hs256, `{"role":"e2e_user","exp":[9999999999]}`), noNumber("exp")},
		{"exp twice, the last is over", plain(hs256, `{"role":"e2e_user","exp":9999999999,"exp":1}`), expired},
		{"nbf in a minute", plain(hs256, fmt.Sprintf(`{"role":"e2e_user","nbf":%d}`, now+60)), tooEarly},
		{"nbf beyond numbers", plain(hs256, `{"role":"e2e_user","nbf":1e999}`), tooEarly},
		{"nbf is text", plain(hs256, `{"role":"e2e_user","nbf":"0"}`), noNumber("nbf")},
		{"iat in a minute", plain(hs256, fmt.Sprintf(`{"role":"e2e_user","iat":%d}`, now+60)), fromFuture},
		{"iat is an object", plain(hs256, `{"role":"e2e_user","iat":{}}`), noNumber("iat")},
		{"aud of another", plain(hs256, `{"role":"e2e_user","aud":"other"}`), notForUs},
		{"aud of others", plain(hs256, `{"role":"e2e_user","aud":["other","Postern","postern "]}`), notForUs},
		{"aud empty", plain(hs256, `{"role":"e2e_user","aud":""}`), notForUs},
		{"aud is a number", plain(hs256, `{"role":"e2e_user","aud":1}`), noAudience},
		{"aud is an object", plain(hs256, `{"role":"e2e_user","aud":{"postern":1}}`), noAudience},
		{"aud has a number", plain(hs256, `{"role":"e2e_user","aud":["postern",1]}`), noAudience},
		{"aud is nested", plain(hs256, `{"role":"e2e_user","aud":[["postern"]]}`), noAudience},
		{"aud is true", plain(hs256, `{"role":"e2e_user","aud":true}`), noAudience},

		{"claims are an array", plain(hs256, `[{"role":"e2e_user"}]`), noObject},
		{"claims are text", plain(hs256, `"e2e_user"`), noObject},
		{"claims are null", plain(hs256, `null`), noObject},
		{"claims are nothing", plain(hs256, ``), noObject},
		{"claims are cut", plain(hs256, `{"role":"e2e_user"`), noObject},
		{"claims go on", plain(hs256, `{"role":"e2e_user"}{"role":"e2e_stranger"}`), noObject},
		{"claims are not UTF-8", plain(hs256, "{\"role\":\"e2e_user\",\"x\":\"\xff\"}"), noObject},
		{"a NUL in the claims", plain(hs256, "{\"role\":\"e2e_user\",\"x\":\"\x00\"}"), noObject},
		{"a line end in a claim", plain(hs256, "{\"role\":\"e2e_user\",\"x\":\"a\r\nb\"}"), noObject},
		{"claims are too deep", plain(hs256, `{"role":"e2e_user","x":`+strings.Repeat("[", 11_000)+strings.Repeat("]", 11_000)+`}`), noObject},
		{"claims are a bomb of brackets", plain(hs256, `{"role":"e2e_user","x":`+strings.Repeat("[", 40_000)), noObject},
		{"64 KiB and more", plain(hs256, `{"role":"e2e_user","x":"`+strings.Repeat("x", 50_000)+`"}`), tooLong},
		{"a megabyte", plain(hs256, `{"role":"e2e_user","x":"`+strings.Repeat("x", 1<<20)+`"}`), tooLong},
		{"empty", "", noToken},
	} {
		p.refuses(t, row.name, row.token, row.want)
	}

	for _, row := range []struct{ name, header, claims, role, want string }{
		{"expired 25 s ago", hs256, fmt.Sprintf(`{"role":"e2e_user","exp":%d}`, now-25), "e2e_user", fmt.Sprintf(`{"exp":%d,"role":"e2e_user"}`, now-25)},
		{"nbf in 29 s", hs256, fmt.Sprintf(`{"role":"e2e_user","nbf":%d}`, now+29), "e2e_user", fmt.Sprintf(`{"nbf":%d,"role":"e2e_user"}`, now+29)},
		{"iat in 29 s", hs256, fmt.Sprintf(`{"role":"e2e_user","iat":%d}`, now+29), "e2e_user", fmt.Sprintf(`{"iat":%d,"role":"e2e_user"}`, now+29)},
		{"exp null", hs256, `{"role":"e2e_user","exp":null}`, "e2e_user", `{"exp":null,"role":"e2e_user"}`},
		{"aud", hs256, `{"role":"e2e_user","aud":"postern"}`, "e2e_user", `{"aud":"postern","role":"e2e_user"}`},
		{"aud among others", hs256, `{"role":"e2e_user","aud":["x","postern"]}`, "e2e_user", `{"aud":["x","postern"],"role":"e2e_user"}`},
		{"aud null", hs256, `{"role":"e2e_user","aud":null}`, "e2e_user", `{"aud":null,"role":"e2e_user"}`},
		{"aud of nobody", hs256, `{"role":"e2e_user","aud":[]}`, "e2e_user", `{"aud":[],"role":"e2e_user"}`},
		{"kid null", `{"alg":"HS256","kid":null}`, forAnn, "e2e_user", annHas},
		{"keys in the header", `{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","x5c":["x"]}`, forAnn, "e2e_user", annHas},
		{"no role", hs256, `{"sub":"ann"}`, "e2e_anon", `{"sub":"ann","role":"e2e_anon"}`},
		{"no claims", hs256, `{}`, "e2e_anon", `{"role":"e2e_anon"}`},
		{"escaped control characters", hs256, `{"role":"e2e_user","x":"a\r\nSet-Cookie: b\u0000\u001f"}`, "e2e_user", `{"x":"a\r\nSet-Cookie: b\u0000\u001f","role":"e2e_user"}`},
		{"half a surrogate", hs256, `{"role":"e2e_user","x":"\ud800"}`, "e2e_user", `{"x":"\ud800","role":"e2e_user"}`},
		{"__proto__", hs256, `{"role":"e2e_user","__proto__":{"role":"e2e_stranger"},"constructor":1}`, "e2e_user", `{"__proto__":{"role":"e2e_stranger"},"constructor":1,"role":"e2e_user"}`},
		{"SQL", hs256, `{"role":"e2e_user","sub":"'; drop table api.books; -- $1 %s %I \\' $$"}`, "e2e_user", `{"sub":"'; drop table api.books; -- $1 %s %I \\' $$","role":"e2e_user"}`},
		{"a claim named as a setting", hs256, `{"role":"e2e_user","request.jwt.claims":"x","search_path":"x"}`, "e2e_user", `{"request.jwt.claims":"x","search_path":"x","role":"e2e_user"}`},
		{"the role twice", hs256, `{"role":"e2e_stranger","role":"e2e_user"}`, "e2e_user", `{"role":"e2e_user"}`},
		{"the role, escaped", hs256, `{"\u0072ole":"e2e\u005fuser"}`, "e2e_user", `{"role":"e2e_user"}`},
		{"a Role beside the role", hs256, `{"role":"e2e_user","Role":"e2e_stranger"}`, "e2e_user", `{"Role":"e2e_stranger","role":"e2e_user"}`},
		{"5,000 levels", hs256, `{"role":"e2e_user","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, "e2e_user", `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,"role":"e2e_user"}`},
		{"8 KiB", hs256, `{"role":"e2e_user","x":"` + strings.Repeat("x", 6000) + `"}`, "e2e_user", `{"x":"` + strings.Repeat("x", 6000) + `","role":"e2e_user"}`},
		{"60 KiB", hs256, `{"role":"e2e_user","x":"` + strings.Repeat("x", 45_000) + `"}`, "e2e_user", `{"x":"` + strings.Repeat("x", 45_000) + `","role":"e2e_user"}`},
		{"a number of 1,000 digits", hs256, `{"role":"e2e_user","x":` + strings.Repeat("9", 1000) + `}`, "e2e_user", `{"x":` + strings.Repeat("9", 1000) + `,"role":"e2e_user"}`},
	} {
		for range 2 { // the second time out of the cache
			p.accepts(t, row.name, plain(row.header, row.claims), row.role, row.want)
		}
	}
}

func testKeySetAttacks(t *testing.T, h *house) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	modulus := segment(rsaKey.N.Bytes())
	rsaJWK := `{"kty":"RSA","kid":"r","n":"` + modulus + `","e":"AQAB"}`
	pinned := `{"kty":"RSA","kid":"p","alg":"PS256","n":"` + modulus + `","e":"AQAB"}`
	encryption := `{"kty":"RSA","kid":"enc","use":"enc","n":"` + modulus + `","e":"AQAB"}`
	wrapping := `{"kty":"RSA","kid":"wrap","key_ops":["wrapKey"],"n":"` + modulus + `","e":"AQAB"}`
	secret := []byte("another secret of more than 32 bytes")
	set := `{"keys":[` + strings.Join([]string{rsaJWK, pinned, encryption, wrapping,
		`{"kty":"EC","crv":"P-256","kid":"e","x":"` + segment(point[1:33]) + `","y":"` + segment(point[33:]) + `"}`,
		`{"kty":"OKP","crv":"Ed25519","kid":"d","x":"` + segment(edPublic) + `"}`,
		`{"kty":"oct","kid":"o","alg":"HS256","k":"` + segment(secret) + `"}`,
		`{"kty":"oct","kid":"short","k":"c2hvcnQ"}`}, ",") + `]}`
	p := h.serve(t, "attacked", "PGRST_JWT_SECRET="+set)

	var visits atomic.Int64
	attacker := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer attacker.Close()
	attackerKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	embedded := `"jwk":{"kty":"RSA","kid":"r","n":"` + segment(attackerKey.N.Bytes()) + `","e":"AQAB"},"jku":"` + attacker.URL + `","x5u":"` + attacker.URL + `"`
	for _, row := range []struct {
		name   string
		method jwt.SigningMethod
		key    any
		header string
		want   refusal
	}{
		{"the public key as secret, RSA's modulus", jwt.SigningMethodHS256, rsaKey.N.Bytes(), `{"alg":"HS256"}`, noSignature},
		{"the public key as secret, the JWK", jwt.SigningMethodHS256, []byte(rsaJWK), `{"alg":"HS256","kid":"r"}`, noKey},
		{"the public key as secret, n", jwt.SigningMethodHS256, []byte(modulus), `{"alg":"HS256","kid":"r"}`, noKey},
		{"the public key as secret, Ed25519", jwt.SigningMethodHS256, []byte(edPublic), `{"alg":"HS256","kid":"d"}`, noKey},
		{"the secret for RS256", jwt.SigningMethodHS256, secret, `{"alg":"RS256","kid":"o"}`, noKey},
		{"an embedded key", jwt.SigningMethodRS256, attackerKey, `{"alg":"RS256","kid":"r",` + embedded + `}`, noSignature},
		{"an embedded key, no kid", jwt.SigningMethodRS256, attackerKey, `{"alg":"RS256",` + embedded + `}`, noSignature},
		{"kid of the embedded key", jwt.SigningMethodRS256, attackerKey, `{"alg":"RS256","kid":"` + attacker.URL + `",` + embedded + `}`, noKey},
		{"kid of another key", jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256","kid":"e"}`, noKey},
		{"a key's other alg", jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256","kid":"p"}`, noKey},
		{"PS256 said to be RS256", jwt.SigningMethodPS256, rsaKey, `{"alg":"RS256","kid":"r"}`, noSignature},
		{"RS256 said to be PS256", jwt.SigningMethodRS256, rsaKey, `{"alg":"PS256","kid":"r"}`, noSignature},
		{"RS512 said to be RS256", jwt.SigningMethodRS512, rsaKey, `{"alg":"RS256","kid":"r"}`, noSignature},
		{"ES256 said to be ES384", jwt.SigningMethodES256, ecKey, `{"alg":"ES384","kid":"e"}`, noKey},
		{"a key for encryption", jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256","kid":"enc"}`, noKey},
		{"a key for wrapping", jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256","kid":"wrap"}`, noKey},
		{"a short secret in the set", jwt.SigningMethodHS256, []byte("short"), `{"alg":"HS256","kid":"short"}`, noKey},
		{"alg of a secret that allows another", jwt.SigningMethodHS384, secret, `{"alg":"HS384","kid":"o"}`, noKey},
	} {
		p.refuses(t, row.name, forged(t, row.method, row.key, row.header, forAnn), row.want)
	}
	content := segment([]byte(`{"alg":"ES256","kid":"e"}`)) + "." + segment([]byte(forAnn)) + "."
	p.refuses(t, "r and s are 0", content+segment(make([]byte, 64)), noSignature)
	p.refuses(t, "none with a key set", segment([]byte(`{"alg":"none"}`))+"."+segment([]byte(forAnn))+".", noAlgorithm)

	for name, token := range map[string]string{
		"RS256":                            forged(t, jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256","kid":"r"}`, forAnn),
		"RS384":                            forged(t, jwt.SigningMethodRS384, rsaKey, `{"alg":"RS384","kid":"r"}`, forAnn),
		"RS512 by any key":                 forged(t, jwt.SigningMethodRS512, rsaKey, `{"alg":"RS512"}`, forAnn),
		"PS256":                            forged(t, jwt.SigningMethodPS256, rsaKey, `{"alg":"PS256","kid":"p"}`, forAnn),
		"PS512":                            forged(t, jwt.SigningMethodPS512, rsaKey, `{"alg":"PS512","kid":"r"}`, forAnn),
		"ES256":                            forged(t, jwt.SigningMethodES256, ecKey, `{"alg":"ES256","kid":"e"}`, forAnn),
		"EdDSA":                            forged(t, jwt.SigningMethodEdDSA, crypto.Signer(edKey), `{"alg":"EdDSA","kid":"d"}`, forAnn),
		"HS256":                            forged(t, jwt.SigningMethodHS256, secret, `{"alg":"HS256","kid":"o"}`, forAnn),
		"keys in the header of a good one": forged(t, jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256","kid":"r",`+embedded+`}`, forAnn),
	} {
		p.accepts(t, name, token, "e2e_user", annHas)
	}
	if visits.Load() != 0 {
		t.Error("an address in a token was visited")
	}
}

// What the claim role may hold, and what PostgreSQL says to it. The session never stays what it became.
func testRoleAttacks(t *testing.T, h *house) {
	p := h.serve(t, "attacked", "PGRST_DB_POOL=1")
	const long = "e2e_long_name_of_63_bytes_abcdefghijklmnopqrstuvwxyz0123456789a"
	unknown := func(role string) string {
		return `{"code":"22023","details":null,"hint":null,"message":` + jsonQuoted(`role "`+role+`" does not exist`) + `}`
	}
	forbidden := func(role string) string {
		return `{"code":"42501","details":null,"hint":null,"message":` + jsonQuoted(`permission denied to set role "`+role+`"`) + `}`
	}
	for _, row := range []struct {
		claim  string // JSON
		status int
		want   string
	}{
		{`"e2e_user"`, 200, `["e2e_user", "{\"role\":\"e2e_user\"}", "off", null]`},
		{`"e2e \"quo'ted\"; drop table api.books; -- é"`, 200, `["e2e \"quo'ted\"; drop table api.books; -- é", …`},
		{`"` + long + `"`, 200, `["` + long + `", …`},
		{`"` + long + `b"`, 401, noRole.body()}, // PostgreSQL would cut it to the role before
		{`"` + strings.Repeat("r", 63) + `"`, 401, unknown(strings.Repeat("r", 63))},
		{`"` + strings.Repeat("r", 5000) + `"`, 401, noRole.body()},
		{`"` + h.cluster.Superuser + `"`, 403, forbidden(h.cluster.Superuser)},
		{`"e2e_stranger"`, 403, forbidden("e2e_stranger")},
		{`"pg_read_all_data"`, 403, forbidden("pg_read_all_data")},
		{`"e2e_login"`, 403, `{"code":"42501","details":null,"hint":null,"message":"permission denied for schema api"}`}, // itself, with no rights
		{`"none"`, 401, unknown("none")},
		{`"NONE"`, 401, unknown("NONE")},
		{`"None "`, 401, unknown("None ")},
		{`"public"`, 401, unknown("public")},
		{`"current_user"`, 401, unknown("current_user")},
		{`"session_user"`, 401, unknown("session_user")},
		{`"default"`, 401, unknown("default")},
		{`""`, 401, unknown("")},
		{`" e2e_user"`, 401, unknown(" e2e_user")},
		{`"E2E_USER"`, 401, unknown("E2E_USER")},
		{`"\"e2e_user\""`, 401, unknown(`"e2e_user"`)},
		{`"e2e_user; reset role"`, 401, unknown("e2e_user; reset role")},
		{`"e2e_user'; drop table api.books; --"`, 401, unknown("e2e_user'; drop table api.books; --")},
		{`"e2e_user\\"`, 401, unknown(`e2e_user\`)},
		{`"e2e_user\n"`, 401, unknown("e2e_user\n")},
		{`"e2e_user\r\nX: y"`, 401, unknown("e2e_user\r\nX: y")},
		{`"e2e_user\u0000"`, 401, noRole.body()},
		{`"\u0000"`, 401, noRole.body()},
		{`"е2e_user"`, 401, unknown("е2e_user")}, // a Cyrillic е
		{`"e2e_user\u200b"`, 401, unknown("e2e_user\u200b")},
		{`"\ud800"`, 401, unknown("\ufffd")},
		{`["e2e_user","e2e_anon"]`, 401, unknown(`["e2e_user","e2e_anon"]`)},
		{`["e2e_user"]`, 401, unknown(`["e2e_user"]`)},
		{`{"name":"e2e_user"}`, 401, unknown(`{"name":"e2e_user"}`)},
		{`1`, 401, unknown("1")},
		{`0`, 401, unknown("0")},
		{`true`, 401, unknown("true")},
		{`null`, 401, unknown("null")},
		{`10`, 401, unknown("10")}, // the oid of the superuser
	} {
		r := p.send(t, "GET", "/rpc/who", "", "Authorization", token(`{"role":`+row.claim+`}`))
		begin, cut := strings.CutSuffix(row.want, "…")
		if r.status != row.status || r.body != row.want && !(cut && strings.HasPrefix(r.body, begin)) {
			t.Errorf("%.100s:\n got %d %.200s\nwant %d %.200s", row.claim, r.status, r.body, row.status, row.want)
		}
		if r.status == 401 && r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%.100s: no WWW-Authenticate", row.claim)
		}
		if r := p.send(t, "GET", "/rpc/who", ""); r.body != `["e2e_anon", "{\"role\":\"e2e_anon\"}", "off", null]` {
			t.Errorf("after %.100s: %s", row.claim, r.body)
		}
	}
}

// Headers as they are on the wire.
func testHeaderAttacks(t *testing.T, h *house) {
	p := h.serve(t, "attacked")
	ann, stranger := token(forAnn), token(`{"role":"e2e_stranger"}`)
	anonymous := `["e2e_anon", "{\"role\":\"e2e_anon\"}", "off", null]`
	isAnn := `["e2e_user", ` + jsonQuoted(annHas) + `, "off", null]`
	const invalid = "400 Bad Request" // net/http's own
	for _, row := range []struct {
		name    string
		headers []string
		status  int
		want    string
	}{
		{"the first of two counts", []string{"Authorization", ann, "Authorization", stranger}, 200, isAnn},
		{"the first of two counts, the other way", []string{"Authorization", stranger, "authorization", ann}, 403,
			`{"code":"42501","details":null,"hint":null,"message":"permission denied to set role \"e2e_stranger\""}`},
		{"the first is of another scheme", []string{"Authorization", "Basic YTpi", "Authorization", ann}, 200, anonymous},
		{"any case", []string{"aUTHORIZATION", "bEARER" + ann[6:]}, 200, isAnn},
		{"other headers", []string{"Role", "e2e_user", "X-Role", "e2e_user", "X-Forwarded-User", "e2e_user", "Proxy-Authorization", ann}, 200, anonymous},
		{"a cookie", []string{"Cookie", "Authorization=" + ann + "; role=e2e_user"}, 200, anonymous},
		{"a NUL", []string{"Authorization", ann + "\x00"}, 400, invalid},
		{"a carriage return", []string{"Authorization", ann + "\rX: y"}, 400, invalid},
		{"a line of its own", []string{"Authorization", ann + "\r\nX-Claimed: yes"}, 200, strings.Replace(isAnn, "null", `"yes"`, 1)},
		{"a folded line", []string{"Authorization", ann[:20] + "\r\n " + ann[20:]}, 401, notJWT.body()},
		{"no blank", []string{"Authorization", "Bearer" + ann[7:]}, 200, anonymous},
		{"__proto__", []string{"Authorization", ann, "__proto__", "x", "constructor", "y"}, 200, isAnn},
		{"another header twice", []string{"Authorization", ann, "X-Claimed", "a", "X-Claimed", `b"\`}, 200, strings.Replace(isAnn, "null", `"a, b\"\\"`, 1)},
		{"another header that is no UTF-8", []string{"Authorization", ann, "X-Claimed", "\xff"}, 200, strings.Replace(isAnn, "null", "\"\ufffd\"", 1)},
		{"bytes that are no UTF-8", []string{"Authorization", "Bearer \xff\xfe"}, 401, parts(1).body()},
	} {
		r := dial(t, p).send(t, "GET", "/rpc/who", "", row.headers...)
		if r.status != row.status || r.body != row.want {
			t.Errorf("%s:\n got %d %s\nwant %d %s", row.name, r.status, r.body, row.status, row.want)
		}
	}
}

// Secrets that cannot be used stop the start; without one, and without an anonymous role, nobody comes in.
func testSecretSettings(t *testing.T, h *house) {
	for secret, want := range map[string]string{
		"short":                           "at least 32 characters",
		testSecret[:31]:                   "at least 32 characters",
		`{"kty":"oct","k":"c2hvcnQ"}`:     "at least 32 bytes",
		`{"keys":[]}`:                     "no usable key",
		`{"kty":"RSA","n":"AQAB","e":""}`: "RSA",
		"-----BEGIN PUBLIC KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAA": "PEM",
		"http://issuer.example/keys":                           "https://",
		"@/nonexistent/secret":                                 "/nonexistent/secret",
	} {
		if out, err := h.run(t, "serve", "PGRST_JWT_SECRET="+secret, "PGRST_SERVER_PORT=0"); err == nil || !strings.Contains(out, want) {
			t.Errorf("%q: %v %s", secret, err, out)
		}
	}
	p := h.serve(t, "attacked", "PGRST_JWT_SECRET=", "PGRST_DB_ANON_ROLE=")
	none := `{"code":"PGRST300","details":null,"hint":null,"message":"The server has no jwt-secret to verify tokens with"}`
	for _, header := range []string{token(forAnn), "Bearer " + forged(t, jwt.SigningMethodHS256, []byte{}, hs256, forAnn), "Bearer", "Bearer a.b.c"} {
		p.expect(t, "GET", "/books", "", []string{"Authorization", header}, 500, none)
	}
	closed := `{"code":"PGRST302","details":null,"hint":null,"message":"A token is needed: anonymous access is disabled"}`
	for _, headers := range [][]string{nil, {"Authorization", "Basic YTpi"}, {"Authorization", ""}} {
		if r := p.expect(t, "GET", "/books", "", headers, 401, closed); r.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%v", r.header)
		}
	}
}
