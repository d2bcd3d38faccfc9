package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tallyman/internal/fakeengine"
)

// TestInventory_eventsInAnyOrder: events that come out of order, twice, late, with floats for integers, and about containers
// that nobody knows, do no harm: what is known in the end is what the engine says, and no exit counts twice.
func TestInventory_eventsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			l := recorded(t, "28.5.2")
			l.Mute(true)
			var lines []string
			at := time.Now()
			say := func(action, id string, code int) {
				at = at.Add(time.Second)
				nano := fmt.Sprint(at.UnixNano())
				if len(lines)%2 == 0 {
					nano = fmt.Sprintf("%.18e", float64(at.UnixNano()))
				}
				lines = append(lines, fmt.Sprintf(`{"Type":"container","Action":%q,"Actor":{"ID":%q,"Attributes":{"exitCode":"%d","x":7,"name":null}},"timeNano":%s}`,
					action, id, code, nano))
			}
			id := l.ID("eng-host")
			stranger := strings.Repeat("0f", 32)
			for n := range 3 {
				l.Die("eng-host", n)
				say("die", id, n)
				l.Run("eng-host")
				say("start", id, 0)
				say("oom", stranger, 0)
				say("die", stranger, 1)
			}
			l.Rename("eng-host", "eng-hosted")
			say("rename", id, 0)
			gone := l.ID("eng-tty")
			l.Destroy("eng-tty")
			say("destroy", gone, 0)
			say("die", gone, 0)
			say("destroy", stranger, 0)
			l.Mute(false)
			all := append(lines, lines...)
			random := rand.New(rand.NewPCG(seed, seed))
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, line := range all {
				l.Raw(line)
			}
			l.await(t, "settled", func(v *View) bool {
				c := find(v, "eng-hosted")
				return c != nil && c.State == StateRunning && c.PID > 0 && find(v, "eng-tty") == nil && len(v.Containers) == 27
			})
			// The last word: everything before it has been heard.
			l.Health("eng-sick", "healthy")
			v := l.await(t, "the end", func(v *View) bool { return find(v, "eng-sick").Health == HealthHealthy && len(v.Containers) == 27 })
			if got := find(v, "eng-hosted"); got.Exits.total() > 3 || got.Exits.total() == 0 {
				t.Errorf("3 exits were counted as %+v", got.Exits)
			}
			counts := map[string]uint64{}
			for _, n := range v.Events {
				counts[n.Action] = n.Count
			}
			if counts["die"] != 7 || counts["destroy"] != 2 || counts["start"] != 3 {
				t.Errorf("got %v", counts)
			}
		})
	}
}

// TestInventory_hostileContainer: what a container may be called is bounded, and costs no other container anything.
func TestInventory_hostileContainer(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	name := strings.Repeat("\n\"\x1b", 1000)
	labels := map[string]any{"": "no key", strings.Repeat("k", 300): "long key", "number": 7, "nothing": nil}
	for n := range 700 {
		labels[fmt.Sprintf("key %03d", n)] = strings.Repeat("é", 2100*(n%20/19)) // not all are long: the test would be slow
	}
	e.Update("eng-host", func(doc map[string]any) {
		doc["Name"] = "/" + name
		doc["RestartCount"] = -1e300
		doc["Config"].(map[string]any)["Labels"] = labels
		doc["Config"].(map[string]any)["Image"] = strings.Repeat("i", 1<<16)
		doc["HostConfig"].(map[string]any)["RestartPolicy"] = map[string]any{"Name": strings.Repeat("p", 1<<10)}
		state := doc["State"].(map[string]any)
		state["Pid"], state["ExitCode"], state["StartedAt"] = 1e300, "NaN", "0001-01-01T00:00:00Z"
	})
	id := e.ID("eng-none")
	e.SetFault("/containers/"+id+"/json", fakeengine.Fault{Status: 200, Body: `{"Id":"` + id + `","Name":"","State":{"Status":"running"},"Config":null}`})
	l := follow(t, e, Options{Timeout: 20 * time.Second}, fast())
	c := l.awaitContainer(t, name[:maxName], "inspected", func(c *Container) bool { return !c.Listed })
	v := l.inv.View()
	if len(v.Containers) != 28 {
		t.Errorf("got %d containers", len(v.Containers))
	}
	for _, c := range v.Containers {
		if c.ID != e.ID("eng-none") && c.Name == "" {
			t.Errorf("%s has lost its name", c.ID)
		}
	}
	if len(c.Image) > maxImage || len(c.RestartPolicy) > maxName || len(c.Labels) != maxLabels || !c.Started.IsZero() || c.Restarts != 0 {
		t.Errorf("image of %d bytes, policy of %d, %d labels, started %v, %d restarts", len(c.Image), len(c.RestartPolicy), len(c.Labels), c.Started, c.Restarts)
	}
	for key, value := range c.Labels {
		if len(key) > maxLabelKey || len(value) > maxLabelValue {
			t.Errorf("label of %d and %d bytes", len(key), len(value))
		}
	}
}
