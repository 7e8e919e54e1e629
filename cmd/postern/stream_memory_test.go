package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"
)

// Server and database take 64 MiB at most, each, while rows of any number stream: 60 MB of them, under POSTERN_SOAK a gigabyte.
func testStreamMemory(t *testing.T, h *house) {
	if os.Getenv("POSTERN_RACE") != "" {
		t.Skip("the race detector takes memory of its own")
	}
	const bound = 64 << 10 // KiB
	thousands, part := 60, int64(8<<20)
	if os.Getenv("POSTERN_SOAK") != "" {
		thousands, part = 1000, 64<<20
	}
	h.execute(t, "streams", fmt.Sprintf(`
		create table api.some as select i as id, repeat(md5(i::text), 32) as words from generate_series(1, 1000) as i;
		create table api.times as select i as time from generate_series(1, %d) as i;
		create view api.much as select id, time, words from api.times, api.some;
		grant select on api.much to e2e_anon;
		analyze api.some, api.times`, thousands))
	p := h.serve(t, "streams")
	request, err := http.NewRequestWithContext(t.Context(), "GET", p.base+"/much", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", ndjson)
	request.Header.Set("Accept-Encoding", "identity")
	start := time.Now()
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	first := time.Since(start)
	backend, err := strconv.Atoi(h.ask(t, "streams", "select pid from pg_stat_activity where query like '%pgrst_head%' and usename = 'e2e_login' and state = 'active'"))
	if err != nil {
		t.Fatal(err)
	}
	total, most := int64(0), 0
	for err == nil {
		var n int64
		n, err = io.CopyN(io.Discard, response.Body, part)
		total += n
		most = max(most, kibibytes(t, backend, "smaps_rollup", "Private_Clean:")+kibibytes(t, backend, "smaps_rollup", "Private_Dirty:"))
	}
	peak := kibibytes(t, p.command.Process.Pid, "status", "VmHWM:")
	t.Logf("%d bytes in %v, the first after %v; the server had at most %d KiB, the backend %d KiB of its own", total, time.Since(start), first, peak, most)
	if err != io.EOF || total < int64(thousands)*1000*1024 {
		t.Errorf("%d bytes: %v", total, err)
	}
	if peak > bound || most > bound || most == 0 {
		t.Errorf("more than %d KiB", bound)
	}
}

// kibibytes returns a number that the system tells of a process.
func kibibytes(t *testing.T, pid int, file, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Skip("the system does not tell the memory of processes: ", err)
	}
	for line := range bytes.Lines(text) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == name {
			number, err := strconv.Atoi(string(fields[1]))
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	return 0
}
