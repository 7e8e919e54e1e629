package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a running postmaster, a child of this process.
type server struct {
	process *os.Process
	done    chan struct{}
}

var (
	errPortTaken   = errors.New("the chosen port is taken")
	errMemoryInUse = errors.New("processes of an earlier, killed server are still running: end them, then start again")
)

// pollEvery is the pace at which files and processes that send no signal are looked at again.
const pollEvery = 10 * time.Millisecond

func startServer(ctx context.Context, run runner, data, logFile string, arguments []string) (*server, error) {
	_ = os.Rename(logFile, logFile+".1")
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	command := run.command(context.WithoutCancel(ctx), "postgres", arguments...)
	command.Stdout, command.Stderr = log, log
	dieWithParent(command.SysProcAttr)

	s := &server{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends the parent-death signal when the *thread* that started the child ends, so this one is kept.
		runtime.LockOSThread()
		if err := command.Start(); err != nil {
			started <- err
			return
		}
		s.process = command.Process
		started <- nil
		_ = command.Wait()
		close(s.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}

	ticks := time.NewTicker(pollEvery)
	defer ticks.Stop()
	for {
		if status, _ := readPidFile(data); status.pid == s.process.Pid && status.ready {
			return s, nil
		}
		select {
		case <-s.done:
			return nil, explain(logFile)
		case <-ctx.Done():
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return nil, errors.Join(ctx.Err(), s.stop(stopping))
		case <-ticks.C:
		}
	}
}

// stop asks for a fast shutdown and, when the context ends before it is done, for an immediate one.
func (s *server) stop(ctx context.Context) error {
	_ = s.process.Signal(syscall.SIGINT)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	_ = s.process.Signal(syscall.SIGQUIT)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.process.Kill()
		<-s.done
	}
	return fmt.Errorf("PostgreSQL did not shut down in time and was stopped at once: %w", ctx.Err())
}

// explain turns the log of a server that ended during its start into an error.
func explain(logFile string) error {
	content, err := os.ReadFile(logFile)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(content))
	switch {
	case strings.Contains(text, "could not bind IPv4 address") && strings.Contains(text, "Address already in use"):
		return errPortTaken
	case strings.Contains(text, "pre-existing shared memory block"):
		return errMemoryInUse
	case strings.Contains(text, "No space left on device"):
		return fmt.Errorf("the disk of %s is full: PostgreSQL cannot start; free some space", filepath.Dir(logFile))
	}
	lines := strings.Split(text, "\n")
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	return fmt.Errorf("PostgreSQL did not start; the end of %s:\n%s", logFile, strings.Join(lines, "\n"))
}

// pidFile is what a running server writes to postmaster.pid.
type pidFile struct {
	pid   int
	ready bool
}

// readPidFile reads the server's process id (line 1) and status (line 8) from its data directory.
func readPidFile(data string) (pidFile, error) {
	content, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return pidFile{}, err
	}
	if len(lines) < 8 {
		return pidFile{pid: pid}, nil
	}
	state := strings.TrimSpace(lines[7])
	return pidFile{pid: pid, ready: state == "ready" || state == "standby"}, nil
}

// running reports whether the process named in postmaster.pid lives and is the server of this data directory.
func running(data string) bool {
	status, err := readPidFile(data)
	return err == nil && serves(status.pid, data)
}

// serves reports whether a process lives and works in the data directory. One that has ended and that its parent has
// not been told of (a zombie) works nowhere.
func serves(pid int, data string) bool { return alive(pid) && worksIn(pid, data) }

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// worksIn reports whether a process works in a directory, as a postmaster does in its data; where the system has no
// /proc to ask, it is taken to be so.
func worksIn(pid int, dir string) bool {
	if _, err := os.Stat("/proc/self"); err != nil {
		return true
	}
	current, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	return current == dir
}

// endOrphan deals with what a killed run left: a server that still runs is shut down, a postmaster.pid whose number
// now belongs to another program is removed (PostgreSQL itself sees to one whose process is gone).
func endOrphan(ctx context.Context, data string, notice func(string)) error {
	status, err := readPidFile(data)
	if err != nil || !alive(status.pid) {
		return nil
	}
	if !serves(status.pid, data) {
		notice("An earlier run was killed: its stale postmaster.pid is removed.")
		return os.Remove(filepath.Join(data, "postmaster.pid"))
	}
	notice("An earlier run was killed: its PostgreSQL server is shut down first.")
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(status.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the server of an earlier run (process %d): %w", status.pid, err)
		}
		for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); {
			if !serves(status.pid, data) {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pollEvery):
			}
		}
	}
	return fmt.Errorf("the server of an earlier run (process %d) does not stop", status.pid)
}
