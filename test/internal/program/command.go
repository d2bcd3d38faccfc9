package program

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// commandTimeout is how long a command may take, on an emulated machine too.
const commandTimeout = 5 * time.Minute

// Answer is what a command has printed, and its exit code.
type Answer struct {
	Code           int
	Stdout, Stderr string
}

// Command runs a command of tallyman to its end; o.Args are the command and its flags.
func Command(t testing.TB, o Options) Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.Path, o.Args...)
	cmd.Env = append(os.Environ(), o.Env...)
	if o.Host != "" {
		cmd.Env = append(cmd.Env, "DOCKER_HOST="+o.Host)
	}
	if o.UID != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: o.UID, Gid: o.GID}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ended := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &ended) || ctx.Err() != nil) {
		t.Fatalf("tallyman %v: %v: %s", o.Args, err, &stderr)
	}
	return Answer{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
