package config

// Setting describes one setting. This table drives reading, dumping and the documentation.
type Setting struct {
	Name       string   // as in the config file: db-uri; PGRST_DB_URI in the environment
	Type       string   // String, Int, Boolean or List (with commas)
	Default    string   // its value when nothing is given; empty when it then has none
	Aliases    []string // older names, used when Name is not given
	Emptyable  bool     // whether an empty value is a value, not the default
	InDatabase bool     // whether it can be set in the database, as pgrst.db_uri
	Reloadable bool     // whether a reload of the configuration changes it
	Doc        string   // what it does, in one or two sentences

	check func(value string) error // what is wrong with a value that is not empty; nil where any will do
}

// Settings is the table of all settings but app.settings.*, in the order of their names.
var Settings = []Setting{
	{Name: "admin-server-host", Type: "String", Doc: "Where the admin server listens; as server-host when not given."},
	{Name: "admin-server-port", Type: "Int",
		Doc: "Port of the admin server (/live, /ready, /metrics, /config, /schema_cache); without one there is none."},
	{Name: "admin-server-unix-socket", Type: "String", Doc: "Unix socket of the admin server, in place of its port."},
	{Name: "admin-server-unix-socket-mode", Type: "String", Default: "660", Doc: "File mode of that socket, 600 to 777."},
	{Name: "client-error-verbosity", Type: "String", Default: "verbose", InDatabase: true, Reloadable: true,
		Doc:   "verbose: errors have code, message, details and hint. minimal: code and message only.",
		check: oneOf("verbose", "minimal")},
	{Name: "db-aggregates-enabled", Type: "Boolean", Default: "false", InDatabase: true, Reloadable: true,
		Doc: "Whether select may use avg, count, max, min and sum, and distinct."},
	{Name: "db-anon-role", Type: "String", InDatabase: true, Reloadable: true,
		Doc: "Role of requests without a token; without one such requests are refused."},
	{Name: "db-channel", Type: "String", Default: "pgrst", Reloadable: true, Doc: "Channel of NOTIFY for reloading."},
	{Name: "db-channel-enabled", Type: "Boolean", Default: "true", Reloadable: true,
		Doc: "Whether to listen on db-channel."},
	{Name: "db-config", Type: "Boolean", Default: "true", Reloadable: true,
		Doc: "Whether settings, those of roles too, are read from the database."},
	{Name: "db-etags-enabled", Type: "Boolean", Default: "false", InDatabase: true, Reloadable: true,
		Doc: "Whether all reads of tables and views have an ETag; without it those that ask for one (Prefer: etag, " +
			"If-None-Match)."},
	{Name: "db-extra-search-path", Type: "List", Default: "public", Emptyable: true, InDatabase: true, Reloadable: true,
		Doc: "Schemas that follow the exposed one on the search path."},
	{Name: "db-hoisted-tx-settings", Type: "List",
		Default:    "statement_timeout,plan_filter.statement_cost_limit,default_transaction_isolation",
		InDatabase: true, Reloadable: true,
		Doc: "Settings of a function that count for the whole transaction it is called in."},
	{Name: "db-max-cost", Type: "Int", Default: "0", InDatabase: true, Reloadable: true,
		Doc: "The most that the plan of a request's statement may cost, as EXPLAIN tells costs; what costs more is " +
			"refused (PGRST162). 0 for no limit. A role may have its own: " +
			"alter role web_anon set pgrst.db_max_cost = '50000'.",
		check: atLeast(0)},
	{Name: "db-max-operations", Type: "Int", Default: "100", InDatabase: true, Reloadable: true,
		Doc:   "The most operations of a batch; 0 turns batches off.",
		check: atLeast(0)},
	{Name: "db-max-rows", Type: "Int", Aliases: []string{"max-rows"}, InDatabase: true, Reloadable: true,
		Doc: "The most rows an answer may have; without one there is no limit."},
	{Name: "db-max-streams", Type: "Int", Default: "0",
		Doc: "The most answers and bodies that stream at once, each of which has a connection while the client reads " +
			"or sends; others wait. 0: half of db-pool.",
		check: atLeast(0)},
	{Name: "db-plan-enabled", Type: "Boolean", Default: "false", InDatabase: true, Reloadable: true,
		Doc: "Whether Accept: application/vnd.pgrst.plan gets the execution plan."},
	{Name: "db-pool", Type: "Int", Default: "10", Doc: "The most connections to the database."},
	{Name: "db-pool-acquisition-timeout", Type: "Int", Default: "10", Doc: "Seconds a request waits for a connection."},
	{Name: "db-pool-automatic-recovery", Type: "Boolean", Default: "true", Reloadable: true,
		Doc: "Whether to connect again when the database was lost; without it the server stops."},
	{Name: "db-pool-max-idletime", Type: "Int", Default: "30", Aliases: []string{"db-pool-timeout"},
		Doc: "Seconds after which an unused connection is closed."},
	{Name: "db-pool-max-lifetime", Type: "Int", Default: "1800", Doc: "Seconds after which a connection is replaced."},
	{Name: "db-pre-config", Type: "String", InDatabase: true, Reloadable: true,
		Doc: "Function that is called before settings are read from the database and may set them as pgrst.*."},
	{Name: "db-pre-request", Type: "String", Aliases: []string{"pre-request"}, InDatabase: true, Reloadable: true,
		Doc: "Function that is called at the start of each request, with the request's role."},
	{Name: "db-prepared-statements", Type: "Boolean", Default: "true", InDatabase: true, Reloadable: true,
		Doc: "Whether statements are prepared; turn off behind a pooler in transaction mode."},
	{Name: "db-read-max-lag", Type: "Int", Default: "10",
		Doc:   "Seconds that a server of db-uri-read may be behind; reads do not go to one that is more.",
		check: atLeast(1)},
	{Name: "db-root-spec", Type: "String", Aliases: []string{"root-spec"}, InDatabase: true, Reloadable: true,
		Doc: "Function that answers the root path in place of the OpenAPI description."},
	{Name: "db-schemas", Type: "List", Default: "public", Aliases: []string{"db-schema"}, InDatabase: true,
		Reloadable: true,
		Doc:        "Schemas that are exposed; the first is the default one."},
	{Name: "db-statement-cache-size", Type: "Int", Default: "33554432",
		Doc: "Bytes of compiled statements that are kept, one for each shape of requests."},
	{Name: "db-stream-csv", Type: "Boolean", Default: "false", InDatabase: true, Reloadable: true,
		Doc: "Whether text/csv is answered row by row, as application/x-ndjson is; else it is made whole in the " +
			"database."},
	{Name: "db-tx-end", Type: "String", Default: "commit", InDatabase: true, Reloadable: true,
		Doc:   "How transactions end: commit, commit-allow-override, rollback or rollback-allow-override (by Prefer: tx).",
		check: oneOf("commit", "commit-allow-override", "rollback", "rollback-allow-override")},
	{Name: "db-uri", Type: "String", Default: "postgresql://",
		Doc: "How to connect, as libpq's connection strings; what is missing comes from PG* variables. @file reads it " +
			"from a file."},
	{Name: "db-uri-read", Type: "String",
		Doc: "How to connect to the standbys that reads go to, as db-uri, with a host for each " +
			"(postgresql://one,two/app). Without one all requests go to db-uri."},
	{Name: "jwt-aud", Type: "String", InDatabase: true, Reloadable: true,
		Doc:   "Audience that tokens with an aud claim must be meant for.",
		check: checkAudience},
	{Name: "jwt-cache-max-entries", Type: "Int", Default: "1000", InDatabase: true, Reloadable: true,
		Doc: "How many verified tokens are remembered; 0 turns this off."},
	{Name: "jwt-role-claim-key", Type: "String", Default: "$.role", Aliases: []string{"role-claim-key"}, InDatabase: true,
		Reloadable: true,
		Doc:        "JSONPath (RFC 9535) to the role in the claims; in the config file $ is written $$."},
	{Name: "jwt-secret", Type: "String", InDatabase: true, Reloadable: true,
		Doc: "What tokens are verified with: a secret of at least 32 characters (HS256), a JSON Web Key or a set of " +
			"them, or the URL of a set or of an OpenID issuer. @file reads it from a file."},
	{Name: "jwt-secret-allow-http", Type: "Boolean", Default: "false", InDatabase: true, Reloadable: true,
		Doc: "Whether jwt-secret may be an http:// URL of another machine."},
	{Name: "jwt-secret-is-base64", Type: "Boolean", Default: "false", Aliases: []string{"secret-is-base64"},
		InDatabase: true, Reloadable: true,
		Doc: "Whether jwt-secret is in base64; not when it is a URL."},
	{Name: "log-format", Type: "String", Default: "text",
		Doc: "text: answers in the combined log format, events after their time, as PostgREST logs them. json: both " +
			"as JSON lines.",
		check: oneOf("text", "json")},
	{Name: "log-level", Type: "String", Default: "error", Reloadable: true,
		Doc: "Which answers are logged: crit (none), error (500 and more), warn (400 and more), info (all) or debug " +
			"(all, and what the pool and the cache of tokens do).",
		check: oneOf(logLevels...)},
	{Name: "log-query", Type: "Boolean", Default: "false", Reloadable: true,
		Doc: "Whether the statement of each answer that log-level asks for is logged, without its values, and how " +
			"long its round trip took."},
	{Name: "openapi-mode", Type: "String", Default: "follow-privileges", InDatabase: true, Reloadable: true,
		Doc:   "What the root path describes: follow-privileges, ignore-privileges or disabled.",
		check: oneOf("follow-privileges", "ignore-privileges", "disabled")},
	{Name: "openapi-security-active", Type: "Boolean", Default: "false", InDatabase: true, Reloadable: true,
		Doc: "Whether the OpenAPI description has security definitions."},
	{Name: "openapi-server-proxy-uri", Type: "String", InDatabase: true, Reloadable: true,
		Doc:   "Address of the API in the OpenAPI description.",
		check: checkProxyURI},
	{Name: "server-client-timeout", Type: "Int", Default: "30",
		Doc: "Seconds that a client may take for the header of a request, to go on with its body, and for each 256 " +
			"KiB of the answer, less while answers take most of their room; then it loses its connection.",
		check: atLeast(1)},
	{Name: "server-compression", Type: "List", InDatabase: true, Reloadable: true,
		Doc: "Content codings for large answers, the preferred one first: zstd, br, gzip. Without any, nothing is " +
			"compressed.",
		check: eachOf("zstd", "br", "gzip")},
	{Name: "server-compression-min-size", Type: "Int", Default: "1024", InDatabase: true, Reloadable: true,
		Doc: "Bytes of the smallest body that is compressed."},
	{Name: "server-cors-allowed-origins", Type: "List", InDatabase: true, Reloadable: true,
		Doc: "Origins that browsers may call from; without any, all."},
	{Name: "server-drain-timeout", Type: "Int", Default: "30",
		Doc:   "Seconds that requests may still run after SIGTERM; then they are ended, and their queries cancelled.",
		check: atLeast(0)},
	{Name: "server-host", Type: "String", Default: "!4",
		Doc: "Where to listen: an address, a host name, or *, *4, !4, *6, !6 for any address of a family."},
	{Name: "server-max-body-size", Type: "Int", Default: "67108864", InDatabase: true, Reloadable: true,
		Doc: "Longest request body in bytes, up to 268435456; longer ones are answered with 413. While it inserts, " +
			"the database can take some 20 times as much memory.",
		check: checkBodySize},
	{Name: "server-max-bytes-in-flight", Type: "Int", Default: "268435456",
		Doc: "Bytes of request bodies that may be there at once, three quarters of them for bodies of more than 1 " +
			"MiB, which wait for room as requests wait for a connection; and as many of answers. What gets none is " +
			"answered with 503, of answers only what GET or a batch asks for. The server takes about three times as much " +
			"memory.",
		check: atLeast(1)},
	{Name: "server-max-connections", Type: "Int", Default: "10000",
		Doc:   "The most connections of clients. When there are as many, unused ones are closed, and new ones wait.",
		check: atLeast(1)},
	{Name: "server-max-stream-size", Type: "Int", Default: "0", InDatabase: true, Reloadable: true,
		Doc: "Longest request body of application/x-ndjson or text/csv, in bytes, where it is longer than " +
			"server-max-body-size or does not say how long it is: it is streamed into one transaction, for which a " +
			"connection waits while the client sends. 0: none is.",
		check: atLeast(0)},
	{Name: "server-port", Type: "Int", Default: "3000", Doc: "Port to listen on; 0 takes a free one."},
	{Name: "server-reuseport", Type: "Boolean", Default: "false",
		Doc: "Whether several processes may listen on the port (SO_REUSEPORT)."},
	{Name: "server-timing-enabled", Type: "Boolean", Default: "false", InDatabase: true, Reloadable: true,
		Doc: "Whether answers have the header Server-Timing: jwt, parse, plan (compiling the statement), transaction, " +
			"response."},
	{Name: "server-tls-cert", Type: "String",
		Doc: "File with the server's certificate and those that lead to its authority (PEM); with it and " +
			"server-tls-key the API is served over TLS. Read again when it changes."},
	{Name: "server-tls-key", Type: "String", Doc: "File with the private key of that certificate (PEM)."},
	{Name: "server-trace-header", Type: "String", InDatabase: true, Reloadable: true,
		Doc:   "Name of a request header that is repeated in the answer.",
		check: checkHeaderName},
	{Name: "server-unix-socket", Type: "String", Doc: "Unix socket to listen on, in place of the port."},
	{Name: "server-unix-socket-mode", Type: "String", Default: "660", Doc: "File mode of that socket, 600 to 777."},
	{Name: "url-use-legacy-target-names", Type: "Boolean", Default: "true", InDatabase: true, Reloadable: true,
		Doc: "Whether an embed with an alias can still be named by its relation in filters."},
}
