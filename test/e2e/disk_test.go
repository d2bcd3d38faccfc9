package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/go-units"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// TestDiskUsage: every number is that of docker system df and of the engine's own answer, to the byte, with images that share
// layers, a dangling one, volumes in use and not, and containers that wrote to their layers, running and stopped.
func TestDiskUsage(t *testing.T) {
	p, e := start(t, "--engine.disk-usage-interval=1h", "--engine.disk-usage-timeout=5m")
	fillDisk(t, e)
	var (
		table    map[string]docker.DiskRow
		wrong    []string
		compared int
	)
	// Other containers start, end and write meanwhile: what the engine says is compared until it has stayed the same for long enough.
	for end := time.Now().Add(patience(limit)); ; {
		usage, lines := e.DiskUsage(t), e.DiskLines(t)
		page := refreshed(t, p)
		table = usage.Table()
		if wrong, compared = differences(page, &usage, table, lines); len(wrong) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d numbers differ:\n%s", len(wrong), compared, strings.Join(wrong, "\n"))
		}
	}
	t.Logf("%d numbers compared, no difference: %+v", compared, table)
	if v := table["volumes"]; v.Active == v.Total || v.Reclaimable == 0 || table["containers"].Reclaimable == 0 || table["images"].Active == table["images"].Total {
		t.Errorf("the engine lacks what should be compared: %+v", table)
	}
}

// fillDisk makes something of everything on the engine's disk.
func fillDisk(t *testing.T, e docker.Engine) {
	t.Helper()
	undo := func(words ...string) {
		t.Cleanup(func() { e.Run(t, words...) })
	}
	e.Run(t, "pause", "tm-writer") // its volume changes all the time
	undo("unpause", "tm-writer")
	label := []string{"-c", "LABEL tallyman.test=1"}
	e.Import(t, blob(t, 300_000), append(label, "-", "tm-disk-moved:latest")...)
	e.Import(t, blob(t, 200_000), append(label, "-", "tm-disk-moved:latest")...) // the one before has no name any more
	for _, name := range []string{"tm-disk-used", "tm-disk-unused"} {
		e.Run(t, "volume", "create", name)
		undo("volume", "rm", "-f", name)
	}
	write := func(name string, bytes int, volume string, then string) {
		e.Remove(t, name)
		script := fmt.Sprintf("head -c %d /dev/urandom >/written; head -c %d /dev/urandom >/volume/f; sync; %s", bytes, bytes/3, then)
		e.Run(t, "run", "-d", "--name", name, "--network", "none", "--stop-timeout", "1", "-v", volume+":/volume", image, "sh", "-c", script)
	}
	write("tm-disk-unused-writer", 1000, "tm-disk-unused", "true")
	write("tm-disk-stopped", 234_567, "tm-disk-used", "true")
	write("tm-disk-running", 345_678, "tm-disk-used", "touch /tmp/done; sleep 36000")
	e.Run(t, "wait", "tm-disk-unused-writer", "tm-disk-stopped")
	e.Run(t, "rm", "tm-disk-unused-writer") // the volume stays
	e.Run(t, "exec", "tm-disk-running", "sh", "-c", "until [ -e /tmp/done ]; do sleep 1; done")
	e.Run(t, "commit", "tm-disk-stopped", "tm-disk-child:latest") // shares the layers of its parent
	undo("rmi", "tm-disk-child:latest")
	built := t.TempDir()
	if err := os.WriteFile(filepath.Join(built, "Dockerfile"), []byte("FROM scratch\nCOPY Dockerfile /f\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_BUILDKIT", "1")
	if _, err := e.Try("build", "-q", "-t", "tm-disk-built:latest", built); err != nil {
		t.Logf("no build cache to compare: %v", err) // newer docker commands need a plugin for it
		return
	}
	undo("builder", "prune", "-af")
	undo("rmi", "tm-disk-built:latest")
}

// blob is an archive with one file of so many bytes.
func blob(t *testing.T, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: "blob", Mode: 0o644, Size: int64(size)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte{byte(size)}, size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// refreshed asks for the disk usage ahead of time, waits until it is there, and scrapes.
func refreshed(t *testing.T, p *program.Program) scrape.Page {
	t.Helper()
	asked := refreshTaken(t, p)
	return p.WaitFor(t, patience(limit), func(page scrape.Page) string {
		for _, s := range page.All("docker_disk_last_refresh_time_seconds") {
			if s.Value < float64(asked.UnixMilli())/1000 {
				return "not refreshed: " + s.Labels["type"]
			}
		}
		if n := len(page.All("docker_disk_last_refresh_time_seconds")); n != 4 {
			return fmt.Sprintf("%d of 4 types were refreshed", n)
		}
		return ""
	})
}

// refreshTaken asks until a refresh is taken, as often as tallyman allows, and tells when.
func refreshTaken(t *testing.T, p *program.Program) time.Time {
	t.Helper()
	for end := time.Now().Add(patience(limit)); ; {
		asked := time.Now()
		resp, body, err := p.Get(t.Context(), "/api/v1/summary?refresh=1")
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusAccepted {
			return asked
		}
		wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if resp.StatusCode != http.StatusTooManyRequests || err != nil || wait < 1 || time.Now().After(end) {
			t.Fatalf("got %s, Retry-After %q: %s", resp.Status, resp.Header.Get("Retry-After"), body)
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
}

// differences holds a page against what the engine says and what docker system df prints, and counts what was compared.
func differences(page scrape.Page, d *docker.DiskUsage, table map[string]docker.DiskRow, lines map[string]docker.DiskLine) (wrong []string, compared int) {
	check := func(want float64, family string, pairs ...string) {
		compared++
		if got, ok := page.Value(family, pairs...); !ok || got != want {
			wrong = append(wrong, fmt.Sprintf("%s %v: got %v (there: %t), want %v", family, pairs, got, ok, want))
		}
	}
	for kind, row := range table {
		check(row.Bytes, "docker_disk_usage_bytes", "type", kind)
		check(row.Reclaimable, "docker_disk_reclaimable_bytes", "type", kind)
		check(row.Active, "docker_disk_objects", "type", kind, "in_use", "true")
		check(row.Total-row.Active, "docker_disk_objects", "type", kind, "in_use", "false")
		// The command rounds.
		size, _ := page.Value("docker_disk_usage_bytes", "type", kind)
		reclaimable, _ := page.Value("docker_disk_reclaimable_bytes", "type", kind)
		line := lines[kind]
		printed, _, _ := strings.Cut(line.Reclaimable, " ")
		compared++
		if got := (docker.DiskLine{
			Type: line.Type, TotalCount: fmt.Sprint(row.Total), Active: fmt.Sprint(row.Active),
			Size: units.HumanSize(size), Reclaimable: units.HumanSize(reclaimable),
		}); got != (docker.DiskLine{Type: line.Type, TotalCount: line.TotalCount, Active: line.Active, Size: line.Size, Reclaimable: printed}) {
			wrong = append(wrong, fmt.Sprintf("docker system df prints %+v, ours is %+v", line, got))
		}
	}
	for _, c := range d.Containers {
		name := strings.TrimPrefix(c.Names[0], "/")
		check(c.SizeRw, "container_fs_usage_bytes", "name", name)
		check(c.SizeRootFs, "container_fs_root_bytes", "name", name)
	}
	for _, i := range d.Images {
		name := "<none>"
		if len(i.RepoTags) > 0 && i.RepoTags[0] != "<none>:<none>" {
			name = i.RepoTags[0]
		}
		check(i.Size, "docker_image_size_bytes", "image_id", i.ID, "image", name)
	}
	for _, v := range d.Volumes {
		if v.UsageData.Size >= 0 {
			check(v.UsageData.Size, "docker_volume_size_bytes", "volume", v.Name)
		}
		check(v.UsageData.RefCount, "docker_volume_containers", "volume", v.Name)
	}
	for family, n := range map[string]int{
		"container_fs_usage_bytes": len(d.Containers), "docker_image_size_bytes": len(d.Images), "docker_volume_containers": len(d.Volumes),
	} {
		compared++
		if got := len(page.All(family)); got != n {
			wrong = append(wrong, fmt.Sprintf("%d series of %s, want %d", got, family, n))
		}
	}
	slices.Sort(wrong)
	return wrong, compared
}

// TestDiskUsage_json: the summary says the same as the metrics, and a second refresh must wait.
func TestDiskUsage_json(t *testing.T) {
	p, _ := start(t, "--engine.disk-usage-interval=1h")
	page := refreshed(t, p)
	body, err := p.Text(t.Context(), "/api/v1/summary")
	if err != nil {
		t.Fatal(err)
	}
	var summary struct {
		Disk []struct {
			Type        string
			Total       float64
			Active      float64
			Size        float64 `json:"size_bytes"`
			Reclaimable float64 `json:"reclaimable_bytes"`
			Age         float64 `json:"age_seconds"`
			Problem     *string
		}
	}
	if err := json.Unmarshal([]byte(body), &summary); err != nil || len(summary.Disk) != 4 {
		t.Fatalf("%v: %s", err, body)
	}
	for _, d := range summary.Disk {
		inactive, _ := page.Value("docker_disk_objects", "type", d.Type, "in_use", "false")
		if !page.Is(d.Size, "docker_disk_usage_bytes", "type", d.Type) || !page.Is(d.Active, "docker_disk_objects", "type", d.Type, "in_use", "true") ||
			d.Total != d.Active+inactive || !page.Is(d.Reclaimable, "docker_disk_reclaimable_bytes", "type", d.Type) || d.Problem != nil ||
			math.IsNaN(d.Age) || d.Age > patience(limit).Seconds() {
			t.Errorf("got %+v", d)
		}
	}
	refreshTaken(t, p)
	resp, body, err := p.Get(t.Context(), "/api/v1/summary?refresh=1")
	if err != nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a second refresh at once: %v, %v, %s", resp, err, body)
	}
}

// TestLogBytes: the size of a log is that of its files, rotated and compressed ones included, also when the container has ended.
func TestLogBytes(t *testing.T) {
	require.Root(t) // nobody else sees the engine's folders
	p, e := start(t)
	for name, options := range map[string][]string{
		"tm-log-one":     nil,
		"tm-log-rotated": {"--log-opt", "max-size=20k", "--log-opt", "max-file=4"},
		"tm-log-zipped":  {"--log-opt", "max-size=20k", "--log-opt", "max-file=4", "--log-opt", "compress=true"},
		"tm-log-none":    {"--log-driver", "none"},
	} {
		e.Remove(t, name)
		words := append([]string{"run", "-d", "--name", name, "--network", "none"}, options...)
		if name != "tm-log-none" {
			words = append(words, "--log-driver", "json-file")
		}
		e.Run(t, append(words, image, "sh", "-c", `i=0; while [ $i -lt 700 ]; do echo "line $i of many that fill the log"; i=$((i+1)); done`)...)
	}
	e.Run(t, "wait", "tm-log-one", "tm-log-rotated", "tm-log-zipped", "tm-log-none")
	for name, files := range map[string]int{"tm-log-one": 1, "tm-log-rotated": 4, "tm-log-zipped": 4} {
		path := e.Run(t, "inspect", "--format", "{{.LogPath}}", name)
		total, found := 0.0, []string(nil)
		p.WaitFor(t, patience(limit), func(page scrape.Page) string {
			total, found = logFiles(t, path)
			got, ok := page.Value("container_log_bytes", "name", name)
			if !ok || got != total || len(found) != files {
				return fmt.Sprintf("%s: got %v (there: %t), the files are %q with %v bytes", name, got, ok, found, total)
			}
			return ""
		})
		t.Logf("%s: %v bytes in %d files", name, total, len(found))
	}
	if n := len(p.Metrics(t).All("container_log_bytes", "name", "tm-log-none")); n != 0 {
		t.Errorf("a container without a log has %d series of its size", n)
	}
}

// logFiles adds up the sizes of the files of a log.
func logFiles(t *testing.T, path string) (total float64, found []string) {
	t.Helper()
	found, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		info, err := os.Stat(name)
		if err != nil {
			return -1, found // it is being rotated
		}
		total += float64(info.Size())
	}
	return total, found
}
