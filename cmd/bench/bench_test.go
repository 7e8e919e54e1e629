package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

// TestMain lets the binary of the tests be a hand-written server, as that of the benchmark can be.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == serveHandCommand {
		if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestBench runs every case but those of many shapes for a moment: each is first checked to be answered alike by all servers.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a cluster and builds postern")
	}
	file := filepath.Join(t.TempDir(), "report.json")
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"-rounds", "1", "-duration", "20ms", "-conns", "2", "-json", file, "-profile", "-env", "PGRST_DB_PRE_REQUEST=app.check_request",
		"-env", "PGRST_DB_TX_END=commit-allow-override",
		"-cases", "row,row-,call-,page-,embed-,insert,insert-,update,update-,put,upsert,mix,shapes-1,error-",
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	for _, found := range got.Results {
		for _, m := range found.Servers {
			if m.Rate <= 0 || m.P50 <= 0 || m.P99 < m.P50 || len(m.Ratios) != len(found.Servers)-1 {
				t.Errorf("%s, %s: %+v", found.Case, m.Server, m)
			}
		}
	}
	lines := map[string]int{}
	for _, target := range got.Targets {
		lines[target.Line]++
	}
	if len(got.Results) != 33 || lines[lineCases] != 56 || lines[lineShapes] != 8 || lines[lineConnection] != 1 {
		t.Errorf("%d results, %v targets", len(got.Results), lines)
	}
	for _, part := range []string{"pipelined", lineCases, "embed-deep"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in:\n%s", part, out.String())
		}
	}
}

func TestParseOptions(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"memory", "-cases", "row,page-", "-conns", "3", "-rounds", "7", "-network", "unix", "-env", "A=B", "-other", "x=/y z"})
	if err != nil || o.mode != "memory" || len(o.cases) != 8 || o.cases[0].name != "row" || o.cases[1].name != "page-100" || o.conns[0] != 3 ||
		o.rounds != 7 || o.tcp || o.env[0] != "A=B" || o.others[0].words[1] != "z" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, wrong := range []string{"-cases=x", "-conns=0", "-conns=x", "-rounds=0", "-duration=0s", "-network=x", "-other=x", "more"} {
		if _, err := parseOptions([]string{wrong}); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestSummarizeAndJudge(t *testing.T) {
	t.Parallel()
	servers := []*server{{name: posternName}, {name: handName}, {name: bareName}}
	rounds := [][]round{
		{{Rate: 150, P50: 3}, {Rate: 300, P50: 1}, {Rate: 70, P50: 2}},
		{{Rate: 100}, {Rate: 100}, {Rate: 100}},
		{{Rate: 200}, {Rate: 200}, {Rate: 200}},
	}
	one := summarize(benchCase{name: "shapes-1", class: byKey}, 1, servers, rounds)
	if m := one.Servers[0]; m.Rate != 150 || m.P50 != 2 || m.Ratios[handName] != 1.5 || m.Ratios[bareName] != 0.75 {
		t.Errorf("%+v", m)
	}
	many := summarize(benchCase{name: "shapes-9", class: shapes}, 1, servers[:1], [][]round{{{Rate: 60}}})
	r := report{Results: []result{one, many}}
	r.judge()
	r.Targets = append(r.Targets, target{lineMemory, "", 64, true, 65})
	if got := mapped(r.Targets, target.met); fmt.Sprint(got) != "[true false false false]" {
		t.Errorf("%v of %v", got, r.Targets)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	one, err := decode([]byte(`[{"id":1,"a":{"x":1.50,"y":null},"t":"2026-01-01T01:00:00+01:00"}]`), true)
	if err != nil {
		t.Fatal(err)
	}
	two, err := decode([]byte(` [ {"t":"2026-01-01T00:00:00Z","a": {"y": null, "x": 1.5}, "id": 2} ]`), true)
	if err != nil || fmt.Sprint(one) != fmt.Sprint(two) {
		t.Errorf("%v and %v, %v", one, two, err)
	}
	if _, err := decode([]byte("<html>"), false); err == nil {
		t.Error("HTML is taken")
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	got := string(call{method: "POST", target: "/x?y=z", prefer: "a=b", body: "{}"}.encode("T", "p"))
	want := "POST /x?y=z HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer T\r\nAccept: application/json\r\nContent-Profile: p\r\nPrefer: a=b\r\n" +
		"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	if got != want {
		t.Errorf("%q", got)
	}
}

// TestShapes checks that the requests of the cases of many shapes are as many shapes.
func TestShapes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for n := range 10000 {
		shape, _, _ := strings.Cut(selected("")(n).target, "&id=")
		seen[shape] = true
	}
	if len(seen) != 10000 {
		t.Errorf("%d shapes", len(seen))
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	tokens, err := lru.New[string, *identity](10)
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("a secret of at least 32 characters")
	h := &hand{keys: map[string]any{"HS256": secret}, tokens: tokens}
	sign := func(secret []byte, expires time.Time) string {
		t.Helper()
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"role": "clerk", "exp": expires.Unix()}).SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + token
	}
	good := sign(secret, time.Now().Add(time.Hour))
	for range 2 { // verified, then remembered
		if who, err := h.identify(good); err != nil || who.role != "clerk" || !strings.Contains(who.claims, `"role":"clerk"`) {
			t.Errorf("%+v, %v", who, err)
		}
	}
	for name, wrong := range map[string]string{
		"another secret": sign([]byte("another secret of 32 characters!!"), time.Now().Add(time.Hour)),
		"expired":        sign(secret, time.Now().Add(-time.Hour)),
		"no token":       "", "another scheme": "Basic eA==",
	} {
		if _, err := h.identify(wrong); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
	for _, who := range tokens.Values() {
		who.expires = time.Now().Add(-time.Second)
	}
	if _, err := h.identify(good); err == nil {
		t.Error("a remembered token is let in after its time")
	}
}

func TestMedianAndPercentile(t *testing.T) {
	t.Parallel()
	for want, values := range map[float64][]float64{7: {7}, 5: {9, 1, 5}, 2.5: {4, 1, 3, 2}} {
		if got := median(values); got != want {
			t.Errorf("median(%v) = %v, want %v", values, got, want)
		}
	}
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i+1) * time.Millisecond
	}
	for percent, want := range map[float64]float64{0: 1, 50: 50, 99: 99, 99.5: 100, 100: 100} {
		if got := percentile(hundred, percent); got != want {
			t.Errorf("percentile %v: %v, want %v", percent, got, want)
		}
	}
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	before := map[int]time.Duration{1: 5 * time.Second, 2: time.Second}
	after := map[int]time.Duration{1: 7 * time.Second, 3: 4 * time.Second} // 2 has ended, 3 has begun
	if got := since(before, after); got != 6*time.Second {
		t.Errorf("used %v", got)
	}
	if _, err := os.Stat("/proc/self/smaps_rollup"); err != nil {
		t.Skip("there is no /proc as Linux has it")
	}
	if cpuTime(os.Getpid())[os.Getpid()] <= 0 {
		t.Error("this process has not run")
	}
	for file, name := range map[string]string{"status": "VmRSS", "smaps_rollup": "Pss"} {
		if mib, err := memoryOf(os.Getpid(), file, name); err != nil || mib <= 0 {
			t.Errorf("%s: %v MiB, %v", name, mib, err)
		}
	}
	if _, err := memoryOf(os.Getpid(), "status", "VmNone"); err == nil {
		t.Error("a figure that there is not is taken")
	}
}

// TestGrowth measures a point of two dimensions for a moment.
func TestGrowth(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a cluster and builds postern")
	}
	dir := t.TempDir()
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"growth", "-out", dir, "-duration", "20ms", "-only", "roles,relations", "-roles", "2", "-relations", "10",
	}, &out)
	if err != nil || strings.Contains(out.String(), "failed") {
		t.Fatalf("%s, %v", out.String(), err)
	}
	for _, part := range []string{"in turn", "new shapes", "description"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in:\n%s", part, out.String())
		}
	}
	if charts, err := filepath.Glob(filepath.Join(dir, "*.svg")); err != nil || len(charts) != 2 {
		t.Errorf("%v, %v", charts, err)
	}
}

func TestParseGrowth(t *testing.T) {
	t.Parallel()
	g, err := parseGrowth([]string{"-only", "rows,relations", "-rows", "2,30", "-duration", "1s"})
	if err != nil || fmt.Sprint(g.only, g.points["rows"], len(g.points), g.options.duration) != "[rows relations] [2 30] 5 1s" {
		t.Errorf("%+v, %v", g, err)
	}
	for _, wrong := range []string{"-only=x", "-rows=0", "-rows=3,2", "-shapes=", "-duration=0s", "more"} {
		if _, err := parseGrowth([]string{wrong}); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// TestDrawGrowth draws points, one of which failed.
func TestDrawGrowth(t *testing.T) {
	t.Parallel()
	all := []grown{
		{curve: "a", at: 1, round: round{Rate: 5000}, shell: 20, session: 9},
		{curve: "a", at: 1000, round: round{Rate: 70}, shell: 21, session: 10},
		{curve: "b", at: 1000, failed: errors.New("down")},
	}
	var table bytes.Buffer
	if err := printGrowth(&table, dimensions[0], all); err != nil || strings.Count(table.String(), "failed") != 1 {
		t.Errorf("%s, %v", table.String(), err)
	}
	file := filepath.Join(t.TempDir(), "chart.svg")
	for _, points := range [][]grown{all, all[2:]} {
		if err := drawGrowth(file, dimensions[0], points); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(file)
		if err != nil || xml.Unmarshal(content, new(struct{})) != nil {
			t.Errorf("%v: %s", err, content)
		}
		for text, want := range map[string]bool{">rows of an answer<": true, ">a: largest session<": len(points) == 3, ">b": false} {
			if strings.Contains(string(content), text) != want {
				t.Errorf("%d points: that %s is there is %t", len(points), text, !want)
			}
		}
	}
}
