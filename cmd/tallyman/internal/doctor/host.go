package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tallyman/cgroups"
	"tallyman/collector"
)

// Paths are where the host's file systems are, and what is set.
type Paths struct {
	RootFS string
	cgroups.Root
}

// InContainer says whether this process runs in a container of Docker or Podman, by the files that they put into each, so that it sees of
// the host what is mounted. One with the host's processes, and with its root for its own, is as good as the host.
func InContainer(p Paths) bool {
	return (exists("/.dockerenv") || exists("/run/.containerenv")) && (filepath.Clean(p.RootFS) != "/" || !cgroups.SeesHost("/proc"))
}

// NoKernel is the check of cgroups that cannot be read at all.
func NoKernel(err error, p Paths, contained bool) []Check {
	fix := "name the folder where the host's cgroups are mounted by --path.cgroupfs, as a rule /sys/fs/cgroup"
	if contained {
		fix = mountOf("/sys/fs/cgroup", p.RootFS) + ", or with --path.rootfs=/ only the engine's statistics are read"
	}
	return append([]Check{fail("cgroups", err.Error(), fix)}, proc(p, contained))
}

// Kernel checks what can be read of the kernel, by what a Snapshot has shown.
func Kernel(about string, s *collector.Snapshot, p Paths, contained bool) []Check {
	checks := []Check{pass("cgroups", about)}
	for _, k := range s.Capabilities {
		checks = append(checks, capability("", k))
	}
	for i := range s.Engines {
		e := &s.Engines[i]
		prefix := ""
		if len(s.Engines) > 1 {
			prefix = e.Name + ": "
		}
		for _, k := range e.Capabilities {
			if k.Name == logSize || k.Name == statistics {
				checks = append(checks, capability(prefix, k))
			}
		}
	}
	checks = append(checks, proc(p, contained))
	if contained {
		checks = append(checks, mounts(s, p)...)
	}
	return append(checks, descriptors(s))
}

// meanings says what each capability of package cgroups is about.
func meanings() map[string]string {
	return map[string]string{
		"cpu": "the cpu controller is there", "memory": "the memory controller is there", "pids": "the pids controller is there",
		"io": "the io controller is there", "psi": "pressure is told, of the host and of containers",
		"host": "the host's own cgroup is seen", "containers": "the containers' cgroups are seen", "network": "the containers' traffic is seen",
		logSize: "the containers' logs are seen", statistics: "the engine tells statistics",
	}
}

func capability(prefix string, k cgroups.Capability) Check {
	name := prefix + strings.ReplaceAll(k.Name, "_", " ")
	if k.Reason == "" {
		found := meanings()[k.Name]
		if found == "" {
			found = "can be read"
		}
		return pass(name, found)
	}
	found, fix := cut(k.Help)
	return warn(name, found, fix)
}

// proc says whether the /proc that is read is that of the host.
func proc(p Paths, contained bool) Check {
	const name = "procfs"
	switch {
	case cgroups.SeesHost(p.ProcFS):
		return pass(name, p.ProcFS+" is that of the host")
	case !exists(filepath.Join(p.ProcFS, "self")):
		return warn(name, p.ProcFS+" is no /proc: the host's numbers and network traffic are absent", procFix(p, contained))
	}
	return warn(name, p.ProcFS+" is that of a pid namespace, not of the host: network traffic is absent, and facts about the host may be", procFix(p, contained))
}

func procFix(p Paths, contained bool) string {
	if contained {
		return mountOf("/proc", p.RootFS)
	}
	return "name the host's by --path.procfs"
}

// mountOf is what mounts a folder of the host into this container.
func mountOf(folder, root string) string {
	below, flag := root, ""
	if filepath.Clean(root) == "/" {
		below, flag = "/host", " and start tallyman with --path.rootfs=/host"
	}
	return fmt.Sprintf("docker run -v %s:%s:ro%s", folder, filepath.Join(below, folder), flag)
}

// mounts says which of the mounts are there that README names.
func mounts(s *collector.Snapshot, p Paths) []Check {
	const name = "mount"
	var checks []Check
	if s.Host.Source == collector.SourceCgroup && !lacks(s, "host") {
		checks = append(checks, pass(name, p.CgroupFS+" is that of the host"))
	} else {
		checks = append(checks, warn(name, p.CgroupFS+" is that of this container only", mountOf("/sys/fs/cgroup", p.RootFS)))
	}
	const logs = "/var/lib/docker/containers"
	at := filepath.Join(p.RootFS, logs)
	if exists(at) || seesLogs(s) {
		return checks
	}
	return append(checks, warn(name, at+" is not there: container_log_bytes is absent", mountOf(logs, p.RootFS)))
}

// seesLogs says whether the logs of containers are seen, wherever the engine keeps its data.
func seesLogs(s *collector.Snapshot) bool {
	for i := range s.Engines {
		for _, k := range s.Engines[i].Capabilities {
			if k.Name == logSize && k.Reason == "" {
				return true
			}
		}
	}
	return false
}

// The capabilities of an engine that package collector judges.
const (
	logSize    = "log_size"
	statistics = "stats"
)

// lacks says whether a capability is missing.
func lacks(s *collector.Snapshot, name string) bool {
	for _, k := range s.Capabilities {
		if k.Name == name && k.Reason != "" {
			return true
		}
	}
	return false
}

// descriptors says whether the files of all containers may stay open.
func descriptors(s *collector.Snapshot) Check {
	const name = "descriptors"
	d := s.Descriptors
	found := fmt.Sprintf("%d of %d are used for the files of %d containers", d.Files+d.Directories, d.Max, len(s.Containers))
	if d.Reopened > 0 {
		return warn(name, fmt.Sprintf("%s: those of %d do not stay open, and each reading opens them again", found, d.Reopened), "raise RLIMIT_NOFILE: ulimit -n, LimitNOFILE= of systemd, or docker run --ulimit nofile=65536")
	}
	return pass(name, found)
}

// Trace checks what the group of metrics needs that looks into processes.
func Trace(p Paths) Check {
	const name = "ptrace"
	may, known := cgroups.MayTrace()
	switch {
	case !known:
		return warn(name, "it cannot be told whether this process may look into others", "mount /proc")
	case !may:
		return warn(name, "CAP_SYS_PTRACE is missing: --collector.process sees the descriptors of no other user", "run as root or, in a container, with --cap-add SYS_PTRACE --pid host")
	case !cgroups.SeesHost(p.ProcFS):
		return warn(name, p.ProcFS+" is not the host's: --collector.process sees no container", "run with --pid host")
	}
	return pass(name, "CAP_SYS_PTRACE is there")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
