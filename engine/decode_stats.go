package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// wireStats is one document of GET /containers/{id}/stats. The id and the name in it are not read: some engines leave them
// out.
type wireStats struct {
	Read string `json:"read"`
	CPU  struct {
		Usage struct {
			Total  reading   `json:"total_usage"` // nanoseconds, as all times here
			PerCPU []reading `json:"percpu_usage"`
			User   reading   `json:"usage_in_usermode"`
			System reading   `json:"usage_in_kernelmode"`
		} `json:"cpu_usage"`
		Online     reading `json:"online_cpus"`
		Throttling struct {
			Periods          reading `json:"periods"`
			ThrottledPeriods reading `json:"throttled_periods"`
			ThrottledTime    reading `json:"throttled_time"`
		} `json:"throttling_data"`
	} `json:"cpu_stats"`
	Memory struct {
		Usage    reading         `json:"usage"`
		MaxUsage reading         `json:"max_usage"`
		FailCnt  reading         `json:"failcnt"`
		Limit    reading         `json:"limit"`
		Stats    wireMemoryStats `json:"stats"`
	} `json:"memory_stats"`
	Pids struct {
		Current reading `json:"current"`
		Limit   reading `json:"limit"`
	} `json:"pids_stats"`
	Blkio struct {
		Bytes      []wireBlkio `json:"io_service_bytes_recursive"`
		Operations []wireBlkio `json:"io_serviced_recursive"`
	} `json:"blkio_stats"`
	Networks map[string]wireInterface `json:"networks"`
}

// wireMemoryStats are the keys of memory.stat that are of use. Without child cgroups those of v1 are also there without
// "total_"; only pgfault and pgmajfault are names in both worlds.
type wireMemoryStats struct {
	PgFault    reading `json:"pgfault"`
	PgMajFault reading `json:"pgmajfault"`

	TotalRSS          reading `json:"total_rss"`
	TotalCache        reading `json:"total_cache"`
	TotalMappedFile   reading `json:"total_mapped_file"`
	TotalActiveFile   reading `json:"total_active_file"`
	TotalInactiveFile reading `json:"total_inactive_file"`
	TotalDirty        reading `json:"total_dirty"`
	TotalWriteback    reading `json:"total_writeback"`
	TotalPgFault      reading `json:"total_pgfault"`
	TotalPgMajFault   reading `json:"total_pgmajfault"`

	Anon          reading `json:"anon"`
	File          reading `json:"file"`
	FileMapped    reading `json:"file_mapped"`
	ActiveFile    reading `json:"active_file"`
	InactiveFile  reading `json:"inactive_file"`
	FileDirty     reading `json:"file_dirty"`
	FileWriteback reading `json:"file_writeback"`
	PgScan        reading `json:"pgscan"`
	PgSteal       reading `json:"pgsteal"`
}

// unified says whether these are the keys of cgroup v2.
func (w *wireMemoryStats) unified() bool { return w.Anon.said || w.File.said }

type wireBlkio struct {
	Major reading `json:"major"`
	Minor reading `json:"minor"`
	Op    string  `json:"op"`
	Value reading `json:"value"`
}

type wireInterface struct {
	RxBytes   reading `json:"rx_bytes"`
	RxPackets reading `json:"rx_packets"`
	RxErrors  reading `json:"rx_errors"`
	RxDropped reading `json:"rx_dropped"`
	TxBytes   reading `json:"tx_bytes"`
	TxPackets reading `json:"tx_packets"`
	TxErrors  reading `json:"tx_errors"`
	TxDropped reading `json:"tx_dropped"`
}

// Bounds of what is kept of one sample. Linux allows 15 characters for the name of an interface.
const (
	maxInterfaces    = 256
	maxInterfaceName = 64
	maxDevices       = 1024
	maxProcessors    = 8192
)

// decodeStats reads one document of GET /containers/{id}/stats that came at a time. Nil = the engine said nothing: of a container
// without processes it sends zeros, read in the year 1.
func decodeStats(data []byte, now time.Time) (*Sample, error) {
	var w wireStats
	if err := unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("decode statistics: %w", err)
	}
	read := parseTime(w.Read)
	if read.IsZero() {
		return nil, nil
	}
	return &Sample{
		Time: now, Read: read,
		CPU: w.cpu(), Memory: w.memory(), Pids: w.pids(), IO: w.io(), Network: w.network(),
	}, nil
}

func (w *wireStats) cpu() SampleCPU {
	const nano = 1e9
	u, t := &w.CPU.Usage, &w.CPU.Throttling
	out := SampleCPU{
		Usage: u.Total.value() / nano, User: u.User.value() / nano, System: u.System.value() / nano,
		Periods: t.Periods.value(), ThrottledPeriods: t.ThrottledPeriods.value(), Throttled: t.ThrottledTime.value() / nano,
		Online: w.CPU.Online.value(),
	}
	for _, r := range u.PerCPU[:min(len(u.PerCPU), maxProcessors)] {
		out.PerCPU = append(out.PerCPU, r.value()/nano)
	}
	return out
}

func (w *wireStats) memory() SampleMemory {
	nan := math.NaN()
	m, s := &w.Memory, &w.Memory.Stats
	out := SampleMemory{
		Usage: m.Usage.value(), MaxUsage: m.MaxUsage.value(), FailCount: nan, OOMs: nan, Limit: m.Limit.value(),
		RSS:           either(s.TotalRSS, s.Anon),
		Cache:         either(s.TotalCache, s.File),
		MappedFile:    either(s.TotalMappedFile, s.FileMapped),
		ActiveFile:    either(s.TotalActiveFile, s.ActiveFile),
		InactiveFile:  either(s.TotalInactiveFile, s.InactiveFile),
		FileDirty:     either(s.TotalDirty, s.FileDirty),
		FileWriteback: either(s.TotalWriteback, s.FileWriteback),

		PageFaults: either(s.TotalPgFault, s.PgFault), MajorPageFaults: either(s.TotalPgMajFault, s.PgMajFault),
		OwnPageFaults: s.PgFault.value(), OwnMajorPageFaults: s.PgMajFault.value(),
		PagesScanned: s.PgScan.value(), PagesStolen: s.PgSteal.value(),
	}
	failures := m.FailCnt.number // engines leave it out when it is 0
	switch {
	case s.unified():
		out.OwnPageFaults, out.OwnMajorPageFaults = nan, nan
		out.OOMs = failures
	case s.TotalRSS.said || s.TotalCache.said:
		out.FailCount = failures
	}
	return out
}

// either prefers v1's word: its plain keys, where they have v2's names, are without child cgroups.
func either(v1, v2 reading) float64 {
	if v1.said {
		return v1.number
	}
	return v2.value()
}

// noLimit is about where numbers begin with which cgroups say that there is no limit: v1 2^63 less a page, v2 2^64 less 1.
const noLimit = 1 << 62

func (w *wireStats) pids() SamplePids {
	limit := w.Pids.Limit.value()
	if limit == 0 || limit >= noLimit {
		limit = math.NaN()
	}
	return SamplePids{Current: w.Pids.Current.value(), Limit: limit}
}

// io joins the two lists by device. v1 has an entry for each kind of operation, and sums; v2 the bytes read and written only.
func (w *wireStats) io() []SampleIO {
	if w.Blkio.Bytes == nil && w.Blkio.Operations == nil {
		return nil
	}
	out := []SampleIO{}
	at := map[[2]uint32]int{}
	each := func(entries []wireBlkio, field func(d *SampleIO, op string) *float64) {
		for _, e := range entries {
			major, minor, ok := e.device()
			n, known := at[[2]uint32{major, minor}]
			if !ok || !known && len(out) >= maxDevices {
				continue
			}
			if !known {
				n = len(out)
				at[[2]uint32{major, minor}] = n
				nan := math.NaN()
				out = append(out, SampleIO{major, minor, nan, nan, nan, nan, nan})
			}
			if f := field(&out[n], strings.ToLower(e.Op)); f != nil && e.Value.said {
				*f = e.Value.number
			}
		}
	}
	each(w.Blkio.Bytes, func(d *SampleIO, op string) *float64 {
		switch op {
		case "read":
			return &d.ReadBytes
		case "write":
			return &d.WriteBytes
		case "discard":
			return &d.DiscardBytes
		}
		return nil
	})
	each(w.Blkio.Operations, func(d *SampleIO, op string) *float64 {
		switch op {
		case "read":
			return &d.Reads
		case "write":
			return &d.Writes
		}
		return nil
	})
	return out
}

func (e *wireBlkio) device() (major, minor uint32, ok bool) {
	ok = e.Major.said && e.Minor.said && e.Major.number <= math.MaxUint32 && e.Minor.number <= math.MaxUint32
	if !ok {
		return 0, 0, false
	}
	return uint32(e.Major.number), uint32(e.Minor.number), true
}

// podmanSum is the name under which podman 4 adds up all interfaces, with 0 for what it did not count.
const podmanSum = "network"

func (w *wireStats) network() []SampleInterface {
	delete(w.Networks, podmanSum)
	if len(w.Networks) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(w.Networks))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" || len(name) > maxInterfaceName })
	names = names[:min(len(names), maxInterfaces)]
	out := make([]SampleInterface, 0, len(names))
	for _, name := range names {
		i := w.Networks[name]
		out = append(out, SampleInterface{
			Name:    name,
			RxBytes: i.RxBytes.value(), RxPackets: i.RxPackets.value(), RxErrors: i.RxErrors.value(), RxDropped: i.RxDropped.value(),
			TxBytes: i.TxBytes.value(), TxPackets: i.TxPackets.value(), TxErrors: i.TxErrors.value(), TxDropped: i.TxDropped.value(),
		})
	}
	return out
}
