package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"postern/cmd/internal/cluster"
)

const (
	screenshots  = "../../.postern/screenshots" // kept for a look, not committed
	browserLimit = 2 * time.Minute
)

// browserPath returns the browser that .ci/browser.sh finds or gets.
var browserPath = sync.OnceValues(func() (string, error) {
	command := exec.Command("../../.ci/browser.sh")
	var talk strings.Builder
	command.Stderr = &talk
	path, err := command.Output()
	if err != nil {
		err = fmt.Errorf("there is no browser: %w\n%s", err, talk.String())
	}
	return strings.TrimSpace(string(path)), err
})

// browser is a tab that keeps what the page asks for and complains of.
type browser struct {
	context.Context
	sync.Mutex
	requests   []string // method and URL
	complaints []string // of the console: errors, warnings, violations of the policy
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := browserPath()
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, // it opens pages of ours only, as root too
		chromedp.WindowSize(1280, 1400), chromedp.UserDataDir(t.TempDir()))
	limited, stop := context.WithTimeout(context.Background(), browserLimit)
	allocator, end := chromedp.NewExecAllocator(limited, options...)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab)
		closeTab()
		end()
		stop()
	})
	b := &browser{Context: tab}
	if err := chromedp.Listen(tab, b.heard); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) heard(event any) {
	b.Lock()
	defer b.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, event.Request.Method+" "+event.Request.URL)
	case *cdplog.EventEntryAdded:
		b.complaints = append(b.complaints, fmt.Sprintf("%s: %s %s", event.Entry.Level, event.Entry.Text, event.Entry.URL))
	case *runtime.EventConsoleAPICalled:
		for _, argument := range event.Args {
			b.complaints = append(b.complaints, fmt.Sprintf("console.%s: %s %s", event.Type, argument.Value, argument.Description))
		}
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, "exception: "+event.ExceptionDetails.Text)
	}
}

// does runs steps; when one fails, the message says what the page showed.
func (b *browser) does(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	limited, stop := context.WithTimeout(b, 30*time.Second)
	defer stop()
	if err := chromedp.Do(limited, steps...); err != nil {
		shown, _ := chromedp.Run(b, chromedp.Evaluate[string]("document.body.innerText"))
		b.keep(t, "failed")
		b.Lock()
		defer b.Unlock()
		t.Fatalf("%s: %v\nrequests %q\ncomplaints %q\nthe page shows:\n%.3000s", what, err, b.requests, b.complaints, shown)
	}
}

// text returns what an element shows.
func (b *browser) text(t *testing.T, selector string) string {
	t.Helper()
	text, err := chromedp.Run(b, chromedp.Text(selector))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// authorize gives the page a token and waits for what it then shows.
func (b *browser) authorize(t *testing.T, token, shown string) {
	t.Helper()
	b.does(t, "a token is given",
		chromedp.Click(`button.authorize`), chromedp.SendKeys(`.auth-container input`, token+kb.Enter),
		chromedp.WaitVisible(shown))
}

// try asks for the rows of a relation and gives what the page shows as the answer.
func (b *browser) try(t *testing.T, relation string) string {
	t.Helper()
	const operation = ".opblock-get" // no other tag is open
	b.does(t, "rows are asked for",
		chromedp.Click(`#operations-tag-`+relation), chromedp.Click(operation+` .opblock-summary-control`),
		chromedp.WaitVisible(operation+` .parameters input`), // or Swagger UI does not know the operation yet
		chromedp.Click(operation+` button.execute`), chromedp.WaitVisible(operation+` .live-responses-table .microlight`),
		chromedp.ScrollIntoView(operation+` .live-responses-table`))
	return b.text(t, operation+` .live-responses-table`)
}

// keep takes a picture of the page.
func (b *browser) keep(t *testing.T, name string) {
	t.Helper()
	picture, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		t.Error(err)
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// forgive drops the complaint that has a text; there must be one.
func (b *browser) forgive(t *testing.T, text string) {
	t.Helper()
	b.Lock()
	defer b.Unlock()
	place := slices.IndexFunc(b.complaints, func(complaint string) bool { return strings.Contains(complaint, text) })
	if place < 0 {
		t.Errorf("the browser does not complain of %s", text)
		return
	}
	b.complaints = slices.Delete(b.complaints, place, place+1)
}

// quiet fails for each request since the last time that did not go to the API and for each complaint.
func (b *browser) quiet(t *testing.T, origin string) {
	t.Helper()
	b.Lock()
	defer b.Unlock()
	for _, request := range b.requests {
		_, url, _ := strings.Cut(request, " ")
		if !strings.HasPrefix(url, origin+"/") && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
			t.Errorf("the page asks elsewhere: %s", request)
		}
	}
	for _, complaint := range b.complaints {
		t.Errorf("the browser complains: %s", complaint)
	}
	if len(b.requests) == 0 {
		t.Error("no request was seen")
	}
	b.requests, b.complaints = nil, nil
}

// A reader opens the documentation page, gives a token and asks for rows.
func TestDocumentationPage(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	dir := filepath.Join(t.TempDir(), "demo")
	t.Cleanup(func() {
		if err := removeDemo(context.Background(), dir); err != nil {
			t.Error(err)
		}
	})
	printed, _ := runningDemo(t, demoOptions{port: port, dir: dir}, "clerk  (")
	customer := regexp.MustCompile(`Bearer ([\w.-]+)`).FindStringSubmatch(printed)[1]
	origin := fmt.Sprintf("http://localhost:%d", port)

	b := newBrowser(t)
	b.does(t, "the page is open", chromedp.Navigate(origin+"/"), chromedp.WaitVisible(`#operations-tag-books`))
	b.keep(t, "page")
	b.does(t, "a stranger is not told of wishes", chromedp.WaitNotPresent(`#operations-tag-wishes`))
	b.authorize(t, customer, `#operations-tag-wishes`)
	if rows := b.try(t, "wishes"); !strings.Contains(rows, `"customer_id": 17`) {
		t.Errorf("wishes are answered with %s", rows)
	}
	b.keep(t, "rows")
	b.does(t, "the token is taken back",
		chromedp.Click(`button.authorize`), chromedp.Click(`.auth-btn-wrapper .btn:not(.btn-done)`),
		chromedp.WaitNotPresent(`#operations-tag-wishes`))
	b.quiet(t, origin)
}

// The same behind a proxy that adds a path, and with a description that is refused until a token is given.
func TestDocumentationPageBehindProxy(t *testing.T) {
	t.Parallel()
	c := pageCluster(t)
	var behind *httputil.ReverseProxy
	proxy := httptest.NewServer(http.StripPrefix("/v1/api", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" {
			r.URL.Path = "/"
		}
		behind.ServeHTTP(w, r)
	})))
	t.Cleanup(proxy.Close)
	s := startServer(t, c.URI("e2e_login", "postgres"), true, "PGRST_DB_SCHEMAS=api", "PGRST_DB_ANON_ROLE=",
		"PGRST_OPENAPI_SERVER_PROXY_URI="+proxy.URL+"/v1/api")
	target, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	behind = httputil.NewSingleHostReverseProxy(target)

	b := newBrowser(t)
	for _, at := range []string{proxy.URL + "/v1/api", proxy.URL + "/v1/api/", s.base + "/"} {
		b.does(t, "the page is open", chromedp.Navigate(at), chromedp.WaitVisible(`.info .title`), chromedp.WaitVisible(`button.authorize`))
		b.does(t, "the refusal is told", chromedp.Poll[chromedp.Void](`document.title == "No description"`))
		b.authorize(t, strings.TrimPrefix(token(`{"role":"e2e_user"}`), "Bearer "), `#operations-tag-books`)
		if rows := b.try(t, "books"); !strings.Contains(rows, `"title": "Three"`) {
			t.Errorf("at %s books are answered with %s", at, rows)
		}
		b.forgive(t, "401")
		b.quiet(t, strings.TrimSuffix(strings.TrimSuffix(at, "/"), "/v1/api"))
	}
}

func pageCluster(t *testing.T) *cluster.Cluster {
	t.Helper()
	c := emptyCluster(t)
	if err := c.Exec(t.Context(), "postgres", e2eSchema); err != nil {
		t.Fatal(err)
	}
	if err := migrateDatabase(t.Context(), c.URI(c.Superuser, "postgres")); err != nil {
		t.Fatal(err)
	}
	return c
}

// The page is what a browser gets and nobody else, and only where the root is the description.
func TestDocumentationPageGivesWay(t *testing.T) {
	t.Parallel()
	c := pageCluster(t)
	const custom = `
		create domain api."text/html" as text;
		create function api.home() returns api."text/html" language sql stable as $$ select '<p>Home</p>'::api."text/html" $$;
		create function api.spec() returns json language sql stable as $$ select '{"own": true}'::json $$`
	if err := c.Exec(t.Context(), "postgres", custom); err != nil {
		t.Fatal(err)
	}
	const browsers, page = "text/html,application/xhtml+xml,*/*;q=0.8", "<!doctype html>"
	for _, test := range []struct {
		setting, accept string
		status          int
		begin           string
		files           int // status of the page's files
	}{
		{"PGRST_OPENAPI_MODE=follow-privileges", browsers, 200, page, 200},
		{"PGRST_OPENAPI_MODE=follow-privileges", "*/*", 200, `{"swagger":`, 200},
		{"PGRST_OPENAPI_MODE=follow-privileges", "application/openapi+json", 200, `{"swagger":`, 200},
		{"PGRST_OPENAPI_MODE=ignore-privileges", browsers, 200, page, 200},
		{"PGRST_OPENAPI_MODE=disabled", browsers, 404, `{"code":"PGRST126"`, 404},
		{"PGRST_DB_ROOT_SPEC=home", browsers, 200, "<p>Home</p>", 404},
		{"PGRST_DB_ROOT_SPEC=spec", browsers, 200, `{"own": true}`, 404},
	} {
		s := startServer(t, c.URI("e2e_login", "postgres"), true, "PGRST_DB_SCHEMAS=api", "PGRST_DB_ANON_ROLE=e2e_anon", test.setting)
		if status, body := s.get(t, "/", "Accept", test.accept); status != test.status || !strings.HasPrefix(body, test.begin) {
			t.Errorf("%s, Accept %s: %d %.200s", test.setting, test.accept, status, body)
		}
		if status, _ := s.get(t, "/swagger-ui/page.js", "Accept", "*/*"); status != test.files {
			t.Errorf("%s: the files are answered with %d", test.setting, status)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}
}
