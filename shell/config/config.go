// Package config reads the settings: PostgREST's (docs/references/configuration), from its config file, PGRST_*
// environment variables and the database, in that order of precedence, later ones winning. It knows the form and the
// default of each setting; it connects to nothing, and what follows from a setting is decided where it is used.
package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"postern/shell/auth"
)

// Config holds all settings. The names are those of the settings; see Settings for their meaning.
type Config struct {
	AdminServerHost           string
	AdminServerPort           *int
	AdminServerUnixSocket     string
	AdminServerUnixSocketMode os.FileMode
	AppSettings               map[string]string // full names, app.settings.*
	ClientErrorVerbosity      string
	DBAggregatesEnabled       bool
	DBEtagsEnabled            bool
	DBAnonRole                string
	DBChannel                 string
	DBChannelEnabled          bool
	DBConfig                  bool
	DBExtraSearchPath         []string
	DBHoistedTxSettings       []string
	DBMaxCost                 int
	DBMaxOperations           int
	DBMaxRows                 *int
	DBMaxStreams              int
	DBPlanEnabled             bool
	DBPool                    int
	DBPoolAcquisitionTimeout  int // seconds
	DBPoolAutomaticRecovery   bool
	DBPoolMaxIdletime         int // seconds
	DBPoolMaxLifetime         int // seconds
	DBPreConfig               string
	DBPreRequest              string
	DBPreparedStatements      bool
	DBRootSpec                string
	DBSchemas                 []string
	DBTxEnd                   string
	DBReadMaxLag              int // seconds
	DBURI                     string
	DBURIRead                 string
	JWTAud                    string
	JWTCacheMaxEntries        int
	JWTRoleClaimKey           auth.RolePath
	JWTSecret                 string // as used: after @file and base64
	JWTSecretAllowHTTP        bool
	JWTSecretIsBase64         bool
	LogFormat                 string
	LogLevel                  LogLevel
	LogQuery                  bool
	OpenAPIMode               string
	OpenAPISecurityActive     bool
	OpenAPIServerProxyURI     string
	ServerCompression         []string
	ServerCompressionMinSize  int // bytes
	ServerCORSAllowedOrigins  []string
	ServerHost                string
	ServerClientTimeout       int // seconds
	ServerDrainTimeout        int // seconds
	ServerMaxBodySize         int
	ServerMaxStreamSize       int
	ServerMaxBytesInFlight    int
	ServerMaxConnections      int
	DBStatementCacheSize      int
	DBStreamCSV               bool
	ServerPort                int
	ServerReuseport           bool
	ServerTimingEnabled       bool
	ServerTLSCert             string
	ServerTLSKey              string
	ServerTraceHeader         string
	ServerUnixSocket          string
	ServerUnixSocketMode      os.FileMode
	URLUseLegacyTargetNames   bool

	Keys     *auth.Keys // the keys of JWTSecret; nil without one, or where it is a URL
	Warnings []string   // values that could not be used and what is used in their place
}

// Sources are where settings come from.
type Sources struct {
	File        string            // path of the config file; empty for none
	Environment []string          // "NAME=value", as os.Environ gives them
	Database    map[string]string // in-database settings without the prefix pgrst., such as db_schemas; may be nil
	DBURI       string            // when not empty, used in place of db-uri (a reload keeps the connection strings),
	DBURIRead   string            // and this in place of db-uri-read
}

// Load reads all settings. Errors name the setting and tell what is wrong with its value.
func Load(sources Sources) (*Config, error) {
	environment := make(map[string]string)
	for _, entry := range sources.Environment {
		if name, value, ok := strings.Cut(entry, "="); ok {
			environment[name] = value
		}
	}
	file := map[string]string{}
	if sources.File != "" {
		if err := importFile(sources.File, 0, "", file, environment); err != nil {
			return nil, fmt.Errorf("config file %s: %w", sources.File, err)
		}
	}
	c := &Config{}
	for i := range Settings {
		s := &Settings[i]
		value, ok := s.find(sources.Database, environment, file)
		if !ok {
			value = s.Default
		}
		if err := c.assign(s, value); err != nil {
			return nil, fmt.Errorf("setting %s: %w", s.Name, err)
		}
	}
	c.AppSettings = appSettings(environment, file)
	if sources.DBURI != "" {
		c.DBURI, c.DBURIRead = sources.DBURI, sources.DBURIRead
	}
	return c, c.complete()
}

// assign gives a setting its value. Numbers and booleans that cannot be read leave the default, with a warning, because
// PostgREST starts with such configurations too.
func (c *Config) assign(s *Setting, value string) error {
	err := s.set(c, value)
	if _, unreadable := errors.AsType[*unreadableError](err); unreadable {
		c.Warnings = append(c.Warnings, fmt.Sprintf("setting %s: %v; using its default", s.Name, err))
		return s.set(c, s.Default)
	}
	return err
}

// find returns the value with the highest precedence: database, environment, file; then the same under the older names.
// An empty value counts as none, but hides the same name's values of lower precedence.
func (s *Setting) find(database, environment, file map[string]string) (string, bool) {
	for _, name := range append([]string{s.Name}, s.Aliases...) {
		value, ok := database[strings.ReplaceAll(name, "-", "_")]
		if !ok {
			value, ok = environment[environmentName(name)]
		}
		if !ok {
			value, ok = file[name]
		}
		if ok && (value != "" || s.Emptyable) {
			return value, true
		}
	}
	return "", false
}

// environmentName turns db-uri into PGRST_DB_URI.
func environmentName(name string) string {
	return "PGRST_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// appSettings collects app.settings.*; the environment (PGRST_APP_SETTINGS_*) wins over the file.
func appSettings(environment, file map[string]string) map[string]string {
	const prefix = "app.settings."
	result := make(map[string]string)
	for name, value := range file {
		if strings.HasPrefix(name, prefix) {
			result[name] = value
		}
	}
	for name, value := range environment {
		if rest, ok := strings.CutPrefix(name, "PGRST_APP_SETTINGS_"); ok && rest != "" {
			result[prefix+rest] = value
		}
	}
	return result
}

// complete does what concerns more than one setting.
func (c *Config) complete() error {
	if c.AdminServerHost == "" {
		c.AdminServerHost = c.ServerHost
	}
	if c.AdminServerPort != nil && *c.AdminServerPort == c.ServerPort {
		return errors.New("setting admin-server-port cannot be the same as server-port")
	}
	if (c.ServerTLSCert == "") != (c.ServerTLSKey == "") {
		return errors.New("settings server-tls-cert and server-tls-key need each other")
	}
	for _, schema := range c.DBSchemas {
		if slices.Contains([]string{"pg_catalog", "information_schema", "postern"}, schema) {
			return fmt.Errorf("setting db-schemas: the schema %q cannot be exposed", schema)
		}
	}
	for name, uri := range map[string]*string{"db-uri": &c.DBURI, "db-uri-read": &c.DBURIRead} {
		if path, ok := strings.CutPrefix(*uri, "@"); ok {
			content, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("setting %s: %w", name, err)
			}
			*uri = strings.TrimSpace(string(content))
		}
	}
	if c.JWTRoleClaimKey.Deprecated() {
		c.Warnings = append(c.Warnings,
			"setting jwt-role-claim-key: "+c.JWTRoleClaimKey.String()+" is a JSPath, which is deprecated; "+
				"write it as a JSONPath (RFC 9535)")
	}
	if err := c.readSecret(); err != nil {
		return fmt.Errorf("setting jwt-secret: %w", err)
	}
	return nil
}

// DatabaseNames returns the names of the settings that can be set in the database, with underscores and without prefix.
func DatabaseNames() []string {
	var names []string
	for i := range Settings {
		if Settings[i].InDatabase {
			names = append(names, strings.ReplaceAll(Settings[i].Name, "-", "_"))
		}
	}
	return names
}
