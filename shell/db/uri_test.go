package db

import "testing"

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
