package pgtests

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// probe asks for what is nearly the name of something secret, and for all that describes the API: no answer names it.
func (o *oracle) probe(t *testing.T) {
	near := strings.Replace(secret, "zz", "zs", 1)
	var probes []request
	add := func(method, target, body string) {
		r := request{method: method, target: target}
		if body != "" {
			r.body, r.headers = []byte(body), "content-type: application/json"
		}
		probes = append(probes, r)
	}
	add("GET", "/", "")
	add("GET", "/openapi/3.1.json", "")
	for _, one := range o.s.relations {
		if one.secret {
			add("GET", "/"+strings.Replace(one.name, secret, near, 1), "")
		}
	}
	add("GET", "/rpc/"+near+"_g?a=1", "")
	add("POST", "/rpc/"+near+"_g", `{"a":1}`)
	for _, one := range o.s.relations {
		if one.secret {
			continue
		}
		path := "/" + url.PathEscape(one.name)
		add("OPTIONS", path, "")
		add("GET", path+"?select="+near+"_c", "")
		add("GET", path+"?"+near+"_c=eq.1", "")
		add("GET", path+"?order="+near+"_c", "")
		add("POST", path, `{"`+near+`_c":1}`)
		add("PATCH", path+"?num=eq.-9", `{"`+near+`_c":1}`)
		for _, other := range o.s.relations {
			if other.secret {
				add("GET", path+"?select="+strings.Replace(other.name, secret, near, 1)+"(*)", "")
			} else {
				add("GET", path+"?select="+url.QueryEscape(quotedValue(other.name))+"(*)", "")
			}
		}
	}
	o.Shuffle(len(probes)-2, func(i, j int) { probes[i+2], probes[j+2] = probes[j+2], probes[i+2] })
	for _, r := range probes[:min(60, len(probes))] {
		for _, role := range []string{"oracle_all", "oracle_some"} {
			q := &question{role: role}
			got, err := o.send(q, r)
			if err != nil {
				t.Fatal(err)
			}
			o.tried["probes"]++
			if problem := leak(r, got); problem != "" {
				t.Errorf("seed %d as %s: %s\n%s %s %s\n%d %v %s\nDDL:\n%s", o.seed, role, problem, r.method, unescaped(r.target), r.body, got.status, got.headers, excerpt(got.body), strings.Join(o.s.ddl, ";\n"))
			}
		}
	}
}

// excerpt is what there is around a secret.
func excerpt(body []byte) string {
	at := strings.Index(string(body), secret)
	return fmt.Sprintf("%.600s", string(body)[max(0, at-300):])
}
