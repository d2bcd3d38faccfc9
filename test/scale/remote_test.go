package scale

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/prometheus"
)

// sending is how long the agent sends while its bytes are counted: two intervals of the example.
const sending = 30 * time.Second

// example reads one of the configurations that operators are given, with words of it replaced. Each must be there.
func example(tb testing.TB, name string, replace ...string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "prometheus", name))
	if err != nil {
		tb.Fatal(err)
	}
	out := string(text)
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(out, replace[i]) {
			tb.Fatalf("%s has no %q", name, replace[i])
		}
		out = strings.ReplaceAll(out, replace[i], replace[i+1])
	}
	return out
}

// byHost counts the live series of each host.
func byHost(tb testing.TB, s *prometheus.Server) map[string]float64 {
	tb.Helper()
	all, err := s.Vector(tb.Context(), "count by (instance) ("+live+")")
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]float64{}
	for _, sample := range all {
		out[sample.Labels["instance"]] = sample.Value
	}
	return out
}

// checkShards runs two servers that share the hosts by hash: each host must be in one of them, with all its series.
func (f *fleet) checkShards(b *testing.B, m *measured) {
	shards := make([]*prometheus.Server, 2)
	for i := range shards {
		folder := b.TempDir()
		f.writeTargets(b, folder)
		config := example(b, "scale-shard.yml", `regex: "0"`, fmt.Sprintf("regex: %q", fmt.Sprint(i)), `shard: "0"`, fmt.Sprintf("shard: %q", fmt.Sprint(i)))
		shards[i] = prometheus.Run(b, prometheus.Options{Config: config, Folder: folder})
		defer shards[i].Stop()
	}
	for _, s := range shards {
		waitFor(b, s, `count(up{job="tallyman"} == 1) == count(up{job="tallyman"})`)
	}
	var counts []string
	series := 0.0
	agree(b, func() (wrong string) {
		counts, series, wrong = f.compareShards(b, shards)
		return wrong
	})
	m.notef("two shards", "they have %s hosts; each host is in one, and together they have all %.0f series of one server that scrapes all", strings.Join(counts, " and "), series)
}

// compareShards gives the numbers of hosts of each, and the series of all.
func (f *fleet) compareShards(b *testing.B, shards []*prometheus.Server) (counts []string, series float64, wrong string) {
	owners := map[string]int{}
	for _, s := range shards {
		own := byHost(b, s)
		counts = append(counts, fmt.Sprint(len(own)))
		for instance, n := range own {
			owners[instance]++
			series += n
		}
	}
	for _, h := range f.hosts {
		if n := owners[h.address()]; n != 1 {
			wrong = fmt.Sprintf("shards: %s is in %d of them, want 1", h.address(), n)
		}
	}
	if all := f.query(b, "count("+live+")"); len(owners) != hosts || series != all {
		wrong = fmt.Sprintf("shards: together they have %d hosts and %v series, want %d and %v", len(owners), series, hosts, all)
	}
	return counts, series, wrong
}

// checkRemoteWrite runs an agent that sends all to another server.
func (f *fleet) checkRemoteWrite(b *testing.B, m *measured) {
	receiver := prometheus.Run(b, prometheus.Options{Config: "global: {scrape_interval: 1m}\n", Flags: []string{"--web.enable-remote-write-receiver"}})
	folder := b.TempDir()
	f.writeTargets(b, folder)
	config := example(b, "scale-agent-mimir.yml", "http://mimir:8080/api/v1/push", receiver.URL+"/api/v1/write")
	agent := prometheus.Run(b, prometheus.Options{Config: config, Folder: folder, Agent: true})
	waitFor(b, receiver, fmt.Sprintf(`count(up{job="tallyman"} == 1) == %d`, hosts))
	bytes, samples := sent(b, agent)
	wait(sending)
	bytesAfter, samplesAfter := sent(b, agent)
	m.Fleet.Wire = (bytesAfter - bytes) / (samplesAfter - samples)
	m.Fleet.AgentRSS = rss(b, agent.PID())
	var got map[string]float64
	agree(b, func() string {
		var want map[string]float64
		if want, got = byHost(b, f.server), byHost(b, receiver); maps.Equal(want, got) {
			return ""
		}
		return fmt.Sprintf("remote write: the receiver has %v series by host, want %v", got, want)
	})
	failed := metric(b, agent, "prometheus_remote_storage_samples_failed_total") + metric(b, agent, "prometheus_remote_storage_samples_dropped_total")
	if failed != 0 {
		b.Errorf("remote write: %v samples failed or were dropped", failed)
	}
	series := f.query(b, "count("+live+")")
	h := f.hosts[0]
	gone := fmt.Sprintf(`{id="/docker/%s"}`, h.running[0].ID)
	waitFor(b, receiver, "count("+gone+")")
	began := time.Now()
	h.remove(0)
	waitFor(b, receiver, "absent("+gone+")") // patience is less than the five minutes that it would take without a marker
	m.notef("agent and remote write", "the receiver has all %.0f series of %d hosts; no sample failed or was dropped. A container that is removed is gone there %.0f s later", series, len(got), time.Since(began).Seconds())
}

// sent is what an agent has sent: bytes after compression, without the headers of HTTP, and samples.
func sent(tb testing.TB, agent *prometheus.Server) (bytes, samples float64) {
	tb.Helper()
	return metric(tb, agent, "prometheus_remote_storage_bytes_total"), metric(tb, agent, "prometheus_remote_storage_samples_total")
}
