package bench

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tallyman/test/internal/kernelfiles"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
	"tallyman/test/internal/usage"
)

// BenchmarkProgram and BenchmarkProgramGzip measure the program itself, scraped over HTTP, and beside it, in the same run and over the
// same files, the floor. allocs/scrape are those of the whole process.
func BenchmarkProgram(b *testing.B) { eachProgram(b, "identity") }

func BenchmarkProgramGzip(b *testing.B) { eachProgram(b, "gzip") }

// programSizes are the numbers of containers that design budgets speak of, beside those of the stages.
func programSizes() []int { return []int{10, 100, 300, 1000, 3000, 5000} }

func eachProgram(b *testing.B, encoding string) {
	binary, err := program.Build(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range programSizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			raiseLimit(b)
			fake, _ := containers(b, n)
			p := program.Start(b, program.Options{Path: binary, Host: fake.Host(), Args: append(profileArgs(),
				"--engine.disk-usage-interval=0s", "--history.interval=0s")})
			p.WaitFor(b, time.Minute, func(page scrape.Page) string {
				if page.Is(float64(n), "tallyman_containers", "source", "cgroup") {
					return ""
				}
				return "not all containers are read"
			})
			m := measured{p: p, n: n, floor: newFloor(b, p.PID())}
			m.scrapes(b, encoding)
		})
	}
}

// measured is a program that is measured.
type measured struct {
	p     *program.Program
	n     int
	floor *floor
}

// scrapes is the benchmark: the floor before and after it, so that what the machine does beside hits both.
func (m *measured) scrapes(b *testing.B, encoding string) {
	const warmup = 5 // buffers grow to their size
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for range warmup {
		m.scrape(b, client, encoding)
	}
	m.profile(b, client, encoding)
	floor := m.floor.read(b)
	mallocs, cpu, user := m.mallocs(b), m.clock(b, usage.CPU), m.clock(b, usage.User)
	for b.Loop() {
		m.scrape(b, client, encoding)
	}
	spent, own := m.each(b, m.clock(b, usage.CPU)-cpu), m.each(b, m.clock(b, usage.User)-user)
	allocs := (m.mallocs(b) - mallocs) / float64(b.N)
	floor = (floor + m.floor.read(b)) / 2
	memory, err := usage.MemoryOf(m.p.PID())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(spent, "cpu-ns/container")
	b.ReportMetric(own, "user-ns/container")
	b.ReportMetric(floor, "floor-ns/container")
	b.ReportMetric(spent/floor, "x-floor")
	b.ReportMetric(allocs, "allocs/scrape")
	b.ReportMetric(float64(memory.RSS)/1024, "rss-MiB")
	b.ReportMetric(float64(memory.Anon)/1024, "anon-MiB")
}

// profileTo is the folder that is to get a profile of the program while it is scraped for a minute; "" = none is taken.
func profileTo() string { return os.Getenv("TALLYMAN_BENCH_PROFILE") }

func profileArgs() []string {
	if profileTo() == "" {
		return nil
	}
	return []string{"--web.enable-pprof"}
}

// profile takes one, if it is wanted.
func (m *measured) profile(b *testing.B, client *http.Client, encoding string) {
	b.Helper()
	if profileTo() == "" {
		return
	}
	done := make(chan error, 1)
	go func() {
		file, err := os.Create(filepath.Join(profileTo(), fmt.Sprintf("%s-%d.pb.gz", encoding, m.n)))
		if err == nil {
			defer file.Close()
			err = m.get(b, client, "/debug/pprof/profile?seconds=60", "identity", file)
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			if err != nil {
				b.Fatal(err)
			}
			return
		default:
			m.scrape(b, client, encoding)
		}
	}
}

// scrape asks once.
func (m *measured) scrape(b *testing.B, client *http.Client, encoding string) {
	b.Helper()
	if err := m.get(b, client, "/metrics", encoding, io.Discard); err != nil {
		b.Fatal(err)
	}
}

// get copies what a path answers.
func (m *measured) get(b *testing.B, client *http.Client, path, encoding string, to io.Writer) error {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, m.p.URL+path, http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Accept-Encoding", encoding)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, resp.Status)
	}
	_, err = io.Copy(to, resp.Body)
	return err
}

// clock reads a clock of the program.
func (m *measured) clock(b *testing.B, read func(pid int) (time.Duration, error)) time.Duration {
	b.Helper()
	t, err := read(m.p.PID())
	if err != nil {
		b.Fatal(err)
	}
	return t
}

// each is how many nanoseconds each container of each scrape took.
func (m *measured) each(b *testing.B, all time.Duration) float64 {
	b.Helper()
	return float64(all.Nanoseconds()) / float64(b.N) / float64(m.n)
}

// mallocs is how often the program has allocated, by its own word.
func (m *measured) mallocs(b *testing.B) float64 {
	b.Helper()
	text, err := m.p.Text(b.Context(), "/metrics?collect[]=tallyman")
	if err != nil {
		b.Fatal(err)
	}
	page, err := scrape.Parse(strings.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	return page["go_memstats_mallocs_total"][0].Value
}

// floor reads the files that a program reads, and does nothing else. Where this process may not open as many, it is some of them, by
// chance.
type floor struct {
	fds []int
	buf []byte
	// containers is how many have as many files.
	containers float64
}

func newFloor(b *testing.B, pid int) *floor {
	b.Helper()
	paths, err := kernelfiles.Of(pid)
	if err != nil {
		b.Fatal(err)
	}
	f := &floor{buf: make([]byte, 1<<20)}
	// Of containers beyond the budget of descriptors, the program keeps no file open.
	ids, kept := regexp.MustCompile("[0-9a-f]{64}"), map[string]bool{}
	for i, path := range paths {
		if paths[i], err = filepath.EvalSymlinks(path); err != nil {
			b.Fatal(err)
		}
		if id := ids.FindString(paths[i]); id != "" {
			kept[id] = true
		}
	}
	const most = 10_000
	part := min(1, most/float64(len(paths)))
	f.containers = float64(len(kept)) * part
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	for _, path := range paths[:int(float64(len(paths))*part)] {
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { file.Close() })
		f.fds = append(f.fds, int(file.Fd()))
	}
	return f
}

// read gives the processor time in nanoseconds for each container that it takes to read all files once.
func (f *floor) read(b *testing.B) float64 {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const rounds = 20
	var before, after unix.Rusage
	for i := range rounds + 2 {
		if i == 2 { // what comes before warms the caches
			if err := unix.Getrusage(unix.RUSAGE_THREAD, &before); err != nil {
				b.Fatal(err)
			}
		}
		for _, fd := range f.fds {
			if _, err := unix.Pread(fd, f.buf, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &after); err != nil {
		b.Fatal(err)
	}
	spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	return float64(spent) / rounds / f.containers
}
