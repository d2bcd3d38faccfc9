package e2e

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"tallyman/dashboards/compat"
	"tallyman/test/internal/docker"
	"tallyman/test/internal/kernel"
	"tallyman/test/internal/panels"
	"tallyman/test/internal/program"
	"tallyman/test/internal/prometheus"
	"tallyman/test/internal/require"
)

// What a dashboard of the latest seconds looks at, when it is scraped each second.
const (
	window       = 12 * time.Second
	rateInterval = "5s"
)

// monitored is a Prometheus that scrapes two tallymans of the populated engine: one as it is by default, and one as it is for
// dashboards that were made for cAdvisor.
type monitored struct {
	*prometheus.Server

	plain, compatible string // the instances
	told              map[string]bool
}

// TestDashboards: a real Prometheus has scraped tallyman on the populated engine for a while, and is asked what Grafana would
// ask.
func TestDashboards(t *testing.T) {
	t.Parallel() // it waits, most of the time
	require.Prometheus(t)
	require.Root(t) // logs, for whose size one must be root, are on them
	m := monitor(t)
	t.Run("Ours", func(t *testing.T) { testOurs(t, m) })
	t.Run("CAdvisor", func(t *testing.T) { testDropIn(t, m) })
}

// monitor starts it, and waits until there is a window of samples.
func monitor(t *testing.T) *monitored {
	t.Helper()
	e := populated(t)
	run := func(args ...string) string {
		p := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: append(args, "--engine.disk-usage-interval=5s")})
		p.Ready(t)
		return strings.TrimPrefix(p.URL, "http://")
	}
	pace(t, e)
	m := &monitored{plain: run(), compatible: run(compat.Flags()...)}
	m.Server = prometheus.Run(t, prometheus.Options{Jobs: []prometheus.Job{{Name: "tallyman", Target: m.plain}, {Name: "cadvisor", Target: m.compatible}}})
	const enough = "count_over_time(%s[%ds]) > %d"
	seconds := int(window.Seconds())
	query := fmt.Sprintf("count("+enough+" and on (instance) "+enough+")",
		`docker_disk_usage_bytes{type="images"}`, 2*seconds, seconds, `container_fs_usage_bytes{name="tm-web"}`, 2*seconds, seconds)
	for end := time.Now().Add(limit); ; time.Sleep(time.Second) {
		if n, err := m.Query(t.Context(), query); err == nil && n == 2 {
			m.told = toldBy(t, e)
			return m
		} else if time.Now().After(end) {
			t.Fatalf("Prometheus has enough samples of the disk usage of %v tallymen, want 2: %v", n, err)
		}
	}
}

// chosen are the containers that the dashboard of one container looks at: with limits, with reads and writes, and with restarts.
func chosen() []string { return []string{"tm-web", "tm-db", "tm-writer", "tm-crash"} }

// toldBy lists what the kernel tells here of the chosen containers, by the families that tallyman serves it in; and what else is different
// on other hosts.
func toldBy(t *testing.T, e docker.Engine) map[string]bool {
	t.Helper()
	k, err := kernel.New()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{strings.TrimSpace(e.Run(t, "info", "--format", "{{.CgroupDriver}}")): true}
	for _, c := range e.Inspect(t, chosen()...) {
		for series := range k.Read(kernel.Container{ID: c.ID, PID: c.State.Pid, Network: c.OwnsNetwork()}) {
			family, _, _ := strings.Cut(series, "{")
			told[family] = true
		}
	}
	if _, err := os.Stat("/proc/pressure/cpu"); err == nil {
		told["/proc/pressure"] = true
	}
	return told
}

// pace runs a container that reads and writes with a limit of io, where that can be set. Without one, newer kernels count no io on
// cgroup v1 at all.
func pace(t *testing.T, e docker.Engine) {
	t.Helper()
	device, err := exec.Command("findmnt", "--noheadings", "--output", "SOURCE", "--target", strings.TrimSpace(e.Run(t, "volume", "inspect", "--format", "{{.Mountpoint}}", "tm-writes"))).Output()
	name, _, _ := strings.Cut(strings.TrimSpace(string(device)), "[") // a bind mount has its folder behind it
	if err != nil || !strings.HasPrefix(name, "/dev/") {
		t.Logf("no io can be limited, since the volumes are on %q: %v", name, err)
		return
	}
	e.Remove(t, "tm-paced")
	e.Run(t, "run", "-d", "--name", "tm-paced", "--stop-timeout", "1", "--device-write-bps", name+":1gb", "-v", "tm-writes:/writes", image, "sh", "-c",
		"while :; do dd if=/dev/zero of=/writes/paced bs=64k count=8 oflag=direct; dd if=/writes/paced of=/dev/null bs=64k iflag=direct; sleep .3; done")
}

// emptyPanels lists the queries that have no data where the kernel does not tell something ("without"), and why.
//
//go:embed testdata/empty-panels.tsv
var emptyPanels string

// rows reads a table whose columns are separated by tabs; its first line names them, and what begins with # is for people.
func rows(t *testing.T, text string, columns int) [][]string {
	t.Helper()
	var all [][]string
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if i == 0 || line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != columns {
			t.Fatalf("line %q has %d columns, not %d", line, len(fields), columns)
		}
		all = append(all, fields)
	}
	return all
}

// testOurs: every query of every panel has data, but those on the list; and those have none.
func testOurs(t *testing.T, m *monitored) {
	all, err := panels.All()
	if err != nil {
		t.Fatal(err)
	}
	excused := map[string]string{}
	for _, r := range rows(t, emptyPanels, 5) {
		if !m.told[r[3]] {
			excused[strings.Join(r[:3], "/")] = r[4]
		}
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "dashboard\tpanel\tquery\tseries\thas data")
	queries, empty := 0, 0
	for i := range all {
		d := &all[i]
		choices := m.choices(t, d)
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				queries++
				series, has := m.draw(t, &q, choices)
				key := strings.Join([]string{d.Title, p.Title, q.RefID}, "/")
				why, listed := excused[key]
				delete(excused, key)
				verdict := "yes"
				switch {
				case !has:
					verdict = "no: " + why
					empty++
				case listed:
					t.Errorf("%s has data, but is on the list of those without: %s", key, why)
				}
				if !has && !listed {
					t.Errorf("%s has no data: %s", key, q.Expr)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", d.Title, p.Title, q.RefID, series, verdict)
			}
		}
	}
	for key := range excused {
		t.Errorf("%s is on the list of queries without data, but is no query", key)
	}
	w.Flush()
	t.Logf("%d queries, %d without data as listed\n%s", queries, empty, &table)
}

// choices are what an operator might choose on a dashboard: everything where one can, and on that of one container several, one after
// the other.
func (m *monitored) choices(t *testing.T, d *panels.Dashboard) []panels.Values {
	t.Helper()
	values := panels.Values{"__rate_interval": rateInterval, "__range": fmt.Sprintf("%ds", int(window.Seconds()))}
	var names []string
	for _, v := range d.Templating.List {
		if v.Definition == "" {
			continue
		}
		there := m.options(t, &v, values)
		switch {
		case v.Name == "job": // the other one is no tallyman as it is by default
			values[v.Name] = "tallyman"
		case v.Name == "instance" && !v.Multi:
			values[v.Name] = m.plain
		case v.Name == "name":
			names = chosen()
			values[v.Name] = names[0]
		default:
			values[v.Name] = v.AllValue
		}
		for _, c := range append(names, values[v.Name]) {
			if !slices.Contains(there, c) && c != v.AllValue {
				t.Fatalf("%s: variable %s lacks %q: %q", d.Title, v.Name, c, there)
			}
		}
	}
	if len(names) == 0 {
		return []panels.Values{values}
	}
	var all []panels.Values
	for _, name := range names {
		one := maps.Clone(values)
		one["name"] = name
		all = append(all, one)
	}
	return all
}

// options are what a variable lets one choose from.
func (m *monitored) options(t *testing.T, v *panels.Variable, values panels.Values) []string {
	t.Helper()
	filled, err := values.Fill(strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")"))
	if err != nil {
		t.Fatal(err)
	}
	comma := strings.LastIndex(filled, ", ")
	there, err := m.LabelValues(t.Context(), filled[:comma], filled[comma+2:])
	if err != nil || len(there) == 0 {
		t.Fatalf("variable %s has no values: %v", v.Name, err)
	}
	return there
}

// draw asks a query with each choice until there is something to draw.
func (m *monitored) draw(t *testing.T, q *panels.Target, choices []panels.Values) (series int, has bool) {
	t.Helper()
	for _, values := range choices {
		expr, err := values.Fill(q.Expr)
		if err != nil {
			t.Fatal(err)
		}
		found, err := m.ask(t, expr, q.Instant)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if slices.ContainsFunc(found, func(s prometheus.Series) bool { return s.HasNumber() }) {
			return len(found), true
		}
	}
	return 0, false
}

// ask evaluates an expression now or over the window.
func (m *monitored) ask(t *testing.T, expr string, instant bool) ([]prometheus.Series, error) {
	t.Helper()
	if instant {
		return m.Instant(t.Context(), expr)
	}
	return m.Range(t.Context(), expr, window, time.Second)
}
