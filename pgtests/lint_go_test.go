package pgtests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goSources returns the Go files of some folders, but for tests and what is in testdata, by their paths from the root
// of the repository.
func goSources(t testing.TB, folders ...string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join("..", folder), func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "testdata":
				return fs.SkipDir
			case path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
				return nil
			}
			text, err := os.ReadFile(name)
			texts[filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator)))] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// oversizedGo returns what of a Go file is too wide or too long, each with its place.
func oversizedGo(t testing.TB, name, text string) (found []string) {
	t.Helper()
	found = tooWideOrLong(name, text)
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range file.Decls {
		if function, ok := one.(*ast.FuncDecl); ok {
			first, last := files.Position(function.Pos()).Line, files.Position(function.End()).Line
			found = append(found, tooLong(name, first, function.Name.Name, last-first+1)...)
		}
	}
	return found
}

// Lines, files and functions of Go are of a size that one can read.
func TestGoSizes(t *testing.T) {
	t.Parallel()
	texts := goSources(t, "shell", "cmd", "sql", "migrations", "pgtests")
	for name, text := range texts {
		for _, one := range oversizedGo(t, name, text) {
			t.Error(one)
		}
	}
	if len(texts) < 100 {
		t.Errorf("only %d files", len(texts))
	}
}

// What is too large must be found.
func TestOversizedGo(t *testing.T) {
	t.Parallel()
	function := func(lines int) string { return "func f() {" + strings.Repeat("\n", lines-1) + "}\n" }
	const head = "package p\n"
	for text, wanted := range map[string]string{
		head + "//" + strings.Repeat("×", 118) + "\n":            "",
		head + "\t//" + strings.Repeat("×", 118) + "\n":          "f.go:2: 121 columns",
		head + strings.Repeat("\n", 300):                         "f.go:301: the file has 301 lines",
		head + "// It is.\n" + function(80):                      "",
		head + function(80) + function(81):                       "f.go:82: f has 81 lines",
		head + "func (T) f() {" + strings.Repeat("\n", 80) + "}": "f.go:2: f has 81 lines",
	} {
		if got := strings.Join(oversizedGo(t, "f.go", text), "\n"); got != wanted {
			t.Errorf("%q, not %q, of %q", got, wanted, text)
		}
	}
}

// shellImports are the packages below shell/ (the first is shell itself) and what of shell/ each may import; "net/http"
// and "pgx" stand for HTTP and for PostgreSQL's protocol. Those above are made of those below.
var shellImports = []struct{ name, may string }{
	{"", "admin apierror auth config cut db jsontext page qvalue statement tracing net/http pgx"},
	{"admin", "auth db statement net/http"},
	{"config", "auth"},
	{"db", "apierror statement net/http pgx"},
	{"auth", "apierror jsontext net/http"},
	{"tracing", "apierror net/http"},
	{"cut", "jsontext"},
	{"apierror", "jsontext"},
	{"page", "net/http qvalue"},
	{"statement", ""},
	{"jsontext", ""},
	{"qvalue", ""},
}

// imported returns what a file imports, as shellImports has it.
func imported(t testing.TB, name, text string) (found []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range file.Imports {
		what := strings.Trim(one.Path.Value, `"`)
		switch below, ours := strings.CutPrefix(what, "postern/shell/"); {
		case ours:
			found = append(found, below)
		case strings.HasPrefix(what, "github.com/jackc/pgx/"):
			found = append(found, "pgx")
		case what == "net/http" || strings.HasPrefix(what, "postern/"):
			found = append(found, what)
		}
	}
	return found
}

// Each package of the shell imports what the table allows, and the table allows no more; imports go down.
func TestShellImports(t *testing.T) {
	t.Parallel()
	imports := make(map[string][]string)
	for name, text := range goSources(t, "shell") {
		below := strings.TrimPrefix(strings.TrimPrefix(path.Dir(name), "shell"), "/")
		imports[below] = append(imports[below], imported(t, name, text)...)
	}
	for at, one := range shellImports {
		may := strings.Fields(one.may)
		for _, what := range imports[one.name] {
			if !slices.Contains(may, what) {
				t.Errorf("shell/%s imports %s", one.name, what)
			}
		}
		for _, what := range may {
			if !slices.Contains(imports[one.name], what) {
				t.Errorf("shell/%s may import %s, but does not", one.name, what)
			}
			for _, above := range shellImports[:at+1] {
				if above.name == what {
					t.Errorf("shell/%s may import shell/%s, which is not below it", one.name, what)
				}
			}
		}
		delete(imports, one.name)
	}
	for name := range imports {
		t.Errorf("shell/%s is not in the table", name)
	}
}

// The comment of each package says what it knows, so that one can tell what does not belong into it.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	said := make(map[string]string)
	for name, text := range goSources(t, "shell") {
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		said[path.Dir(name)] += strings.Join(strings.Fields(file.Doc.Text()), " ")
	}
	for name, comment := range said {
		if !strings.HasPrefix(comment, "Package "+path.Base(name)+" ") || !strings.Contains(comment, " knows ") {
			t.Errorf("%s: a comment that begins with its name and says what it knows, not %q", name, comment)
		}
	}
}
