package auth

import (
	"net/http"
	"testing"
	"time"
)

func TestFreshness(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		fields []string // names and values
		want   time.Duration
	}{
		{nil, usualFreshness},
		{[]string{"Cache-Control", "max-age=60"}, time.Minute},
		{[]string{"Cache-Control", `public, MAX-AGE="60", must-revalidate`, "Age", "20"}, 40 * time.Second},
		{[]string{"Cache-Control", "max-age=60", "Age", "70"}, 0},
		{[]string{"Cache-Control", "public", "Cache-Control", "max-age=60"}, time.Minute},
		{[]string{"Cache-Control", "no-store"}, 0},
		{[]string{"Cache-Control", "no-cache, max-age=60"}, 0},
		{[]string{"Cache-Control", "max-age=-1"}, 0},
		{[]string{"Cache-Control", "max-age=99999999999999999999"}, 0},
		{[]string{"Cache-Control", "max-age=60", "Expires", "Fri, 02 Jan 2026 04:04:05 GMT"}, time.Minute},
		{[]string{"Expires", "Fri, 02 Jan 2026 04:04:05 GMT"}, time.Hour},
		{[]string{"Expires", "Fri, 02 Jan 2026 02:04:05 GMT"}, 0},
		{[]string{"Expires", "0"}, 0},
	} {
		header := http.Header{}
		for i := 0; i < len(test.fields); i += 2 {
			header.Add(test.fields[i], test.fields[i+1])
		}
		if got := freshness(header, now); got != test.want {
			t.Errorf("%v: %v, want %v", test.fields, got, test.want)
		}
	}
}
