package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build returns the binary under test: the one that TALLYMAN_TEST_BINARY names, or else one that is built into folder, as a
// release is: static, and with the versions of tallyman's own go.mod. It takes no context, since the first build of a machine
// may take minutes.
func Build(folder string) (string, error) {
	out := filepath.Join(folder, "tallyman")
	if path := os.Getenv("TALLYMAN_TEST_BINARY"); path != "" {
		return out, install(path, out)
	}
	module, err := moduleFolder()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-C", module, "-trimpath", "-ldflags=-s -w -X main.version=e2e", "-o", out, "./cmd/tallyman")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, text)
	}
	return out, nil
}

// install copies a binary to where other users can run it, too: the source may be in somebody's home.
func install(from, to string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("TALLYMAN_TEST_BINARY: %w", err)
	}
	return os.WriteFile(to, program, 0o755)
}

// moduleFolder looks for tallyman's own module above the working folder.
func moduleFolder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module tallyman\n") {
			return dir, nil
		}
	}
	return "", errors.New("tallyman's source is not above the working folder: set TALLYMAN_TEST_BINARY to a built one")
}
