package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// testBodies sends long bodies: what is inserted, what is refused, and the memory that this takes.
func testBodies(t *testing.T, h *house) {
	p := h.serve(t, "e2e", "PGRST_DB_POOL=2")
	user := []string{"Authorization", token(`{"role":"e2e_user"}`)}
	title := strings.Repeat("1234567 é", 100)
	rows := make([]string, 10<<20/1010)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"title":"%s","pages":%d}`, title, 1+i)
	}
	body := "[" + strings.Join(rows, ",") + "]"
	if len(body) < 10<<20 {
		t.Fatalf("the body has %d bytes", len(body))
	}
	r := p.send(t, "POST", "/books", body, append(user, "Prefer", "count=exact")...)
	if want := "*/" + strconv.Itoa(len(rows)); r.status != 201 || r.header.Get("Content-Range") != want {
		t.Fatalf("10 MiB: %d %s %.300s, want %s", r.status, r.header.Get("Content-Range"), r.body, want)
	}
	if stored := h.ask(t, "e2e", "select count(*) || ' ' || sum(pages) from api.books where title = '"+title+"'"); stored != fmt.Sprintf("%d %d", len(rows), len(rows)*(len(rows)+1)/2) {
		t.Errorf("10 MiB: stored are %s", stored)
	}
	h.execute(t, "e2e", "delete from api.books where title = '"+title+"'")
	if peak := peakMemory(t, p.command.Process.Pid); peak > 120<<10 {
		t.Errorf("10 MiB: the server's memory had a peak of %d KiB", peak)
	}
	// A body that is too long is refused by its length, or when it has come too far.
	small := h.serve(t, "e2e", "PGRST_SERVER_MAX_BODY_SIZE=1000", "PGRST_DB_POOL=1")
	for _, length := range []int{1000, 1001} {
		made := `{"title": "` + strings.Repeat("x", length-len(`{"title": ""}`)) + `"}`
		for _, chunked := range []bool{false, true} {
			status, err := small.post(t, made, chunked, user[1])
			if err != nil || status != map[int]int{1000: 201, 1001: 413}[length] {
				t.Errorf("%d bytes, chunked %t: %d %v", length, chunked, status, err)
			}
		}
	}
	long := strings.Repeat("x", 100<<20) // the client may see its connection closed before it sees the answer
	for _, chunked := range []bool{false, true} {
		if status, err := small.post(t, long, chunked, user[1]); err == nil && status != 413 {
			t.Errorf("100 MiB, chunked %t: %d", chunked, status)
		}
	}
	h.execute(t, "e2e", "delete from api.books where title like 'xxx%'")
	if r := small.send(t, "GET", "/books?select=id&id=eq.1", ""); r.status != 200 {
		t.Errorf("afterwards: %d %s", r.status, r.body)
	}
}

// post sends a book and gives the status of the answer.
func (p *process) post(t *testing.T, body string, chunked bool, authorization string) (int, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", p.base+"/books", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	if chunked {
		request.ContentLength = -1
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// peakMemory returns the most memory that a process had, in KiB; 0 where that is not to be had, or is the race detector's.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getenv("POSTERN_RACE") != "" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	peak, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return peak
}
