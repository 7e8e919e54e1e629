package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"postern/shell"
)

// architectures are those of Linux that a release has a binary for.
var architectures = []string{"amd64", "arm64"}

// build writes to a directory, which it makes anew, what a release consists of: for each architecture a static binary
// and a list of what is in it (an SBOM), and the checksums of all. From the same sources and the same Go come the same
// bytes, wherever and whenever.
func build(root, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, architecture := range architectures {
		binary := filepath.Join(dir, "postern-"+shell.Version+"-linux-"+architecture)
		if err := compile(root, binary, architecture); err != nil {
			return err
		}
		components, err := bill(binary)
		if err != nil {
			return err
		}
		if err := os.WriteFile(binary+".cdx.json", components, 0o644); err != nil {
			return err
		}
	}
	return checksums(dir)
}

// compile compiles the binary for an architecture of Linux. What the environment says of building counts for nothing.
func compile(root, binary, architecture string) error {
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, "./cmd/postern")
	command.Dir = root
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !slices.Contains([]string{"GOFLAGS", "GOEXPERIMENT", "GODEBUG", "GOFIPS140", "GOWORK"}, name) {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture, "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building for %s: %w\n%s", architecture, err, out)
	}
	return nil
}

// checksums writes SHA256SUMS, for sha256sum --check, of the other files of a directory.
func checksums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	sums := ""
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(content), entry.Name())
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums), 0o644)
}
