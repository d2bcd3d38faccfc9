package scale

import (
	"fmt"
	"testing"
	"time"

	"tallyman/api/metrics"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

const (
	rounds         = 5 // of scrapes of a size: the median counts
	scrapesInRound = 6
	// fewer and more containers on a host: the difference is what a container costs, and the rest is the host's.
	fewer, more = 10, 60
)

// hostSizes are the numbers of containers for which a host is measured alone.
func hostSizes() []int { return []int{10, 100, 300, 1000} }

// measureSizes measures hosts of several sizes, each alone, with the default groups.
func measureSizes(b *testing.B, binary string, m *measured) {
	for _, n := range hostSizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := startHost(b, "alone", n, program.Options{Path: binary})
			plain := h.body(b, "identity")
			s := size{Containers: n, Series: samples(plain), Plain: len(plain), Gzip: len(h.body(b, "gzip"))}
			costs := make([]float64, rounds)
			for i := range costs {
				before := h.cpu(b)
				for range scrapesInRound {
					h.body(b, "gzip")
				}
				costs[i] = milliseconds(h.cpu(b)-before) / scrapesInRound
			}
			s.CPU, s.RSS = spreadOf(costs), h.rss(b)
			m.Sizes = append(m.Sizes, s)
			progressf("measured a host with %d containers", n)
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// measureGroups measures what each group costs in series: those that are on by default as they are by default, and the others with all
// groups on.
func measureGroups(b *testing.B, binary string, m *measured) {
	var off []string
	for _, g := range metrics.Groups() {
		if !g.Default {
			off = append(off, "--"+g.Name.Flag())
		}
	}
	few, many := map[bool]map[string]float64{}, map[bool]map[string]float64{}
	var h *host
	for byDefault, args := range map[bool][]string{true: nil, false: off} {
		options := program.Options{Path: binary, Args: args}
		name := map[bool]string{true: "default", false: "all"}[byDefault]
		small, large := startHost(b, name+"-few", fewer, options), startHost(b, name+"-many", more, options)
		few[byDefault], many[byDefault] = byGroup(small.tallyman.Metrics(b)), byGroup(large.tallyman.Metrics(b))
		if byDefault {
			h = small
		}
	}
	for _, info := range metrics.Groups() {
		name := string(info.Name)
		g := group{Name: name, Default: info.Default, Container: (many[info.Default][name] - few[info.Default][name]) / (more - fewer)}
		g.Host = few[info.Default][name] - fewer*g.Container
		m.Groups = append(m.Groups, g)
	}
	measureStates(b, h, m)
	lean := startHost(b, "lean", 1, program.Options{Path: binary, Args: []string{"--no-collector.memory-detail"}})
	m.States = append(m.States, state{"running, in its first run, with `--no-collector.memory-detail`", len(lean.seriesOf(b, lean.running[0].ID))})
	progressf("measured groups and states")
}

// byGroup is tallyman_series of a page. The page tells of the rendering before it.
func byGroup(p scrape.Page) map[string]float64 {
	out := map[string]float64{}
	for _, s := range p["tallyman_series"] {
		out[s.Labels["group"]] = s.Value
	}
	return out
}

// measureStates measures what a container has in series in other states than running for the first time, with the default groups.
func measureStates(b *testing.B, h *host, m *measured) {
	id := h.running[0].ID
	count := func() int { return len(h.seriesOf(b, id)) }
	note := func(what string, ready func(scrape.Page) bool) {
		h.tallyman.WaitFor(b, readyTimeout, func(p scrape.Page) string {
			if !ready(p) {
				return "not seen: " + what
			}
			return ""
		})
		m.States = append(m.States, state{what, count()})
	}
	name := h.name + "-service-1-1"
	is := func(family string, pairs ...string) func(scrape.Page) bool {
		return func(p scrape.Page) bool { return p.Is(1, family, append(pairs, "name", name)...) }
	}
	note("running, in its first run", is("container_state", "state", "running"))
	h.fake.Health(id, "healthy")
	note("the same, with a health check", is("container_health_status", "status", "healthy"))
	h.restart(b, 0)
	note("running again, with a health check", func(p scrape.Page) bool {
		return len(p.All("container_finish_time_seconds", "name", name)) == 1 && len(p.All("container_network_receive_bytes_total", "name", name)) == 1 &&
			is("container_state", "state", "running")(p)
	})
	h.running[0].Remove()
	h.fake.Die(id, 0)
	note("exited, with a health check", is("container_state", "state", "exited"))
}

// seriesOf lists the series of a container.
func (h *host) seriesOf(tb testing.TB, id string) []string {
	tb.Helper()
	var out []string
	for family, samples := range h.tallyman.Metrics(tb) {
		for _, s := range samples {
			if s.Labels["id"] == "/docker/"+id {
				out = append(out, scrape.Series(family, s.Labels))
			}
		}
	}
	return out
}
