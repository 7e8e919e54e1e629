package main

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"postern/shell/config"
)

// service is what the test looks at of a service in compose.yaml.
type service struct {
	Environment map[string]string
	Command     []string
	Build       struct{ Context, Dockerfile string }
	Volumes     []string
	Depends     map[string]struct{ Condition string } `yaml:"depends_on"`
}

// testDeploy does, with the files in docs/deploy and without containers, what Docker is told to do: the database has what demo.sql
// makes, and the binary runs with the commands and the environment of the images and services.
func testDeploy(t *testing.T, h *house) {
	const dir = "../../docs/deploy"
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	var compose struct{ Services map[string]service }
	if err := yaml.Unmarshal([]byte(read("compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	dockerfile := read("Dockerfile")
	variables := regexp.MustCompile(`PGRST_\w+`).FindAllString(dockerfile+read("compose.yaml"), -1)
	for _, variable := range variables {
		if !strings.Contains(config.Example(), "\n"+setting(variable)+" = ") && !strings.Contains(config.Example(), "# "+setting(variable)+" = ") {
			t.Errorf("there is no setting %s", variable)
		}
	}
	for name, one := range compose.Services {
		if file := one.Build.Dockerfile; file != "" {
			if _, err := os.Stat(filepath.Join(dir, one.Build.Context, file)); err != nil {
				t.Error(err)
			}
		}
		for needed := range one.Depends {
			if _, found := compose.Services[needed]; !found {
				t.Errorf("%s depends on %s, which is not there", name, needed)
			}
		}
		for _, volume := range one.Volumes {
			if file, _, _ := strings.Cut(volume, ":"); strings.HasPrefix(file, ".") {
				if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
					t.Error(err)
				}
			}
		}
	}

	files, err := filepath.Glob("demo/*.sql")
	if given := len(inPsql.FindAllString(read("demo.sql"), -1)); err != nil || given != len(files) {
		t.Errorf("demo.sql reads %d of the demo's %d files, %v", given, len(files), err)
	}

	database, migrate, api := compose.Services["database"], compose.Services["migrate"], compose.Services["api"]
	h.execute(t, "postgres", "create database "+database.Environment["POSTGRES_DB"])
	for part := range strings.SplitSeq(inPsql.ReplaceAllStringFunc(read("demo.sql"), func(line string) string {
		return ";\n--\n" + read(filepath.Join("../../cmd/postern", strings.Fields(line)[1])) + "\n--\n"
	}), "\nvacuum") { // which is in no transaction
		h.execute(t, database.Environment["POSTGRES_DB"], strings.TrimPrefix(part, " (analyze);"))
	}
	// environment has the database's address as it is here; the API's role gives its password.
	environment := func(one service) (variables []string) {
		for name, value := range one.Environment {
			if name == "PGRST_DB_URI" {
				uri, err := url.Parse(value)
				if err != nil || uri.Hostname() != "database" {
					t.Fatalf("%s: %v", value, err)
				}
				if password, _ := uri.User.Password(); uri.User.Username() == "postgres" {
					value = h.cluster.URI(h.cluster.Superuser, strings.TrimPrefix(uri.Path, "/"))
				} else {
					value = h.cluster.LoopbackURI(uri.User.Username(), password, strings.TrimPrefix(uri.Path, "/"))
				}
			}
			variables = append(variables, name+"="+value)
		}
		return variables
	}
	if out, err := h.run(t, append(slices.Clone(migrate.Command), environment(migrate)...)...); err != nil {
		t.Fatal(err, out)
	}
	p := h.serve(t, "postgres", append(environment(api), "PGRST_SERVER_PORT=0")...)
	p.expect(t, "GET", "/books?select=title,publishers(name)&id=eq.7", "", nil, 200, `[{"title":"Lantern and Clockmaker","publishers":{"name":"Patient Library Press 20"}}]`)
	var check []string
	if err := json.Unmarshal([]byte(regexp.MustCompile(`(?m)^HEALTHCHECK .*CMD (.*)$`).FindStringSubmatch(dockerfile)[1]), &check); err != nil {
		t.Fatal(err)
	}
	socket := "PGRST_ADMIN_SERVER_UNIX_SOCKET="
	for _, variable := range p.command.Env {
		if strings.HasPrefix(variable, socket) {
			socket = variable
		}
	}
	if out, err := h.run(t, append(check[1:], socket)...); err != nil || !strings.HasPrefix(out, "OK") {
		t.Errorf("%v: %v, %s", check, err, out)
	}
}

// inPsql are the lines with which psql reads a file.
var inPsql = regexp.MustCompile(`(?m)^\\i .*$`)

// setting returns the name of the setting that an environment variable has.
func setting(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, "PGRST_"), "_", "-"))
}
