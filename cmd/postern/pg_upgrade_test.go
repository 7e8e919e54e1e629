package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"postern/cmd/internal/cluster"
)

// pg_upgrade takes postern along. Both clusters are of one version, which pg_upgrade treats as any two: servers of other versions that
// tests can have come without the programs that it needs.
func TestPgUpgrade(t *testing.T) {
	t.Parallel()
	bin, _, err := cluster.FindBinaries("")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "pg_upgrade")
	if _, err := os.Stat(program); err != nil {
		t.Skip("this server comes without pg_upgrade")
	}
	base, err := os.MkdirTemp("/tmp", "postern-upgrade-") // its way is open to the user that runs PostgreSQL
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	start := func(name string) *house {
		c, err := cluster.Start(t.Context(), cluster.Options{Dir: filepath.Join(base, name)})
		if err != nil {
			t.Fatal(err)
		}
		return &house{cluster: c}
	}
	stop := func(h *house) {
		if err := h.cluster.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	const thing = "select concat_ws(' ', status, body) from postern.get('/thing')"
	old := start("old")
	if err := migrateDatabase(t.Context(), old.cluster.URI(old.cluster.Superuser, "postgres")); err != nil {
		t.Fatal(err)
	}
	old.execute(t, "postgres", "create table public.thing (id int primary key); insert into public.thing values (7)")
	want, epoch := old.ask(t, "postgres", contents), old.ask(t, "postgres", "select postern.epoch()")
	stop(old)
	h := start("new")
	stop(h)

	command := exec.CommandContext(t.Context(), program, "--old-bindir", bin, "--new-bindir", bin, "--username", h.cluster.Superuser,
		"--old-datadir", filepath.Join(old.cluster.Home, "data"), "--new-datadir", filepath.Join(h.cluster.Home, "data"), "--socketdir", h.cluster.Home)
	command.Dir, command.Env = h.cluster.Home, h.cluster.Environment()
	owner, err := os.Stat(filepath.Join(h.cluster.Home, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if uid := owner.Sys().(*syscall.Stat_t); int(uid.Uid) != os.Getuid() {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid.Uid, Gid: uid.Gid}}
	}
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h = start("new")
	defer stop(h)
	if got := h.ask(t, "postgres", contents); got != want {
		t.Errorf("it is not what it was:\n%s", firstDifference(got, want))
	}
	if answer := h.ask(t, "postgres", thing); answer != `200 [{"id":7}]` {
		t.Errorf("it answers %s", answer)
	}
	h.execute(t, "postgres", "alter table public.thing add name text")
	if now := h.ask(t, "postgres", "select postern.epoch()"); now == epoch || now == "" {
		t.Errorf("DDL does not advance the epoch, %q", now)
	}
	if answer := h.ask(t, "postgres", thing); answer != `200 [{"id":7,"name":null}]` {
		t.Errorf("after DDL it answers %s", answer)
	}
}
