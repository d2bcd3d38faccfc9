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
	type step struct{ cgroup, cpu, exits string }
	f := func(name string, wrong int, steps ...step) {
		t.Helper()
		var at step
		c := Counters{Birth: func(string) string { return at.cgroup }}
		for _, at = range steps {
			text := ""
			if at.cpu != "" {
				text += `container_cpu_usage_seconds_total{id="/a",name="a"} ` + at.cpu + "\n"
			}
			if at.exits != "" {
				text += `container_exits_total{id="/a",name="a",reason="error"} ` + at.exits + "\n"
			}
			p, err := Parse(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			c.Take(p)
		}
		if got := c.Wrong(); len(got) != wrong {
			t.Errorf("%s: got %q, want %d", name, got, wrong)
		}
	}
	f("they grow", 0, step{"1", "5", "0"}, step{"1", "6", "0"}, step{"1", "6", "1"})
	f("a new cgroup", 0, step{"1", "5", "0"}, step{"1", "6", "0"}, step{"2", "1", "1"})
	f("a new cgroup, made just after the page", 0, step{"1", "5", "0"}, step{"2", "6", "0"}, step{"2", "1", "1"})
	f("a new cgroup, of which nothing is served for a while", 0, step{"1", "5", "0"}, step{"1", "6", "0"}, step{"", "", "1"}, step{"2", "", "1"}, step{"2", "", "1"}, step{"2", "1", "1"})
	f("the same cgroup, of which nothing is served for a while", 1, step{"1", "5", "0"}, step{"1", "6", "0"}, step{"1", "", "0"}, step{"1", "", "0"}, step{"1", "1", "0"})
	f("a new cgroup long ago", 1, step{"1", "5", "0"}, step{"2", "6", "0"}, step{"2", "7", "0"}, step{"2", "1", "1"})
	f("the same cgroup", 1, step{"1", "5", "0"}, step{"1", "6", "0"}, step{"1", "1", "0"}, step{"1", "2", "0"})
	f("exits go on over cgroups", 1, step{"1", "5", "3"}, step{"1", "5", "3"}, step{"2", "1", "2"})
	f("away for a while", 1, step{"1", "5", "3"}, step{}, step{"1", "5", "2"})
}
