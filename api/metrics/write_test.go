package metrics

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman/collector"
	"tallyman/internal/sample"
)

// update makes the tests write their golden files: go test ./api/metrics -update.
var update = flag.Bool("update", false, "write the golden files")

// everything is a selection of all groups, those that are off by default too.
func everything() Selection {
	var s Selection
	for _, g := range Groups() {
		s = s.With(g.Name, true)
	}
	return s
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got, write it with -update):\n%s", path, diff)
	}
}

func TestWriter_golden(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		snap *collector.Snapshot
		sel  Selection
	}{
		"all.prom":     {sample.Snapshot(), everything()},
		"default.prom": {sample.Snapshot(), Selection{}},
		"away.prom":    {sample.Away(), Selection{}},
		"state.prom":   {sample.Snapshot(), Selection{}.Empty().With(GroupState, true)},
		"empty.prom":   {sample.Snapshot(), Selection{}.Empty()},
	} {
		golden(t, name, NewWriter(WriterOptions{}).Append(nil, c.snap, c.sel))
	}
}

func TestWriter_appendsAndRepeats(t *testing.T) {
	t.Parallel()
	w, s := NewWriter(WriterOptions{}), sample.Snapshot()
	first := w.Append([]byte("before\n"), s, everything())
	if !bytes.HasPrefix(first, []byte("before\n# HELP container_info ")) {
		t.Fatalf("what stood in dst was lost: %.80q", first)
	}
	second := w.Append(nil, s, everything())
	if !bytes.Equal(first[len("before\n"):], second) {
		t.Error("the second render of a snapshot differs from the first")
	}
}

func TestWriter_streamEqualsAppend(t *testing.T) {
	t.Parallel()
	w := NewWriter(WriterOptions{})
	for _, s := range []*collector.Snapshot{sample.Snapshot(), sample.Many(300), {}} {
		want := w.Append(nil, s, everything())
		out := &chunks{}
		if err := w.Stream(out, s, everything()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.all, want) {
			t.Errorf("Stream wrote %d bytes that differ from the %d of Append", len(out.all), len(want))
		}
		if out.largest > 2*chunkBytes {
			t.Errorf("a chunk has %d bytes", out.largest)
		}
	}
}

// chunks remembers what was written to it.
type chunks struct {
	all     []byte
	largest int
}

func (c *chunks) Write(p []byte) (int, error) {
	c.all = append(c.all, p...)
	c.largest = max(c.largest, len(p))
	return len(p), nil
}

// broken is a client that has gone away.
type broken struct{ writes int }

func (b *broken) Write([]byte) (int, error) {
	b.writes++
	return 0, errors.New("gone")
}

func TestWriter_streamStopsAtError(t *testing.T) {
	t.Parallel()
	out := &broken{}
	w := NewWriter(WriterOptions{})
	if err := w.Stream(out, sample.Many(300), Selection{}); err == nil || err.Error() != "gone" {
		t.Errorf("got error %v", err)
	}
	if out.writes != 1 {
		t.Errorf("it wrote %d times after the client had gone", out.writes-1)
	}
	if err := w.Stream(&chunks{}, sample.Snapshot(), Selection{}); err != nil {
		t.Errorf("the error stayed: %v", err)
	}
}

func TestWriter_allocatesNothing(t *testing.T) {
	w, s, sel := NewWriter(WriterOptions{}), sample.Many(100), everything()
	var dst []byte
	dst = w.Append(dst, s, sel)
	if n := testing.AllocsPerRun(20, func() { dst = w.Append(dst[:0], s, sel) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	out := &discard{}
	_ = w.Stream(out, s, sel)
	if n := testing.AllocsPerRun(20, func() { _ = w.Stream(out, s, sel) }); n != 0 {
		t.Errorf("Stream allocates %v times", n)
	}
}

// discard takes everything.
type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

func TestWriter_skipsNaN(t *testing.T) {
	t.Parallel()
	blank := &collector.Snapshot{Host: sample.Blank("/", "", "")}
	sel := everything().With(GroupTallyman, false).With(GroupMachine, false)
	if got := NewWriter(WriterOptions{}).Append(nil, blank, sel); len(got) != 0 {
		t.Errorf("nothing is known, and yet there is\n%s", got)
	}
	if text := string(NewWriter(WriterOptions{}).Append(nil, sample.Snapshot(), everything())); strings.Contains(text, "NaN") {
		t.Error("NaN left the process")
	}
}

func TestAppendValue(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]float64{
		"0": 0, "1": 1, "-1": -1, "9007199254740991": 1<<53 - 1, "9.007199254740992e+15": 1 << 53,
		"0.1": 0.1, "1e-09": 1e-9, "1e+300": 1e300, "+Inf": math.Inf(1), "-Inf": math.Inf(-1), "-2.5": -2.5,
		"1763715842.25": 1763715842.25,
	} {
		got := string(appendValue(nil, v))
		if got != want && !(want == "1763715842.25" && got == "1.76371584225e+09") {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestAppendEscaped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", `a"b\c` + "\nd": `a\"b\\c\nd`, "é世": "é世", "\xff": "�", "a\xc3(": "a�(", "\xe2\x82": "��",
		"�": "�", "\xf0\x9f\x98\x80!": "😀!", "\"\"": `\"\"`,
	} {
		if got := string(appendEscaped(nil, in)); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func benchmarkAppend(b *testing.B, n int) {
	w, s := NewWriter(WriterOptions{}), sample.Many(n)
	dst := w.Append(nil, s, Selection{})
	samples := bytes.Count(dst, []byte{'\n'}) - bytes.Count(dst, []byte("\n# ")) - 1
	b.ReportAllocs()
	for b.Loop() {
		dst = w.Append(dst[:0], s, Selection{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(samples), "ns/sample")
	b.ReportMetric(float64(samples)/float64(n), "samples/container")
	b.ReportMetric(float64(len(dst)), "bytes")
}

func BenchmarkAppend200(b *testing.B)  { benchmarkAppend(b, 200) }
func BenchmarkAppend300(b *testing.B)  { benchmarkAppend(b, 300) }
func BenchmarkAppend3000(b *testing.B) { benchmarkAppend(b, 3000) }

// TestWriter_perCPU: no choice of groups makes the sum over a container's processors count anything twice.
func TestWriter_perCPU(t *testing.T) {
	t.Parallel()
	s := sample.Snapshot()
	const family = "container_cpu_usage_seconds_total{"
	for _, c := range []struct {
		on             []Group
		legacy, others []string
	}{
		{[]Group{GroupCPU}, []string{"total"}, []string{"total"}},
		{[]Group{GroupCPU, GroupPerCPU}, []string{"cpu00", "cpu01", "cpu02"}, []string{"total"}},
		{[]Group{GroupPerCPU}, []string{"cpu00", "cpu01", "cpu02"}, nil},
		{nil, nil, nil},
	} {
		sel := Selection{}.Empty()
		for _, g := range c.on {
			sel = sel.With(g, true)
		}
		var legacy, others []string
		text := string(NewWriter(WriterOptions{}).Append(nil, s, sel))
		for line := range strings.Lines(text) {
			_, cpu, found := strings.Cut(line, `,cpu="`)
			cpu, _, _ = strings.Cut(cpu, `"`)
			switch {
			case !found || !strings.HasPrefix(line, family):
			case strings.Contains(line, `name="legacy"`):
				legacy = append(legacy, cpu)
			case strings.Contains(line, `name="busy"`):
				others = append(others, cpu)
			}
		}
		if !slices.Equal(legacy, c.legacy) || !slices.Equal(others, c.others) {
			t.Errorf("groups %v: got %v on v1 and %v on v2, want %v and %v", c.on, legacy, others, c.legacy, c.others)
		}
		if n := strings.Count(text, "# TYPE container_cpu_usage_seconds_total "); n != min(len(c.on), 1) {
			t.Errorf("groups %v: %d headers", c.on, n)
		}
	}
}

// TestWriter_userLabels: on container_info, or on every sample of the container, behind all other labels.
func TestWriter_userLabels(t *testing.T) {
	t.Parallel()
	s := sample.Several()
	i := slices.IndexFunc(s.Containers, func(c collector.Container) bool { return c.Name == "busy" })
	s.Containers[i].Labels = []collector.Label{
		{Name: "container_label_app", Value: "shop"}, {Name: "container_label_note", Value: "two\nlines, \"quoted\""},
	}
	const tail = `,container_label_app="shop",container_label_note="two\nlines, \"quoted\""} `
	for _, onAll := range []bool{false, true} {
		text := NewWriter(WriterOptions{LabelsOnAll: onAll}).Append(nil, s, everything())
		if _, err := parse(text); err != nil {
			t.Errorf("on all %t: %v", onAll, err)
		}
		for line := range strings.Lines(string(text)) {
			own := strings.Contains(line, `name="busy"`) && strings.Contains(line, `engine="local"`)
			want := own && (onAll || strings.HasPrefix(line, "container_info{"))
			if got := strings.Contains(line, tail); got != want || strings.Contains(line, "container_label") != want {
				t.Errorf("on all %t: %s", onAll, line)
			}
		}
	}
}
