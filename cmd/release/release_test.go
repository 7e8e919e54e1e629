package main

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"

	"postern/cmd/internal/next"
	"postern/shell"
)

// What a release consists of. It compiles everything several times, the second time in another place without what is kept.
func TestRelease(t *testing.T) {
	if os.Getenv("POSTERN_SOAK") == "" {
		t.Skip("compiles for minutes: make soak has it")
	}
	dir, again := filepath.Join(t.TempDir(), "release"), filepath.Join(t.TempDir(), "release")
	if err := build(filepath.Join("..", ".."), dir); err != nil {
		t.Fatal(err)
	}
	next.Run(t, dir, "sha256sum", "--check", "--strict", "SHA256SUMS")
	for architecture, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		binary, err := elf.Open(filepath.Join(dir, "postern-"+shell.Version+"-linux-"+architecture))
		if err != nil {
			t.Fatal(err)
		}
		libraries, err := binary.ImportedLibraries()
		dynamic := slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC })
		if binary.Machine != machine || dynamic || err == nil && len(libraries) > 0 {
			t.Errorf("%s: it is for %v, dynamic: %t, and needs %v", architecture, binary.Machine, dynamic, libraries)
		}
		_ = binary.Close()
	}
	if native := filepath.Join(dir, "postern-"+shell.Version+"-linux-amd64"); runs(native) {
		if out := next.Run(t, dir, native, "--version"); out != "postern "+shell.Version+"\n" {
			t.Errorf("it says that it is %q", out)
		}
	}
	t.Setenv("GOCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-tags=other")
	if err := build(next.Copy(t), again); err != nil {
		t.Fatal(err)
	}
	if first, second := read(t, dir, "SHA256SUMS"), read(t, again, "SHA256SUMS"); first != second || strings.Count(first, "\n") != 4 {
		t.Errorf("built twice:\n%s\n%s", first, second)
	}
}

// runs reports whether a program is for this machine.
func runs(program string) bool { return exec.Command(program, "--version").Run() == nil }

func read(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The bill of materials names what the binary says that it has in it, this test's as any other.
func TestBill(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := bill(binary)
	if err != nil {
		t.Fatal(err)
	}
	var document cyclonedx.BOM
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, component := range *document.Components {
		if component.PackageURL == "" || listed[component.PackageURL] {
			t.Errorf("%s is there twice, or without its address", component.Name)
		}
		listed[component.PackageURL] = true
		if component.Name != "std" && (component.Hashes == nil || len((*component.Hashes)[0].Value) != 64) {
			t.Errorf("%s has no sum", component.Name)
		}
	}
	for _, module := range info.Deps {
		if !listed["pkg:golang/"+module.Path+"@"+module.Version] {
			t.Errorf("%s %s is not listed", module.Path, module.Version)
		}
	}
	if document.Metadata.Component.Version != shell.Version || len(listed) != len(info.Deps)+1 || len(listed) < 2 {
		t.Errorf("%d components of %s", len(listed), document.Metadata.Component.Version)
	}
}

func TestChecksums(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := checksums(dir); err != nil {
		t.Fatal(err)
	}
	next.Run(t, dir, "sha256sum", "--check", "--strict", "SHA256SUMS")
	if err := os.WriteFile(filepath.Join(dir, "b"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err == nil {
		t.Errorf("a file that was changed passes: %s", out)
	}
}
