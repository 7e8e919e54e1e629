package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/cmd/internal/cluster"
)

// README and the pages in docs are run as a reader would, each from top to bottom against a cluster and a directory of its
// own; those that begin with make run share one, and so the demo. Of the fenced blocks, also of those that a comment hides,
//
//	sh    is run by one shell for the whole page. make run, postern and bin/postern serve on, and end when another begins.
//	sql   is run by psql, as the superuser in the database app; in docs, on a page that begins with make run, in the demo's.
//	other must follow one of these and is what it prints, exactly.
//
// A hidden block may await what takes the server a moment, such as new settings: await 'a command'.
//
// SQL may fail, and a request may be answered with an error, only where the page says what is printed. localhost:3000 and
// :3001 are the ports that the page's server has, @localhost/ the page's cluster, .postern/ the demo's directory, TOKEN the
// first token that the demo prints; $CUSTOMER and $CLERK are its tokens.

// block is a fenced block of a page.
type block struct {
	line     int // of the page
	language string
	text     string
}

var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

func blocksOf(page string) []block {
	var blocks []block
	for _, place := range fence.FindAllStringSubmatchIndex(page, -1) {
		blocks = append(blocks, block{
			strings.Count(page[:place[0]], "\n") + 1, page[place[2]:place[3]], page[place[4]:place[5]],
		})
	}
	return blocks
}

func TestDocs(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	h := build(t)
	blocks := make(map[string][]block)
	var ofDemo []string
	for _, file := range append([]string{readmeFile}, pages...) {
		page := readText(t, file)
		blocks[file] = blocksOf(page)
		if 2*len(blocks[file]) != strings.Count(page, "```") {
			t.Errorf("%s: there are fences that no block has", file)
		}
		switch {
		case len(blocks[file]) == 0:
		case blocks[file][0].text == "make run\n":
			ofDemo = append(ofDemo, file)
		default:
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				newReader(t, h).read(t, file, blocks[file])
			})
		}
	}
	t.Run("demo", func(t *testing.T) {
		t.Parallel()
		r := newReader(t, h)
		for _, file := range ofDemo {
			r.inDemo = file != readmeFile
			t.Run(strings.TrimPrefix(file, "../../"), func(t *testing.T) { r.read(t, file, blocks[file]) })
		}
	})
}

// reader follows a page.
type reader struct {
	dir         string // where the page's commands are run
	cluster     *cluster.Cluster
	environment []string
	port        int
	actual      *strings.Replacer // from what the page says to what is here
	shell       io.Writer
	answers     *bufio.Reader
	errors      *output
	token       string
	inDemo      bool // whether SQL is for the demo's database
}

func newReader(t *testing.T, h *house) *reader {
	t.Helper()
	r := &reader{dir: t.TempDir(), cluster: emptyCluster(t), port: freePort(t), errors: new(output)}
	for checkPort(r.port+1) != nil { // the admin server's
		r.port = freePort(t)
	}
	if err := r.cluster.Exec(t.Context(), "postgres", "create database app"); err != nil {
		t.Fatal(err)
	}
	r.tools(t, h)
	r.startShell(t)
	return r
}

// tools lays out what a page's commands are: the binary in bin, as make build leaves it, and psql and curl.
func (r *reader) tools(t *testing.T, h *house) {
	t.Helper()
	for _, dir := range []string{"bin", "tools"} {
		if err := os.Mkdir(filepath.Join(r.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	curl, err := curlPath()
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	psql := "#!/bin/sh\n"
	for _, setting := range r.cluster.Environment() {
		if name, value, _ := strings.Cut(setting, "="); name != "PATH" {
			psql += fmt.Sprintf("export %s='%s'\n", name, value)
		}
	}
	psql += fmt.Sprintf("exec '%s' \"$@\"\n", filepath.Join(r.cluster.PgBin, "psql"))
	for link, target := range map[string]string{
		"bin/postern": h.binary, "tools/postern": h.binary, "tools/curl": curl,
	} {
		if err := os.Symlink(target, filepath.Join(r.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.dir, "tools/psql"), []byte(psql), 0o755); err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(r.port)
	r.actual = strings.NewReplacer("localhost:3000", "localhost:"+port, "localhost:3001", "localhost:"+strconv.Itoa(r.port+1),
		"@localhost/", "@localhost:"+portOf(r.cluster)+"/", ".postern/", "demo/")
	r.environment = append(os.Environ(), // for Go, when make builds
		"PATH="+filepath.Join(r.dir, "tools")+":"+os.Getenv("PATH"), "LC_ALL=C", "REPOSITORY="+repository,
		"PGRST_SERVER_HOST=127.0.0.1", "PGRST_SERVER_PORT="+port, "PORT="+port,
		"PGHOST="+r.cluster.SocketDir, "PGPORT="+portOf(r.cluster), "PGUSER="+r.cluster.Superuser, "PGDATABASE=app",
		"PGPASSWORD="+r.cluster.Password)
}

// prelude is what the shell of each page begins with. What serves on is started in the background and waited for.
const prelude = `
set -e
server=
serving=
end() { if [ -n "$server" ]; then kill -INT "$server"; wait "$server" || true; server=; fi; }
begin() {
  ready=$1; shift; end; serving=$1
  "$@" >server.log 2>&1 & server=$!
  tries=600
  until grep -q "$ready" server.log; do
    tries=$((tries - 1))
    kill -0 "$server" 2>/dev/null && [ $tries -gt 0 ] || { cat server.log >&2; exit 1; }
    sleep 0.1
  done
}
demo() {
  if [ "$serving" = bin/demo ]; then return; fi
  command make -s -C "$REPOSITORY" build BIN="$PWD/bin/demo"
  begin 'clerk  (' bin/demo demo --port "$PORT" --dir "$PWD/demo"
  CUSTOMER=$(sed -n '/^customer  (/{n;p;}' server.log) CLERK=$(sed -n '/^clerk  (/{n;p;}' server.log)
}
make() {
  case $1 in
    run) demo ;;
    *) rm -f bin/postern; command make -s -C "$REPOSITORY" "$@" BIN="$PWD/bin/postern" ;;
  esac
}
curl() { command curl -sS $strict "$@"; }
await() {
  tries=600
  until eval "$1"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "never: $1" >&2; exit 1; }
    sleep 0.1
  done
}
`

const done = "-- the block is done --"

func (r *reader) startShell(t *testing.T) {
	t.Helper()
	command := exec.Command("sh")
	command.Dir, command.Env, command.Stderr = r.dir, r.environment, r.errors
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r.shell, r.answers = in, bufio.NewReader(out)
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "\nend\n")
		_ = in.Close()
		killed := time.AfterFunc(30*time.Second, func() { _ = command.Process.Kill() })
		defer killed.Stop()
		_ = command.Wait()
		if err := removeDemo(context.Background(), filepath.Join(r.dir, "demo")); err != nil {
			t.Error(err)
		}
	})
	if _, err := io.WriteString(in, prelude); err != nil {
		t.Fatal(err)
	}
}

// read runs the blocks of a page.
func (r *reader) read(t *testing.T, file string, blocks []block) {
	for i, b := range blocks {
		expected := i+1 < len(blocks) && !runs(blocks[i+1])
		var printed string
		var err error
		switch {
		case b.language == "sh":
			printed, err = r.runShell(b.text, !expected)
		case b.language == "sql":
			printed, err = r.runSQL(t, b.text)
		case i > 0 && runs(blocks[i-1]):
			continue
		default:
			err = fmt.Errorf("a block of %q is neither run nor what one prints", b.language)
		}
		if err != nil && (!expected || b.language == "sh") {
			t.Fatalf("%s:%d:\n%s%v\n%s", file, b.line, b.text, err, printed)
		}
		if expected {
			if want := blocks[i+1]; tidy(want.text) != tidy(r.asWritten(printed)) {
				t.Errorf("%s:%d: printed is\n%s\nthe page says\n%s(%v)", file, want.line, tidy(r.asWritten(printed)), want.text, err)
			}
		}
	}
}

func runs(b block) bool { return b.language == "sh" || b.language == "sql" }

// tidy drops blanks at the ends of lines and empty lines at the end.
func tidy(text string) string {
	return strings.TrimRight(regexp.MustCompile(`(?m)[ \t\r]+$`).ReplaceAllString(text, ""), "\n")
}

// asWritten puts the page's port in place of the one here.
func (r *reader) asWritten(text string) string {
	return strings.NewReplacer("localhost:"+strconv.Itoa(r.port), "localhost:3000",
		"localhost:"+strconv.Itoa(r.port+1), "localhost:3001").Replace(text)
}

// serving are the lines of commands that stay until they are stopped.
var serving = regexp.MustCompile(`(?m)^((?:bin/)?postern(?: [\w.-]+\.conf)?)$`)

func (r *reader) runShell(text string, strict bool) (string, error) {
	if r.token == "" && strings.Contains(text, "TOKEN") {
		log, err := os.ReadFile(filepath.Join(r.dir, "server.log"))
		if err != nil {
			return "", err
		}
		found := regexp.MustCompile(`Bearer ([\w.-]+)`).FindSubmatch(log)
		if found == nil {
			return "", fmt.Errorf("the page has a TOKEN and no demo that prints one")
		}
		r.token = string(found[1])
	}
	text = serving.ReplaceAllString(r.actual.Replace(text), "begin 'Successfully connected to' $1")
	text = strings.ReplaceAll(text, "TOKEN", r.token)
	before := len(r.errors.String())
	option := ""
	if strict {
		option = "--fail-with-body"
	}
	if _, err := fmt.Fprintf(r.shell, "strict=%s\n%s\necho '%s'\n", option, text, done); err != nil {
		return "", err
	}
	printed := new(bytes.Buffer)
	for {
		line, err := r.answers.ReadString('\n')
		if body, ended := strings.CutSuffix(line, done+"\n"); ended {
			printed.WriteString(body)
			return printed.String(), nil
		}
		printed.WriteString(line)
		if err != nil {
			return printed.String(), fmt.Errorf("the shell ended: %s", r.errors.String()[before:])
		}
	}
}

func (r *reader) runSQL(t *testing.T, text string) (string, error) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	command := exec.CommandContext(ctx, filepath.Join(r.dir, "tools/psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1")
	if r.inDemo {
		log, err := os.ReadFile(filepath.Join(r.dir, "server.log"))
		found := regexp.MustCompile(`psql '(.+)'`).FindSubmatch(log)
		if err != nil || found == nil {
			return "", fmt.Errorf("there is no demo that says where its database is: %w", err)
		}
		command.Args = append(command.Args, string(found[1]))
	}
	command.Dir, command.Env, command.Stdin = r.dir, r.environment, strings.NewReader(r.actual.Replace(text))
	out, err := command.CombinedOutput()
	return string(out), err
}

// curlPath returns the curl that .ci/curl.sh finds or gets.
var curlPath = sync.OnceValues(func() (string, error) {
	command := exec.Command("../../.ci/curl.sh")
	var talk strings.Builder
	command.Stderr = &talk
	path, err := command.Output()
	if err != nil {
		err = fmt.Errorf("there is no curl: %w\n%s", err, talk.String())
	}
	return strings.TrimSpace(string(path)), err
})

// Every file that a page links to is there.
func TestDocsLinks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	followed := 0
	for _, file := range append(pages, readmeFile) {
		for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(readText(t, file), -1) {
			followed++
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), link[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if followed < 10 {
		t.Errorf("only %d links are followed", followed)
	}
}

// Every target of make that a page names is there.
func TestDocsMake(t *testing.T) {
	targets := regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(readText(t, "../../Makefile"), -1)
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, file := range append(pages, readmeFile) {
		for _, name := range regexp.MustCompile("(?m)(?:`|^ *)make ([a-z-]+)").FindAllStringSubmatch(readText(t, file), -1) {
			named++
			if !slices.ContainsFunc(targets, func(target []string) bool { return target[1] == name[1] }) {
				t.Errorf("%s: there is no make %s", file, name[1])
			}
		}
	}
	if named < 5 {
		t.Errorf("only %d targets are named", named)
	}
}
