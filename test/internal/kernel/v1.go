package kernel

import (
	"math"
	"strconv"
	"strings"
)

// userHZ is the unit of cpuacct.stat.
const userHZ = 100

// readV1 reads the files of cgroup v1 (https://docs.kernel.org/admin-guide/cgroup-v1/index.html).
func (r *reading) readV1() {
	if v, ok := r.number("cpuacct", "cpuacct.usage"); ok {
		r.put(Counter, v/1e9, "container_cpu_usage_seconds_total", "cpu", "total")
	}
	r.columns(r.table("cpuacct", "cpuacct.stat"), []column{
		{Counter, "user", userHZ, "container_cpu_user_seconds_total", nil},
		{Counter, "system", userHZ, "container_cpu_system_seconds_total", nil},
	})
	r.columns(r.table("cpu", "cpu.stat"), []column{
		{Counter, "nr_periods", 1, "container_cpu_cfs_periods_total", nil},
		{Counter, "nr_throttled", 1, "container_cpu_cfs_throttled_periods_total", nil},
		{Counter, "throttled_time", 1e9, "container_cpu_cfs_throttled_seconds_total", nil},
		{Counter, "nr_bursts", 1, "container_cpu_cfs_burst_periods_total", nil},
		{Counter, "burst_time", 1e9, "container_cpu_cfs_burst_seconds_total", nil},
	})
	r.limitsV1()
	r.memoryV1()
	r.blkioV1("blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes", map[string]string{
		"Read": "container_fs_reads_bytes_total", "Write": "container_fs_writes_bytes_total",
		"Discard": "container_fs_discards_bytes_total",
	})
	r.blkioV1("blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced", map[string]string{
		"Read": "container_fs_reads_total", "Write": "container_fs_writes_total",
	})
	r.single(Gauge, "pids", "pids.current", "container_threads")
	r.single(Limit, "pids", "pids.max", "container_threads_max")
	r.processes("pids")
}

func (r *reading) limitsV1() {
	cores := r.kernel.cores
	period, ok := r.number("cpu", "cpu.cfs_period_us")
	if ok {
		r.put(Limit, period, "container_spec_cpu_period")
	}
	if quota, ok := r.number("cpu", "cpu.cfs_quota_us"); ok && quota > 0 {
		r.put(Limit, quota, "container_spec_cpu_quota")
		cores = math.Min(cores, quota/period)
	}
	r.single(Limit, "cpu", "cpu.shares", "container_spec_cpu_shares")
	list, ok := r.text("cpuset", "cpuset.effective_cpus")
	if !ok {
		list, ok = r.text("cpuset", "cpuset.cpus")
	}
	if ok {
		cores = math.Min(cores, countCPUs(list))
	}
	r.put(Limit, cores, "container_cpu_limit_cores")
}

func (r *reading) memoryV1() {
	r.single(Gauge, "memory", "memory.max_usage_in_bytes", "container_memory_max_usage_bytes")
	r.single(Gauge, "memory", "memory.kmem.usage_in_bytes", "container_memory_kernel_usage")
	r.single(Counter, "memory", "memory.failcnt", "container_memory_failcnt")
	r.single(Limit, "memory", "memory.limit_in_bytes", "container_spec_memory_limit_bytes")
	r.single(Limit, "memory", "memory.memsw.limit_in_bytes", "container_spec_memory_swap_limit_bytes")
	r.single(Limit, "memory", "memory.soft_limit_in_bytes", "container_spec_memory_reservation_limit_bytes")
	stat := r.table("memory", "memory.stat")
	r.columns(stat, []column{
		{Gauge, "total_rss", 1, "container_memory_rss", nil},
		{Gauge, "total_cache", 1, "container_memory_cache", nil},
		{Gauge, "total_swap", 1, "container_memory_swap", nil},
		{Gauge, "total_mapped_file", 1, "container_memory_mapped_file", nil},
		{Gauge, "total_dirty", 1, "container_memory_file_dirty_bytes", nil},
		{Gauge, "total_writeback", 1, "container_memory_file_writeback_bytes", nil},
		{Gauge, "total_active_file", 1, "container_memory_total_active_file_bytes", nil},
		{Gauge, "total_inactive_file", 1, "container_memory_total_inactive_file_bytes", nil},
		{Counter, "pgfault", 1, "container_memory_failures_total", []string{"failure_type", "pgfault", "scope", "container"}},
		{Counter, "pgmajfault", 1, "container_memory_failures_total", []string{"failure_type", "pgmajfault", "scope", "container"}},
		{Counter, "total_pgfault", 1, "container_memory_failures_total", []string{"failure_type", "pgfault", "scope", "hierarchy"}},
		{Counter, "total_pgmajfault", 1, "container_memory_failures_total", []string{"failure_type", "pgmajfault", "scope", "hierarchy"}},
		{Counter, "total_workingset_refault_file", 1, "container_memory_workingset_refault_file_total", nil},
		{Counter, "total_workingset_refault_anon", 1, "container_memory_workingset_refault_anon_total", nil},
	})
	r.usage("memory", "memory.usage_in_bytes", stat, "total_inactive_file")
}

// usage puts the memory in use, and the part of it that is not easily given back.
func (r *reading) usage(controller, file string, stat map[string]float64, inactiveKey string) {
	usage, ok := r.number(controller, file)
	if !ok {
		return
	}
	r.put(Gauge, usage, "container_memory_usage_bytes")
	if inactive, ok := stat[inactiveKey]; ok {
		r.put(Gauge, math.Max(0, usage-inactive), "container_memory_working_set_bytes")
	}
}

// blkioV1 reads lines "254:0 Read 1048576".
func (r *reading) blkioV1(file, old string, families map[string]string) {
	text, ok := r.text("blkio", file)
	if !ok {
		text, _ = r.text("blkio", old)
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 || families[words[1]] == "" {
			continue
		}
		if v, err := strconv.ParseFloat(words[2], 64); err == nil {
			r.put(Counter, v, families[words[1]], "device", device(words[0]))
		}
	}
}

// processes counts cgroup.procs, unless there are child cgroups, whose processes it does not list.
func (r *reading) processes(controller string) {
	text, ok := r.text(controller, "cgroup.procs")
	if ok && !r.hasChildren(controller) {
		r.put(Gauge, float64(len(strings.Fields(text))), "container_processes")
	}
}
