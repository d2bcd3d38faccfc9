package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

const (
	// chaosLives is how many containers live through the chaos, unless TALLYMAN_TEST_LIVES says another number.
	chaosLives = 60
	// chaosKills is how often dockerd is killed meanwhile.
	chaosKills = 2
	// chaosAtOnce is how many requests the engine is asked to work on at a time.
	chaosAtOnce = 6
	// chaosBegin is the time within which they all want to begin, chaosPause the longest pause between two things that happen
	// to one of them.
	chaosBegin, chaosPause = 30 * time.Second, 5 * time.Second
)

// TestChaos: while containers are made, changed and removed in an order made by chance, and dockerd is killed and started again,
// no scrape fails and no counter goes back; afterwards exactly the containers that the engine has are served, as they are,
// and tallyman holds no more than one that has just been started.
//
// TALLYMAN_TEST_SEED repeats the lives of an earlier run.
func TestChaos(t *testing.T) {
	require.OwnEngine(t)
	seed, err := strconv.ParseUint(os.Getenv("TALLYMAN_TEST_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	lives, err := strconv.Atoi(os.Getenv("TALLYMAN_TEST_LIVES"))
	if err != nil || lives < chaosKills {
		lives = chaosLives
	}
	t.Logf("TALLYMAN_TEST_LIVES=%d TALLYMAN_TEST_SEED=%d", lives, seed)
	e := newEngine(t)
	if err := shared.script("populate", e.Host, "images"); err != nil {
		t.Fatal(err)
	}
	p := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: []string{"--web.enable-pprof"}})
	p.WaitFor(t, limit, engineIs(1))
	w := watch(t, p)
	began := time.Now()
	c := beginChaos(t, e.Host, lives, seed)
	for n := range chaosKills {
		c.await(t, (n+1)*lives/(chaosKills+1))
		e.kill(t)
		p.WaitFor(t, limit, engineIs(0))
		e.revive(t)
		p.WaitFor(t, limit, engineIs(1))
		t.Logf("after %v and %d lives, dockerd was killed and started again", time.Since(began).Round(time.Second), c.over.Load())
	}
	c.await(t, lives)
	t.Logf("%d lives took %v: %d requests, %d more that dockerd's death cut short, %d that it refused", lives,
		time.Since(began).Round(time.Second), c.answered.Load(), c.cut.Load(), c.refused.Load())
	stopLoops(t, e, p)
	sameContainers(t, e, p)
	w.finish(t)
	noMoreThanFresh(t, e, p)
}

// engineIs waits for a value of tallyman_engine_up.
func engineIs(want float64) func(scrape.Page) string {
	return func(page scrape.Page) string {
		if page.Is(want, "tallyman_engine_up") {
			return ""
		}
		return fmt.Sprintf("tallyman_engine_up is not %v", want)
	}
}

// kill ends dockerd as the kernel does when memory runs out: its containers, and its containerd, live on.
func (e *ownEngine) kill(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.folder, "docker.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(limit); syscall.Kill(pid, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("dockerd, process %d, has been killed but does not end", pid)
		}
	}
}

// revive starts dockerd after its death as a service manager does: again, when it does not get up at once. On a busy machine it
// may not wait long enough for its own containerd.
func (e *ownEngine) revive(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(2 * limit); ; {
		err := e.try(t, "start", e.options...)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// chaos is the lives of many containers.
type chaos struct {
	cli    *client.Client
	places chan struct{} // as many as requests may be under way
	group  sync.WaitGroup

	over, answered, refused, cut atomic.Int64 // lives; requests
}

// chaosKind is what a container of the chaos does.
type chaosKind struct {
	name, command string
	policy        container.RestartPolicyMode
}

func chaosKinds() []chaosKind {
	const never, always = container.RestartPolicyDisabled, container.RestartPolicyAlways
	return []chaosKind{
		{"sleep", "sleep 36000", never},
		{"sleep", "sleep 36000", never},
		{"always", "sleep 36000", always},
		{"loop", "sleep .5; exit 1", always},
		{"fail", "sleep .5; exit 3", never},
		{"done", "exit 0", never},
		{"thrice", "exit 2", container.RestartPolicyOnFailure},
		{"idle", "", never}, // which is not started
	}
}

// beginChaos lets all lives begin.
func beginChaos(t *testing.T, host string, lives int, seed uint64) *chaos {
	t.Helper()
	cli, err := client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := &chaos{cli: cli, places: make(chan struct{}, chaosAtOnce)}
	t.Cleanup(func() {
		cancel()
		c.group.Wait()
		cli.Close()
	})
	for n := range lives {
		c.group.Go(func() {
			c.life(ctx, n, rand.New(rand.NewPCG(seed, uint64(n))))
			c.over.Add(1)
		})
	}
	return c
}

// await waits until so many lives are over: as long as it takes on this machine, if only something happens.
func (c *chaos) await(t *testing.T, lives int) {
	t.Helper()
	answered, end := c.answered.Load(), time.Now().Add(limit)
	for int(c.over.Load()) < lives {
		if now := c.answered.Load(); now != answered {
			answered, end = now, time.Now().Add(limit)
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d lives are over, and the engine has answered nothing for %v", c.over.Load(), lives, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// life is all that happens to one container, by chance. Two of three are removed in the end.
func (c *chaos) life(ctx context.Context, n int, chance *rand.Rand) {
	kinds := chaosKinds()
	kind := kinds[chance.IntN(len(kinds))]
	name := fmt.Sprintf("tm-%s-%d", kind.name, n)
	rest(ctx, chance, chaosBegin)
	c.ask(ctx, func(ctx context.Context) error {
		_, err := c.cli.ContainerCreate(ctx, &container.Config{Image: image, Cmd: []string{"sh", "-c", kind.command}, StopTimeout: new(1)},
			&container.HostConfig{NetworkMode: "none", RestartPolicy: container.RestartPolicy{Name: kind.policy, MaximumRetryCount: retries(kind)}},
			nil, nil, name)
		return err
	})
	if kind.name != "idle" {
		c.ask(ctx, func(ctx context.Context) error { return c.cli.ContainerStart(ctx, name, container.StartOptions{}) })
	}
	for range chance.IntN(3) {
		rest(ctx, chance, chaosPause)
		c.happen(ctx, chance, name)
	}
	rest(ctx, chance, chaosPause)
	if chance.IntN(3) > 0 {
		c.ask(ctx, func(ctx context.Context) error {
			return c.cli.ContainerRemove(ctx, name, container.RemoveOptions{Force: true})
		})
	}
}

// retries is how often a container is restarted that may not be for ever.
func retries(k chaosKind) int {
	if k.policy == container.RestartPolicyOnFailure {
		return 3
	}
	return 0
}

// happen lets something happen to a container. If it is not in the state for it, the engine refuses.
func (c *chaos) happen(ctx context.Context, chance *rand.Rand, name string) {
	switch chance.IntN(4) {
	case 0:
		c.ask(ctx, func(ctx context.Context) error {
			return c.cli.ContainerRestart(ctx, name, container.StopOptions{Timeout: new(0)})
		})
	case 1:
		c.ask(ctx, func(ctx context.Context) error { return c.cli.ContainerKill(ctx, name, "KILL") })
	case 2:
		c.ask(ctx, func(ctx context.Context) error { return c.cli.ContainerPause(ctx, name) })
		rest(ctx, chance, chaosPause)
		c.ask(ctx, func(ctx context.Context) error { return c.cli.ContainerUnpause(ctx, name) })
	case 3:
		c.ask(ctx, func(ctx context.Context) error {
			return c.cli.ContainerStop(ctx, name, container.StopOptions{Timeout: new(0)})
		})
	}
}

// ask asks the engine until it answers, be it no.
func (c *chaos) ask(ctx context.Context, request func(context.Context) error) {
	c.places <- struct{}{}
	defer func() { <-c.places }()
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, limit)
		err := request(limited)
		cancel()
		switch {
		case err == nil:
			c.answered.Add(1)
			return
		case strings.Contains(err.Error(), "Error response from daemon"):
			c.refused.Add(1)
			return
		}
		c.cut.Add(1)
		rest(ctx, nil, 200*time.Millisecond)
	}
}

// rest waits for as long as it takes by chance; without, for the whole time.
func rest(ctx context.Context, chance *rand.Rand, longest time.Duration) {
	if chance != nil {
		longest = time.Duration(chance.Int64N(int64(longest)))
	}
	select {
	case <-time.After(longest):
	case <-ctx.Done():
	}
}

// stopLoops stops what would go on by itself, so that docker and tallyman can be compared at leisure. An engine whose death made it
// miss the end of a container ("did not receive an exit event") may refuse for ever, after another start of dockerd, too: its containerd
// does not know either.
func stopLoops(t *testing.T, e *ownEngine, p *program.Program) {
	t.Helper()
	const stubborn = 30 * time.Second
	began, startedAgain := time.Now(), false
	for ; ; time.Sleep(time.Second) {
		loops := strings.Fields(e.Run(t, "ps", "-q", "--filter", "name=tm-loop"))
		if len(loops) == 0 {
			return
		}
		_, err := e.Try(append([]string{"stop", "-t", "0"}, loops...)...)
		switch took := time.Since(began); {
		case err == nil:
		case took > 2*limit:
			t.Fatal(err)
		case took > stubborn && !startedAgain:
			t.Logf("the engine is started once more, as after a power failure: %v", err)
			e.run(t, "crash")
			e.revive(t)
			p.WaitFor(t, limit, engineIs(1))
			startedAgain = true
		}
	}
}

// sameContainers: exactly the containers that the engine has are served, each as "docker inspect" says.
func sameContainers(t *testing.T, e *ownEngine, p *program.Program) {
	t.Helper()
	inAPath := regexp.MustCompile(`[0-9a-f]{64}`)
	ids := strings.Fields(e.Run(t, "ps", "-aq", "--no-trunc"))
	slices.Sort(ids)
	page := p.WaitFor(t, patience(limit), func(page scrape.Page) string {
		served := map[string]bool{}
		for _, samples := range page {
			for _, s := range samples {
				if id := inAPath.FindString(s.Labels["id"]); id != "" {
					served[id] = true
				}
			}
		}
		if got := slices.Sorted(maps.Keys(served)); !slices.Equal(got, ids) || len(page["container_info"]) != len(ids) {
			return fmt.Sprintf("%d containers are served, %d by container_info; docker ps -a has %d", len(got), len(page["container_info"]), len(ids))
		}
		return ""
	})
	t.Logf("docker ps -a has %d containers, and those are served: %d in container_info, %v run", len(ids), len(page["container_info"]),
		len(page["container_cpu_usage_seconds_total"])-1)
	stable := func(c lifeColumn) bool { return !slices.Contains([]string{"restarts", "exit", "oom", "exits"}, c.name) } // tallyman knows more
	columns := lifeColumns(time.Now(), imagesOf(t, e.Engine))
	compareLives(t, e.Engine, p, slices.DeleteFunc(columns, func(c lifeColumn) bool { return !stable(c) }))
}

// noMoreThanFresh: nothing is left of what is gone: as many goroutines run, and as many files are open, as in a tallyman that
// never saw anything else than what there is now.
func noMoreThanFresh(t *testing.T, e *ownEngine, p *program.Program) {
	t.Helper()
	fresh := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: []string{"--web.enable-pprof"}})
	fresh.Ready(t)
	var report string
	p.WaitFor(t, limit, func(page scrape.Page) string {
		fresh.Metrics(t) // so that it has opened what it reads
		files, sockets := openIn(t, p)
		freshFiles, freshSockets := openIn(t, fresh)
		all, freshAll := calm(t, p), calm(t, fresh)
		fds, _ := page.Value("process_open_fds")
		report = fmt.Sprintf("%d goroutines but for idle connections, %d files, %d sockets (process_open_fds %v); a fresh one has %d, %d, %d",
			all, files, sockets, fds, freshAll, freshFiles, freshSockets)
		if all > freshAll || files > freshFiles || sockets > freshSockets+idleConnections {
			return report
		}
		return ""
	})
	t.Log(report)
}

// idleConnections is how many tallyman may keep to the engine for a while.
const idleConnections = 4

// openIn counts what is open in a program.
func openIn(t *testing.T, p *program.Program) (files, sockets int) {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", p.PID())
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(folder, entry.Name()))
		switch {
		case errors.Is(err, os.ErrNotExist): // closed meanwhile
		case err != nil:
			t.Fatal(err)
		case strings.HasPrefix(target, "socket:"):
			sockets++
		default:
			files++
		}
	}
	return files, sockets
}
