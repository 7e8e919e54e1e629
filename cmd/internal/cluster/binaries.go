package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OldestVersion is the oldest major version of PostgreSQL that is looked for.
const OldestVersion = 14

// binaries is a directory with a server's programs.
type binaries struct {
	dir     string
	version int
}

// FindBinaries returns the directory of the PostgreSQL server binaries (initdb, postgres) and their major version.
// What is given, or else POSTERN_PG_BIN, decides alone; otherwise it is the newest version among PATH,
// `pg_config --bindir` and the usual places. The error lists where was looked.
func FindBinaries(given string) (dir string, version int, err error) {
	found, err := findBinaries(given, nil, "")
	return found.dir, found.version, err
}

// findBinaries also looks in more places (patterns) and heeds the version of a cluster that exists ("" for none).
func findBinaries(given string, more []string, kept string) (binaries, error) {
	if given == "" {
		given = os.Getenv("POSTERN_PG_BIN")
	}
	places := candidates(more)
	if given != "" {
		places = []string{given}
	}
	var best, other binaries
	for _, dir := range places {
		found, err := inspect(dir)
		if err != nil {
			if given != "" {
				return binaries{}, err
			}
			continue
		}
		if kept != "" && strconv.Itoa(found.version) != kept {
			other = found
		} else if found.version > best.version {
			best = found
		}
	}
	switch {
	case best.dir != "" && best.version < OldestVersion:
		return binaries{}, fmt.Errorf("PostgreSQL %d in %s is too old: %d or newer is needed",
			best.version, best.dir, OldestVersion)
	case best.dir != "":
		return best, nil
	case other.dir != "":
		return binaries{}, fmt.Errorf("the kept cluster was made by PostgreSQL %s, and only version %d was found (%s): "+
			"give POSTERN_PG_BIN a directory with version %s, or remove the cluster (make clean)",
			kept, other.version, other.dir, kept)
	}
	return binaries{}, fmt.Errorf("no PostgreSQL server binaries found (looked in PATH, pg_config --bindir and %s): "+
		"install PostgreSQL, or name the directory with initdb and postgres in POSTERN_PG_BIN",
		strings.Join(slices.Concat(usualPlaces, more), ", "))
}

var usualPlaces = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin",
}

func candidates(more []string) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if output, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(output)))
	}
	for _, pattern := range slices.Concat(usualPlaces, more) {
		found, _ := filepath.Glob(pattern)
		dirs = append(dirs, found...)
	}
	return dirs
}

// inspect asks a directory's server for its version and checks that initdb is there.
func inspect(dir string) (binaries, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return binaries{}, err
	}
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, fmt.Errorf("%s holds no PostgreSQL server: %w", dir, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "-V")
	command.Env = serverEnvironment(dir)
	output, err := command.Output()
	if err != nil {
		return binaries{}, fmt.Errorf("%s: postgres -V: %w", dir, err)
	}
	fields := strings.Fields(string(output)) // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
	if len(fields) < 3 {
		return binaries{}, fmt.Errorf("%s: postgres -V says %q", dir, output)
	}
	number := fields[2]
	if end := strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		number = number[:end]
	}
	version, err := strconv.Atoi(number)
	if err != nil {
		return binaries{}, fmt.Errorf("%s: postgres -V says %q", dir, output)
	}
	return binaries{dir: dir, version: version}, nil
}

// serverEnvironment is all of the environment a server's programs get: nothing of the user's PG* settings. Binaries
// below a root of their own (Debian packages unpacked there) find their shared libraries below it too.
func serverEnvironment(dir string) []string {
	environment := []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	libraries := os.Getenv("LD_LIBRARY_PATH")
	if root, _, unpacked := strings.Cut(dir, "/usr/lib/postgresql/"); unpacked && root != "" {
		own, _ := filepath.Glob(root + "/usr/lib/*-linux-*")
		older, _ := filepath.Glob(root + "/lib/*-linux-*")
		own = append(own, older...)
		if libraries != "" {
			own = append(own, libraries)
		}
		libraries = strings.Join(own, ":")
	}
	if libraries != "" {
		environment = append(environment, "LD_LIBRARY_PATH="+libraries)
	}
	return environment
}
