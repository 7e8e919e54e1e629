package db

import (
	"fmt"
	"strconv"
	"strings"
)

// The protocols that this binary knows, as postern.protocol() numbers them: it serves functions of any version that
// have one of these. What belongs to a protocol, and when its number rises, is in docs/releasing.md.
const (
	oldestProtocol = 1
	newestProtocol = 1
)

// installed asks for the protocol and the version of the functions.
const installed = "select pg_catalog.concat_ws(' ', postern.protocol(), postern.version())"

// NotInstalledError reports that the database has no postern, or one whose protocol this binary does not know.
type NotInstalledError struct {
	Found  string // version found; empty when there is none
	Binary string // version of this binary
	newer  bool   // what was found is too new, not too old
}

func (e *NotInstalledError) Error() string {
	if e.Found == "" {
		return "postern is not installed in the database: run `postern migrate`"
	}
	is, upgrade := "old", "the database, by `postern migrate`"
	if e.newer {
		is, upgrade = "new", "the binary"
	}
	return fmt.Sprintf("the database has postern %s, which is too %s for this binary, %s: upgrade %s", e.Found, is,
		e.Binary, upgrade)
}

// isMissing reports whether an error is that postern's schema, or a function in it, is not there.
func isMissing(err error) bool {
	code := SQLState(err)
	return code == "3F000" || code == "42883"
}

// checkInstalled returns nil where what installed has found is of a protocol that is known and err is nil: the error of
// that query or, where it has found something, of what was sent with it.
func (p *Pool) checkInstalled(found string, err error) error {
	switch {
	case found == "" && isMissing(err):
		return &NotInstalledError{Binary: p.options.Version}
	case found == "":
		return fmt.Errorf("asking for the version: %w", err)
	}
	number, version, _ := strings.Cut(found, " ")
	protocol, _ := strconv.Atoi(number)
	if protocol < oldestProtocol || protocol > newestProtocol {
		return &NotInstalledError{Found: version, Binary: p.options.Version, newer: protocol > newestProtocol}
	}
	if err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	if last := p.version.Swap(&version); *last != version && p.options.OnVersion != nil {
		p.options.OnVersion(version)
	}
	return nil
}
