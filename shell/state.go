package shell

import (
	"strconv"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"

	"postern/shell/auth"
	"postern/shell/config"
	"postern/shell/db"
	"postern/shell/jsontext"
	"postern/shell/page"
)

// maxHoisted is how many routes are remembered that need a transaction of their own.
const maxHoisted = 1024

// state is all that a request needs and that a reload replaces. It never changes.
type state struct {
	config     *config.Config
	verifier   *auth.Verifier
	cors       corsPolicy
	compress   compression
	vary       []string // Vary of answers that say nothing of it
	varyMore   []string // and what is added where user code does
	settings   []byte   // what postern.serve gets as its third argument
	searchPath []byte
	constant   []byte // the members of the request that are the same for all, see appendRequest
	verbosity  []byte
	instance   string
	roleSource map[string]db.RoleSettings
	roles      map[string]*db.Assumed // of roles with settings
	common     *db.Assumed            // of all other roles; nil when there is nothing to assume
	hoisted    *lru.Cache[string, *hoist]
	page       *page.Page // nil where the root is not the description of the API
}

// tokenSource is what verifying tokens needs beside the configuration.
type tokenSource struct {
	remote   *auth.Remote // the keys where jwt-secret is a URL; nil where it is not
	counters *auth.Counters
}

// newState computes a state. The instance names it towards the database, which keeps compiled statements by it.
func newState(c *config.Config, roles map[string]db.RoleSettings, tokens tokenSource, instance string) *state {
	st := &state{
		config:     c,
		cors:       newCORSPolicy(c.ServerCORSAllowedOrigins),
		settings:   appendSettings(nil, c),
		searchPath: []byte(searchPath(c)),
		verbosity:  []byte(c.ClientErrorVerbosity),
		instance:   instance,
	}
	st.verifier = auth.New(auth.Options{
		Keys: c.Keys, Remote: tokens.remote, Audience: c.JWTAud, AnonymousRole: c.DBAnonRole, RolePath: c.JWTRoleClaimKey,
		CacheEntries: c.JWTCacheMaxEntries, Counters: tokens.counters,
	})
	if c.OpenAPIMode != "disabled" && c.DBRootSpec == "" {
		st.page = page.New(c.OpenAPIServerProxyURI)
	}
	st.compress = compression{c.ServerCompression, c.ServerCompressionMinSize}
	st.vary, st.varyMore = vary(&st.compress, c.ServerCORSAllowedOrigins)
	st.hoisted, _ = lru.New[string, *hoist](maxHoisted)
	st.constant = []byte(`,"shell":true`)
	if c.DBTxEnd != "commit" {
		st.constant = appendMember(st.constant, "tx", c.DBTxEnd)
	}
	if c.DBPreRequest != "" {
		st.constant = appendMember(st.constant, "pre_request", c.DBPreRequest)
	}
	if c.ClientErrorVerbosity != "verbose" {
		st.constant = appendMember(st.constant, "verbosity", c.ClientErrorVerbosity)
	}
	st.assume(roles)
	return st
}

// withRoles is the same state with other settings of roles.
func (st *state) withRoles(roles map[string]db.RoleSettings) *state {
	changed := *st
	changed.assume(roles)
	return &changed
}

// assume works out what each role's transactions assume: its settings, then app.settings.*.
func (st *state) assume(roles map[string]db.RoleSettings) {
	var app [][2]string
	for _, name := range st.config.AppSettingNames() {
		app = append(app, [2]string{name, st.config.AppSettings[name]})
	}
	st.roleSource = roles
	st.common = db.NewAssumed("", app)
	st.roles = make(map[string]*db.Assumed, len(roles))
	for role, own := range roles {
		st.roles[role] = db.NewAssumed(own.Isolation, own.Settings).With("", app)
	}
}

// assumed gives what a role's transactions assume, nil for nothing.
func (st *state) assumed(role string) *db.Assumed {
	if own, ok := st.roles[role]; ok {
		return own
	}
	return st.common
}

func appendMember(dst []byte, name, value string) []byte {
	dst = append(dst, ',')
	dst = append(jsontext.AppendString(dst, name), ':')
	return jsontext.AppendString(dst, value)
}

// searchPath gives the default schema and the extra ones, quoted.
func searchPath(c *config.Config) string {
	var quoted []string
	if len(c.DBSchemas) > 0 {
		quoted = append(quoted, pgx.Identifier{c.DBSchemas[0]}.Sanitize())
	}
	for _, schema := range c.DBExtraSearchPath {
		quoted = append(quoted, pgx.Identifier{schema}.Sanitize())
	}
	return strings.Join(quoted, ", ")
}

// appendSettings appends the JSON of the settings that concern the database.
func appendSettings(dst []byte, c *config.Config) []byte {
	boolean := func(name string, value bool) {
		dst = append(jsontext.AppendString(dst, name), ':')
		dst = append(strconv.AppendBool(dst, value), ',')
	}
	text := func(name, value string) {
		dst = append(jsontext.AppendString(dst, name), ':')
		dst = append(jsontext.AppendOptional(dst, value), ',')
	}
	list := func(name string, values []string) {
		dst = append(jsontext.AppendString(dst, name), ':')
		dst = append(jsontext.AppendStrings(dst, values), ',')
	}
	dst = append(dst, '{')
	list("db_schemas", c.DBSchemas)
	list("db_extra_search_path", c.DBExtraSearchPath)
	dst = append(dst, `"db_max_rows":`...)
	if c.DBMaxRows != nil {
		dst = strconv.AppendInt(dst, int64(*c.DBMaxRows), 10)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, ',')
	boolean("db_aggregates_enabled", c.DBAggregatesEnabled)
	boolean("db_plan_enabled", c.DBPlanEnabled)
	text("db_pre_request", c.DBPreRequest)
	text("db_tx_end", c.DBTxEnd)
	boolean("db_prepared_statements", c.DBPreparedStatements)
	list("db_hoisted_tx_settings", c.DBHoistedTxSettings)
	text("db_root_spec", c.DBRootSpec)
	text("openapi_mode", c.OpenAPIMode)
	boolean("openapi_security_active", c.OpenAPISecurityActive)
	text("openapi_server_proxy_uri", c.OpenAPIServerProxyURI)
	text("client_error_verbosity", c.ClientErrorVerbosity)
	boolean("url_use_legacy_target_names", c.URLUseLegacyTargetNames)
	text("server_host", c.ServerHost)
	dst = append(dst, `"server_port":`...)
	dst = strconv.AppendInt(dst, int64(c.ServerPort), 10)
	return append(dst, '}')
}
