package scale

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// checkRemoved removes a container. Prometheus must forget it at the next scrape, not five minutes later.
func (f *fleet) checkRemoved(b *testing.B, m *measured) {
	h := f.hosts[0]
	id := h.running[0].ID
	selector := fmt.Sprintf(`{id="/docker/%s"}`, id)
	before := f.query(b, "count("+selector+")")
	began := time.Now()
	h.remove(0)
	f.nextScrape(b, h)
	took := time.Since(began)
	if left := f.values(b, "count("+selector+")"); len(left) > 0 {
		b.Errorf("removed: an instant query still finds %v series of the container", left)
	}
	past := f.query(b, "count(last_over_time("+selector+"[5m]))")
	if past < before {
		b.Errorf("removed: a range query finds %v series of the container, want the %v that there were", past, before)
	}
	h.add(b, 1) // as many as before
	m.notef("a container is removed", "its %.0f series are out of instant queries at the next scrape (%.1f s later); a range query over 5 minutes still has all", before, took.Seconds())
}

// checkRestarted restarts a container twice. It may get series for what has not been known before its first exit, and nothing
// twice.
func (f *fleet) checkRestarted(b *testing.B, m *measured) {
	h := f.hosts[1]
	selector := fmt.Sprintf(`{id="/docker/%s"}`, h.running[0].ID)
	first := f.seriesSet(b, selector)
	h.restart(b, 0)
	f.nextScrape(b, h)
	second := f.seriesSet(b, selector)
	families := newFamilies(first, second)
	if want := []string{"container_exit_code", "container_finish_time_seconds", "container_oom_killed"}; !slices.Equal(families, want) {
		b.Errorf("restarted: got new series of %v, want of %v", families, want)
	}
	h.restart(b, 0)
	f.nextScrape(b, h)
	third := f.seriesSet(b, selector)
	if families := newFamilies(second, third); len(families) > 0 {
		b.Errorf("restarted again: got new series of %v, want none", families)
	}
	now := f.query(b, "count("+selector+")")
	if int(now) != len(third) {
		b.Errorf("restarted again: an instant query finds %v series, want all %d", now, len(third))
	}
	m.notef("a container is restarted", "its %d series go on; the first exit adds %d, once (%s); the second restart adds none",
		len(first), len(second)-len(first), "`"+strings.Join(families, "`, `")+"`")
}

// checkKilled kills a tallyman, and starts it again.
func (f *fleet) checkKilled(b *testing.B, m *measured) {
	h := f.hosts[2]
	ofHost := fmt.Sprintf(`{instance=%q,__name__!~"up|scrape_.+"}`, h.address())
	ofContainers := fmt.Sprintf(`{instance=%q,__name__=~"(container|machine)_.+"}`, h.address())
	before := f.query(b, "count("+ofHost+")")
	set := f.seriesSet(b, ofContainers)
	if err := syscall.Kill(h.tallyman.PID(), syscall.SIGKILL); err != nil {
		b.Fatal(err)
	}
	f.nextScrape(b, h)
	if up := f.query(b, fmt.Sprintf("up{instance=%q}", h.address())); up != 0 {
		b.Errorf("killed: up is %v, want 0", up)
	}
	if left := f.values(b, "count("+ofHost+")"); len(left) > 0 {
		b.Errorf("killed: an instant query still finds %v series of the host", left)
	}
	if others := f.query(b, `count(up{job="tallyman"} == 1)`); others != hosts-1 {
		b.Errorf("killed: %v hosts are up, want %d", others, hosts-1)
	}
	h.start(b)
	f.nextScrape(b, h)
	if families := newFamilies(set, f.seriesSet(b, ofContainers)); len(families) > 0 {
		b.Errorf("started again: got new series of %v, want none", families)
	}
	m.notef("a tallyman is killed", "`up` is 0 and its %.0f series are out of instant queries at the next scrape, those of the other %d hosts stay; "+
		"started again, it goes on with the same series of containers and host, and adds none", before, hosts-1)
}
