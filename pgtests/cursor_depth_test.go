package pgtests

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCursorDepth walks through a million rows by pages of a hundred, in three orders, and compares how long the first page by cursor
// takes, page 10,000 and the same rows by offset. What counts is the tenth percentile, which other work on the machine disturbs least.
func TestCursorDepth(t *testing.T) {
	if os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("it takes minutes: POSTERN_SOAK=1")
	}
	database := newDatabase(t)
	execute(t, connect(t, database), `create table store.many (id int primary key, kind int not null, made timestamptz, words text);
		insert into store.many select i, i / 7, case when i % 50 > 0 then '2020-01-01'::timestamptz + i * interval '1 s' end, md5(i::text) from generate_series(1, 1000000) as i;
		create index on store.many (kind, id); create index on store.many (made, id); grant select on store.many to store_clerk; analyze store.many`)
	shell := serveHTTP(t, database, "PGRST_DB_POOL=1").client()
	defer shell.close()
	get := func(target string) string {
		answer, err := shell.do(request{method: "GET", target: target})
		if err != nil || answer.status != 200 {
			t.Fatal(target, err, answer.status, string(answer.body))
		}
		return nextOf(answer)
	}
	for _, order := range []string{"kind", "made.desc", "made"} {
		plain := "/many?limit=100&order=" + order
		last := plain + "&cursor=first"
		for range 9_999 {
			last = get(last)
		}
		if get(last) != "" {
			t.Errorf("%s: page 10,000 is not the last", order)
		}
		targets := []string{plain + "&cursor=first", last, plain + "&offset=999900"}
		times := make([][]time.Duration, len(targets))
		for n := range 420 {
			for i, target := range targets {
				if i == 2 && n%20 > 0 {
					continue
				}
				start := time.Now()
				get(target)
				if n >= 20 {
					times[i] = append(times[i], time.Since(start))
				}
			}
		}
		var took []string
		for i := range times {
			slices.Sort(times[i])
			took = append(took, fmt.Sprintf("%.2f ms", float64(times[i][len(times[i])/10].Microseconds())/1000))
		}
		ratio := float64(times[1][len(times[1])/10]) / float64(times[0][len(times[0])/10])
		t.Logf("%s: page 1 %s, page 10,000 %s (%.2f x), by offset %s", order, took[0], took[1], ratio, took[2])
		if ratio > 1.2 {
			t.Errorf("%s: page 10,000 takes %.2f times as long as page 1: %s", order, ratio, strings.Join(took, ", "))
		}
	}
}
