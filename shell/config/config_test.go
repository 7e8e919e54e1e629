package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern/shell/config"
)

const secret = "reallyreallyreallyreallyverysafe"

func TestDumpOfSettings(t *testing.T) {
	for _, test := range []struct {
		name     string
		env      []string
		database map[string]string
		file     string
		want     []string // lines of the dump
		warning  string   // part of a warning
	}{
		{name: "defaults", want: []string{
			`admin-server-host = "!4"`, `admin-server-port = ""`, `admin-server-unix-socket-mode = "660"`,
			`client-error-verbosity = "verbose"`, `db-channel = "pgrst"`, `db-config = true`, `db-extra-search-path = "public"`,
			`db-hoisted-tx-settings = "statement_timeout,plan_filter.statement_cost_limit,default_transaction_isolation"`,
			`db-max-rows = ""`, `db-pool = 10`, `db-pool-max-idletime = 30`, `db-schemas = "public"`, `db-tx-end = "commit"`,
			`db-uri = "postgresql://"`, `jwt-cache-max-entries = 1000`, `jwt-role-claim-key = "$$.role"`, `log-level = "error"`,
			`openapi-mode = "follow-privileges"`, `server-port = 3000`, `url-use-legacy-target-names = true`,
		}},
		{
			name: "environment", env: []string{"PGRST_DB_SCHEMAS=multi,   tenant,setup", "PGRST_DB_MAX_ROWS=1000", "PGRST_LOG_LEVEL=info",
				"PGRST_APP_SETTINGS_Secret=a\"b\\c$d", "PGRST_SERVER_UNIX_SOCKET_MODE=777", "OTHER=x"},
			want: []string{`db-schemas = "multi,tenant,setup"`, `db-max-rows = 1000`, `log-level = "info"`,
				`app.settings.Secret = "a\"b\\c$$d"`, `server-unix-socket-mode = "777"`},
		},
		{name: "empty means default", env: []string{"PGRST_LOG_LEVEL=", "PGRST_DB_TX_END="}, file: `log-level = "info"`,
			want: []string{`log-level = "error"`, `db-tx-end = "commit"`}},
		{name: "empty search path", env: []string{"PGRST_DB_EXTRA_SEARCH_PATH="}, want: []string{`db-extra-search-path = ""`}},
		{name: "file below environment", env: []string{"PGRST_DB_POOL=3"}, file: "db-pool = 7\ndb-anon-role = \"anon\"",
			want: []string{`db-pool = 3`, `db-anon-role = "anon"`}},
		{name: "database above all", env: []string{"PGRST_DB_ANON_ROLE=env"}, file: `db-anon-role = "file"`,
			database: map[string]string{"db_anon_role": "database"}, want: []string{`db-anon-role = "database"`}},
		{name: "older names", file: "max-rows = 5\ndb-schema = \"old\"\npre-request = \"f\"\nrole-claim-key = \"$$.r\"\nroot-spec = \"s\"\ndb-pool-timeout = 4",
			want: []string{`db-max-rows = 5`, `db-schemas = "old"`, `db-pre-request = "f"`, `jwt-role-claim-key = "$$.r"`,
				`db-root-spec = "s"`, `db-pool-max-idletime = 4`}},
		{name: "older name in environment", env: []string{"PGRST_MAX_ROWS=9"}, want: []string{`db-max-rows = 9`}},
		{name: "newer name wins", env: []string{"PGRST_MAX_ROWS=9"}, file: "db-max-rows = 1", want: []string{`db-max-rows = 1`}},
		{name: "booleans as text", file: "db-channel-enabled = \"1\"\ndb-prepared-statements = \"0\"\nserver-timing-enabled = \"\\\"TRUE\\\"\"\ndb-plan-enabled = on",
			want: []string{`db-channel-enabled = true`, `db-prepared-statements = false`, `server-timing-enabled = true`, `db-plan-enabled = true`}},
		{name: "unreadable boolean", env: []string{"PGRST_DB_CHANNEL_ENABLED=maybe"}, want: []string{`db-channel-enabled = true`},
			warning: `db-channel-enabled: "maybe" is not a boolean`},
		{name: "unreadable number", file: "db-max-rows = true\nserver-port = 1.5", want: []string{`db-max-rows = ""`, `server-port = 3000`},
			warning: `server-port: "1.5" is not a whole number`},
		{name: "base64 secret", env: []string{"PGRST_JWT_SECRET=c2VjdXJpdHl0aHJvdWdob2JzY3VyaXR5aW5iYXNlNjQ=", "PGRST_JWT_SECRET_IS_BASE64=true"},
			want: []string{`jwt-secret = "c2VjdXJpdHl0aHJvdWdob2JzY3VyaXR5aW5iYXNlNjQ="`}},
		{name: "base64 secret padded with dots", env: []string{"PGRST_JWT_SECRET=c2VjdXJpdHl0aHJvdWdob2JzY3VyaXR5aW5iYXNlNjQ.", "PGRST_JWT_SECRET_IS_BASE64=true"},
			want: []string{`jwt-secret = "c2VjdXJpdHl0aHJvdWdob2JzY3VyaXR5aW5iYXNlNjQ="`}},
		{name: "URL of keys", env: []string{"PGRST_JWT_SECRET=https://a.example/keys", "PGRST_JWT_SECRET_IS_BASE64=true"},
			want: []string{`jwt-secret = "https://a.example/keys"`, `jwt-secret-allow-http = false`}},
		{name: "URL of keys on this machine", env: []string{"PGRST_JWT_SECRET=http://[::1]:8080/"}, want: []string{`jwt-secret = "http://[::1]:8080/"`}},
		{name: "http allowed", env: []string{"PGRST_JWT_SECRET=http://keycloak:8080/realms/a", "PGRST_JWT_SECRET_ALLOW_HTTP=true"},
			want: []string{`jwt-secret = "http://keycloak:8080/realms/a"`}},
		{name: "older role path", env: []string{`PGRST_JWT_ROLE_CLAIM_KEY=.roles[?(@ == "role1")]`},
			want: []string{`jwt-role-claim-key = ".roles[?(@ == \"role1\")]"`}, warning: "deprecated"},
		{name: "admin host follows", env: []string{"PGRST_SERVER_HOST=::1", "PGRST_ADMIN_SERVER_PORT=3001"},
			want: []string{`admin-server-host = "::1"`, `admin-server-port = 3001`}},
		{name: "groups, escapes, interpolation", env: []string{"MINE=x\"y"},
			file: "# Commènt\napp {\n  settings.a = \"1\" # one\n  settings { b = 2; c = false }\n}\ndb-channel = \"\\u0041\\ud83d\\ude00\\n$$\"\napp.settings.d = \"$(MINE)$(app.settings.a)\"",
			want: []string{`app.settings.a = "1"`, `app.settings.b = "2"`, `app.settings.c = "false"`, `db-channel = "A😀\n$$"`, `app.settings.d = "x\"y1"`}},
		{name: "environment above file in app.settings", env: []string{"PGRST_APP_SETTINGS_a=env"}, file: "app.settings.a = \"file\"",
			want: []string{`app.settings.a = "env"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sources := config.Sources{Environment: test.env, Database: test.database, File: write(t, test.file)}
			c, err := config.Load(sources)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(c.Dump(), "\n")
			if !slices.IsSorted(lines[:len(lines)-1]) {
				t.Error("the dump is not sorted")
			}
			for _, want := range test.want {
				if !slices.Contains(lines, want) {
					t.Errorf("no line %s in\n%s", want, c.Dump())
				}
			}
			if !strings.Contains(strings.Join(c.Warnings, "\n"), test.warning) || (test.warning == "") != (len(c.Warnings) == 0) {
				t.Errorf("warnings %q, want %q", c.Warnings, test.warning)
			}
			again, err := config.Load(config.Sources{File: write(t, c.Dump())})
			if err != nil {
				t.Fatalf("the dump cannot be read: %v", err)
			}
			if again.Dump() != c.Dump() {
				t.Errorf("the dump of the dump differs:\n%s\n%s", c.Dump(), again.Dump())
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		env  string
		file string
		want string
	}{
		{env: "PGRST_SERVER_UNIX_SOCKET_MODE=800", want: "server-unix-socket-mode: \"800\" is not an octal number"},
		{env: "PGRST_SERVER_UNIX_SOCKET_MODE=577", want: "not between 600 and 777"},
		{env: "PGRST_ADMIN_SERVER_UNIX_SOCKET_MODE=1777", want: "not between 600 and 777"},
		{env: "PGRST_JWT_AUD=foo://%%$$^^.com", want: "jwt-aud"},
		{env: "PGRST_LOG_LEVEL=never", want: "log-level: \"never\" is none of crit, error, warn, info, debug"},
		{env: "PGRST_LOG_FORMAT=text,json", want: "log-format: \"text,json\" is none of text, json"},
		{env: "PGRST_SERVER_COMPRESSION=gzip, lzw", want: "server-compression: \"lzw\" is none of zstd, br, gzip"},
		{env: "PGRST_DB_TX_END=random", want: "db-tx-end"},
		{env: "PGRST_CLIENT_ERROR_VERBOSITY=invalid", want: "client-error-verbosity"},
		{env: "PGRST_OPENAPI_MODE=follow-", want: "openapi-mode"},
		{env: "PGRST_OPENAPI_SERVER_PROXY_URI=htp:/@@localhorst.invalid", want: "openapi-server-proxy-uri"},
		{env: "PGRST_OPENAPI_SERVER_PROXY_URI=https://example.com:70000/", want: "openapi-server-proxy-uri"},
		{env: "PGRST_OPENAPI_SERVER_PROXY_URI=https://u@example.com/", want: "openapi-server-proxy-uri"},
		{env: "PGRST_JWT_SECRET=short_secret", want: "jwt-secret must be at least 32 characters long"},
		{env: "PGRST_JWT_SECRET=-----BEGIN PUBLIC KEY----- and some more of it", want: "PEM"},
		{env: "PGRST_JWT_SECRET=@/nonexistent", want: "jwt-secret: open /nonexistent"},
		{env: "PGRST_JWT_SECRET=http://a.example/keys", want: "jwt-secret: the URL must begin with https://"},
		{env: "PGRST_JWT_SECRET=http://127.0.0.1.a.example/keys", want: "must begin with https://"},
		{env: "PGRST_JWT_SECRET=https://", want: "has no host"},
		{env: "PGRST_JWT_SECRET=https://user:password@a.example/keys", want: "neither a user"},
		{env: "PGRST_JWT_SECRET=https://a.example:x/", want: "it is not a URL"},
		{env: "PGRST_DB_URI=@/nonexistent", want: "db-uri: open /nonexistent"},
		{env: "PGRST_DB_SCHEMAS=public, pg_catalog", want: "\"pg_catalog\" cannot be exposed"},
		{env: "PGRST_DB_SCHEMAS=information_schema", want: "cannot be exposed"},
		{env: "PGRST_DB_SCHEMAS=postern", want: "cannot be exposed"},
		{env: "PGRST_JWT_ROLE_CLAIM_KEY=role.other", want: "jwt-role-claim-key: \"role.other\""},
		{env: "PGRST_JWT_ROLE_CLAIM_KEY=$.my_role;;domain", want: "jwt-role-claim-key"},
		{env: "PGRST_ADMIN_SERVER_PORT=3000", want: "admin-server-port cannot be the same as server-port"},
		{env: "PGRST_SERVER_TRACE_HEADER=a b", want: "server-trace-header"},
		{file: "a: b", want: "line 1: expected = after a"},
		{file: "\n\nlog-level = info", want: "line 3: log-level: \"info\" is neither"},
		{file: "db-uri = \"a", want: "not closed"},
		{file: "db-uri = \"a$b\"", want: "must be written $$"},
		{file: "db-uri = \"$(NOT_THERE)\"", want: "$(NOT_THERE)"},
		{file: "db-uri = \"a\" b", want: "something after the value"},
		{file: "app {", want: "group app is not closed"},
		{file: "db-uri = \"\\x\"", want: "after a backslash"},
		{file: "db-uri = \"\\ud800\"", want: "surrogate"},
	} {
		sources := config.Sources{Environment: []string{test.env}, File: write(t, test.file)}
		if _, err := config.Load(sources); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s%s: got %v, want %s", test.env, test.file, err, test.want)
		}
	}
	if _, err := config.Load(config.Sources{File: "/nonexistent"}); err == nil {
		t.Error("a missing config file is no error")
	}
}

func TestFilesOfValues(t *testing.T) {
	uri := write(t, " postgres://user@host/db \n")
	key := write(t, secret+"\n")
	c, err := config.Load(config.Sources{Environment: []string{"PGRST_DB_URI=@" + uri, "PGRST_JWT_SECRET=@" + key}})
	if err != nil {
		t.Fatal(err)
	}
	address := write(t, "https://a.example/keys\n")
	if c, err := config.Load(config.Sources{Environment: []string{"PGRST_JWT_SECRET=@" + address}}); err != nil || c.JWTSecret != "https://a.example/keys" {
		t.Errorf("a URL in a file: %v", err)
	}
	if c.DBURI != "postgres://user@host/db" || c.JWTSecret != secret || c.Keys == nil {
		t.Errorf("got %q, %q", c.DBURI, c.JWTSecret)
	}
	c, err = config.Load(config.Sources{Environment: []string{"PGRST_DB_URI=@/nonexistent"}, DBURI: "kept"})
	if err != nil || c.DBURI != "kept" {
		t.Errorf("a reload should keep the connection string: %v", err)
	}
}

func TestPublicDumpHasNoSecrets(t *testing.T) {
	c, err := config.Load(config.Sources{Environment: []string{
		"PGRST_DB_URI=postgres://u:hidden@h/d", "PGRST_DB_URI_READ=postgres://u:hidden@h/d", "PGRST_JWT_SECRET=hidden" + secret, "PGRST_APP_SETTINGS_K=hidden",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if dump := c.DumpPublic(); strings.Contains(dump, "hidden") || !strings.Contains(dump, `jwt-secret = "***"`) {
		t.Error(dump)
	}
}

func TestExampleCanBeRead(t *testing.T) {
	lines := strings.Split(config.Example(), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "##") {
			lines[i] = strings.TrimPrefix(line, "# ")
		}
	}
	c, err := config.Load(config.Sources{File: write(t, strings.Join(lines, "\n"))})
	if err != nil {
		t.Fatal(err)
	}
	defaults, _ := config.Load(config.Sources{})
	delete(c.AppSettings, "app.settings.name")
	if c.Dump() != defaults.Dump() {
		t.Error("the example does not hold the defaults")
	}
}

func FuzzFile(f *testing.F) {
	f.Add("db-uri = \"a\\n$$\" # c\napp { settings.x = 1 }")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = config.Load(config.Sources{File: write(t, text)}) // must not panic
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
