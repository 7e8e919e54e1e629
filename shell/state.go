package shell

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/db"
	"postern/shell/page"
	"postern/shell/statement"
)

// state is all that a request needs and that a reload replaces. It never changes.
type state struct {
	config     *config.Config
	verifier   *auth.Verifier
	cors       corsPolicy
	compress   compression
	vary       []string             // Vary of answers that say nothing of it
	varyMore   []string             // and what is added where user code does
	constant   []byte               // the members of a request for postern.handle that are the same for all
	searchPath []byte               // of the default schema
	paths      map[string][]byte    // search paths by schema
	preRequest *statement.Statement // calls db-pre-request; nil for none
	verbosity  []byte
	generation string // of the settings and roles: statements of another are not used
	roleSource *db.Roles
	roles      map[string]*db.TransactionSettings // of roles with settings
	common     *db.TransactionSettings            // of all other roles; nil where nothing is set
	costs      map[string]int                     // db-max-cost of roles that have their own
	page       *page.Page                         // nil where the root is not the description of the API
}

// tokenSource is what verifying tokens needs beside the configuration.
type tokenSource struct {
	remote   *auth.Remote // the keys where jwt-secret is a URL; nil where it is not
	counters *auth.Counters
	debug    func(format string, a ...any) // called with what the cache of tokens does, at the level debug
}

// newState computes a state of a configuration, as a generation of its own.
func newState(c *config.Config, roles *db.Roles, tokens tokenSource, generation string) *state {
	st := &state{
		config:     c,
		cors:       corsPolicy{c.ServerCORSAllowedOrigins},
		constant:   append([]byte(`,"shell":true,"settings":`), settingsJSON(c)...),
		paths:      make(map[string][]byte, len(c.DBSchemas)),
		verbosity:  []byte(c.ClientErrorVerbosity),
		generation: generation,
	}
	for i, schema := range c.DBSchemas {
		st.paths[schema] = []byte(searchPath(schema, c.DBExtraSearchPath))
		if i == 0 {
			st.searchPath = st.paths[schema]
		}
	}
	if c.DBPreRequest != "" {
		st.preRequest = statement.Plain("select " + db.QuoteName(c.DBPreRequest) + "()")
	}
	debug := tokens.debug
	if c.LogLevel < config.LogDebug {
		debug = nil
	}
	st.verifier = auth.New(auth.Options{
		Keys: c.Keys, Remote: tokens.remote, Audience: c.JWTAud, AnonymousRole: c.DBAnonRole, RolePath: c.JWTRoleClaimKey,
		CacheEntries: c.JWTCacheMaxEntries, Counters: tokens.counters, Debug: debug,
	})
	if c.OpenAPIMode != "disabled" && c.DBRootSpec == "" {
		st.page = page.New(c.OpenAPIServerProxyURI)
	}
	st.compress = compression{c.ServerCompression, c.ServerCompressionMinSize}
	st.vary, st.varyMore = vary(&st.compress, c.ServerCORSAllowedOrigins)
	st.assume(roles)
	return st
}

// withRoles returns the same state with other roles, as a generation of its own.
func (st *state) withRoles(roles *db.Roles, generation string) *state {
	changed := *st
	changed.generation = generation
	changed.assume(roles)
	return &changed
}

// assume works out what each role's transactions assume: its settings, then app.settings.*.
func (st *state) assume(roles *db.Roles) {
	var app [][2]string
	for _, name := range slices.Sorted(maps.Keys(st.config.AppSettings)) {
		app = append(app, [2]string{name, st.config.AppSettings[name]})
	}
	st.roleSource = roles
	st.common = db.NewTransactionSettings("", app)
	st.roles = make(map[string]*db.TransactionSettings)
	if roles == nil {
		return
	}
	st.costs = make(map[string]int)
	for role, own := range roles.Settings {
		if cost, err := strconv.Atoi(own.MaxCost); err == nil && cost >= 0 {
			st.costs[role] = cost
		}
		st.roles[role] = db.NewTransactionSettings(own.Isolation, own.Settings).With("", app)
	}
}

// acquisition returns how long a request waits for a connection, and for whatever else it takes.
func (st *state) acquisition() time.Duration {
	return time.Duration(max(st.config.DBPoolAcquisitionTimeout, 1)) * time.Second
}

// settingsOf returns what is set for the transactions of a role, nil for nothing.
func (st *state) settingsOf(role string) *db.TransactionSettings {
	if own, ok := st.roles[role]; ok {
		return own
	}
	return st.common
}

// searchPath returns a schema and db-extra-search-path, quoted.
func searchPath(schema string, extra []string) string {
	quoted := []string{pgx.Identifier{schema}.Sanitize()}
	for _, schema := range extra {
		quoted = append(quoted, pgx.Identifier{schema}.Sanitize())
	}
	return strings.Join(quoted, ", ")
}

// settingsJSON returns the settings that concern the database.
func settingsJSON(c *config.Config) []byte {
	list := func(values []string) []string { return append([]string{}, values...) } // nil would be null
	optional := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	settings, _ := json.Marshal(map[string]any{ // it cannot fail for these types
		"db_schemas":                  list(c.DBSchemas),
		"db_extra_search_path":        list(c.DBExtraSearchPath),
		"db_max_operations":           c.DBMaxOperations,
		"db_max_rows":                 c.DBMaxRows,
		"db_aggregates_enabled":       c.DBAggregatesEnabled,
		"db_etags_enabled":            c.DBEtagsEnabled,
		"db_plan_enabled":             c.DBPlanEnabled,
		"db_stream_csv":               c.DBStreamCSV,
		"db_pre_request":              optional(c.DBPreRequest),
		"db_tx_end":                   c.DBTxEnd,
		"db_hoisted_tx_settings":      list(c.DBHoistedTxSettings),
		"db_root_spec":                optional(c.DBRootSpec),
		"openapi_mode":                c.OpenAPIMode,
		"openapi_security_active":     c.OpenAPISecurityActive,
		"openapi_server_proxy_uri":    optional(c.OpenAPIServerProxyURI),
		"client_error_verbosity":      c.ClientErrorVerbosity,
		"url_use_legacy_target_names": c.URLUseLegacyTargetNames,
		"server_host":                 c.ServerHost,
		"server_port":                 c.ServerPort,
	})
	return settings
}
