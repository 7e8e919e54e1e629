package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// runner starts a server's programs as the account that owns the cluster.
type runner struct {
	account account
	bin     binaries
	home    string
}

func (r runner) command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(r.bin.dir, program), arguments...)
	command.Dir = r.home
	command.Env = serverEnvironment(r.bin.dir)
	// A process group of its own: Ctrl-C in the terminal is for us, and we stop the server in good order.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	r.account.apply(command)
	return command
}

// check makes sure that the account can run the binaries at all.
func (r runner) check(ctx context.Context) error {
	if !r.account.foreign {
		return nil
	}
	if err := r.command(ctx, "postgres", "-V").Run(); err != nil {
		return fmt.Errorf("the OS user that runs PostgreSQL (uid %d) cannot run %s: %w",
			r.account.uid, filepath.Join(r.bin.dir, "postgres"), err)
	}
	return nil
}

// create makes a new cluster: in a directory beside its final place, so that one cut short is never taken for whole.
func (c *Cluster) create(ctx context.Context, run runner, options Options) error {
	// initdb, which may run as another user, reads the password; the home directory is closed to everyone else.
	if err := os.WriteFile(c.passwordFile(), []byte(rand.Text()+"\n"), 0o600); err != nil {
		return err
	}
	if run.account.foreign {
		if err := os.Chown(c.passwordFile(), int(run.account.uid), int(run.account.gid)); err != nil {
			return err
		}
	}
	fresh := c.data() + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(c.data())); err != nil {
		return err
	}
	locale := "C"
	if runtime.GOOS == "linux" {
		locale = "C.UTF-8"
	}
	arguments := []string{
		"-D", fresh, "-U", c.Superuser, "-E", "UTF8", "--locale=" + locale,
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=" + c.passwordFile(),
	}
	if c.temporary || options.Settings["fsync"] == "off" {
		arguments = append(arguments, "--no-sync")
	}
	output, err := run.command(ctx, "initdb", arguments...).CombinedOutput()
	if err != nil {
		_ = os.RemoveAll(fresh)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if strings.Contains(string(output), "No space left on device") {
			return fmt.Errorf("the disk of %s is full: initdb could not make the cluster", c.Home)
		}
		return fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(output)))
	}
	return os.Rename(fresh, c.data())
}

// dataVersion returns the major version of PostgreSQL that made a data directory, "" where there is none.
func dataVersion(data string) string {
	content, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
