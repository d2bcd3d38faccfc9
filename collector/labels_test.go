package collector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// TestSnapshot_labels: only what is let through, by names that Prometheus takes, each once; a container that changes is looked
// at again.
func TestSnapshot_labels(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	label := func(labels map[string]string) {
		h.say("web", func(c *engine.Container) { c.Labels = labels })
	}
	label(map[string]string{
		"team.name": "dots", "team-name": "dashes", "team/é": "quay\n\"7\"", "team_empty": "", "secret": "x", "Team": "upper",
	})
	c := h.collector(collector.Options{Labels: func(key string) bool { return strings.HasPrefix(key, "team") }})
	want := []collector.Label{{Name: "container_label_team__", Value: "quay\n\"7\""}, {Name: "container_label_team_name", Value: "dashes"}}
	if got := container(t, snapshot(t, c), "web").Labels; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	err := testutil.GatherAndCompare(h.self.Gatherer(), strings.NewReader(`
# HELP tallyman_collect_errors_total Readings that failed, by part (kernel file or engine endpoint) and reason.
# TYPE tallyman_collect_errors_total counter
tallyman_collect_errors_total{part="labels",reason="collision"} 1
`), "tallyman_collect_errors_total")
	if err != nil {
		t.Error(err)
	}
	label(map[string]string{"team": "one"})
	want = []collector.Label{{Name: "container_label_team", Value: "one"}}
	if got := container(t, snapshot(t, c), "web").Labels; !slices.Equal(got, want) {
		t.Errorf("after a change: got %q, want %q", got, want)
	}
	many := map[string]string{"teams": strings.Repeat("x", 1023) + "é"}
	for n := range 2000 {
		many[fmt.Sprintf("team_%04d", n)] = "x"
	}
	label(many)
	got := container(t, snapshot(t, c), "web").Labels
	if len(got) != 64 || got[0].Name != "container_label_team_0000" || got[63].Name != "container_label_team_0063" {
		t.Errorf("got %d of many labels, the first %v", len(got), got[0])
	}
	label(map[string]string{"team": many["teams"]})
	if got := container(t, snapshot(t, c), "web").Labels; len(got) != 1 || got[0].Value != strings.Repeat("x", 1023) {
		t.Errorf("got %d labels, the first with %d bytes", len(got), len(got[0].Value))
	}
	if got := container(t, snapshot(t, h.collector(collector.Options{})), "web").Labels; got != nil {
		t.Errorf("by default: got %q", got)
	}
}
