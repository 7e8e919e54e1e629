package main

import (
	"bytes"
	"context"
	"encoding/json"
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
	if len(os.Args) > 2 && os.Args[1] == serveHandCommand {
		if err := serveHand(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestBench runs every case for a moment: each is first checked to be answered alike by all servers.
func TestBench(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a cluster and builds postern")
	}
	file := filepath.Join(t.TempDir(), "report.json")
	var out bytes.Buffer
	err := bench(t.Context(), []string{"-rounds", "1", "-duration", "20ms", "-conns", "2", "-json", file}, &out)
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
	if len(got.Results) != len(cases) || len(got.Compile) != len(compileShapes) {
		t.Fatalf("%d results, %d compile times", len(got.Results), len(got.Compile))
	}
	for _, found := range got.Results {
		for _, m := range found.Servers {
			if m.Rate <= 0 || m.P50 <= 0 || m.P99 < m.P50 || len(m.Ratios) != 2 {
				t.Errorf("%s, %s: %+v", found.Case, m.Server, m)
			}
		}
	}
	for _, part := range []string{"hand-bare", "three-level embed", "one row by primary key", "resident memory"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in:\n%s", part, out.String())
		}
	}
}

func TestParseOptions(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"-cases", "rpc,row", "-conns", "3", "-rounds", "7", "-duration", "1s", "-network", "unix"})
	if err != nil || len(o.cases) != 2 || o.cases[0].name != "rpc" || o.conns[0] != 3 || o.rounds != 7 || o.duration != time.Second || o.tcp {
		t.Errorf("%+v, %v", o, err)
	}
	for _, wrong := range []string{"-cases=x", "-conns=0", "-conns=x", "-rounds=0", "-duration=0s", "-network=x", "more"} {
		if _, err := parseOptions([]string{wrong}); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestSummarizeAndJudge(t *testing.T) {
	t.Parallel()
	servers := []*server{{name: posternName}, {name: handRLS}, {name: handBare}}
	rounds := [][]round{
		{{Rate: 130, P50: 3}, {Rate: 300, P50: 1}, {Rate: 70, P50: 2}},
		{{Rate: 100}, {Rate: 100}, {Rate: 100}},
		{{Rate: 200}, {Rate: 200}, {Rate: 200}},
	}
	summary := summarize(cases[0], 1, servers, rounds)
	first := summary.Servers[0]
	if first.Rate != 130 || first.P50 != 2 || first.Ratios[handRLS] != 1.3 || first.Ratios[handBare] != 0.65 {
		t.Errorf("%+v", first)
	}
	r := report{
		Results: []result{summary}, Memory: []memory{{posternName, 41}},
		Compile: []compileTime{{Shape: "simple", Median: 2}, {Shape: "embed", Median: 11}},
	}
	r.judge()
	var verdicts []bool
	for _, t := range r.Targets {
		verdicts = append(verdicts, t.Met)
	}
	if got := fmt.Sprint(verdicts); got != "[true true false false]" {
		t.Errorf("verdicts %s on %+v", got, r.Targets)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	one, err := decode([]byte(`[{"id":1,"a":{"x":1.50,"y":null}}]`), "id")
	if err != nil {
		t.Fatal(err)
	}
	two, err := decode([]byte(` [ {"a": {"y": null, "x": 1.5}, "id": 2} ]`), "id")
	if err != nil || fmt.Sprint(one) != fmt.Sprint(two) {
		t.Errorf("%v and %v, %v", one, two, err)
	}
	if value, err := decode(nil, ""); value != nil || err != nil {
		t.Errorf("no body is %v, %v", value, err)
	}
	if _, err := decode([]byte("<html>"), ""); err == nil {
		t.Error("HTML is taken")
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	got := string(call{method: "POST", target: "/x?y=z", prefer: "a=b", body: "{}"}.encode("T"))
	want := "POST /x?y=z HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer T\r\nAccept: application/json\r\nPrefer: a=b\r\n" +
		"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	if got != want {
		t.Errorf("%q", got)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for n := range visitCount {
		seen[spread(n)] = true
	}
	if len(seen) != visitCount {
		t.Errorf("%d different rows", len(seen))
	}
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	tokens, err := lru.New[string, *identity](10)
	if err != nil {
		t.Fatal(err)
	}
	h := &hand{secret: []byte("a secret of at least 32 characters"), tokens: tokens}
	sign := func(secret string, expires time.Time) string {
		t.Helper()
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"role": "clerk", "exp": expires.Unix()}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + token
	}
	good := sign(string(h.secret), time.Now().Add(time.Hour))
	for range 2 { // verified, then remembered
		if who, err := h.identify(good); err != nil || who.role != "clerk" || !strings.Contains(who.claims, `"role":"clerk"`) {
			t.Errorf("%+v, %v", who, err)
		}
	}
	if tokens.Len() != 1 {
		t.Errorf("%d tokens are remembered", tokens.Len())
	}
	for name, wrong := range map[string]string{
		"another secret": sign("another secret of 32 characters!!", time.Now().Add(time.Hour)),
		"expired":        sign(string(h.secret), time.Now().Add(-time.Hour)),
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
