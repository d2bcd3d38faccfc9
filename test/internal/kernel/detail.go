package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// readDetail reads what tallyman serves only when its group is switched on: percpu, numa, hugetlb, process, tcp and udp.
func (r *reading) readDetail(c Container) {
	r.readProcessors()
	r.readNUMA()
	r.readHugePages()
	r.readDescriptors()
	r.readLimits(c.PID)
	if c.Network {
		for _, table := range []string{"tcp", "tcp6"} {
			r.readTCP(c.PID, table)
		}
		for _, table := range []string{"udp", "udp6"} {
			r.readUDP(c.PID, table)
		}
	}
}

// readProcessors reads cpuacct.usage_percpu, whose numbers are served in place of their sum. Processors that the machine could
// have and has not are always 0.
func (r *reading) readProcessors() {
	text, ok := r.text("cpuacct", "cpuacct.usage_percpu")
	if !ok {
		return
	}
	for i, word := range strings.Fields(text) {
		v, err := strconv.ParseFloat(word, 64)
		if err == nil && (v > 0 || float64(i) < r.kernel.cores) {
			r.put(Counter, v/1e9, "container_cpu_usage_seconds_total", "cpu", fmt.Sprintf("cpu%02d", i))
			delete(r.out, `container_cpu_usage_seconds_total{cpu="total"}`)
		}
	}
}

// readNUMA reads memory.numa_stat: "file=12 N0=12" and "hierarchical_file=12 N0=12" in pages in v1, "file N0=49152" in bytes in v2,
// where every number is of the subtree.
func (r *reading) readNUMA() {
	controller, scope, unit := "memory", "container", 1.0
	if r.kernel.Unified {
		controller, scope, unit = "", "hierarchy", float64(os.Getpagesize())
	}
	text, _ := r.text(controller, "memory.numa_stat")
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		kind, _, _ := strings.Cut(words[0], "=")
		kind, below := strings.CutPrefix(kind, "hierarchical_")
		of := scope
		if below {
			of = "hierarchy"
		}
		if kind != "file" && kind != "anon" && kind != "unevictable" {
			continue
		}
		for _, word := range words[1:] {
			node, value, _ := strings.Cut(word, "=")
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				r.put(Gauge, v/unit, "container_memory_numa_pages", "type", kind, "scope", of, "node", strings.TrimPrefix(node, "N"))
			}
		}
	}
}

// readHugePages reads the files of each size of huge pages that the machine has.
func (r *reading) readHugePages() {
	controller, usage := "hugetlb", ".usage_in_bytes"
	if r.kernel.Unified {
		controller, usage = "", ".current"
	}
	files, _ := filepath.Glob(filepath.Join(r.dirs[controller], "hugetlb.*"+usage))
	for _, path := range files {
		file := filepath.Base(path)
		size := strings.TrimSuffix(strings.TrimPrefix(file, "hugetlb."), usage)
		if r.dirs[controller] == "" || strings.Contains(size, ".") {
			continue // reservations
		}
		put := func(kind Kind, v float64, family string) {
			r.put(kind, v, "container_hugetlb_"+family, "pagesize", size)
		}
		if v, ok := r.number(controller, file); ok {
			put(Gauge, v, "usage_bytes")
		}
		if v, ok := r.number(controller, "hugetlb."+size+".max_usage_in_bytes"); ok {
			put(Gauge, v, "max_usage_bytes")
		}
		if v, ok := r.number(controller, "hugetlb."+size+".failcnt"); ok {
			put(Counter, v, "failcnt")
		}
		if v, ok := r.table(controller, "hugetlb."+size+".events")["max"]; ok {
			put(Counter, v, "failcnt")
		}
	}
}

// readDescriptors counts what the processes of cgroup.procs hold open, unless there are child cgroups.
func (r *reading) readDescriptors() {
	controller := "pids"
	if r.kernel.Unified {
		controller = ""
	}
	text, ok := r.text(controller, "cgroup.procs")
	if !ok || r.hasChildren(controller) {
		return
	}
	descriptors, sockets := 0, 0
	for pid := range strings.FieldsSeq(text) {
		links, _ := filepath.Glob("/proc/" + pid + "/fd/*")
		descriptors += len(links)
		for _, link := range links {
			if to, _ := os.Readlink(link); strings.HasPrefix(to, "socket:") {
				sockets++
			}
		}
	}
	r.put(Gauge, float64(descriptors), "container_file_descriptors")
	r.put(Gauge, float64(sockets), "container_sockets")
}

// readLimits reads the soft limits of the first process: "Max open files  1024  524288  files".
func (r *reading) readLimits(pid int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	for line := range strings.Lines(string(text)) {
		name, rest, ok := strings.Cut(line, "  ")
		words := strings.Fields(rest)
		if !ok || !strings.HasPrefix(name, "Max ") || len(words) == 0 {
			continue
		}
		v, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			v = -1 // unlimited
		}
		r.put(Limit, v, "container_ulimits_soft", "ulimit", strings.ToLower(strings.ReplaceAll(name, " ", "_")))
	}
}

// sockets reads the lines of a table of sockets below /proc/PID/net, in words.
func sockets(pid int, table string) (lines [][]string, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); words[0] != "sl" {
			lines = append(lines, words)
		}
	}
	return lines, err == nil
}

// readTCP counts the sockets of a table by state (include/net/tcp_states.h).
func (r *reading) readTCP(pid int, table string) {
	lines, ok := sockets(pid, table)
	if !ok {
		return
	}
	states := []string{"established", "synsent", "synrecv", "finwait1", "finwait2", "timewait", "close", "closewait", "lastack", "listen", "closing"}
	counts := make([]float64, len(states))
	for _, words := range lines {
		n, err := strconv.ParseUint(words[3], 16, 8)
		if n == 12 { // a request for a connection
			n = 3
		}
		if err == nil && n >= 1 && int(n) <= len(states) {
			counts[n-1]++
		}
	}
	for i, state := range states {
		r.put(Gauge, counts[i], "container_network_"+table+"_usage_total", "tcp_state", state)
	}
}

// readUDP adds up a table of UDP sockets, those without a peer in state 7.
func (r *reading) readUDP(pid int, table string) {
	lines, ok := sockets(pid, table)
	if !ok {
		return
	}
	var listen, dropped, rx, tx float64
	for _, words := range lines {
		if words[3] == "07" {
			listen++
		}
		out, in, _ := strings.Cut(words[4], ":")
		o, _ := strconv.ParseUint(out, 16, 64)
		i, _ := strconv.ParseUint(in, 16, 64)
		d, _ := strconv.ParseFloat(words[len(words)-1], 64)
		tx, rx, dropped = tx+float64(o), rx+float64(i), dropped+d
	}
	for state, v := range map[string]float64{"listen": listen, "dropped": dropped, "rxqueued": rx, "txqueued": tx} {
		r.put(Gauge, v, "container_network_"+table+"_usage_total", "udp_state", state)
	}
}
