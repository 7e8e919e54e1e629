// Package auth finds out who asks: it verifies JSON Web Tokens (RFC 7519) and tells the database role and the claims.
// The rules are PostgREST's (docs/references/auth); where golang-jwt's differ, they are ours, only the signatures are its.
package auth

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

// maxCachedToken is the longest token in bytes that is kept in the cache.
const maxCachedToken = 16 << 10

// Options say how to verify. Keys may be nil: every token is then refused with PGRST300.
type Options struct {
	Keys          *Keys            // setting jwt-secret
	Audience      string           // setting jwt-aud; empty accepts every audience
	AnonymousRole string           // setting db-anon-role; empty refuses requests without a role
	RolePath      RolePath         // setting jwt-role-claim-key
	CacheEntries  int              // setting jwt-cache-max-entries; 0 keeps no tokens
	Now           func() time.Time // the clock; nil means time.Now
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

// verified is a token with a good signature. Its times are checked anew at every use.
type verified struct {
	claims   *claims
	identity *Identity // nil when it names no role and there is no anonymous one
}

// New builds a Verifier.
func New(options Options) *Verifier {
	if options.Now == nil {
		options.Now = time.Now
	}
	v := &Verifier{options: options}
	if role := options.AnonymousRole; role != "" {
		v.anonymous = &Identity{Role: role, Claims: (&claims{}).text(role), Anonymous: true}
	}
	if options.CacheEntries > 0 {
		v.cache, _ = lru.New[string, *verified](options.CacheEntries)
	}
	return v
}

// Identify tells who asks by the value of the Authorization header; a value of another scheme than Bearer counts as none.
// Errors are of type *fault.Fault: PGRST300 without a secret, PGRST301 for a token that does not verify, PGRST302 where
// no role is left, PGRST303 for claims that do not hold.
func (v *Verifier) Identify(authorization string) (*Identity, error) {
	token, ok := bearer(authorization)
	if !ok {
		if v.anonymous == nil {
			return nil, errNoToken
		}
		return v.anonymous, nil
	}
	if v.options.Keys == nil {
		return nil, errNoSecret
	}
	entry, err := v.lookUp(token)
	if err != nil {
		return nil, err
	}
	if err := entry.claims.check(v.options.Now().Unix(), v.options.Audience); err != nil {
		return nil, err
	}
	if entry.identity == nil {
		return nil, errNoToken
	}
	return entry.identity, nil
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

func (v *Verifier) lookUp(token string) (*verified, error) {
	if v.cache != nil {
		if entry, ok := v.cache.Get(token); ok {
			return entry, nil
		}
	}
	entry, err := v.verify(token)
	if err != nil {
		return nil, err
	}
	if v.cache != nil && len(token) <= maxCachedToken {
		v.cache.Add(strings.Clone(token), entry)
	}
	return entry, nil
}

func (v *Verifier) verify(token string) (*verified, error) {
	payload, err := v.open(token)
	if err != nil {
		return nil, err
	}
	parsed, err := parseClaims(payload)
	if err != nil {
		return nil, err
	}
	role, ok := parsed.role(v.options.RolePath)
	if !ok {
		role = v.options.AnonymousRole
	}
	entry := &verified{claims: parsed}
	if ok || role != "" {
		entry.identity = &Identity{Role: role, Claims: parsed.text(role), Anonymous: v.anonymous != nil && role == v.anonymous.Role}
	}
	return entry, nil
}

// open checks the signature (RFC 7515, 5.2) and gives the payload.
func (v *Verifier) open(token string) ([]byte, error) {
	if token == "" {
		return nil, errEmptyToken
	}
	if parts := strings.Count(token, ".") + 1; parts != 3 {
		return nil, tokenFault(errTokenParts+strconv.Itoa(parts), "")
	}
	first, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	header, err := decode(token[:first])
	if err != nil {
		return nil, errEncoding
	}
	payload, err := decode(token[first+1 : last])
	if err != nil {
		return nil, errEncoding
	}
	signature, err := decode(token[last+1:])
	if err != nil {
		return nil, errEncoding
	}
	var fields struct {
		Algorithm string          `json:"alg"`
		ID        *string         `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	if json.Unmarshal(header, &fields) != nil {
		return nil, errEncoding
	}
	if fields.Critical != nil {
		return nil, errCritical
	}
	method := jwt.GetSigningMethod(fields.Algorithm)
	if method == nil || method == jwt.SigningMethodNone {
		return nil, errAlgorithm
	}
	candidates := v.options.Keys.suiting(fields.Algorithm, fields.ID)
	if len(candidates) == 0 {
		return nil, errNoKey
	}
	for _, candidate := range candidates {
		if method.Verify(token[:last], signature, candidate.material) == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}
