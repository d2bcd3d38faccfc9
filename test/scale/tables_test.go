package scale

import (
	"fmt"
	"math"
	"strings"
)

const (
	kb, mb, gb, tb = 1e3, 1e6, 1e9, 1e12
	day            = 86400.0
	// What the estimates assume and nobody has measured here.
	publishedBytes = 2.0 // bytes per sample on disk of busy series, the upper end of what Prometheus' documentation says
	shardSeries    = 2e6 // of one server, so that it has memory to spare for queries
	walHours       = 3.0 // how long the write-ahead log goes back before it is cut, at most
)

// section is a table of the document.
type section struct{ name, text string }

// sections are the tables of the document, in its order.
func (m *measured) sections() []section {
	return []section{
		{"machine", m.machineText()},
		{"sizes", m.sizeTable()},
		{"groups", m.groupTable()},
		{"states", m.stateTable()},
		{"fleet", m.fleetTable()},
		{"checks", m.checkTable()},
		{"factors", m.factorTable()},
		{"plan", m.planTable()},
	}
}

// all writes all tables, as in the document.
func (m *measured) all() string {
	var b strings.Builder
	for _, s := range m.sections() {
		fmt.Fprintf(&b, "%s\n", s.text)
	}
	return b.String()
}

func (m *measured) machineText() string {
	return fmt.Sprintf("Measured on %s by `make scale`, in %.1f minutes: %d processors (%s), Linux %s, cgroup %s, Prometheus %s; load average %.0f.\n"+
		"Where there are three numbers, they are the median, the least and the largest.\n",
		m.Machine.Date, m.Machine.Minutes, m.Machine.Processors, m.Machine.Model, m.Machine.Kernel, m.Machine.Cgroups, m.Fleet.Prometheus, m.Machine.Load)
}

// table writes a table of Markdown.
func table(head string, rows ...[]string) string {
	columns := strings.Split(head, "|")
	out := "| " + strings.Join(columns, " | ") + " |\n|" + strings.Repeat("---|", len(columns)) + "\n"
	for _, row := range rows {
		out += "| " + strings.Join(row, " | ") + " |\n"
	}
	return out
}

func (m *measured) sizeTable() string {
	var rows [][]string
	for _, s := range m.Sizes {
		rows = append(rows, []string{
			fmt.Sprint(s.Containers), fmt.Sprint(s.Series), fmt.Sprintf("%.0f kB", float64(s.Plain)/kb), fmt.Sprintf("%.1f kB", float64(s.Gzip)/kb),
			s.CPU.text("%.1f", 1) + " ms", fmt.Sprintf("%.0f MB", s.RSS/mb),
		})
	}
	return table("containers|series|bytes of a scrape, plain|gzip|CPU of a scrape|RSS", rows...)
}

func (m *measured) groupTable() string {
	var rows [][]string
	container, host := 0.0, 0.0
	for _, g := range m.Groups {
		byDefault := "off"
		if g.Default {
			byDefault = "on"
			container, host = container+g.Container, host+g.Host
		}
		rows = append(rows, []string{"`" + g.Name + "`", byDefault, number(g.Container), number(g.Host)})
	}
	for _, s := range m.Sizes {
		if s.Containers == containers {
			own := float64(s.Series) - containers*container - host
			rows = append(rows, []string{"`go_*`, `process_*`, `promhttp_*` and more of `tallyman_*`", "on", "0", number(own)})
			host += own
		}
	}
	rows = append(rows, []string{"all that are on by default", "", number(container), number(host)})
	return table("group|default|series per container|series of the host", rows...)
}

// number writes up to two digits behind the point, and none where there is nothing.
func number(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", math.Abs(x)), "0"), ".")
}

func (m *measured) stateTable() string {
	var rows [][]string
	for _, s := range m.States {
		rows = append(rows, []string{s.What, fmt.Sprint(s.Series)})
	}
	return table("a container that is|series, default groups", rows...)
}

func (m *measured) fleetTable() string {
	f := &m.Fleet
	row := func(what, value, how string) []string { return []string{what, value, how} }
	return fmt.Sprintf("%d hosts with %d containers each, scraped each %.0f s with gzip.\n\n", f.Hosts, f.Containers, f.Interval) + table("what|measured|how",
		row("series of a host", f.Series.text("%.0f", 1), "`scrape_samples_scraped`"),
		row("bytes of a scrape, plain", f.Body.text("%.0f kB", kb), "`scrape_body_size_bytes`"),
		row("bytes of a scrape, gzip", spreadOf(f.Gzip).text("%.1f kB", kb), "a request of the experiment's own, with Prometheus' headers"),
		row("duration of a scrape", f.Duration.text("%.0f ms", 1e-3), "`scrape_duration_seconds`, mean of each host; time on the clock"),
		row("series added by scrapes while nothing changes", fmt.Sprintf("%.0f", f.Added), "`scrape_series_added`, all hosts"),
		row("CPU of a tallyman per scrape", f.HostCPU.text("%.2f ms", 1), fmt.Sprintf("CPU clock of each process over %.0f scrapes, with the time in between", f.Scrapes/float64(f.Hosts))),
		row("the same while containers are replaced", fmt.Sprintf("%.2f ms", f.ChurnCPU), "mean of all hosts"),
		row("RSS of a tallyman", f.HostRSS.text("%.0f MB", mb), "VmRSS"),
		row("samples per second", fmt.Sprintf("%.0f", f.Rate), "`prometheus_tsdb_head_samples_appended_total`"),
		row("series in Prometheus' head", fmt.Sprintf("%.0f", f.Head), "`prometheus_tsdb_head_series`"),
		row("RSS of Prometheus", fmt.Sprintf("%.0f MB, %.0f MB before the first scrape", f.RSS/mb, f.Base/mb), "VmRSS"),
		row("CPU of Prometheus", fmt.Sprintf("%.2f µs per sample, %.1f %% of a processor", f.ServerCPU, f.ServerCPU*f.Rate/1e4), "CPU clock of the process"),
		row("RSS of an agent that sends as much", fmt.Sprintf("%.0f MB", f.AgentRSS/mb), "VmRSS"),
	)
}

func (m *measured) checkTable() string {
	var rows [][]string
	for _, c := range m.Checks {
		rows = append(rows, []string{c.What, c.Outcome})
	}
	return table("when|seen", rows...)
}

// memory is what a series takes in Prometheus' memory.
func (f *fleetResult) memory() float64 { return (f.RSS - f.Base) / f.Head }

func (m *measured) factorTable() string {
	f := &m.Fleet
	row := func(sign, what, value, how string) []string { return []string{sign, what, value, how} }
	return table("factor|what|value|how it is known",
		row("`S`", "series of a host with 100 containers", fmt.Sprintf("%.0f", f.Series.Median), "measured"),
		row("`z`", "bytes of its scrape, gzip", fmt.Sprintf("%.1f kB", spreadOf(f.Gzip).Median/kb), "measured"),
		row("`m`", "memory of Prometheus per series in the head", fmt.Sprintf("%.1f kB", f.memory()/kb), "measured: RSS less that before the first scrape, per series; what Go's garbage collector keeps in reserve is in it, queries are not"),
		row("`u`", "CPU of Prometheus per sample", fmt.Sprintf("%.2f µs", f.ServerCPU), "measured: scraping only, no rules, no queries, no compaction"),
		row("`w`", "write-ahead log per sample", fmt.Sprintf("%.2f B", f.WAL), "measured: growth of the folder `wal`"),
		row("`b`", "disk per sample", fmt.Sprintf("%.2f B", f.ChunkBytes), fmt.Sprintf("measured: the chunks of a block with %.0f samples per series. So few make a sample dear (a chunk takes "+
			"120, and its first is the largest), containers that sleep make it cheap. The estimates take %.0f B instead, the upper end of what Prometheus' documentation says",
			f.SamplesPerSeries, publishedBytes)),
		row("`i`", "index of a block per series", fmt.Sprintf("%.0f B", f.IndexBytes), "measured: the index of the same block; for each block, of two hours at first"),
		row("`r`", "remote write per sample", fmt.Sprintf("%.1f B", f.Wire), "measured: `prometheus_remote_storage_bytes_total` (after snappy, without HTTP headers) per sample"),
		row("`c`", "series that a replaced container adds to the head", fmt.Sprintf("%.0f", f.PerReplaced), "measured"),
	)
}

// planTable estimates for many hosts.
func (m *measured) planTable() string {
	f := &m.Fleet
	var rows [][]string
	for _, n := range []float64{1000, 10000} {
		for _, every := range []float64{15, 30, 60} {
			series := n * f.Series.Median
			rate := series / every
			rows = append(rows, []string{
				fmt.Sprintf("%.0f", n), fmt.Sprintf("%.0f s", every), round(rate, ""), round(series, ""), round(series*f.memory(), "B"),
				fmt.Sprintf("%.1f", rate*f.ServerCPU/1e6), round(rate*day*publishedBytes, "B"), round(rate*f.WAL*walHours*3600, "B"),
				round(n*spreadOf(f.Gzip).Median/every, "B/s"), round(rate*f.Wire, "B/s"), fmt.Sprintf("%.0f", math.Ceil(series/shardSeries)),
			})
		}
	}
	return table("hosts|interval|samples/s|series in the head|memory|processors|disk per day|write-ahead log|scraped|remote write|shards", rows...)
}

// round writes two digits and a unit.
func round(x float64, unit string) string {
	for _, step := range []struct {
		size float64
		name string
	}{{tb, "T"}, {gb, "G"}, {mb, "M"}, {kb, "k"}} {
		if x >= step.size {
			digits := 1
			if x/step.size >= 10 {
				digits = 0
			}
			return strings.TrimSpace(fmt.Sprintf("%.*f %s%s", digits, x/step.size, step.name, unit))
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%.0f %s", x, unit))
}
