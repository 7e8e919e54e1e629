// Package node runs JavaScript in tests: it finds Node.js, or gets it, and installs what a package-lock.json names.
package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Project is a folder with a package.json whose packages are installed.
type Project struct {
	Dir string // a copy below .postern/npm, with node_modules
	bin string // directory of node and npm
}

// Open copies a folder that has package.json, package-lock.json and sources to .postern/npm/<name> in the repository
// and installs its packages there with `npm ci`, once for each state of package-lock.json. Node.js is what .ci/node.sh
// finds or gets. Several processes may call it at a time. It fails when Node.js or the packages cannot be had.
func Open(ctx context.Context, source, name string) (*Project, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	p := &Project{Dir: filepath.Join(root, ".postern", "npm", name)}
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(root, ".postern", "npm", "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if p.bin, err = find(ctx, root); err != nil {
		return nil, err
	}
	if err := copyFolder(p.Dir, source); err != nil {
		return nil, err
	}
	return p, p.install(ctx)
}

// repository returns the folder of go.mod, above the working directory.
func repository() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			err = errors.New("node: there is no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { _ = file.Close() }, nil
}

// find asks .ci/node.sh.
func find(ctx context.Context, root string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(root, ".ci", "node.sh"))
	var talk strings.Builder
	command.Stderr = &talk
	dir, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("there is no Node.js: %w\n%s", err, talk.String())
	}
	return strings.TrimSpace(string(dir)), nil
}

// copyFolder replaces what is in a folder, but for node_modules and the stamp.
func copyFolder(to, from string) error {
	entries, err := os.ReadDir(to)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "node_modules" && name != stamp {
			if err := os.RemoveAll(filepath.Join(to, name)); err != nil {
				return err
			}
		}
	}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// stamp is a copy of the package-lock.json that node_modules was made from.
const stamp = ".installed"

func (p *Project) install(ctx context.Context) error {
	wanted, err := os.ReadFile(filepath.Join(p.Dir, "package-lock.json"))
	if err != nil {
		return err
	}
	mark := filepath.Join(p.Dir, stamp)
	if installed, err := os.ReadFile(mark); err == nil && string(installed) == string(wanted) {
		return nil
	}
	if err := os.RemoveAll(mark); err != nil {
		return err
	}
	install := p.Command(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", p.Dir, err, out)
	}
	return os.WriteFile(mark, wanted, 0o644)
}

// Command returns a command to run in the folder: node, npm, or a program of an installed package. npm keeps its cache
// below .postern.
func (p *Project) Command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	dirs := []string{filepath.Join(p.Dir, "node_modules", ".bin"), p.bin}
	path := name
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			path = filepath.Join(dir, name)
			break
		}
	}
	command := exec.CommandContext(ctx, path, arguments...)
	command.Dir = p.Dir
	command.Env = append(os.Environ(),
		"PATH="+strings.Join(append(dirs, os.Getenv("PATH")), string(os.PathListSeparator)),
		"npm_config_cache="+filepath.Join(filepath.Dir(p.Dir), "cache"))
	return command
}
