package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// minSecret is the least length of an HMAC secret in bytes (RFC 7518, 3.2).
const minSecret = 32

// maxModulus is the longest RSA modulus in bits; a longer one would make each verification slow.
const maxModulus = 16 << 10

// Keys are what tokens are verified with. The zero value suits no token.
type Keys struct {
	keys   []key
	issuer string // what the claim iss must be; empty for anything
	source string // what a remote set was made of, to tell whether another is the same
}

// key is one verification key with the algorithms that it may be used with.
type key struct {
	id         *string // kid; nil when it has none
	algorithms []string
	material   any // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// jwk is a JSON Web Key (RFC 7517), as far as verification needs it.
type jwk struct {
	Type       string   `json:"kty"`
	Algorithm  string   `json:"alg"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	ID         *string  `json:"kid"`
	Secret     string   `json:"k"`
	Modulus    string   `json:"n"`
	Exponent   string   `json:"e"`
	Curve      string   `json:"crv"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
}

// ParseKeys reads the value of jwt-secret: a JSON Web Key, a set of them (RFC 7517), or a plain secret of at least 32
// bytes, which is used with HS256 only. The algorithm always comes from the key, never from the token, so that a public
// key cannot be used as an HMAC secret.
func ParseKeys(secret []byte) (*Keys, error) {
	if object := bytes.TrimSpace(secret); len(object) > 0 && object[0] == '{' && json.Valid(object) {
		return parseJWKs(object)
	}
	if bytes.HasPrefix(bytes.TrimSpace(secret), []byte("-----BEGIN")) {
		return nil, errors.New("jwt-secret is a PEM file: give the public key as a JSON Web Key")
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("jwt-secret must be at least %d characters long", minSecret)
	}
	return &Keys{keys: []key{{algorithms: []string{"HS256"}, material: slices.Clone(secret)}}}, nil
}

func parseJWKs(object []byte) (*Keys, error) {
	var set struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(object, &set); err != nil {
		return nil, fmt.Errorf("jwt-secret is not a JSON Web Key Set: %w", err)
	}
	if set.Keys == nil {
		one, err := parseJWK(object)
		if err != nil {
			return nil, fmt.Errorf("jwt-secret is not a usable JSON Web Key: %w", err)
		}
		return &Keys{keys: []key{*one}}, nil
	}
	keys, err := parseSet(*set.Keys, false)
	if err != nil {
		return nil, fmt.Errorf("jwt-secret holds no usable key: %w", err)
	}
	return &Keys{keys: keys}, nil
}

// parseRemote reads the key set of an issuer, whose name may be empty.
func parseRemote(set []json.RawMessage, issuer string) (*Keys, error) {
	keys, err := parseSet(set, true)
	if err != nil {
		return nil, fmt.Errorf("the key set holds no usable key: %w", err)
	}
	return &Keys{keys: keys, issuer: issuer, source: fmt.Sprintf("%s %s", issuer, set)}, nil
}

// parseSet reads the keys of a set and leaves out those that cannot be used (RFC 7517, 5), of a published set also
// secrets: what everybody can read verifies nothing.
func parseSet(set []json.RawMessage, published bool) ([]key, error) {
	var keys []key
	var problems []error
	for i, raw := range set {
		one, err := parseJWK(raw)
		if err == nil && published {
			if _, secret := one.material.([]byte); secret {
				err = errors.New("it is a secret, but published")
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("key %d: %w", i+1, err))
			continue
		}
		keys = append(keys, *one)
	}
	switch {
	case len(set) == 0:
		return nil, errors.New("it is empty")
	case len(keys) == 0:
		return nil, errors.Join(problems...)
	}
	return keys, nil
}

func parseJWK(raw []byte) (*key, error) {
	var source jwk
	if err := json.Unmarshal(raw, &source); err != nil {
		return nil, err
	}
	if source.Use != "" && source.Use != "sig" {
		return nil, fmt.Errorf("use %q is not for signatures", source.Use)
	}
	if source.Operations != nil && !slices.Contains(source.Operations, "verify") &&
		!slices.Contains(source.Operations, "sign") {
		return nil, errors.New("key_ops does not allow to verify")
	}
	material, algorithms, err := source.material()
	if err != nil {
		return nil, err
	}
	if source.Algorithm != "" {
		if !slices.Contains(algorithms, source.Algorithm) {
			return nil, fmt.Errorf("alg %q does not suit kty %q", source.Algorithm, source.Type)
		}
		algorithms = []string{source.Algorithm}
	}
	return &key{id: source.ID, algorithms: algorithms, material: material}, nil
}

// material returns the key itself and the algorithms (RFC 7518, RFC 8037) that its type allows.
func (source *jwk) material() (any, []string, error) {
	switch source.Type {
	case "oct":
		secret, err := decode(source.Secret)
		if err != nil || len(secret) < minSecret {
			return nil, nil, fmt.Errorf("k must be at least %d bytes in base64url", minSecret)
		}
		return secret, []string{"HS256", "HS384", "HS512"}, nil
	case "RSA":
		public, err := source.rsa()
		return public, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, err
	case "EC":
		return source.elliptic()
	case "OKP":
		public, err := decode(source.X)
		if source.Curve != "Ed25519" || err != nil || len(public) != ed25519.PublicKeySize {
			return nil, nil, errors.New("an OKP key must be an Ed25519 key of 32 bytes")
		}
		return ed25519.PublicKey(public), []string{"EdDSA"}, nil
	}
	return nil, nil, fmt.Errorf("kty %q is not supported", source.Type)
}

func (source *jwk) rsa() (*rsa.PublicKey, error) {
	modulus, err := decode(source.Modulus)
	if err != nil {
		return nil, fmt.Errorf("n: %w", err)
	}
	exponent, err := decode(source.Exponent)
	if err != nil {
		return nil, fmt.Errorf("e: %w", err)
	}
	e := new(big.Int).SetBytes(exponent)
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus)}
	if !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 || public.N.BitLen() < 1024 || public.N.BitLen() > maxModulus {
		return nil, errors.New("the RSA key is too small or too large, or its exponent is out of range")
	}
	public.E = int(e.Int64())
	return public, nil
}

func (source *jwk) elliptic() (any, []string, error) {
	curves := map[string]struct {
		curve     elliptic.Curve
		algorithm string
	}{
		"P-256": {elliptic.P256(), "ES256"},
		"P-384": {elliptic.P384(), "ES384"},
		"P-521": {elliptic.P521(), "ES512"},
	}
	chosen, ok := curves[source.Curve]
	if !ok {
		return nil, nil, fmt.Errorf("crv %q is not supported", source.Curve)
	}
	x, errX := decode(source.X)
	y, errY := decode(source.Y)
	size := (chosen.curve.Params().BitSize + 7) / 8
	if errX != nil || errY != nil || len(x) > size || len(y) > size {
		return nil, nil, errors.New("x or y is not a coordinate in base64url")
	}
	point := make([]byte, 1+2*size) // SEC 1, 2.3.3: 04, x, y
	point[0] = 4
	copy(point[1+size-len(x):], x)
	copy(point[1+2*size-len(y):], y)
	public, err := ecdsa.ParseUncompressedPublicKey(chosen.curve, point)
	if err != nil {
		return nil, nil, fmt.Errorf("the point is not on %s: %w", source.Curve, err)
	}
	return public, []string{chosen.algorithm}, nil
}

// suiting returns the keys that may verify a token with this algorithm and kid: without kid any of the algorithm.
func (k *Keys) suiting(algorithm string, kid *string) []key {
	var result []key
	for _, one := range k.keys {
		if (kid == nil || one.has(*kid)) && slices.Contains(one.algorithms, algorithm) {
			result = append(result, one)
		}
	}
	return result
}

func (k *key) has(id string) bool { return k.id != nil && *k.id == id }

// knows reports whether a key has this kid.
func (k *Keys) knows(kid string) bool {
	return slices.ContainsFunc(k.keys, func(one key) bool { return one.has(kid) })
}

// decode reads base64url without padding (RFC 7515, 2) strictly.
func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
