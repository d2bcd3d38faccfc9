package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/kernel"
	"tallyman/test/internal/scrape"
)

// rounds is how often a number may be compared: one that moves between the readings is tried again.
const rounds = 12

// fromKernel says which families come from the kernel's files alone. The kills by the out-of-memory killer go on over the
// restarts of a container, which the files do not.
func fromKernel(family string) bool {
	for _, prefix := range []string{
		"cpu_", "spec_", "memory_", "pressure_", "fs_reads", "fs_writes", "fs_discards", "network_", "threads", "processes", "hugetlb_", "file_descriptors", "sockets", "ulimits_",
	} {
		if strings.HasPrefix(family, "container_"+prefix) {
			return true
		}
	}
	return false
}

// TestKernel: with every group switched on, every number of every running container is what the kernel's own files say at the same moment, none is
// missing and none is made up. The files are read before and after the scrape: a counter lies between both readings, a limit
// equals both, and what goes up and down lies between them in one of several rounds.
func TestKernel(t *testing.T) {
	var flags []string
	for _, group := range []string{"percpu", "numa", "hugetlb", "process", "tcp", "udp"} {
		flags = append(flags, "--collector."+group)
	}
	p, e := start(t, flags...)
	k, err := kernel.New()
	if err != nil {
		t.Fatal(err)
	}
	k.Detailed = true
	c := comparison{containers: steady(e.Containers(t, "tm-")), open: map[string]string{}, done: map[string]bool{}}
	if len(c.containers) < 20 {
		t.Fatalf("got %d running containers, want 20 or more", len(c.containers))
	}
	for round := range rounds {
		c.next()
		before := c.readAll(k)
		page := p.Metrics(t)
		after := c.readAll(k)
		for name := range c.containers {
			c.compare(name, before[name], page.Container(name, fromKernel), after[name])
		}
		if len(c.open) == 0 && round > 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, series := range slices.Sorted(maps.Keys(c.open)) {
		t.Errorf("%s: %s", series, c.open[series])
	}
	for _, problem := range c.wrong {
		t.Error(problem)
	}
	t.Logf("compared %d numbers of %d families of %d containers (%s)", len(c.done), c.families(), len(c.containers), c.parts())
}

// comparison gathers what was found over the rounds.
type comparison struct {
	containers map[string]*docker.Container
	done       map[string]bool   // numbers that were right, once at least
	open       map[string]string // numbers that have yet to be right, with what is wrong
	wrong      []string          // what no further round can heal
}

// steady are the containers that run, and go on running.
func steady(all map[string]*docker.Container) map[string]*docker.Container {
	maps.DeleteFunc(all, func(_ string, c *docker.Container) bool { return !c.HasProcesses() || c.RestartCount > 0 })
	return all
}

func (c *comparison) next() { c.open = map[string]string{} }

func (c *comparison) readAll(k *kernel.Kernel) map[string]kernel.Numbers {
	out := map[string]kernel.Numbers{}
	for name, container := range c.containers {
		out[name] = k.Read(kernel.Container{ID: container.ID, PID: container.State.Pid, Network: container.OwnsNetwork()})
	}
	return out
}

// compare judges one container in one round.
func (c *comparison) compare(name string, before kernel.Numbers, got map[string]float64, after kernel.Numbers) {
	for series := range got {
		_, was := before[series]
		if _, is := after[series]; !was && !is {
			c.fail(name, series, "is served, but the kernel has no such number")
		}
	}
	for series, low := range before {
		high, still := after[series]
		if !still {
			continue // on its way out
		}
		value, served := got[series]
		switch {
		case !served:
			c.fail(name, series, fmt.Sprintf("is not served, the kernel says %v", low.Value))
		case value >= min(low.Value, high.Value) && value <= max(low.Value, high.Value):
			c.done[name+" "+series] = true
		case low.Kind == kernel.Counter:
			c.wrong = append(c.wrong, fmt.Sprintf("%s %s: got %v, want from %v to %v", name, series, value, low.Value, high.Value))
		default:
			c.fail(name, series, fmt.Sprintf("got %v, want %v to %v", value, low.Value, high.Value))
		}
	}
}

// fail keeps what is wrong in this round, unless the number was right in an earlier one.
func (c *comparison) fail(name, series, problem string) {
	if key := name + " " + series; !c.done[key] {
		c.open[key] = problem
	}
}

// families counts the families that the numbers belong to.
func (c *comparison) families() int {
	found := map[string]bool{}
	for key := range c.done {
		_, series, _ := strings.Cut(key, " ")
		family, _, _ := strings.Cut(series, "{")
		found[family] = true
	}
	return len(found)
}

// parts counts the numbers by what they are of.
func (c *comparison) parts() string {
	counts := map[string]int{}
	for key := range c.done {
		_, series, _ := strings.Cut(key, " ")
		counts[strings.Split(series, "_")[1]]++
	}
	var words []string
	for _, part := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", part, counts[part]))
	}
	return strings.Join(words, ", ")
}

// TestKernelSeesLoad: work that a container does is in its counters.
func TestKernelSeesLoad(t *testing.T) {
	p, e := start(t)
	const name = "tm-db"
	read := func(family string, pairs ...string) func(scrape.Page) float64 {
		return func(page scrape.Page) float64 {
			v, ok := page.Value(family, append(pairs, "name", name)...)
			if !ok {
				t.Fatalf("%s has no %s", name, family)
			}
			return v
		}
	}
	loads := []struct {
		what  string
		value func(scrape.Page) float64
		least float64
		cmd   string
	}{
		{"processor time", read("container_cpu_usage_seconds_total"), 0.2, "timeout 2 sh -c 'while :; do :; done'; true"},
		{"memory", read("container_memory_usage_bytes"), 8 << 20, "dd if=/dev/zero of=/dev/shm/load bs=1M count=10"},
		{"threads", read("container_threads"), 3, "for i in 1 2 3; do sleep 600 & done"},
		{"received bytes", read("container_network_receive_bytes_total", "interface", "eth0"), 60 << 10, "for i in 1 2 3 4 5; do wget -q -O /dev/null http://tm-web/ && exit; sleep 1; done; exit 1"},
	}
	for _, load := range loads {
		t.Run(load.what, func(t *testing.T) {
			before := load.value(p.Metrics(t))
			e.Run(t, "exec", name, "sh", "-c", load.cmd)
			after := load.value(p.Metrics(t))
			if after-before < load.least {
				t.Errorf("got %v more, want %v", after-before, load.least)
			}
		})
	}
	e.Run(t, "exec", name, "sh", "-c", "rm -f /dev/shm/load; killall sleep; true")
}
