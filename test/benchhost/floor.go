package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tallyman/test/internal/kernelfiles"
	"tallyman/test/internal/proc"
)

// floorArg is the only argument of the child that is the floor.
const floorArg = "-floor-child"

// floorBuffer takes any file that tallyman keeps open, at one read.
const floorBuffer = 1 << 20

// floor is the child process that does nothing but pread: the least that any exporter of these files can cost. It is a
// process of its own so that its CPU time is not that of the program that scrapes.
type floor struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	files int
}

// startFloor starts the child over the files that a process keeps open.
func startFloor(pid int) (*floor, error) {
	files, err := kernelfiles.Of(pid)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("tallyman keeps no file of cgroupfs open: has it found the containers?")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f := &floor{cmd: exec.Command(self, floorArg), files: len(files)}
	f.cmd.Stderr = os.Stderr
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the terminal's Ctrl-C is not for it
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f.out = bufio.NewReader(out)
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the floor: %w", err)
	}
	if _, err := fmt.Fprintf(f.in, "%s\n\n", strings.Join(files, "\n")); err != nil {
		f.stop()
		return nil, fmt.Errorf("tell the floor its files: %w", err)
	}
	return f, nil
}

// read makes the child read all files n times and returns the CPU time of one time.
func (f *floor) read(n int) (time.Duration, error) {
	if _, err := fmt.Fprintln(f.in, n); err != nil {
		return 0, fmt.Errorf("ask the floor: %w", err)
	}
	line, err := f.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("answer of the floor: %w", err)
	}
	spent, err := time.ParseDuration(strings.TrimSpace(line))
	if err != nil {
		return 0, fmt.Errorf("answer of the floor: %w", err)
	}
	return spent / time.Duration(n), nil
}

// stop ends the child: it ends when it is told nothing more.
func (f *floor) stop() {
	_ = f.in.Close()
	_ = f.cmd.Wait()
}

// serveFloor is the child: files, a line each, up to an empty line; then a number of times per line, each answered with the
// CPU time that it took.
func serveFloor(in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // nothing is allocated while it reads; a collection would only disturb
	lines := bufio.NewScanner(in)
	var fds []int
	for lines.Scan() && lines.Text() != "" {
		fd, err := unix.Open(lines.Text(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("floor: open %s: %w", lines.Text(), err)
		}
		fds = append(fds, fd)
	}
	buf := make([]byte, floorBuffer)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		before, err := proc.CPU(os.Getpid())
		if err != nil {
			return err
		}
		for range n {
			for _, fd := range fds {
				if _, err := unix.Pread(fd, buf, 0); err != nil {
					return fmt.Errorf("floor: read: %w", err)
				}
			}
		}
		after, err := proc.CPU(os.Getpid())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, after-before); err != nil {
			return err
		}
	}
	return lines.Err()
}
