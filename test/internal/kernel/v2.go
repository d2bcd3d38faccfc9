package kernel

import (
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
)

// readV2 reads the files of cgroup v2 (https://docs.kernel.org/admin-guide/cgroup-v2.html).
func (r *reading) readV2() {
	r.columns(r.table("", "cpu.stat"), []column{
		{Counter, "usage_usec", 1e6, "container_cpu_usage_seconds_total", []string{"cpu", "total"}},
		{Counter, "user_usec", 1e6, "container_cpu_user_seconds_total", nil},
		{Counter, "system_usec", 1e6, "container_cpu_system_seconds_total", nil},
		{Counter, "nr_periods", 1, "container_cpu_cfs_periods_total", nil},
		{Counter, "nr_throttled", 1, "container_cpu_cfs_throttled_periods_total", nil},
		{Counter, "throttled_usec", 1e6, "container_cpu_cfs_throttled_seconds_total", nil},
		{Counter, "nr_bursts", 1, "container_cpu_cfs_burst_periods_total", nil},
		{Counter, "burst_usec", 1e6, "container_cpu_cfs_burst_seconds_total", nil},
	})
	r.limitsV2()
	r.memoryV2()
	r.ioV2()
	r.single(Gauge, "", "pids.current", "container_threads")
	r.single(Limit, "", "pids.max", "container_threads_max")
	r.processes("")
}

func (r *reading) limitsV2() {
	cores := r.kernel.cores
	if text, ok := r.text("", "cpu.max"); ok {
		var quota string
		var period float64
		if n, _ := fmt.Sscan(text, &quota, &period); n == 2 {
			r.put(Limit, period, "container_spec_cpu_period")
			if v, err := strconv.ParseFloat(quota, 64); err == nil {
				r.put(Limit, v, "container_spec_cpu_quota")
				cores = math.Min(cores, v/period)
			}
		}
	}
	if weight, ok := r.number("", "cpu.weight"); ok {
		r.put(Limit, shares(weight), "container_spec_cpu_shares")
	}
	if list, ok := r.text("", "cpuset.cpus.effective"); ok {
		cores = math.Min(cores, countCPUs(list))
	}
	r.put(Limit, cores, "container_cpu_limit_cores")
}

// shares finds the shares that runc would have turned into this weight, by trying: its formula in the forward direction
// (https://github.com/opencontainers/cgroups/blob/main/utils.go, ConvertCPUSharesToCgroupV2Value).
func shares(weight float64) float64 {
	forward := func(shares int) float64 {
		l := math.Log2(float64(shares))
		return math.Pow(10, (l*l+125*l)/612-7.0/34)
	}
	above := sort.Search(262144, func(s int) bool { return s >= 2 && forward(s) >= weight })
	if below := above - 1; below >= 2 && weight-forward(below) < forward(above)-weight {
		return float64(below)
	}
	return float64(above)
}

func (r *reading) memoryV2() {
	r.single(Gauge, "", "memory.peak", "container_memory_max_usage_bytes")
	r.single(Gauge, "", "memory.swap.current", "container_memory_swap")
	stat := r.table("", "memory.stat")
	r.columns(stat, []column{
		{Gauge, "anon", 1, "container_memory_rss", nil},
		{Gauge, "file", 1, "container_memory_cache", nil},
		{Gauge, "kernel", 1, "container_memory_kernel_usage", nil},
		{Gauge, "file_mapped", 1, "container_memory_mapped_file", nil},
		{Gauge, "file_dirty", 1, "container_memory_file_dirty_bytes", nil},
		{Gauge, "file_writeback", 1, "container_memory_file_writeback_bytes", nil},
		{Gauge, "active_file", 1, "container_memory_total_active_file_bytes", nil},
		{Gauge, "inactive_file", 1, "container_memory_total_inactive_file_bytes", nil},
		{Counter, "pgfault", 1, "container_memory_failures_total", []string{"failure_type", "pgfault", "scope", "container"}},
		{Counter, "pgmajfault", 1, "container_memory_failures_total", []string{"failure_type", "pgmajfault", "scope", "container"}},
		{Counter, "pgfault", 1, "container_memory_failures_total", []string{"failure_type", "pgfault", "scope", "hierarchy"}},
		{Counter, "pgmajfault", 1, "container_memory_failures_total", []string{"failure_type", "pgmajfault", "scope", "hierarchy"}},
		{Counter, "pgscan", 1, "container_memory_pgscan_total", nil},
		{Counter, "pgsteal", 1, "container_memory_pgsteal_total", nil},
		{Counter, "workingset_refault_file", 1, "container_memory_workingset_refault_file_total", nil},
		{Counter, "workingset_refault_anon", 1, "container_memory_workingset_refault_anon_total", nil},
	})
	r.usage("", "memory.current", stat, "inactive_file")
	events := r.table("", "memory.events")
	r.columns(events, []column{
		{Counter, "max", 1, "container_memory_failcnt", nil},
		{Counter, "high", 1, "container_memory_events_high_total", nil},
		{Counter, "max", 1, "container_memory_events_max_total", nil},
	})
	for event, n := range events {
		if event != "sock_throttled" { // of Linux 6.18; not promised
			r.put(Counter, n, "container_memory_events_total", "event", event)
		}
	}
	for event, n := range r.table("", "memory.swap.events") {
		r.put(Counter, n, "container_memory_swap_events_total", "event", event)
	}
	limit, limited := r.number("", "memory.max")
	if limited {
		r.put(Limit, limit, "container_spec_memory_limit_bytes")
	}
	if swap, ok := r.number("", "memory.swap.max"); ok && limited {
		r.put(Limit, limit+swap, "container_spec_memory_swap_limit_bytes")
	}
	if low, ok := r.number("", "memory.low"); ok && low > 0 {
		r.put(Limit, low, "container_spec_memory_reservation_limit_bytes")
	}
}

// ioV2 reads lines "254:0 rbytes=1048576 wbytes=0 rios=3 wios=0 dbytes=0 dios=0".
func (r *reading) ioV2() {
	families := map[string]string{
		"rbytes": "container_fs_reads_bytes_total", "wbytes": "container_fs_writes_bytes_total",
		"rios": "container_fs_reads_total", "wios": "container_fs_writes_total", "dbytes": "container_fs_discards_bytes_total",
	}
	text, _ := r.text("", "io.stat")
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		for _, word := range words[min(1, len(words)):] {
			key, value, _ := strings.Cut(word, "=")
			if v, err := strconv.ParseFloat(value, 64); err == nil && families[key] != "" {
				r.put(Counter, v, families[key], "device", device(words[0]))
			}
		}
	}
}

// readPressure reads lines "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234". They are in v2, on a hybrid host too.
func (r *reading) readPressure() {
	for _, resource := range []string{"cpu", "memory", "io"} {
		text, _ := r.text("", resource+".pressure")
		for line := range strings.Lines(text) {
			kind, rest, _ := strings.Cut(line, " ")
			_, total, ok := strings.Cut(rest, "total=")
			micros, err := strconv.ParseFloat(strings.TrimSpace(total), 64)
			if !ok || err != nil {
				continue
			}
			name := map[string]string{"some": "waiting", "full": "stalled"}[kind]
			r.put(Counter, micros/1e6, "container_pressure_"+resource+"_"+name+"_seconds_total")
		}
	}
}

// readNetwork reads the interfaces of a process' network namespace.
func (r *reading) readNetwork(pid int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", pid))
	for line := range strings.Lines(string(text)) {
		name, rest, ok := strings.Cut(line, ":")
		words := strings.Fields(rest)
		name = strings.TrimSpace(name)
		if !ok || len(words) != 16 || name == "lo" {
			continue
		}
		for i, family := range map[int]string{
			0: "receive_bytes", 1: "receive_packets", 2: "receive_errors", 3: "receive_packets_dropped",
			8: "transmit_bytes", 9: "transmit_packets", 10: "transmit_errors", 11: "transmit_packets_dropped",
		} {
			if v, err := strconv.ParseFloat(words[i], 64); err == nil {
				r.put(Counter, v, "container_network_"+family+"_total", "interface", name)
			}
		}
	}
}

// device finds the name of a block device by its number in sysfs.
func device(number string) string {
	text, _ := os.ReadFile("/sys/dev/block/" + number + "/uevent")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVNAME="); ok {
			return "/dev/" + name
		}
	}
	return number
}

// hasChildren says whether a cgroup has child cgroups.
func (r *reading) hasChildren(controller string) bool {
	entries, _ := os.ReadDir(r.dirs[controller])
	for _, e := range entries {
		if e.IsDir() {
			return true
		}
	}
	return false
}
