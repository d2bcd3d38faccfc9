package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tallyman/test/internal/proc"
)

// The parts whose idle cost is compared.
const (
	partTallyman   = "tallyman"
	partDockerd    = "dockerd"
	partContainerd = "containerd"
	partShims      = "shims"
)

// partNames is the order of the table.
var partNames = []string{partTallyman, partDockerd, partContainerd, partShims}

// processes are the pids of each part.
type processes map[string][]int

// idleCost is what each part used in a while without scrapes, in CPU-seconds per minute. A part that was not there is absent.
type idleCost map[string]float64

// with adds tallyman.
func (p processes) with(pid int) processes {
	all := processes{partTallyman: {pid}}
	maps.Copy(all, p)
	return all
}

// idle measures for a while in which this program does nothing either.
func (p processes) idle(ctx context.Context, d time.Duration, what string) (idleCost, error) {
	progressf("%.0f s idle, %s", d.Seconds(), what)
	before, err := p.spent()
	if err != nil {
		return nil, err
	}
	started := time.Now()
	if err := sleep(ctx, d); err != nil {
		return nil, err
	}
	after, err := p.spent()
	if err != nil {
		return nil, err
	}
	minutes := time.Since(started).Minutes()
	cost := idleCost{}
	for part := range p {
		cost[part] = (after[part] - before[part]).Seconds() / minutes
	}
	return cost, nil
}

func (p processes) spent() (map[string]time.Duration, error) {
	sum := map[string]time.Duration{}
	for part, pids := range p {
		for _, pid := range pids {
			t, err := proc.CPU(pid)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", part, err)
			}
			sum[part] += t
		}
	}
	return sum, nil
}

// processes finds the engine's own, on this host: dockerd and containerd at the other end of their sockets, and the shims
// by the containers that their command lines name.
func (f *fleet) processes(ctx context.Context) (processes, error) {
	dockerd, err := peer(ctx, strings.TrimPrefix(f.cli.DaemonHost(), "unix://"))
	if err != nil {
		return nil, fmt.Errorf("dockerd must be on this host, with DOCKER_HOST a unix socket: %w", err)
	}
	p := processes{partDockerd: {dockerd}}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	address := ""
	for _, path := range commands {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		args := strings.Split(string(bytes.TrimRight(line, "\x00")), "\x00")
		if !strings.HasPrefix(filepath.Base(args[0]), "containerd-shim") || !slices.Contains(f.ids, argument(args, "-id")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return nil, err
		}
		p[partShims] = append(p[partShims], pid)
		address = argument(args, "-address")
	}
	if len(p[partShims]) != len(f.ids) {
		return nil, fmt.Errorf("%d containers have %d shims: want one each", len(f.ids), len(p[partShims]))
	}
	containerd, err := peer(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("containerd: %w", err)
	}
	p[partContainerd] = []int{containerd}
	return p, nil
}

// argument returns what follows a flag on a command line.
func argument(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// peer is the process that listens on a unix socket.
func peer(ctx context.Context, path string) (int, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, err
	}
	if cred.Pid <= 1 { // 1: systemd listens for it
		return 0, fmt.Errorf("%s: process %d listens there, not the engine itself", path, cred.Pid)
	}
	return int(cred.Pid), nil
}
