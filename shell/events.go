package shell

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"postern/shell/apierror"
	"postern/shell/db"
	"postern/shell/statement"
)

// logText returns what the log says of a fault: PostgREST's message, where people may look for it, and the cause.
func logText(f *apierror.Error) (message, details string) {
	message = f.Message
	switch {
	case f.Code == "PGRST000" && f.Hint == "": // else it says what to do
		message = "Database connection error."
	case f.Code == "PGRST001":
		message = "Database client error. Retrying the connection."
	case f.Code == "PGRST003" && f.Status == http.StatusGatewayTimeout:
		message = "Timed out acquiring connection from connection pool."
	}
	if f.Cause != nil && db.SQLState(f.Cause) != f.Code {
		details = f.Cause.Error()
	}
	return message, details
}

// stopped returns what the log says of the end of the server's context, of which signal.NotifyContext tells the signal.
func stopped(ctx context.Context) string {
	switch signal, _, _ := strings.Cut(context.Cause(ctx).Error(), " "); signal {
	case "terminated":
		return "Received termination unix signal SIGTERM"
	case "interrupt":
		return "Received termination unix signal SIGINT"
	}
	return "Stopping"
}

// legacyPrefix begins the Warning of postern.legacy_warning; pairs follow its last colon.
var legacyPrefix = []byte(`299 postern "An embed with an alias was named by its relation`)

// logLegacy logs which embeds a request has named by relation despite an alias, by the header that tells the client.
func (s *Server) logLegacy(r *http.Request, header []byte) {
	_, pairs, _ := bytes.Cut(bytes.TrimSuffix(header, []byte{'"'}), []byte(": "))
	var hints []string
	for pair := range strings.SplitSeq(string(pairs), ", ") {
		label, name, _ := strings.Cut(pair, " in place of ")
		hints = append(hints, "`"+name+"` to `"+label+"`")
	}
	s.log.warn("Embedded resource was referenced by relation name even though it has an alias.")
	s.log.event("Update filters, orders or limits that use %s in `%s %s`",
		strings.Join(hints, ", "), r.Method, r.RequestURI)
}

// executed is what log-query tells of a request.
type executed struct {
	before   *statement.Statement // that calls db-pre-request; nil for none
	main     *statement.Statement // the last that was sent; nil where none was
	took     time.Duration        // its round trips
	compiled bool                 // in one of them
}

// logQuery writes the statements of an answer, if the level asks for such answers.
func (s *Server) logQuery(st *state, x *exchange, status int) {
	e := x.executed
	if !st.config.LogQuery || e == (executed{}) || !wants(st.config.LogLevel, status) {
		return
	}
	log := s.log.within(x.out.r, x.span)
	if e.before != nil {
		s.log.event("%s", e.before.SQL)
	}
	if e.main != nil {
		log.query(e.main.SQL, e.took, e.compiled)
	}
}
