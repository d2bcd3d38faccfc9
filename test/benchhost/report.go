package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"tallyman/test/internal/usage"
)

// warmup is how many scrapes of each kind are not counted: buffers grow to their size in them.
const warmup = 5

// report is all that is measured; its JSON is for machines that compare runs.
type report struct {
	Containers int               `json:"containers"`
	Scrapes    int               `json:"scrapes"`
	Rounds     int               `json:"rounds"`
	Versions   map[string]string `json:"versions"`

	FloorMs     float64 `json:"floor_cpu_ms"`
	FloorFiles  int     `json:"floor_files"`
	Plain       scraped `json:"plain"`
	Gzip        scraped `json:"gzip"`
	Series      int     `json:"series"`
	RSSPlainKiB int     `json:"rss_after_plain_kib"`
	RSSKiB      int     `json:"rss_kib"`
	PeakKiB     int     `json:"rss_peak_kib"`
	AnonKiB     int     `json:"rss_anon_kib"`
	Descriptors int     `json:"descriptors"`

	IdleMinutes float64 `json:"idle_minutes"` // of each of the three
	Idle        struct {
		Before idleCost `json:"without_tallyman"`
		With   idleCost `json:"with_tallyman"`
		After  idleCost `json:"without_tallyman_again"`
	} `json:"idle_cpu_seconds_per_minute"`
}

// scraped is what one kind of scrape costs.
type scraped struct {
	CPUMs    float64   `json:"cpu_ms"`
	WallMs   float64   `json:"wall_ms"`
	PerFloor float64   `json:"per_floor"`
	Bytes    int       `json:"bytes"`
	Rounds   []float64 `json:"cpu_ms_rounds"` // to judge the noise
}

// newReport says what is measured, and on what.
func newReport(o options, f *fleet, p processes, binary string) *report {
	r := &report{
		Containers: len(p[partShims]), Scrapes: o.scrapes, Rounds: o.rounds, IdleMinutes: o.idle.Minutes(), Versions: f.versions,
	}
	r.Versions["go"] = runtime.Version()
	r.Versions["cpus"] = fmt.Sprint(runtime.NumCPU())
	r.Versions["tallyman"] = "unknown"
	if out, err := exec.Command(binary, "--version").Output(); err == nil {
		r.Versions["tallyman"] = strings.TrimPrefix(strings.TrimSpace(string(out)), "tallyman ")
	}
	return r
}

// scrapes measures floor, plain and gzip in turn, so that a noise of the machine hits all three.
func (r *report) scrapes(ctx context.Context, o options, t *tallyman) error {
	body, err := t.scrape(ctx, "identity")
	if err != nil {
		return err
	}
	r.Series = series(body)
	if _, err := t.scrapes(ctx, warmup, "identity"); err != nil {
		return err
	}
	after, err := usage.MemoryOf(t.pid())
	if err != nil {
		return err
	}
	r.RSSPlainKiB = after.RSS
	if _, err := t.scrapes(ctx, warmup, "gzip"); err != nil {
		return err
	}
	f, err := startFloor(t.pid())
	if err != nil {
		return err
	}
	defer f.stop()
	r.FloorFiles = f.files
	if err := r.rounds(ctx, o, t, f); err != nil {
		return err
	}
	after, err = usage.MemoryOf(t.pid())
	if err != nil {
		return err
	}
	r.RSSKiB, r.PeakKiB, r.AnonKiB = after.RSS, after.Peak, after.Anon
	r.Descriptors, err = usage.Descriptors(t.pid())
	return err
}

func (r *report) rounds(ctx context.Context, o options, t *tallyman, f *floor) error {
	if _, err := f.read(warmup); err != nil {
		return err
	}
	var floors []float64
	var plain, zipped []cost
	for i := range o.rounds {
		floor, err := f.read(o.scrapes)
		if err != nil {
			return err
		}
		p, err := t.scrapes(ctx, o.scrapes, "identity")
		if err != nil {
			return err
		}
		z, err := t.scrapes(ctx, o.scrapes, "gzip")
		if err != nil {
			return err
		}
		progressf("round %d of %d: floor %.2f ms, plain %.2f ms, gzip %.2f ms", i+1, o.rounds, ms(floor), ms(p.cpu), ms(z.cpu))
		floors, plain, zipped = append(floors, ms(floor)), append(plain, p), append(zipped, z)
	}
	r.FloorMs = median(floors)
	r.Plain, r.Gzip = summary(plain, r.FloorMs), summary(zipped, r.FloorMs)
	return nil
}

func summary(rounds []cost, floorMs float64) scraped {
	var s scraped
	var wall []float64
	for _, c := range rounds {
		s.Rounds = append(s.Rounds, ms(c.cpu))
		wall = append(wall, ms(c.wall))
		s.Bytes = c.bytes
	}
	s.CPUMs, s.WallMs = median(s.Rounds), median(wall)
	s.PerFloor = s.CPUMs / floorMs
	return s
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median is the middle value; of an even number, the lower of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// print writes the table and then one line of JSON.
func (r *report) print(out io.Writer) error {
	b := bufio.NewWriter(out)
	fmt.Fprintf(b, "%d idle containers; medians of %d rounds of %d scrapes each, every scrape a collection.\n",
		r.Containers, r.Rounds, r.Scrapes)
	var versions []string
	for _, name := range []string{"tallyman", "go", "Engine", "containerd", "runc", "api", "cgroup", "storage", "kernel", "cpus"} {
		versions = append(versions, strings.ToLower(name)+" "+r.Versions[name])
	}
	fmt.Fprintf(b, "%s\n\n", strings.Join(versions, ", "))
	r.printScrapes(b)
	r.printIdle(b)
	fmt.Fprintf(b, `
The floor is a process that does nothing but one pread of each of the %d kernel files that tallyman keeps open. It leaves
out /proc/<pid>/net/dev, which tallyman opens anew for each reading: an open one would keep the network namespace of an
ended container alive. So the ratios are a little too high, never too low. The budgets are for 300 containers.

`, r.FloorFiles)
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%s\n", line)
	return b.Flush()
}

func (r *report) printScrapes(out io.Writer) {
	floats := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	row(out, "a scrape", "CPU ms", "x floor", "budget", "wall ms", "KiB")
	row(out, "floor", floats(r.FloorMs), floats(1))
	row(out, "plain", floats(r.Plain.CPUMs), floats(r.Plain.PerFloor), "2.00", floats(r.Plain.WallMs), fmt.Sprint(r.Plain.Bytes>>10))
	row(out, "gzip", floats(r.Gzip.CPUMs), floats(r.Gzip.PerFloor), "3.50", floats(r.Gzip.WallMs), fmt.Sprint(r.Gzip.Bytes>>10))
	fmt.Fprintln(out)
	row(out, "tallyman", "", "", "budget")
	row(out, "series", fmt.Sprint(r.Series))
	row(out, "descriptors", fmt.Sprint(r.Descriptors))
	row(out, "RSS MiB after plain", floats(float64(r.RSSPlainKiB)/1024))
	row(out, "RSS MiB after gzip", floats(float64(r.RSSKiB)/1024), "", "30")
	row(out, "RSS MiB peak", floats(float64(r.PeakKiB)/1024))
	row(out, "of it anonymous", floats(float64(r.AnonKiB)/1024))
	fmt.Fprintln(out)
}

func (r *report) printIdle(out io.Writer) {
	row(out, "idle, CPU-s a minute", "without", "with", "budget", "without", "extra")
	// That of tallyman is the one with a history, which is on unless it is switched off.
	budgets := map[string]string{partTallyman: "0.1", partDockerd: "no extra"}
	without := func(part string) float64 { return (r.Idle.Before[part] + r.Idle.After[part]) / 2 }
	for _, part := range partNames {
		row(out, part, orDash(r.Idle.Before, part), orDash(r.Idle.With, part), budgets[part], orDash(r.Idle.After, part),
			fmt.Sprintf("%+.4f", r.Idle.With[part]-without(part)))
	}
	with, alone := r.Idle.With[partDockerd]*r.IdleMinutes, without(partDockerd)*r.IdleMinutes
	fmt.Fprintf(out, "\ndockerd over %.4g idle minutes: %.3f CPU-s with tallyman, %.3f without, %+.3f for it\n", r.IdleMinutes, with, alone, with-alone)
}

// row writes one line of the table.
func row(out io.Writer, name string, cells ...string) {
	line := fmt.Appendf(nil, "%-20s", name)
	for _, cell := range cells {
		line = fmt.Appendf(line, "  %9s", cell)
	}
	fmt.Fprintf(out, "%s\n", bytes.TrimRight(line, " "))
}

func orDash(c idleCost, part string) string {
	if v, ok := c[part]; ok {
		return fmt.Sprintf("%.4f", v)
	}
	return "-"
}
