package config

import (
	"fmt"
	"slices"
	"strings"
)

// Dump returns all settings in the form of the config file, sorted. What it returns can be read again.
func (c *Config) Dump() string {
	return c.dump(func(string) bool { return false })
}

// DumpPublic is Dump with secrets (db-uri, db-uri-read, jwt-secret, app.settings.*) replaced by "***".
func (c *Config) DumpPublic() string {
	return c.dump(func(name string) bool {
		return name == "db-uri" || name == "db-uri-read" || name == "jwt-secret" || strings.HasPrefix(name, "app.settings.")
	})
}

func (c *Config) dump(hidden func(name string) bool) string {
	var lines []string
	add := func(name, value string) {
		if hidden(name) && value != `""` {
			value = `"***"`
		}
		lines = append(lines, name+" = "+value+"\n")
	}
	for i := range Settings {
		add(Settings[i].Name, Settings[i].text(c))
	}
	for name, value := range c.AppSettings {
		add(name, quote(value))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Example returns a config file in which every setting stands, commented out, with what it does and its default.
func Example() string {
	var text strings.Builder
	for i := range Settings {
		s := &Settings[i]
		value := s.Default
		if s.Type == "String" || s.Type == "List" || value == "" {
			value = quote(value)
		}
		fmt.Fprintf(&text, "## %s\n# %s = %s\n\n", s.Doc, s.Name, value)
	}
	text.WriteString("## Settings for your own functions: current_setting('app.settings.name').\n" +
		"# app.settings.name = \"value\"\n")
	return text.String()
}

// quote writes a string of the config file: " and \ get a backslash, $ is doubled.
func quote(text string) string {
	escapes := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `$$`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	return `"` + escapes.Replace(text) + `"`
}
