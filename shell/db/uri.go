package db

import (
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// libpqOnly are parameters of libpq (PostgreSQL docs, "Parameter Key Words") that concern its own sockets or that the
// driver does not have. The driver would send them to the server, which would refuse the connection.
var libpqOnly = []string{
	"fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "hostaddr", "keepalives", "keepalives_count",
	"keepalives_idle", "keepalives_interval", "load_balance_hosts", "replication", "requirepeer", "scram_client_key",
	"scram_server_key", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcompression", "sslcrl", "sslcrldir",
	"sslkeylogfile", "tcp_user_timeout",
}

// connectTimeout is how long connecting to one host may take where neither the string nor PGCONNECT_TIMEOUT says: a
// server or a network that is silent in the middle of it would hold a place in the pool for two minutes.
const connectTimeout = 10 * time.Second

// withoutString returns what is wrong with a connection string, without the string, in which there may be a password.
func withoutString(err error) error {
	text := err.Error()
	if end := strings.LastIndex(text, "`: "); end >= 0 {
		text = "cannot parse the connection string: " + text[end+len("`: "):]
	}
	return errors.New(text)
}

// ParseURI reads a connection string of libpq (a URI or key=value pairs) and the PG* variables. The connection speaks
// UTF-8, and reads string constants as the functions are written, whatever the database's settings are. The application
// is its application_name unless the string or PGAPPNAME has one. Errors have nothing of the string.
func ParseURI(uri, application string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(uri)
	if err != nil {
		return nil, withoutString(err)
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	parameters := config.ConnConfig.RuntimeParams
	if fallback := parameters["fallback_application_name"]; fallback != "" {
		application = fallback
	}
	for _, name := range libpqOnly {
		delete(parameters, name)
	}
	if _, given := parameters["application_name"]; !given {
		parameters["application_name"] = application
	}
	for _, want := range textParameters {
		parameters[want[0]] = want[1]
	}
	return config, nil
}
