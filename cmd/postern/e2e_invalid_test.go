package main

import (
	"strings"
	"syscall"
	"testing"
)

// A setting that cannot be used any more keeps the ones from before in force, all of them, however settings are read again. The log names
// it, and a metric counts it.
func testInvalidLater(t *testing.T, h *house, database string, p *process) {
	set := "alter role e2e_login in database " + database + " "
	asks := func(audience string) int {
		return p.send(t, "GET", "/books?select=id&id=eq.1", "", "Authorization", token(`{"role":"e2e_user","aud":"`+audience+`"}`)).status
	}
	const complaint = "Failed reloading config: setting db-tx-end: "
	h.execute(t, database, set+"set pgrst.jwt_aud = 'theirs'; "+set+"set pgrst.db_tx_end = 'nonsense'")
	for n, reload := range []func(){
		func() { h.execute(t, database, "notify pgrst, 'reload config'") },
		func() { h.execute(t, database, "notify pgrst, 'reload schema'") },
		func() { _ = p.command.Process.Signal(syscall.SIGUSR2) },
		func() { _ = p.command.Process.Signal(syscall.SIGUSR1) },
	} {
		reload()
		eventually(t, "a complaint", func() bool { return strings.Count(p.events.String(), complaint) > n })
		if ours, theirs, ready := asks("ours"), asks("theirs"), p.ready(); ours != 200 || theirs != 401 || ready != 200 {
			t.Errorf("reload %d: ours %d, theirs %d, ready %d", n, ours, theirs, ready)
		}
	}
	if metrics := p.admin.send(t, "GET", "/metrics", "").body; !strings.Contains(metrics, `postern_reloads_total{result="failure",what="config"} 2`) {
		t.Error("failed reloads are not counted")
	}
	h.execute(t, database, set+"reset pgrst.db_tx_end; notify pgrst, 'reload config'")
	eventually(t, "the new settings", func() bool { return asks("theirs") == 200 && asks("ours") == 401 })
}
