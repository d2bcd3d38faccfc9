package scale

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/internal/fakeengine"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
	"tallyman/test/internal/synth"
	"tallyman/test/internal/usage"
)

const (
	image   = "registry.example.org/team/service:2026.11.1"
	imageID = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	// readyTimeout is how long a tallyman may take to see all containers, on a busy machine too.
	readyTimeout = 2 * time.Minute
)

// host is one tallyman with an engine and cgroups of its own.
type host struct {
	name     string
	options  program.Options
	fake     *fakeengine.Engine
	running  []synth.Container // the oldest first
	made     int
	logs     string // the folder of the containers' logs
	tallyman *program.Program
}

// startHost brings up a host with n containers that run. What options do not say is as by default.
func startHost(tb testing.TB, name string, n int, options program.Options) *host {
	tb.Helper()
	h := &host{name: name, fake: fakeengine.ForTest(tb, fakeengine.Options{Empty: true}), logs: tb.TempDir()}
	h.fake.Tag(image, imageID)
	h.add(tb, n)
	options.Host = h.fake.Host()
	h.options = options
	h.start(tb)
	return h
}

// start runs the tallyman, and waits until it serves all containers.
func (h *host) start(tb testing.TB) {
	tb.Helper()
	h.tallyman = program.Start(tb, h.options)
	h.tallyman.WaitFor(tb, readyTimeout, func(p scrape.Page) string {
		for _, family := range []string{"container_network_receive_bytes_total", "container_memory_usage_bytes", "container_fs_usage_bytes"} {
			if n := named(p[family]); n < len(h.running) {
				return fmt.Sprintf("%s: %d containers of %d have %s", h.name, n, len(h.running), family)
			}
		}
		return ""
	})
	h.options.Listen = strings.TrimPrefix(h.tallyman.URL, "http://") // the same address from now on
}

// named counts samples of containers.
func named(samples []scrape.Sample) int {
	return len(slices.DeleteFunc(slices.Clone(samples), func(s scrape.Sample) bool { return s.Labels["name"] == "" }))
}

// address is the tallyman's, as Prometheus has it in the label instance.
func (h *host) address() string { return h.options.Listen }

// add creates and starts containers, as one of a compose project each.
func (h *host) add(tb testing.TB, n int) {
	tb.Helper()
	ids := make([]string, n)
	for i := range ids {
		h.made++
		service := fmt.Sprintf("service-%d", h.made)
		ids[i] = h.fake.Create(h.name+"-"+service+"-1", image)
		h.fake.Update(ids[i], func(doc map[string]any) {
			doc["LogPath"] = h.writeLog(tb, ids[i])
			config, _ := doc["Config"].(map[string]any)
			config["Labels"] = map[string]any{"com.docker.compose.project": h.name, "com.docker.compose.service": service}
		})
	}
	for _, c := range synth.StartLinked(tb, ids) {
		h.fake.RunAs(c.ID, c.PID)
		h.running = append(h.running, c)
	}
	h.sizeUp()
}

// sizeUp lets the engine know the disk usage of the containers that there are.
func (h *host) sizeUp() {
	sizes := make([]any, len(h.running))
	for i, c := range h.running {
		sizes[i] = map[string]any{"Id": c.ID, "SizeRw": 4096, "SizeRootFs": 80 << 20, "State": "running", "ImageID": imageID}
	}
	h.fake.UpdateDisk(func(df map[string]any) { df["Containers"] = sizes })
}

// writeLog makes the log of a container, where dockerd would, and returns its path.
func (h *host) writeLog(tb testing.TB, id string) string {
	tb.Helper()
	path := filepath.Join(h.logs, id, id+"-json.log")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// remove ends a container and removes it, as "docker rm -f" does.
func (h *host) remove(i int) {
	c := h.running[i]
	h.running = slices.Delete(h.running, i, i+1)
	c.Remove()
	h.fake.Die(c.ID, 137)
	h.fake.Destroy(c.ID)
}

// restart ends a container and starts it again, as "docker restart" does.
func (h *host) restart(tb testing.TB, i int) {
	tb.Helper()
	id := h.running[i].ID
	h.running[i].Remove()
	h.fake.Die(id, 143)
	h.running[i] = synth.StartLinked(tb, []string{id})[0]
	h.fake.RunAs(id, h.running[i].PID)
}

// cpu is what the tallyman has used.
func (h *host) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	used, err := usage.CPU(h.tallyman.PID())
	if err != nil {
		tb.Fatal(err)
	}
	return used
}

// rss is the tallyman's resident memory, in bytes.
func (h *host) rss(tb testing.TB) float64 { return rss(tb, h.tallyman.PID()) }

func rss(tb testing.TB, pid int) float64 {
	tb.Helper()
	memory, err := usage.MemoryOf(pid)
	if err != nil {
		tb.Fatal(err)
	}
	return float64(memory.RSS) * 1024
}

// body scrapes as Prometheus does, and returns the body as it came.
func (h *host) body(tb testing.TB, encoding string) string {
	tb.Helper()
	resp, body, err := h.tallyman.Get(tb.Context(), "/metrics", "Accept-Encoding: "+encoding,
		"Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatal(resp, err)
	}
	if got := resp.Header.Get("Content-Encoding"); encoding == "gzip" && got != "gzip" {
		tb.Fatalf("asked for gzip, got %q", got)
	}
	return body
}

// samples counts the samples of an exposition.
func samples(body string) int {
	n := 0
	for line := range strings.Lines(body) {
		if line[0] != '#' {
			n++
		}
	}
	return n
}
