// Package auth finds out who asks: it verifies JSON Web Tokens (RFC 7519) and returns the database role and the claims.
// The rules are PostgREST's (docs/references/auth); golang-jwt verifies no more than the signatures. It knows tokens,
// keys and where keys are fetched from; it does not know the database, nor what a role may do.
package auth

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	maxToken       = 64 << 10 // longest token in bytes
	maxCachedToken = 16 << 10 // longest token in bytes that is kept in the cache

	// maxRole is the longest name of a role in bytes. PostgreSQL would cut a longer one, to what may be another's name.
	maxRole = 63
)

// Options say how to verify. Without Keys and Remote every token is refused with PGRST300.
type Options struct {
	Keys          *Keys            // setting jwt-secret
	Remote        *Remote          // the same where it is a URL; nil where it is not
	Audience      string           // setting jwt-aud; empty accepts every audience
	AnonymousRole string           // setting db-anon-role; empty refuses requests without a role
	RolePath      RolePath         // setting jwt-role-claim-key
	CacheEntries  int              // setting jwt-cache-max-entries; 0 keeps no tokens
	Now           func() time.Time // the clock; nil means time.Now
	Counters      *Counters        // may be nil

	Debug func(format string, a ...any) // called with what the cache of tokens does; may be nil
}

// Identity is who asks.
type Identity struct {
	Role      string // the database role to assume
	Claims    []byte // JSON object for request.jwt.claims, "role" included; must not be changed
	Anonymous bool   // whether Role is the anonymous role
}

// Verifier verifies tokens and remembers those whose signature was good. Safe for concurrent use.
type Verifier struct {
	options   Options
	anonymous *Identity // nil when anonymous access is disabled
	cache     *lru.Cache[string, *verified]
}

// verified is a token with a good signature. Its times are checked at each use; it counts while the keys are the same.
type verified struct {
	keys     *Keys
	claims   *claims
	identity *Identity // nil when it names no role and there is no anonymous one
}

// New builds a Verifier.
func New(options Options) *Verifier {
	if options.Now == nil {
		options.Now = time.Now
	}
	options.Counters = cmp.Or(options.Counters, new(Counters))
	v := &Verifier{options: options}
	if role := options.AnonymousRole; role != "" {
		v.anonymous = &Identity{Role: role, Claims: (&claims{}).text(role), Anonymous: true}
	}
	if options.CacheEntries > 0 {
		v.cache, _ = lru.New[string, *verified](options.CacheEntries)
	}
	return v
}

// Identify returns who asks, by the value of the Authorization header; a value of another scheme than Bearer counts as
// none. Errors are of type *apierror.Error: PGRST300 without a secret (500) or before the keys have arrived (503),
// PGRST301 for a token that does not verify, PGRST302 where no role is left, PGRST303 for claims that do not hold.
func (v *Verifier) Identify(authorization string) (*Identity, error) {
	token, ok := bearer(authorization)
	if !ok {
		if v.anonymous == nil {
			return nil, errNoToken
		}
		return v.anonymous, nil
	}
	keys, err := v.keys()
	if err != nil {
		return nil, err
	}
	entry, err := v.lookUp(keys, token)
	if err != nil {
		return nil, err
	}
	if err := entry.claims.check(v.options.Now().Unix(), v.options.Audience, entry.keys.issuer); err != nil {
		return nil, err
	}
	if entry.identity == nil {
		return nil, errNoToken
	}
	return entry.identity, nil
}

// Ready reports whether tokens can be verified, or need not be: false until the keys of a Remote have arrived.
func (v *Verifier) Ready() bool { return v.options.Remote == nil || v.options.Remote.Keys() != nil }

// keys returns those that count now.
func (v *Verifier) keys() (*Keys, error) {
	if v.options.Remote != nil {
		if keys := v.options.Remote.Keys(); keys != nil {
			return keys, nil
		}
		return nil, errNoKeysYet
	}
	if v.options.Keys == nil {
		return nil, errNoSecret
	}
	return v.options.Keys, nil
}

// bearer takes the token out of an Authorization value (RFC 6750, 2.1); the scheme's case does not matter.
func bearer(authorization string) (string, bool) {
	end := strings.IndexAny(authorization, " \t")
	if end < 0 {
		end = len(authorization)
	}
	if !strings.EqualFold(authorization[:end], "bearer") {
		return "", false
	}
	return strings.TrimLeft(authorization[end:], " \t"), true
}

func (v *Verifier) lookUp(keys *Keys, token string) (*verified, error) {
	if v.cache == nil {
		return v.verify(keys, token)
	}
	v.options.Counters.Lookups.Add(1)
	if v.options.Debug != nil {
		v.options.Debug("Looked up a JWT in JWT cache")
	}
	if entry, ok := v.cache.Get(token); ok && entry.keys == keys {
		v.options.Counters.Hits.Add(1)
		return entry, nil
	}
	entry, err := v.verify(keys, token)
	if err == nil && len(token) <= maxCachedToken && v.cache.Add(strings.Clone(token), entry) {
		v.options.Counters.Evictions.Add(1)
		if v.options.Debug != nil {
			v.options.Debug("Evicted entry from JWT cache")
		}
	}
	return entry, err
}

func (v *Verifier) verify(keys *Keys, token string) (*verified, error) {
	payload, keys, err := v.open(keys, token)
	if err != nil {
		return nil, err
	}
	parsed, err := parseClaims(payload)
	if err != nil {
		return nil, err
	}
	role, ok := findRole(payload, v.options.RolePath)
	if len(role) > maxRole || strings.IndexByte(role, 0) >= 0 {
		return nil, errRoleName
	}
	if !ok {
		role = v.options.AnonymousRole
	}
	entry := &verified{keys: keys, claims: parsed}
	if ok || role != "" {
		entry.identity = &Identity{Role: role, Claims: parsed.text(role),
			Anonymous: v.anonymous != nil && role == v.anonymous.Role}
	}
	return entry, nil
}

// open checks the signature (RFC 7515, 5.2) and returns the payload, and the keys that the signature was good with:
// newer ones where a remote set was renewed for the token's kid.
func (v *Verifier) open(keys *Keys, token string) ([]byte, *Keys, error) {
	parsed, err := split(token)
	if err != nil {
		return nil, nil, err
	}
	if id := parsed.header.ID; id != nil && v.options.Remote != nil && !keys.knows(*id) {
		v.options.Remote.Renew()
		keys = v.options.Remote.Keys()
	}
	candidates := keys.suiting(parsed.header.Algorithm, parsed.header.ID)
	if len(candidates) == 0 {
		return nil, nil, errNoKey
	}
	for _, candidate := range candidates {
		if parsed.method.Verify(parsed.content, parsed.signature, candidate.material) == nil {
			return parsed.payload, keys, nil
		}
	}
	return nil, nil, errSignature
}

// token is a JWT taken apart (RFC 7515, 3.1).
type token struct {
	content   string // what is signed: header and payload, as they came
	header    header
	payload   []byte
	signature []byte
	method    jwt.SigningMethod
}

// header is what counts of a token's header (RFC 7515, 4.1). Keys in it (jwk, jku, x5c, x5u) do not.
type header struct {
	Algorithm string          `json:"alg"`
	ID        *string         `json:"kid"`
	Critical  json.RawMessage `json:"crit"`
}

// split takes a token apart, without checking its signature.
func split(text string) (*token, error) {
	if text == "" {
		return nil, errEmptyToken
	}
	if parts := strings.Count(text, ".") + 1; parts != 3 {
		return nil, tokenFault(errTokenParts+strconv.Itoa(parts), "")
	}
	if len(text) > maxToken {
		return nil, errTokenLength
	}
	var parts [3][]byte
	for i, part := range strings.Split(text, ".") {
		var err error
		if parts[i], err = decode(part); err != nil {
			return nil, errEncoding
		}
	}
	t := &token{content: text[:strings.LastIndexByte(text, '.')], payload: parts[1], signature: parts[2]}
	if json.Unmarshal(parts[0], &t.header) != nil {
		return nil, errEncoding
	}
	if t.header.Critical != nil {
		return nil, errCritical
	}
	t.method = jwt.GetSigningMethod(t.header.Algorithm)
	if t.method == nil || t.method == jwt.SigningMethodNone {
		return nil, errAlgorithm
	}
	return t, nil
}
