package engine

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tallyman/internal/fakeengine"
)

// eachDocument calls f with every recorded document of statistics. Those of cgroup v2 are of virtual machines with Debian's
// engines 20.10.24 and 26.1.5.
func eachDocument(t testing.TB, f func(version, name string, unified bool, data []byte)) {
	t.Helper()
	n := 0
	each := func(fsys fs.FS, version, pattern string, unified bool) {
		files, err := fs.Glob(fsys, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := fs.ReadFile(fsys, file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(data) {
				n++
				f(version, strings.TrimSuffix(file[strings.LastIndex(file, "/")+1:], ".jsonl"), unified, line)
			}
		}
	}
	for _, version := range fakeengine.Versions() {
		each(recording(t, version), version, "stats-stream/*.jsonl", false)
	}
	for _, version := range []string{"20.10.24", "26.1.5"} {
		each(os.DirFS("testdata/stats-v2"), version+" v2", version+"/*.jsonl", true)
	}
	if n < 75 {
		t.Fatalf("only %d documents", n)
	}
}

var arrived = time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)

// TestDecodeStats_recorded: every engine says what it can of every running container, and nothing of the others.
func TestDecodeStats_recorded(t *testing.T) {
	t.Parallel()
	eachDocument(t, func(version, name string, unified bool, data []byte) {
		s, err := decodeStats(data, arrived)
		if err != nil {
			t.Errorf("%s %s: %v", version, name, err)
			return
		}
		switch name {
		case "eng-exit3", "eng-crash", "exited": // the second waited for its next start
			if s != nil {
				t.Errorf("%s %s: got %+v of a container without processes", version, name, s)
			}
			return
		}
		if s == nil || !s.Time.Equal(arrived) || s.Read.Year() != 2026 {
			t.Errorf("%s %s: got %+v", version, name, s)
			return
		}
		unknown := unknownFields(s)
		for field := range unknown {
			switch field {
			case "Pids.Limit", "IO", "Network": // as the container is
			case "CPU.PerCPU", "Memory.MaxUsage", "Memory.FailCount", "Memory.OwnPageFaults", "Memory.OwnMajorPageFaults":
				if !unified {
					t.Errorf("%s %s: %s is not known", version, name, field)
				}
			case "Memory.OOMs", "Memory.PagesScanned", "Memory.PagesStolen":
				if unified {
					t.Errorf("%s %s: %s is not known", version, name, field)
				}
			default:
				t.Errorf("%s %s: %s is not known", version, name, field)
			}
		}
		networked := !strings.HasSuffix(name, "host") && !strings.HasSuffix(name, "none")
		if unknown["Network"] == networked {
			t.Errorf("%s %s: network %+v", version, name, s.Network)
		}
	})
}

// unknownFields lists the fields that are NaN or nil.
func unknownFields(s *Sample) map[string]bool {
	out := map[string]bool{}
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Struct:
			for f, field := range v.Fields() {
				if f.Type != reflect.TypeFor[time.Time]() {
					walk(field, strings.TrimPrefix(path+"."+f.Name, "."))
				}
			}
		case reflect.Slice:
			if v.IsNil() {
				out[path] = true
			}
			for i := range v.Len() {
				walk(v.Index(i), path+"[]")
			}
		case reflect.Float64:
			if math.IsNaN(v.Float()) {
				out[path] = true
			}
		}
	}
	walk(reflect.ValueOf(*s), "")
	delete(out, "IO[].Reads") // v2 tells bytes only
	delete(out, "IO[].Writes")
	delete(out, "IO[].DiscardBytes")
	return out
}

func TestDecodeStats_v1(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	data, _, _ := bytes.Cut(readFile(t, "20.10.24", "stats-stream/eng-shop-web-1.jsonl"), []byte("\n"))
	want := &Sample{
		Time: arrived, Read: time.Date(2026, 11, 21, 5, 7, 18, 237172091, time.UTC),
		CPU: SampleCPU{
			Usage: 3.123381136, User: 2.88, System: 0.23, PerCPU: []float64{1.55005617, 1.573324966},
			Periods: 307, ThrottledPeriods: 0, Throttled: 0, Online: 2,
		},
		Memory: SampleMemory{
			Usage: 2740224, MaxUsage: 5513216, FailCount: 0, OOMs: nan, Limit: 64 << 20,
			RSS: 114688, Cache: 2105344, MappedFile: 0, ActiveFile: 8192, InactiveFile: 2097152, FileDirty: 0, FileWriteback: 0,
			PageFaults: 20446, MajorPageFaults: 2, OwnPageFaults: 20446, OwnMajorPageFaults: 2, PagesScanned: nan, PagesStolen: nan,
		},
		Pids:    SamplePids{Current: 2, Limit: nan},
		IO:      []SampleIO{},
		Network: []SampleInterface{{Name: "eth0", RxBytes: 1306, RxPackets: 15}},
	}
	same(t, data, want)
}

func TestDecodeStats_v2(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	data, err := os.ReadFile("testdata/stats-v2/26.1.5/web.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ = bytes.Cut(data, []byte("\n"))
	want := &Sample{
		Time: arrived, Read: time.Date(2026, 11, 21, 17, 5, 4, 0, time.UTC),
		CPU: SampleCPU{
			Usage: 6.273237, User: 3.267918, System: 3.005318,
			Periods: 106, ThrottledPeriods: 85, Throttled: 5.430438, Online: 2,
		},
		Memory: SampleMemory{
			Usage: 4694016, MaxUsage: nan, FailCount: nan, OOMs: 0, Limit: 64 << 20,
			RSS: 163840, Cache: 3571712, MappedFile: 1548288, ActiveFile: 1982464, InactiveFile: 1589248, FileDirty: 0, FileWriteback: 0,
			PageFaults: 2122, MajorPageFaults: 20, OwnPageFaults: nan, OwnMajorPageFaults: nan, PagesScanned: 0, PagesStolen: 0,
		},
		Pids:    SamplePids{Current: 3, Limit: 100},
		IO:      []SampleIO{{Major: 254, Minor: 0, ReadBytes: 3039232, WriteBytes: 1572864, Reads: nan, Writes: nan, DiscardBytes: nan}},
		Network: []SampleInterface{{Name: "eth0", RxBytes: 1554, RxPackets: 19, TxBytes: 192, TxPackets: 4}},
	}
	same(t, data, want)
}

func same(t *testing.T, data []byte, want *Sample) {
	t.Helper()
	got, err := decodeStats(data, arrived)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, want, cmpopts.EquateNaNs(), cmpopts.EquateApproxTime(time.Second)); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

// TestDecodeStats_podman: podman 4 says little of the memory, and gives zeros for interfaces that it does not tell apart.
func TestDecodeStats_podman(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/stats-podman-4.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	s, err := decodeStats(data, arrived)
	if err != nil {
		t.Fatal(err)
	}
	if s.CPU.Usage != 0.039319711 || s.Memory.Usage != 516096 || s.Memory.Limit != 48<<20 || s.Pids.Current != 1 {
		t.Errorf("got %+v", s)
	}
	unknown := unknownFields(s)
	for _, field := range []string{"Memory.RSS", "Memory.InactiveFile", "Memory.FailCount", "Memory.OOMs", "Network"} {
		if !unknown[field] {
			t.Errorf("%s is known: %+v", field, s)
		}
	}
}

// TestDecodeStats_odd: what is missing, null, of another type or absurd is unknown, and costs nothing else.
func TestDecodeStats_odd(t *testing.T) {
	t.Parallel()
	const read = `"read":"2026-11-21T05:07:18Z",`
	f := func(members string, field func(*Sample) float64, want float64) {
		t.Helper()
		s, err := decodeStats([]byte(`{`+read+members+`}`), arrived)
		if err != nil || s == nil {
			t.Errorf("%s: got %v, %v", members, s, err)
			return
		}
		if got := field(s); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s: got %v, want %v", members, got, want)
		}
	}
	nan := math.NaN()
	usage := func(s *Sample) float64 { return s.Memory.Usage }
	f(`"memory_stats":{"usage":1.5e3}`, usage, 1500)
	f(`"memory_stats":{"usage":"12"}`, usage, 12)
	f(`"memory_stats":{"usage":null}`, usage, nan)
	f(`"memory_stats":{"usage":-1}`, usage, nan)
	f(`"memory_stats":{"usage":{}}`, usage, nan)
	f(`"memory_stats":{"usage":"Inf"}`, usage, nan)
	f(`"memory_stats":{"usage":"NaN"}`, usage, nan)
	f(`"memory_stats":{"usage":true}`, usage, nan)
	f(`"memory_stats":null`, usage, nan)
	f(`"memory_stats":[3]`, usage, nan)
	f(`"cpu_stats":"x","memory_stats":{"stats":7,"usage":3}`, usage, 3)
	f(`"memory_stats":{"usage":18446744073709551615}`, usage, 1<<64)

	failures := func(s *Sample) float64 { return s.Memory.FailCount }
	f(`"memory_stats":{"usage":1,"failcnt":3}`, failures, nan)
	f(`"memory_stats":{"usage":1,"stats":{"total_rss":1}}`, failures, 0)
	f(`"memory_stats":{"usage":1,"failcnt":3,"stats":{"total_rss":1}}`, failures, 3)
	f(`"memory_stats":{"usage":1,"failcnt":-3,"stats":{"total_rss":1}}`, failures, 0)
	f(`"memory_stats":{}`, failures, nan)
	f(`"memory_stats":{"usage":1,"failcnt":3,"stats":{"anon":1}}`, failures, nan)
	f(`"memory_stats":{"usage":1,"failcnt":3,"stats":{"anon":1}}`, func(s *Sample) float64 { return s.Memory.OOMs }, 3)

	limit := func(s *Sample) float64 { return s.Pids.Limit }
	f(`"pids_stats":{"current":1}`, limit, nan)
	f(`"pids_stats":{"current":1,"limit":0}`, limit, nan)
	f(`"pids_stats":{"current":1,"limit":100}`, limit, 100)
	f(`"pids_stats":{"current":1,"limit":18446744073709551615}`, limit, nan)
	f(`"pids_stats":{"current":1,"limit":9223372036854775807}`, limit, nan)

	devices := func(s *Sample) float64 { return float64(len(s.IO)) }
	f(`"blkio_stats":{"io_service_bytes_recursive":[7,null,{"major":-1,"minor":0},{"major":1},{"major":5000000000,"minor":0}]}`, devices, 0)
	const throttle = `"blkio_stats":{"io_service_bytes_recursive":[{"major":8,"minor":0,"op":"Read","value":1},
		{"major":8,"minor":0,"op":"Write","value":2},{"major":8,"minor":0,"op":"Sync","value":3},{"major":8,"minor":0,"op":"Discard","value":4},
		{"major":8,"minor":0,"op":"Total","value":10}],"io_serviced_recursive":[{"major":8,"minor":0,"op":"Write","value":5},{"major":8,"minor":16,"op":"Read","value":6}]}`
	f(throttle, devices, 2)
	f(throttle, func(s *Sample) float64 { return s.IO[0].ReadBytes }, 1)
	f(throttle, func(s *Sample) float64 { return s.IO[0].WriteBytes }, 2)
	f(throttle, func(s *Sample) float64 { return s.IO[0].DiscardBytes }, 4)
	f(throttle, func(s *Sample) float64 { return s.IO[0].Reads }, nan)
	f(throttle, func(s *Sample) float64 { return s.IO[0].Writes }, 5)
	f(throttle, func(s *Sample) float64 { return s.IO[1].Reads }, 6)

	f(`"networks":{"eth0":null,"":{},"`+strings.Repeat("x", 100)+`":{}}`, func(s *Sample) float64 { return float64(len(s.Network)) }, 1)
	f(`"networks":{"eth0":{"rx_bytes":7}}`, func(s *Sample) float64 { return s.Network[0].RxBytes }, 7)
	f(`"networks":{"eth0":{"rx_bytes":7}}`, func(s *Sample) float64 { return s.Network[0].TxBytes }, nan)
}

func TestDecodeStats_bad(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{``, `x`, `{"read":"2026-11-21T05:07:18Z"`, `<html>`} {
		if s, err := decodeStats([]byte(bad), arrived); err == nil || s != nil {
			t.Errorf("%q: got %+v, %v", bad, s, err)
		}
	}
	for _, silent := range []string{`{}`, `[]`, `null`, `3`, `{"read":7}`, `{"read":"0001-01-01T00:00:00Z"}`, `{"read":"yesterday"}`} {
		if s, err := decodeStats([]byte(silent), arrived); err != nil || s != nil {
			t.Errorf("%q: got %+v, %v", silent, s, err)
		}
	}
}

// TestDecodeStats_bounded: one document cannot make many series.
func TestDecodeStats_bounded(t *testing.T) {
	t.Parallel()
	var interfaces, devices, processors []string
	for n := range 10000 {
		interfaces = append(interfaces, fmt.Sprintf(`"eth%d":{}`, n))
		devices = append(devices, fmt.Sprintf(`{"major":8,"minor":%d}`, n))
		processors = append(processors, "1")
	}
	s, err := decodeStats([]byte(`{"read":"2026-11-21T05:07:18Z","networks":{`+strings.Join(interfaces, ",")+
		`},"blkio_stats":{"io_service_bytes_recursive":[`+strings.Join(devices, ",")+
		`]},"cpu_stats":{"cpu_usage":{"percpu_usage":[`+strings.Join(processors, ",")+`]}}}`), arrived)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Network) != maxInterfaces || len(s.IO) != maxDevices || len(s.CPU.PerCPU) != maxProcessors {
		t.Errorf("got %d interfaces, %d devices, %d processors", len(s.Network), len(s.IO), len(s.CPU.PerCPU))
	}
}

// FuzzDecodeStats: nothing is negative, infinite, or said without a digit.
func FuzzDecodeStats(f *testing.F) {
	eachDocument(f, func(_, _ string, _ bool, data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeStats(data, arrived)
		if s == nil {
			return
		}
		if err != nil {
			t.Fatalf("both a sample and %v", err)
		}
		if !s.Time.Equal(arrived) || s.Read.IsZero() || len(s.Network) > maxInterfaces || len(s.IO) > maxDevices {
			t.Errorf("got %+v", s)
		}
		for _, i := range s.Network {
			if i.Name == "" || len(i.Name) > maxInterfaceName {
				t.Errorf("interface %q", i.Name)
			}
		}
		// The time of reading has digits of its own.
		var w struct {
			Read string `json:"read"`
		}
		_ = unmarshal(data, &w)
		silent := !bytes.ContainsAny(bytes.Replace(data, []byte(w.Read), nil, 1), "0123456789")
		walkNumbers(reflect.ValueOf(*s), func(v float64) {
			if v < 0 || math.Signbit(v) && !math.IsNaN(v) || math.IsInf(v, 0) || silent && !math.IsNaN(v) {
				t.Errorf("%v in %+v", v, s)
			}
		})
	})
}

func walkNumbers(v reflect.Value, f func(float64)) {
	switch v.Kind() {
	case reflect.Struct:
		for t, field := range v.Fields() {
			if t.Type != reflect.TypeFor[time.Time]() {
				walkNumbers(field, f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkNumbers(v.Index(i), f)
		}
	case reflect.Float64:
		f(v.Float())
	}
}

func BenchmarkDecodeStats(b *testing.B) {
	data := readFile(b, "28.5.2", "stats-stream/eng-shop-web-1.jsonl")
	data, _, _ = bytes.Cut(data, []byte("\n"))
	b.ReportAllocs()
	for b.Loop() {
		if s, err := decodeStats(data, arrived); s == nil || err != nil {
			b.Fatal(err)
		}
	}
}
