package scale

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tallyman/test/internal/program"
	"tallyman/test/internal/prometheus"
	"tallyman/test/internal/usage"
)

const (
	hosts      = 20
	containers = 100 // of each host
	interval   = 5 * time.Second
	// calm is how long nothing changes while costs are measured; churning is how long containers are replaced.
	calm, churning = time.Minute, time.Minute
	// replaced is how many containers each host replaces while it churns, one after the other.
	replaced = 10
	// ever counts the containers that there have been in the experiment.
	ever = `count(present_over_time(container_last_seen{job="tallyman",name!=""}[1h]))`
	// live names the series that follow the hosts: with those of a tallyman itself, which has some more as it goes on.
	live = `{job="tallyman",__name__=~"(container|machine|docker)_.+"}`
)

// fleet is many hosts under one Prometheus.
type fleet struct {
	hosts  []*host
	server *prometheus.Server
}

// central scrapes all hosts.
const central = `global: {scrape_interval: %[1]s, scrape_timeout: %[1]s}
scrape_configs:
  - job_name: tallyman
    file_sd_configs: [{files: [targets.json]}]
`

// measureFleet brings up the fleet, measures what it costs, and makes the checks.
func measureFleet(b *testing.B, binary string, m *measured) {
	f := &fleet{}
	for i := range hosts {
		options := program.Options{Path: binary, MaxAge: "1s", Listen: fmt.Sprintf("127.0.0.%d:0", 10+i)}
		f.hosts = append(f.hosts, startHost(b, fmt.Sprintf("host%02d", i+1), containers, options))
	}
	progressf("%d hosts with %d containers each are up", hosts, containers)
	folder := b.TempDir()
	f.writeTargets(b, folder)
	f.server = prometheus.Run(b, prometheus.Options{
		Config: fmt.Sprintf(central, interval), Folder: folder,
		Flags: []string{"--enable-feature=extra-scrape-metrics", "--web.enable-admin-api"},
	})
	m.Fleet = fleetResult{Hosts: hosts, Containers: containers, Interval: interval.Seconds(), Prometheus: f.version(b), Base: rss(b, f.server.PID())}
	f.wait(b, fmt.Sprintf(`count(up{job="tallyman"} == 1) == %d`, hosts))
	f.wait(b, fmt.Sprintf(`min(count_over_time(up{job="tallyman"}[10m])) >= %d`, 4))
	for _, part := range []struct {
		name string
		run  func(*testing.B, *measured)
	}{
		{"calm", f.measureCalm},
		{"killed", f.checkKilled},
		{"removed", f.checkRemoved},
		{"restarted", f.checkRestarted},
		{"churn", f.measureChurn},
		{"block", f.measureBlock},
		{"shards", f.checkShards},
		{"remote write", f.checkRemoteWrite},
	} {
		progressf("%s", part.name)
		part.run(b, m)
	}
	progressf("all is measured")
}

// writeTargets writes the list of hosts that the configurations name.
func (f *fleet) writeTargets(tb testing.TB, folder string) {
	tb.Helper()
	targets := make([]string, len(f.hosts))
	for i, h := range f.hosts {
		targets[i] = h.address()
	}
	text, err := json.Marshal([]map[string]any{{"targets": targets}})
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "targets.json"), text, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func (f *fleet) version(tb testing.TB) string {
	tb.Helper()
	page, err := f.server.Scrape(tb.Context())
	if err != nil || len(page["prometheus_build_info"]) != 1 {
		tb.Fatal("prometheus_build_info:", err)
	}
	return page["prometheus_build_info"][0].Labels["version"]
}

// spent is what all parts have used up to a moment.
type spent struct {
	at         time.Time
	tallymen   []time.Duration
	prometheus time.Duration
	scrapes    float64 // of all hosts
	samples    float64 // that Prometheus has appended
	wal        float64 // bytes
}

func (f *fleet) spent(tb testing.TB) spent {
	tb.Helper()
	u := spent{at: time.Now(), scrapes: f.query(tb, `sum(count_over_time(up{job="tallyman"}[1h]))`), wal: folderSize(tb, filepath.Join(f.server.Data(), "wal"))}
	page, err := f.server.Scrape(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range page["prometheus_tsdb_head_samples_appended_total"] {
		u.samples += s.Value
	}
	for _, h := range f.hosts {
		u.tallymen = append(u.tallymen, h.cpu(tb))
	}
	if u.prometheus, err = usage.CPU(f.server.PID()); err != nil {
		tb.Fatal(err)
	}
	return u
}

// measureCalm measures while nothing changes.
func (f *fleet) measureCalm(b *testing.B, m *measured) {
	r := &m.Fleet
	before := f.spent(b)
	wait(calm)
	after := f.spent(b)
	perHost := (after.scrapes - before.scrapes) / hosts
	samples, took := after.samples-before.samples, after.at.Sub(before.at)
	cpu, memory := make([]float64, len(f.hosts)), make([]float64, len(f.hosts))
	for i, h := range f.hosts {
		cpu[i], memory[i] = milliseconds(after.tallymen[i]-before.tallymen[i])/perHost, h.rss(b)
	}
	r.HostCPU, r.HostRSS = spreadOf(cpu), spreadOf(memory)
	r.Series = spreadOf(f.values(b, `scrape_samples_scraped{job="tallyman"}`))
	r.Body = spreadOf(f.values(b, `scrape_body_size_bytes{job="tallyman"}`))
	for _, h := range f.hosts {
		r.Gzip = append(r.Gzip, float64(len(h.body(b, "gzip"))))
	}
	r.Duration = spreadOf(f.values(b, fmt.Sprintf(`avg_over_time(scrape_duration_seconds{job="tallyman"}[%.0fs])`, calm.Seconds())))
	r.Added = f.query(b, fmt.Sprintf(`sum(sum_over_time(scrape_series_added{job="tallyman"}[%.0fs]))`, calm.Seconds()))
	r.Scrapes, r.Rate = after.scrapes-before.scrapes, samples/took.Seconds()
	r.Head = f.metric(b, "prometheus_tsdb_head_series")
	r.RSS = rss(b, f.server.PID())
	r.ServerCPU = milliseconds(after.prometheus-before.prometheus) * 1000 / samples
	r.WAL = (after.wal - before.wal) / samples
}

// measureChurn replaces containers. The series of those that are gone must be no part of any answer.
func (f *fleet) measureChurn(b *testing.B, m *measured) {
	r := &m.Fleet
	before := f.metric(b, "prometheus_tsdb_head_series")
	everBefore := f.query(b, ever)
	began, cpuBefore := time.Now(), f.spent(b)
	for i := range replaced {
		for _, h := range f.hosts {
			h.remove(0)
			h.add(b, 1)
		}
		wait(time.Until(began.Add(churning * time.Duration(i+1) / replaced)))
	}
	f.nextScrapes(b)
	after := f.spent(b)
	r.Replaced = replaced * hosts
	r.PerReplaced = (f.metric(b, "prometheus_tsdb_head_series") - before) / float64(r.Replaced)
	r.ChurnCPU = milliseconds(sum(after.tallymen)-sum(cpuBefore.tallymen)) / (after.scrapes - cpuBefore.scrapes)
	perHost := f.values(b, `count by (instance) (container_last_seen{job="tallyman",name!=""})`)
	wrong := slices.ContainsFunc(perHost, func(n float64) bool { return n != containers })
	if len(perHost) != hosts || wrong {
		b.Errorf("churn: hosts have %v containers, want %d each", perHost, containers)
	}
	seen := f.query(b, ever)
	if want := everBefore + float64(r.Replaced); seen != want {
		b.Errorf("churn: %v containers were ever seen, want %v", seen, want)
	}
	m.notef("churn", "%d containers replaced in %.0f s (%d per minute and host): an instant query finds %d containers on each of %d hosts, a range query all %.0f; "+
		"a replaced container adds %.0f series to the head",
		r.Replaced, churning.Seconds(), replaced*int(time.Minute/churning), containers, hosts, seen, r.PerReplaced)
}

func sum(all []time.Duration) time.Duration {
	total := time.Duration(0)
	for _, d := range all {
		total += d
	}
	return total
}

// measureBlock writes the head as a block, as Prometheus does every two hours, and sees what a sample takes.
func (f *fleet) measureBlock(b *testing.B, m *measured) {
	r := &m.Fleet
	resp, err := http.Post(f.server.URL+"/api/v1/admin/tsdb/snapshot", "", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	blocks, err := filepath.Glob(filepath.Join(f.server.Data(), "snapshots", "*", "*", "meta.json"))
	if err != nil || resp.StatusCode != http.StatusOK || len(blocks) != 1 {
		b.Fatal("snapshot:", resp.Status, blocks, err)
	}
	text, err := os.ReadFile(blocks[0])
	if err != nil {
		b.Fatal(err)
	}
	var meta struct {
		Stats struct{ NumSamples, NumSeries float64 }
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		b.Fatal(err)
	}
	folder := filepath.Dir(blocks[0])
	r.ChunkBytes = folderSize(b, filepath.Join(folder, "chunks")) / meta.Stats.NumSamples
	r.IndexBytes = folderSize(b, filepath.Join(folder, "index")) / meta.Stats.NumSeries
	r.SamplesPerSeries = meta.Stats.NumSamples / meta.Stats.NumSeries
}
