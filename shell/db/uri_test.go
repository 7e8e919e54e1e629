package db

import (
	"strings"
	"testing"
	"time"
)

func TestParseURI(t *testing.T) {
	t.Setenv("PGAPPNAME", "")
	for uri, want := range map[string]string{
		"postgres://u@h/d":                       "postern",
		"postgres://u@h/d?application_name=mine": "mine",
		"postgres://u@h/d?fallback_application_name=theirs&keepalives_idle=5&gssencmode=disable": "theirs",
		"host=h user=u dbname=d tcp_user_timeout=5":                                              "postern",
	} {
		config, err := ParseURI(uri, "postern")
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		parameters := config.ConnConfig.RuntimeParams
		if parameters["application_name"] != want || parameters["client_encoding"] != "UTF8" ||
			parameters["standard_conforming_strings"] != "on" || len(parameters) != 3 {
			t.Errorf("%s: %v", uri, parameters)
		}
		if config.ConnConfig.Host != "h" || config.ConnConfig.User != "u" || config.ConnConfig.Database != "d" {
			t.Errorf("%s: %+v", uri, config.ConnConfig.Config)
		}
	}
	if _, err := ParseURI("tmp_db", ""); err == nil {
		t.Error("neither a URI nor key=value")
	}
}

// A server that takes the connection and then is silent holds a place in the pool for ten seconds, or as long as the string says.
func TestConnectTimeout(t *testing.T) {
	for uri, want := range map[string]time.Duration{"postgres://h/d": connectTimeout, "postgres://h/d?connect_timeout=3": 3 * time.Second} {
		config, err := ParseURI(uri, "test")
		if err != nil || config.ConnConfig.ConnectTimeout != want {
			t.Errorf("%s: %v, %v", uri, config.ConnConfig.ConnectTimeout, err)
		}
	}
}

// What is wrong with a connection string is told without it.
func TestParseURITellsNoPassword(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"host=/tmp password = hidden port=abc", `host=h password=hid\ hidden port=abc`, "postgres://u:hidden@h:abc/d", "postgres://u:hidden@h/d?sslmode=x",
		"password=hidden nonsense",
	} {
		if _, err := ParseURI(uri, ""); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

// What is wrong with either connection string is told by the name of its setting.
func TestOpenNamesTheSetting(t *testing.T) {
	t.Parallel()
	const broken = "postgres://u@h:abc/d"
	for setting, options := range map[string]Options{
		"db-uri: ": {URI: broken}, "db-uri-read: ": {URI: "postgres://u@h/d", ReadURI: broken},
	} {
		_, err := Open(options)
		if err == nil || !strings.HasPrefix(err.Error(), setting+"cannot parse the connection string: ") || strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
