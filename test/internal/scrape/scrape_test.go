package scrape

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	p, err := Parse(strings.NewReader(`# TYPE container_fs_reads_total counter
container_fs_reads_total{id="/a",name="a",image="i",device="/dev/x"} 3
container_fs_reads_total{id="/a",name="a",image="i",device="/dev/y"} 4
# TYPE up gauge
up 1
`))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Is(1, "up") || !p.Is(4, "container_fs_reads_total", "device", "/dev/y") {
		t.Errorf("got %v", p)
	}
	if _, ok := p.Value("container_fs_reads_total"); ok {
		t.Error("two samples are not one value")
	}
	got := p.Container("a", func(string) bool { return true })
	if len(got) != 2 || got[`container_fs_reads_total{device="/dev/x"}`] != 3 {
		t.Errorf("got %v", got)
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	page := func(start string, cpu, exits string) Page {
		t.Helper()
		p, err := Parse(strings.NewReader(`container_start_time_seconds{id="/a",name="a"} ` + start + `
container_cpu_usage_seconds_total{id="/a",name="a"} ` + cpu + `
container_exits_total{id="/a",name="a",reason="error"} ` + exits + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	f := func(name string, wrong int, pages ...Page) {
		t.Helper()
		var c Counters
		for _, p := range pages {
			c.Take(p)
		}
		if got := c.Wrong(); len(got) != wrong {
			t.Errorf("%s: got %q, want %d", name, got, wrong)
		}
	}
	f("they grow", 0, page("10", "5", "0"), page("10", "6", "0"), page("10", "6", "1"))
	f("a new run", 0, page("10", "5", "0"), page("20", "1", "1"))
	f("a new run that is known late", 0, page("10", "5", "0"), page("10", "1", "0"), page("20", "2", "1"))
	f("no new run", 1, page("10", "5", "0"), page("10", "1", "0"), page("10", "2", "0"))
	f("removed before it was known", 0, page("10", "5", "0"), page("10", "1", "0"), Page{})
	f("exits go on over runs", 1, page("10", "5", "3"), page("20", "1", "2"))
	f("away for a while", 1, page("10", "5", "3"), Page{}, page("10", "5", "2"))
}
