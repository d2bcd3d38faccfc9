#!/usr/bin/env bash
#
# record.sh - records what tallyman reads of this host's kernel as a txtar archive, for cgroups/testdata.
#
#   test/record.sh NAME... > cgroups/testdata/SCENARIO.txtar
#
# NAME is a running container. The archive holds the files of its cgroup and of its process, and those of the host, below
# sys/fs/cgroup and proc. Its head names the containers: id, name, pid, cgroup parent and driver, a line each. It needs root and docker.
set -euo pipefail

readonly FILES='cgroup.controllers cgroup.procs cgroup.type
cpu.stat cpu.max cpu.weight cpu.pressure cpuset.cpus.effective cpuset.effective_cpus cpuset.cpus
cpuacct.usage cpuacct.usage_percpu cpuacct.stat cpu.cfs_quota_us cpu.cfs_period_us cpu.shares
memory.current memory.peak memory.swap.current memory.stat memory.events memory.max memory.low memory.swap.max memory.swap.events memory.pressure
memory.usage_in_bytes memory.max_usage_in_bytes memory.kmem.usage_in_bytes memory.failcnt memory.oom_control
memory.numa_stat memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes
io.stat io.pressure blkio.throttle.io_service_bytes_recursive blkio.throttle.io_serviced_recursive
pids.current pids.max'

# put FILE: appends one file to the archive; what cannot be read is not there.
put() {
  local content
  [[ -f $1 ]] && content=$(cat "$1" 2>/dev/null) || return 0
  printf -- '-- %s --\n' "${1#/}"
  [[ -z $content ]] || printf '%s\n' "$content"
}

# put_cgroup PATH: the cgroup's files in every hierarchy.
put_cgroup() {
  local dir file
  for dir in /sys/fs/cgroup /sys/fs/cgroup/*/; do
    dir=${dir%/}
    # Links such as cpu -> cpu,cpuacct are followed; below a v2 mount only its root holds cgroup.controllers.
    [[ -e $dir/cgroup.procs ]] || continue
    [[ $dir = /sys/fs/cgroup || ! -e /sys/fs/cgroup/cgroup.controllers ]] || continue
    for file in $FILES; do
      put "$dir${1%/}/$file"
    done
    for file in "$dir${1%/}"/hugetlb.*.{current,events,usage_in_bytes,max_usage_in_bytes,failcnt}; do
      [[ $file = *.rsvd.* ]] || put "$file"
    done
  done
}

driver=$(docker info --format '{{.CgroupDriver}}')
for name in "$@"; do
  docker inspect --format "{{.Id}} {{.Name}} {{.State.Pid}} $driver {{.HostConfig.CgroupParent}}" "$name"
done
put_cgroup /
for file in loadavg vmstat meminfo cpuinfo diskstats sys/kernel/threads-max sys/kernel/hostname sys/kernel/osrelease \
  pressure/cpu pressure/memory pressure/io 1/net/dev; do
  put "/proc/$file"
done
for name in "$@"; do
  pid=$(docker inspect --format '{{.State.Pid}}' "$name")
  put "/proc/$pid/cgroup"
  for file in limits net/dev net/tcp net/tcp6 net/udp net/udp6; do
    put "/proc/$pid/$file"
  done
  put_cgroup "$(awk -F: '$2 == "memory" || ($1 == 0 && !found) { path = $3; if ($2 == "memory") found = 1 } END { print path }' "/proc/$pid/cgroup")"
done
