package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// account is the OS user a server runs as.
type account struct {
	uid, gid uint32
	// foreign reports that it is not the user of this process, which then is root.
	foreign bool
}

const temporaryPrefix = "postern-cluster-"

// movedRoot is where root keeps clusters that cannot lie where they were wished for.
const movedRoot = "/var/lib/postern"

// maxSocketPath is the longest path of a unix socket on Linux, less the terminating zero (unix(7)).
const maxSocketPath = 107

// settle makes the cluster's directory, owned by the account that will run it, and returns both. Where the account
// cannot get into the directory wished for, because a parent such as /root is closed to it, another one is used.
func settle(dir string, notice func(string)) (string, account, error) {
	if dir == "" {
		return settleTemporary()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", account{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", account{}, fmt.Errorf("make the cluster's directory: %w", err)
	}
	home := movedTo(dir)
	if home == "" {
		home = dir
	}
	owner, err := accountFor(home)
	if err != nil {
		return "", account{}, err
	}
	if err := own(home, owner); err != nil {
		return "", account{}, err
	}
	if owner.enters(home) {
		return home, owner, nil
	}
	home = filepath.Join(movedRoot, "cluster-"+digest(dir))
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", account{}, err
	}
	if err := own(home, owner); err != nil {
		return "", account{}, err
	}
	if !owner.enters(home) {
		return "", account{}, fmt.Errorf("the OS user that runs PostgreSQL (uid %d) can enter neither %s nor %s",
			owner.uid, dir, home)
	}
	if err := os.WriteFile(filepath.Join(dir, "moved-to"), []byte(home+"\n"), 0o644); err != nil {
		return "", account{}, err
	}
	notice(fmt.Sprintf("The OS user postgres cannot enter %s, so the cluster is kept in %s.", dir, home))
	return home, owner, nil
}

func settleTemporary() (string, account, error) {
	owner, err := accountFor("")
	if err != nil {
		return "", account{}, err
	}
	for _, base := range []string{os.TempDir(), "/tmp"} {
		sweep(base, owner)
		home, err := os.MkdirTemp(base, temporaryPrefix)
		if err != nil {
			continue
		}
		if err := own(home, owner); err == nil && owner.enters(home) {
			return home, owner, nil
		}
		_ = os.RemoveAll(home)
	}
	return "", account{}, fmt.Errorf("no temporary directory that the OS user with uid %d may use (tried %s and /tmp)",
		owner.uid, os.TempDir())
}

// sweep removes temporary clusters of the account whose maker was killed: their lock is free, and they are not new.
func sweep(base string, owner account) {
	left, _ := filepath.Glob(filepath.Join(base, temporaryPrefix+"*"))
	for _, home := range left {
		info, err := os.Lstat(home)
		if err != nil || !info.IsDir() || !owner.owns(info) || time.Since(info.ModTime()) < time.Hour {
			continue
		}
		if lock, err := lockHome(home); err == nil {
			if !running(filepath.Join(home, "data")) {
				_ = os.RemoveAll(home)
			}
			_ = lock.Close()
		}
	}
}

// movedTo reads where an earlier start had to put the cluster of this directory; "" for nowhere else.
func movedTo(dir string) string {
	content, err := os.ReadFile(filepath.Join(dir, "moved-to"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// accountFor chooses who runs the server: whoever this process is; if that is root, which PostgreSQL refuses, the
// owner of the data that exists, or else postgres.
func accountFor(home string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	if info, err := os.Stat(filepath.Join(home, "data")); home != "" && err == nil {
		if status, ok := info.Sys().(*syscall.Stat_t); ok && status.Uid != 0 {
			return account{uid: status.Uid, gid: status.Gid, foreign: true}, nil
		}
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("started as root, PostgreSQL needs the OS user postgres to run as: %w "+
			"(make one with useradd, or start as an ordinary user)", err)
	}
	uid, err := strconv.ParseUint(postgres.Uid, 10, 32)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.ParseUint(postgres.Gid, 10, 32)
	if err != nil {
		return account{}, err
	}
	return account{uid: uint32(uid), gid: uint32(gid), foreign: true}, nil
}

// own gives a directory to the account and closes it to everyone else.
func own(dir string, owner account) error {
	if owner.foreign {
		if err := os.Chown(dir, int(owner.uid), int(owner.gid)); err != nil {
			return err
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("%w (was it made by another user? then remove it as that user)", err)
	}
	return nil
}

// apply makes a command run as the account.
func (a account) apply(command *exec.Cmd) {
	if a.foreign {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
}

// owns reports whether a file belongs to the account.
func (a account) owns(info fs.FileInfo) bool {
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && status.Uid == a.uid
}

// enters tries whether the account can get into a directory.
func (a account) enters(dir string) bool {
	command := exec.Command("/bin/sh", "-c", ":")
	command.Dir = dir
	command.SysProcAttr = &syscall.SysProcAttr{}
	a.apply(command)
	return command.Run() == nil
}

// makeSocketDir returns an empty directory, closed to others, whose socket path is not too long for the system.
func makeSocketDir(home string, owner account) (string, error) {
	dir := filepath.Join(home, "socket")
	if len(dir)+len("/.s.PGSQL.65535") > maxSocketPath {
		dir = filepath.Join("/tmp", fmt.Sprintf("postern-%d-%s", owner.uid, digest(home)))
	}
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		info, err := os.Lstat(dir)
		if err != nil {
			return "", err
		}
		if !info.IsDir() || !owner.owns(info) {
			return "", fmt.Errorf("%s, where the server's socket would go, belongs to someone else", dir)
		}
	} else if err != nil {
		return "", fmt.Errorf("make the socket's directory: %w", err)
	}
	return dir, own(dir, owner)
}

// checkFree fails when the disk below a directory has fewer bytes left than are needed.
func checkFree(dir string, needed uint64) error {
	var status syscall.Statfs_t
	if err := syscall.Statfs(dir, &status); err != nil {
		return fmt.Errorf("read how much of the disk is free: %w", err)
	}
	if free := uint64(status.Bavail) * uint64(status.Bsize); free < needed {
		return fmt.Errorf("the disk of %s is too full: %d MiB are free, %d MiB are needed", dir, free>>20, needed>>20)
	}
	return nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// lockHome holds the cluster's lock file for as long as the file is open; it is let go when the process dies.
func lockHome(home string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(home, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cluster: %w (was it made by another user? then remove it as that user)", err)
	}
	// A process that is being killed holds the lock for a moment more.
	for deadline := time.Now().Add(time.Second); ; time.Sleep(pollEvery) {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		holder := make([]byte, 20)
		n, _ := file.ReadAt(holder, 0)
		_ = file.Close()
		return nil, fmt.Errorf("the cluster in %s is in use by process %s: stop that first, or choose another directory",
			home, strings.TrimSpace(string(holder[:n])))
	}
	_ = file.Truncate(0)
	_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return file, nil
}
