package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"postern/shell/apierror"
	"postern/shell/auth"
)

const secret = "reallyreallyreallyreallyverysafe"

var now = time.Unix(1_800_000_000, 0)

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sign makes a token of any header and payload.
func sign(t *testing.T, method jwt.SigningMethod, key any, header, payload string) string {
	t.Helper()
	content := encode(header) + "." + encode(payload)
	signature, err := method.Sign(content, key)
	if err != nil {
		t.Fatal(err)
	}
	return content + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func hs256(t *testing.T, payload string) string {
	return sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256"}`, payload)
}

func keys(t *testing.T, text string) *auth.Keys {
	t.Helper()
	parsed, err := auth.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func path(t *testing.T, text string) auth.RolePath {
	t.Helper()
	parsed, err := auth.ParseRolePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// answer is what a request gets: "role claims" or "status code challenge".
func answer(v *auth.Verifier, authorization string) string {
	identity, err := v.Identify(authorization)
	if err == nil {
		kind := ""
		if identity.Anonymous {
			kind = " anonymous"
		}
		return identity.Role + kind + " " + string(identity.Claims)
	}
	var f *apierror.Error
	if !errors.As(err, &f) {
		return err.Error()
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", f.Status, f.Code, f.Challenge))
}

func refused(code, description string) string {
	return `401 ` + code + ` Bearer error="invalid_token", error_description="` + description + `"`
}

const (
	badJWT       = "The token is not a valid JWT"
	badSignature = "The token's signature does not verify"
	badAlgorithm = "The token's algorithm is not supported"
	noKey        = "No key suits the token"
)

func TestTokens(t *testing.T) {
	good := hs256(t, `{"role":"author"}`)
	parts := strings.Split(good, ".")
	for name, test := range map[string]struct {
		header string
		want   string
	}{
		"none":                   {"", `anon anonymous {"role":"anon"}`},
		"other scheme":           {"Basic YTpi", `anon anonymous {"role":"anon"}`},
		"scheme is a prefix":     {"Bearerx " + good, `anon anonymous {"role":"anon"}`},
		"good":                   {"Bearer " + good, `author {"role":"author"}`},
		"lower case":             {"bearer " + good, `author {"role":"author"}`},
		"tab and spaces":         {"BEARER \t " + good, `author {"role":"author"}`},
		"empty":                  {"Bearer", refused("PGRST301", "The Authorization header holds an empty token")},
		"empty with space":       {"Bearer ", refused("PGRST301", "The Authorization header holds an empty token")},
		"two parts":              {"Bearer a.b", refused("PGRST301", "A JWT has 3 parts, this one has 2")},
		"four parts":             {"Bearer a.b.c.d", refused("PGRST301", "A JWT has 3 parts, this one has 4")},
		"dots":                   {"Bearer " + strings.Repeat(".", 100_000), refused("PGRST301", "A JWT has 3 parts, this one has 100001")},
		"header not base64":      {"Bearer !!." + parts[1] + "." + parts[2], refused("PGRST301", badJWT)},
		"header not JSON":        {"Bearer " + encode("x") + "." + parts[1] + "." + parts[2], refused("PGRST301", badJWT)},
		"padded":                 {"Bearer " + parts[0] + "." + parts[1] + "." + parts[2] + "=", refused("PGRST301", badJWT)},
		"spare bits set":         {"Bearer " + parts[0] + "." + parts[1] + "." + spare(parts[2]), refused("PGRST301", badJWT)},
		"signature cut":          {"Bearer " + parts[0] + "." + parts[1] + ".", refused("PGRST301", badSignature)},
		"signature of another":   {"Bearer " + parts[0] + "." + encode(`{"role":"postgres"}`) + "." + parts[2], refused("PGRST301", badSignature)},
		"unsecured":              {"Bearer " + encode(`{"alg":"none"}`) + "." + parts[1] + ".", refused("PGRST301", badAlgorithm)},
		"unsecured, case":        {"Bearer " + encode(`{"alg":"nOnE"}`) + "." + parts[1] + ".", refused("PGRST301", badAlgorithm)},
		"no algorithm":           {"Bearer " + encode(`{}`) + "." + parts[1] + "." + parts[2], refused("PGRST301", badAlgorithm)},
		"algorithm not a string": {"Bearer " + encode(`{"alg":["HS256"]}`) + "." + parts[1] + "." + parts[2], refused("PGRST301", badJWT)},
		"crit": {"Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","crit":["b64"],"b64":false}`, `{"role":"author"}`),
			refused("PGRST301", badJWT)},
		"HS512 with a plain secret": {"Bearer " + sign(t, jwt.SigningMethodHS512, []byte(secret), `{"alg":"HS512"}`, `{"role":"author"}`),
			refused("PGRST301", noKey)},
		"RS256 with a plain secret": {"Bearer " + encode(`{"alg":"RS256"}`) + "." + parts[1] + "." + parts[2], refused("PGRST301", noKey)},
		"kid that nobody has": {"Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), `{"alg":"HS256","kid":"x"}`, `{"role":"author"}`),
			refused("PGRST301", noKey)},
		"other secret": {"Bearer " + sign(t, jwt.SigningMethodHS256, []byte("x"+secret), `{"alg":"HS256"}`, `{"role":"author"}`),
			refused("PGRST301", badSignature)},
	} {
		t.Run(name, func(t *testing.T) {
			v := auth.New(auth.Options{Keys: keys(t, secret), AnonymousRole: "anon", RolePath: path(t, "$.role"), CacheEntries: 10})
			for range 2 { // the second time out of the cache
				if got := answer(v, test.header); got != test.want {
					t.Errorf("got %s\nwant %s", got, test.want)
				}
			}
		})
	}
}

// spare sets one of the bits that the last character of base64 has to spare.
func spare(text string) string { return text[:len(text)-1] + string(text[len(text)-1]+1) }

func TestClaims(t *testing.T) {
	const at = 1_800_000_000
	expired := refused("PGRST303", "The token has expired")
	early := refused("PGRST303", "The token is not valid yet")
	issued := refused("PGRST303", "The token was issued in the future")
	audience := refused("PGRST303", "The token is meant for another audience")
	number := func(claim string) string { return refused("PGRST303", "The claim '"+claim+"' must be a number") }
	strings := refused("PGRST303", "The claim 'aud' must be a string or an array of strings")
	for _, test := range []struct{ payload, want string }{
		{`{"role":"r","exp":%d}`, ""},
		{fmt.Sprintf(`{"role":"r","exp":%d}`, at-30), ""},
		{fmt.Sprintf(`{"role":"r","exp":%d}`, at-31), expired},
		{fmt.Sprintf(`{"role":"r","exp":%d.5}`, at), ""},
		{fmt.Sprintf(`{"role":"r","exp":%d.5}`, at-31), expired},
		{`{"role":"r","exp":1e400}`, expired},
		{`{"role":"r","exp":1e12}`, ""},
		{`{"role":"r","exp":-1}`, expired},
		{`{"role":"r","exp":null}`, ""},
		{`{"role":"r","exp":"9999999999"}`, number("exp")},
		{`{"role":"r","exp":true}`, number("exp")},
		{`{"role":"r","exp":[1]}`, number("exp")},
		{fmt.Sprintf(`{"role":"r","nbf":%d}`, at+30), ""},
		{fmt.Sprintf(`{"role":"r","nbf":%d}`, at+31), early},
		{`{"role":"r","nbf":1e400}`, early},
		{`{"role":"r","nbf":"x"}`, number("nbf")},
		{fmt.Sprintf(`{"role":"r","iat":%d}`, at+30), ""},
		{fmt.Sprintf(`{"role":"r","iat":%d}`, at+31), issued},
		{`{"role":"r","iat":{}}`, number("iat")},
		{`{"role":"r","iat":"x","exp":1}`, expired},
		{`{"role":"r","exp":"x","iat":"x"}`, number("exp")},
		{`{"role":"r","aud":"me"}`, ""},
		{`{"role":"r","aud":["you","me"]}`, ""},
		{`{"role":"r","aud":[]}`, ""},
		{`{"role":"r","aud":null}`, ""},
		{`{"role":"r","aud":"you"}`, audience},
		{`{"role":"r","aud":""}`, audience},
		{`{"role":"r","aud":["you"]}`, audience},
		{`{"role":"r","aud":1}`, strings},
		{`{"role":"r","aud":["me",1]}`, strings},
		{`{"role":"r","aud":["me",null]}`, strings},
		{`[]`, refused("PGRST303", "The token's claims are not a JSON object")},
		{`{"role":"r"`, refused("PGRST303", "The token's claims are not a JSON object")},
		{`{"role":"r"} x`, refused("PGRST303", "The token's claims are not a JSON object")},
		{"{\"role\":\"\xff\"}", refused("PGRST303", "The token's claims are not a JSON object")},
	} {
		payload := test.payload
		if payload == `{"role":"r","exp":%d}` {
			payload = fmt.Sprintf(payload, at)
		}
		v := auth.New(auth.Options{
			Keys: keys(t, secret), Audience: "me", RolePath: path(t, "$.role"), CacheEntries: 10, Now: func() time.Time { return now },
		})
		for range 2 {
			got := answer(v, "Bearer "+hs256(t, payload))
			if test.want == "" && got[:2] != "r " || test.want != "" && got != test.want {
				t.Errorf("%s: got %s, want %s", payload, got, test.want)
			}
		}
	}
}

func TestClaimsArePassedOnExactly(t *testing.T) {
	v := auth.New(auth.Options{Keys: keys(t, secret), AnonymousRole: "anon", RolePath: path(t, "$.role"), CacheEntries: 10})
	for payload, want := range map[string]string{
		`{ "a" : 12345678901234567890.10 , "role":"x", "b":[1 , 2]}`: `x {"a":12345678901234567890.10,"b":[1 , 2],"role":"x"}`,
		`{"role":5}`:                    `5 {"role":"5"}`,
		`{"role":null}`:                 `null {"role":"null"}`,
		`{"role":{"b":"<","a":1.0}}`:    `{"a":1.0,"b":"<"} {"role":"{\"a\":1.0,\"b\":\"<\"}"}`,
		`{"role":"first","role":"two"}`: `two {"role":"two"}`,
		`{"x":1,"x":2}`:                 `anon anonymous {"x":2,"role":"anon"}`,
		`{}`:                            `anon anonymous {"role":"anon"}`,
		`{"role":"anon"}`:               `anon anonymous {"role":"anon"}`,
		`{"role":""}`:                   ` {"role":""}`,
		`{"role":"a'; drop--\\"}`:       `a'; drop--\ {"role":"a'; drop--\\"}`,
		`{"role":"a\u0000"}`:            refused("PGRST303", "The token's role is not a name that a role can have"),
	} {
		if got := answer(v, "Bearer "+hs256(t, payload)); got != want {
			t.Errorf("%s: got %s, want %s", payload, got, want)
		}
	}
}

func TestWithoutSecretOrAnonymousRole(t *testing.T) {
	token := "Bearer " + hs256(t, `{"role":"author"}`)
	v := auth.New(auth.Options{RolePath: path(t, "$.role")})
	if got := answer(v, token); got != "500 PGRST300" {
		t.Error(got)
	}
	if got := answer(v, ""); got != "401 PGRST302 Bearer" {
		t.Error(got)
	}
	v = auth.New(auth.Options{Keys: keys(t, secret), RolePath: path(t, "$.other")})
	if got := answer(v, token); got != "401 PGRST302 Bearer" {
		t.Error(got)
	}
	v = auth.New(auth.Options{Keys: keys(t, secret), RolePath: path(t, "$.role")})
	if got := answer(v, "Bearer "+hs256(t, `{"role":""}`)); got != ` {"role":""}` {
		t.Error(got)
	}
}

func TestCachedTokenExpires(t *testing.T) {
	at := now
	v := auth.New(auth.Options{Keys: keys(t, secret), RolePath: path(t, "$.role"), CacheEntries: 1, Now: func() time.Time { return at }})
	token := "Bearer " + hs256(t, `{"role":"r","exp":1800000000}`)
	if got := answer(v, token); got[:2] != "r " {
		t.Fatal(got)
	}
	at = at.Add(31 * time.Second)
	if got := answer(v, token); got != refused("PGRST303", "The token has expired") {
		t.Error(got)
	}
}

// The counts are PostgREST's (test/observability): refused tokens are looked up but not kept, expired ones are kept.
func TestCacheCounters(t *testing.T) {
	author := func(id string) string { return hs256(t, `{"role":"author","id":"`+id+`"}`) }
	one, two, three := author("1"), author("2"), author("3")
	over := hs256(t, `{"role":"author","exp":1}`)
	for name, test := range map[string]struct {
		tokens                   []string
		lookups, hits, evictions int64
	}{
		"first time":            {[]string{one}, 1, 0, 0},
		"second time":           {[]string{one, one}, 2, 1, 0},
		"refused":               {[]string{"a.b.c", "a.b.c"}, 2, 0, 0},
		"empty":                 {[]string{"", ""}, 2, 0, 0},
		"expired":               {[]string{over, over}, 2, 1, 0},
		"more than fit":         {[]string{one, two, three, one, two, three}, 6, 0, 4},
		"used ones stay":        {[]string{one, two, one, three, one, three}, 6, 3, 1},
		"all used, one must go": {[]string{one, two, one, two, three, two, three}, 7, 4, 1},
		"too long to be kept":   {[]string{author(strings.Repeat("x", 16<<10)), author(strings.Repeat("x", 16<<10))}, 2, 0, 0},
	} {
		counters := new(auth.Counters)
		v := auth.New(auth.Options{Keys: keys(t, secret), RolePath: path(t, "$.role"), CacheEntries: 2, Counters: counters})
		for _, token := range test.tokens {
			_, _ = v.Identify("Bearer " + token)
		}
		got := [3]int64{counters.Lookups.Load(), counters.Hits.Load(), counters.Evictions.Load()}
		if got != [3]int64{test.lookups, test.hits, test.evictions} {
			t.Errorf("%s: %d lookups, %d hits, %d evictions", name, got[0], got[1], got[2])
		}
	}
	counters := new(auth.Counters)
	v := auth.New(auth.Options{Keys: keys(t, secret), RolePath: path(t, "$.role"), Counters: counters})
	if _, err := v.Identify("Bearer " + one); err != nil || counters.Lookups.Load() != 0 {
		t.Errorf("without a cache: %v, %d lookups", err, counters.Lookups.Load())
	}
}

func coordinate(n *big.Int, size int) string {
	return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, size)))
}

func TestAsymmetricKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	longKey, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	longPoint, err := longKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	longJWK := `{"kty":"EC","crv":"P-521","x":"` + b64(longPoint[1:67]) + `","y":"` + b64(longPoint[67:]) + `"}`
	rsaJWK := `{"kty":"RSA","kid":"r","n":"` + coordinate(rsaKey.N, 256) + `","e":"AQAB"}`
	ecJWK := `{"kty":"EC","crv":"P-384","alg":"ES384","key_ops":["verify"],"use":"sig","x":"` + b64(point[1:49]) + `","y":"` + b64(point[49:]) + `"}`
	edJWK := `{"kty":"OKP","crv":"Ed25519","x":"` + b64(edPublic) + `"}`
	octJWK := `{"kty":"oct","kid":"o","k":"` + encode(secret) + `"}`
	set := `{"keys":[` + strings.Join([]string{`{"kty":"mystery"}`, rsaJWK, ecJWK, edJWK, octJWK}, ",") + `]}`

	confused := encode(`{"alg":"HS256","kid":"r"}`) + "." + encode(`{"role":"r"}`)
	mac := hmac.New(sha256.New, []byte(rsaJWK))
	mac.Write([]byte(confused))

	const good = `r {"role":"r"}`
	for name, test := range map[string]struct {
		keys, token, want string
	}{
		"RS256":          {set, sign(t, jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256"}`, `{"role":"r"}`), good},
		"RS512 with kid": {set, sign(t, jwt.SigningMethodRS512, rsaKey, `{"alg":"RS512","kid":"r"}`, `{"role":"r"}`), good},
		"PS384":          {set, sign(t, jwt.SigningMethodPS384, rsaKey, `{"alg":"PS384"}`, `{"role":"r"}`), good},
		"ES384":          {set, sign(t, jwt.SigningMethodES384, ecKey, `{"alg":"ES384"}`, `{"role":"r"}`), good},
		"ES512":          {longJWK, sign(t, jwt.SigningMethodES512, longKey, `{"alg":"ES512"}`, `{"role":"r"}`), good},
		"HS512 by a JWK": {octJWK, sign(t, jwt.SigningMethodHS512, []byte(secret), `{"alg":"HS512"}`, `{"role":"r"}`), good},
		"EdDSA":          {edJWK, sign(t, jwt.SigningMethodEdDSA, crypto.Signer(edKey), `{"alg":"EdDSA"}`, `{"role":"r"}`), good},
		"HS384 by a JWK": {set, sign(t, jwt.SigningMethodHS384, []byte(secret), `{"alg":"HS384"}`, `{"role":"r"}`), good},
		"kid of another key": {set, sign(t, jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256","kid":"o"}`, `{"role":"r"}`),
			refused("PGRST301", noKey)},
		"alg of another curve": {set, sign(t, jwt.SigningMethodRS256, rsaKey, `{"alg":"ES256"}`, `{"role":"r"}`),
			refused("PGRST301", noKey)},
		"PS256 said to be RS256": {set, sign(t, jwt.SigningMethodPS256, rsaKey, `{"alg":"RS256"}`, `{"role":"r"}`),
			refused("PGRST301", badSignature)},
		"public key as HMAC secret": {rsaJWK, confused + "." + b64(mac.Sum(nil)), refused("PGRST301", noKey)},
		"alg that the key does not allow": {strings.Replace(rsaJWK, `"kid"`, `"alg":"RS384","kid"`, 1),
			sign(t, jwt.SigningMethodRS256, rsaKey, `{"alg":"RS256"}`, `{"role":"r"}`), refused("PGRST301", noKey)},
	} {
		v := auth.New(auth.Options{Keys: keys(t, test.keys), RolePath: path(t, "$.role")})
		if got := answer(v, "Bearer "+test.token); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	for name, text := range map[string]string{
		"short":               "0123456789012345678901234567890",
		"short JWK":           `{"kty":"oct","k":"c2hvcnQ"}`,
		"encryption key":      strings.Replace(rsaJWK, `"kid"`, `"use":"enc","kid"`, 1),
		"other operations":    strings.Replace(rsaJWK, `"kid"`, `"key_ops":["encrypt"],"kid"`, 1),
		"point off the curve": strings.Replace(ecJWK, b64(point[49:]), b64(point[1:49]), 1),
		"broken JWK":          `{"kty":"RSA","n":"reallyreallyreallyreallyverysafe"}`,
		"no usable key":       `{"keys":[{"kty":"mystery"}]}`,
		"alg of another type": strings.Replace(rsaJWK, `"kid"`, `"alg":"HS256","kid"`, 1),
		"small RSA key":       `{"kty":"RSA","n":"` + coordinate(big.NewInt(0).SetBit(new(big.Int), 511, 1), 64) + `","e":"AQAB"}`,
	} {
		if _, err := auth.ParseKeys([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if !json.Valid([]byte(set)) {
		t.Error("the set is no JSON")
	}
}

func TestRolePaths(t *testing.T) {
	for _, test := range []struct{ path, claims, want string }{
		{`$.postgrest.a_role`, `{"postgrest":{"a_role":"x"}}`, "x"},
		{`$.o.many[1]`, `{"o":{"many":["other","x"]}}`, "x"},
		{`$["https://www.example.com/roles"][0].value`, `{"https://www.example.com/roles":[{"value":"x"}]}`, "x"},
		{`$.a[3]`, `{"a":["other","x"]}`, "-"},
		{`$.mine`, `{"role":"x"}`, "-"},
		{`$.r[?(@ == "x")]`, `{"r":["other","x"]}`, "x"},
		{`$.r[?@ != 'other']`, `{"r":["other","x"]}`, "x"},
		{`$.r[?search(@, '^au')]`, `{"r":["other","author"]}`, "author"},
		{`$.aud`, `{"aud":["x"]}`, `["x"]`},
		{`$.*`, `{"b":"second","a":"first"}`, "first"},
		{`.postgrest.a_role`, `{"postgrest":{"a_role":"x"}}`, "x"},
		{`.o.many[1]`, `{"o":{"many":["other","x"]}}`, "x"},
		{`."https://www.example.com/roles"[0].value`, `{"https://www.example.com/roles":[{"value":"x"}]}`, "x"},
		{`.a["b c"]`, `{"a":{"b c":"x"}}`, "x"},
		{`.a[3]`, `{"a":["x"]}`, "-"},
		{`.a.b`, `{"a":["x"]}`, "-"},
		{`.r[?(@ == "x")]`, `{"r":["other","x"]}`, "x"},
		{`.r[?(@ != "other")]`, `{"r":["other","x"]}`, "x"},
		{`.r[?(@ ^== "ab")]`, `{"r":["other","abc"]}`, "abc"},
		{`.r[?(@ ==^ "bc")]`, `{"r":["other","abc"]}`, "abc"},
		{`.r[?(@ *== "b")]`, `{"r":["other","abc"]}`, "abc"},
		{`.r[?(@ == "x")]`, `{"r":[{"k":"v"}]}`, "-"},
	} {
		v := auth.New(auth.Options{Keys: keys(t, secret), AnonymousRole: "-", RolePath: path(t, test.path)})
		identity, err := v.Identify("Bearer " + hs256(t, test.claims))
		if err != nil || identity.Role != test.want {
			t.Errorf("%s in %s: got %v %v, want %s", test.path, test.claims, identity, err, test.want)
		}
	}
	for _, text := range []string{"", "role", "$", ".", "role.other", ".role##", ".my_role;;domain", "1234", ".role[?(@ =)]",
		`.r[?(@ == "x")].y`, ".a[", ".a[-1]", ".a[99999999999]", `."a`, "@@.role.other", "$.my_role;;domain"} {
		parsed, err := auth.ParseRolePath(text)
		if err == nil && text != "$" {
			t.Errorf("%q: accepted", text)
		}
		if err == nil && parsed.Deprecated() {
			t.Errorf("%q: taken for a JSPath", text)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add("Bearer a.b.c")
	f.Fuzz(func(t *testing.T, header string) {
		v := auth.New(auth.Options{Keys: keys(t, secret), RolePath: path(t, "$.role"), CacheEntries: 2})
		if identity, err := v.Identify(header); err == nil {
			t.Errorf("%q became %s", header, identity.Role)
		}
	})
}

func FuzzPayload(f *testing.F) {
	f.Add(`{"role":"a","x":[1,{"y":null}]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		v := auth.New(auth.Options{Keys: keys(t, secret), AnonymousRole: "anon", RolePath: path(t, "$.role")})
		identity, err := v.Identify("Bearer " + hs256(t, payload))
		if err == nil && !json.Valid(identity.Claims) {
			t.Errorf("%q became %s", payload, identity.Claims)
		}
	})
}

// Whatever a key set holds, it breaks nothing, and an unsigned token stays one. (There are Ed25519 keys that hold for any
// token, but who publishes one publishes a private key as well.)
func FuzzKeys(f *testing.F) {
	f.Add(`{"keys":[{"kty":"RSA","kid":"r","n":"` + strings.Repeat("AQAB", 100) + `","e":"AQAB"}]}`)
	f.Add(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`)
	f.Add(`{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`)
	f.Add(`{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","alg":"HS256","key_ops":["verify"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := auth.ParseKeys([]byte(text))
		if err != nil {
			return
		}
		v := auth.New(auth.Options{Keys: parsed, RolePath: path(t, "$.role")})
		for _, algorithm := range []string{"HS256", "RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "none"} {
			for _, signature := range []string{"", "AA", strings.Repeat("A", 86), strings.Repeat("A", 342)} {
				token := encode(`{"alg":"`+algorithm+`"}`) + "." + encode(`{"role":"r"}`) + "." + signature
				if identity, err := v.Identify("Bearer " + token); err == nil && algorithm != "EdDSA" {
					t.Errorf("%s with %s became %s", algorithm, text, identity.Role)
				}
			}
		}
	})
}
