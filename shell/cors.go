package shell

import (
	"net/http"
	"slices"
	"strings"

	"postern/shell/db"
)

// What browsers may do, as PostgREST answers it (docs/references/api/cors).
var (
	corsMethods = []string{"GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"}
	corsAllow   = strings.Join(corsMethods, ", ")
)

const (
	corsExposed = "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, " +
		"Transfer-Encoding, Range-Unit"
	corsSimple = "Accept,Accept-Language,Content-Language" // headers that need no permission
	corsMaxAge = "86400"                                   // seconds
)

// corsPolicy decides which origins may call (Fetch standard, "CORS protocol").
type corsPolicy struct {
	origins []string // none means all
}

// apply sets the headers for a request with an allowed Origin. It returns true for a preflight request, which is then
// to be answered with status 200 and no body.
func (p corsPolicy) apply(header http.Header, r *http.Request) (preflight bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	allowed := "*"
	if len(p.origins) > 0 {
		if !slices.Contains(p.origins, origin) {
			return false
		}
		allowed = origin
	}
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method == http.MethodOptions && (slices.Contains(corsMethods, method) || method == db.MethodQuery) {
		header.Set("Access-Control-Allow-Methods", corsAllow)
		if method == db.MethodQuery { // named to who asks for it: to all others the list is PostgREST's
			header.Set("Access-Control-Allow-Methods", corsAllow+", "+db.MethodQuery)
		}
		header.Set("Access-Control-Allow-Headers", allowedHeaders(r.Header.Values("Access-Control-Request-Headers")))
		header.Set("Access-Control-Max-Age", corsMaxAge)
		preflight = true
	} else {
		header.Set("Access-Control-Expose-Headers", corsExposed)
	}
	header.Set("Access-Control-Allow-Origin", allowed)
	if allowed != "*" {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	return preflight
}

// allowedHeaders lists Authorization, what was asked for and the headers that need no permission, each once.
func allowedHeaders(requested []string) string {
	names := []string{"Authorization"}
	for name := range strings.SplitSeq(strings.Join(requested, ",")+","+corsSimple, ",") {
		name = strings.TrimSpace(name)
		if name != "" && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
