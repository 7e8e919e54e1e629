package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/cmd/internal/node"
	"postern/cmd/postern/demo"
)

// TestOpenAPI has programs of others read the descriptions that the binary serves: a validator those of the demo and of
// a schema with odd names, in both versions; openapi-typescript and the TypeScript compiler make a client of them, which asks the demo.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	tools, err := node.Open(t.Context(), "testdata/openapi", "openapi")
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, arguments ...string) string {
		t.Helper()
		out, err := tools.Command(t.Context(), name, arguments...).CombinedOutput()
		if err != nil {
			t.Errorf("%s %s: %v\n%.3000s", name, strings.Join(arguments, " "), err, out)
		}
		return string(out)
	}
	h := build(t)
	if _, err := demo.Load(t.Context(), h.cluster, func(string) {}); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadFile("testdata/openapi_names.sql")
	if err != nil {
		t.Fatal(err)
	}
	h.execute(t, demo.Database, string(names))
	if out, err := h.run(t, "migrate", "--db-uri", h.cluster.URI(h.cluster.Superuser, demo.Database)); err != nil {
		t.Fatalf("migrate: %v\n%s", err, out)
	}
	h.execute(t, demo.Database, `grant usage on schema "odd ""schema""" to anon; grant all on all tables in schema "odd ""schema""" to anon;
		revoke select on "odd ""schema""".unread from anon`)
	p := h.serve(t, demo.Database, "PGRST_DB_URI="+h.cluster.URI(demo.Authenticator, demo.Database), "PGRST_DB_ANON_ROLE="+demo.Anonymous,
		`PGRST_DB_SCHEMAS=`+demo.Schemas+`,odd "schema"`)

	save := func(name, target string, headers ...string) reply {
		t.Helper()
		r := p.send(t, "GET", target, "", headers...)
		if r.status != 200 || !json.Valid([]byte(r.body)) {
			t.Fatalf("%s %q: %d %.300s", target, headers, r.status, r.body)
		}
		if err := os.WriteFile(filepath.Join(tools.Dir, name), []byte(r.body), 0o644); err != nil {
			t.Fatal(err)
		}
		return r
	}
	customer := token(`{"role":"customer","customer_id":7}`)
	var files []string
	for _, version := range []string{"2.0", "3.1"} {
		for file, headers := range map[string][]string{
			"anon": nil, "customer": {"Authorization", customer}, "clerk": {"Authorization", token(`{"role":"clerk"}`)},
			"reports": {"Accept-Profile", "reports"}, "odd": {"Accept-Profile", `odd "schema"`},
		} {
			file += version + ".json"
			save(file, "/openapi/"+version+".json", headers...)
			files = append(files, file)
		}
	}
	run("node", append([]string{"validate.mjs"}, files...)...)

	r := save("api.json", "/", "Authorization", customer, "Accept", "application/openapi+json;version=3.1")
	if tag := r.header.Get("Etag"); tag == "" || p.send(t, "GET", "/openapi/3.1.json", "", "Authorization", customer, "If-None-Match", tag).status != http.StatusNotModified ||
		p.send(t, "GET", "/openapi/3.1.json", "", "If-None-Match", tag).status != http.StatusOK {
		t.Errorf("the ETag %q is not that of the customer's description, and only of that", tag)
	}

	run("openapi-typescript", "odd3.1.json", "-o", "odd.d.ts")
	run("openapi-typescript", "api.json", "-o", "api.d.ts")
	run("tsc", "--strict", "--noEmitOnError", "--target", "es2022", "--module", "nodenext", "--allowImportingTsExtensions",
		"--rewriteRelativeImportExtensions", "--outDir", "built", "client.ts", "odd.d.ts")
	got := run("node", "built/client.js", p.base, strings.TrimPrefix(customer, "Bearer "))
	const want = `{"title":true,"series":null,"publisher":true,"language":"en","range":true,"minutes":120,"note":"by types","again":"changed","code":"PGRST100"}`
	if strings.TrimSpace(got) != want {
		t.Errorf("the typed client got %s, not %s", got, want)
	}
}
