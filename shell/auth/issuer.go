package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

const (
	fetchTimeout = 10 * time.Second // for a key set, with what leads to it
	dialTimeout  = 5 * time.Second
	maxDocument  = 1 << 20 // bytes of a key set or a configuration
	maxRedirects = 3

	wellKnown = "/.well-known/openid-configuration"
)

// IsURL reports whether a value of jwt-secret is the address of keys, not the keys.
func IsURL(secret string) bool {
	return strings.HasPrefix(secret, "https://") || strings.HasPrefix(secret, "http://")
}

// CheckURL returns what is wrong with the address of keys or an issuer; http is for this machine only, or allowed.
func CheckURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("it is not a URL") // err would repeat it
	}
	switch {
	case u.Hostname() == "":
		return errors.New("the URL has no host")
	case u.User != nil || u.Fragment != "":
		return errors.New("the URL must have neither a user nor a fragment")
	case u.Scheme == "http" && !allowHTTP && !isLoopback(u.Hostname()):
		return errors.New("the URL must begin with https:// (http:// is for this machine, or with jwt-secret-allow-http)")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// issuer gets the keys from whom issues the tokens. Its address is that of a key set (RFC 7517, 5), of a configuration
// that names one (OpenID Connect Discovery 1.0, 4.2; RFC 8414, 3), or the one that the path of the configuration
// follows. What the answers lead to, by redirects or jwks_uri, must be https and neither on this machine nor in a
// private network, unless it is on the very host of the address.
type issuer struct {
	address *url.URL
	start   *url.URL // the address, or that of the configuration where the address itself has led to nothing
	client  *http.Client
}

func newIssuer(address string) (*issuer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	i := &issuer{address: u, start: u}
	trusted := hostPort(u)
	own := &net.Dialer{Timeout: dialTimeout}
	foreign := &net.Dialer{Timeout: dialTimeout, Control: ssrf.New(ssrf.WithAnyPort()).Safe}
	i.client = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if address == trusted {
					return own.DialContext(ctx, network, address)
				}
				return foreign.DialContext(ctx, network, address)
			},
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("too many redirects")
			}
			return i.mayVisit(request.URL)
		},
	}
	return i, nil
}

// hostPort returns the host as the transport dials it.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (i *issuer) mayVisit(u *url.URL) error {
	if u.Scheme != "https" && (u.Scheme != i.address.Scheme || hostPort(u) != hostPort(i.address)) {
		return fmt.Errorf("it leads to %s, which is not https", shown(u))
	}
	return nil
}

// document is a key set or a configuration.
type document struct {
	Keys   *[]json.RawMessage `json:"keys"`
	URI    string             `json:"jwks_uri"`
	Issuer string             `json:"issuer"`

	fresh time.Duration // how long it may be used, by its header
}

// strayError reports that an address has an answer, but neither a key set nor a configuration.
type strayError struct{ address, what string }

func (e *strayError) Error() string { return e.address + " " + e.what }

// fetch gets the keys and how long they may be used.
func (i *issuer) fetch(ctx context.Context) (*Keys, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	found, err := i.get(ctx, i.start)
	_, stray := errors.AsType[*strayError](err)
	if stray && i.start == i.address && !strings.Contains(i.address.Path, "/.well-known/") {
		configuration := i.address.JoinPath(wellKnown)
		var second error
		if found, second = i.get(ctx, configuration); second != nil {
			return nil, 0, fmt.Errorf("%w; %w", err, second)
		}
		i.start, err = configuration, nil
	}
	if err != nil {
		return nil, 0, err
	}
	name := ""
	if found.Keys == nil {
		name = found.Issuer
		if found, err = i.follow(ctx, found); err != nil {
			return nil, 0, err
		}
	}
	keys, err := parseRemote(*found.Keys, name)
	return keys, found.fresh, err
}

// follow gets the key set that a configuration names.
func (i *issuer) follow(ctx context.Context, configuration *document) (*document, error) {
	if configuration.Issuer == "" {
		return nil, errors.New("the OpenID configuration names no issuer")
	}
	u, err := url.Parse(configuration.URI)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("the jwks_uri of the OpenID configuration is not a URL")
	}
	if err := i.mayVisit(u); err != nil {
		return nil, err
	}
	set, err := i.get(ctx, u)
	if err == nil && set.Keys == nil {
		err = &strayError{shown(u), "is no key set"}
	}
	return set, err
}

// shown returns a URL as it may be logged: without what may be a secret.
func shown(u *url.URL) string {
	safe := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return safe.String()
}

func (i *issuer) get(ctx context.Context, u *url.URL) (*document, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := i.client.Do(request)
	if err != nil {
		if failure, ok := errors.AsType[*url.Error](err); ok {
			err = fmt.Errorf("%s: %w", shown(u), failure.Err)
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode >= 400 && response.StatusCode < 500:
		return nil, &strayError{shown(u), "answers " + response.Status}
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s", shown(u), response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(u), err)
	}
	if len(body) > maxDocument {
		return nil, fmt.Errorf("%s gives more than %d bytes", shown(u), maxDocument)
	}
	found := &document{fresh: freshness(response.Header, time.Now())}
	if json.Unmarshal(body, found) != nil || found.Keys == nil && found.URI == "" {
		return nil, &strayError{shown(u), "is neither a key set nor an OpenID configuration"}
	}
	return found, nil
}

// usualFreshness is how long keys are used whose answer says nothing about it.
const usualFreshness = 15 * time.Minute

// freshness returns how long an answer may be used (RFC 9111, 4.2 and 5.2.2).
func freshness(header http.Header, now time.Time) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0
			}
			age, _ := strconv.ParseUint(header.Get("Age"), 10, 31) // what cannot be read counts as 0
			return max(0, time.Duration(seconds)-time.Duration(age)) * time.Second
		}
	}
	if text := header.Get("Expires"); text != "" {
		expires, err := http.ParseTime(text)
		if err != nil { // such as 0
			return 0
		}
		return max(0, expires.Sub(now))
	}
	return usualFreshness
}
