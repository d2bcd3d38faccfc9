package metrics

import (
	"slices"
	"strings"
	"testing"
)

// selected lists the groups of a selection.
func selected(s Selection) []string {
	names := []string{}
	for _, g := range Groups() {
		if s.Has(g.Name) {
			names = append(names, string(g.Name))
		}
	}
	return names
}

func TestSelection_zeroIsDefault(t *testing.T) {
	t.Parallel()
	for _, g := range Groups() {
		if got := (Selection{}).Has(g.Name); got != g.Default {
			t.Errorf("%s: got %v, want %v", g.Name, got, g.Default)
		}
		flipped := Selection{}.With(g.Name, !g.Default)
		if flipped.Has(g.Name) == g.Default {
			t.Errorf("%s cannot be switched", g.Name)
		}
		if flipped.With(g.Name, g.Default) != (Selection{}) {
			t.Errorf("%s cannot be switched back", g.Name)
		}
	}
	if (Selection{}).Has("nonsense") || (Selection{}).With("nonsense", true) != (Selection{}) {
		t.Error("a group that does not exist can be selected")
	}
	if n := len(selected(Selection{}.Empty())); n != 0 {
		t.Errorf("the empty selection has %d groups", n)
	}
}

func TestSelection_narrow(t *testing.T) {
	t.Parallel()
	small := Selection{}.Empty().With(GroupCPU, true).With(GroupMemory, true)
	for _, c := range []struct {
		from             Selection
		collect, exclude []string
		want, err        string
	}{
		{small, nil, nil, "cpu memory", ""},
		{small, []string{"cpu"}, nil, "cpu", ""},
		{small, []string{"memory", "cpu", "cpu"}, nil, "cpu memory", ""},
		{small, nil, []string{"cpu"}, "memory", ""},
		{small, nil, []string{"cpu", "memory"}, "", ""},
		{small, nil, []string{"blkio"}, "cpu memory", ""},
		{Selection{}.With(GroupBlkio, true), []string{"blkio"}, nil, "blkio", ""},
		{small, []string{"cpu"}, []string{"memory"}, "", "cannot be used together"},
		{small, []string{"nonsense"}, nil, "", `collect[]: there is no group "nonsense": the groups are cpu, memory, oom,`},
		{small, nil, []string{""}, "", `exclude[]: there is no group ""`},
		{small, []string{"io"}, nil, "", `group "io" is switched off here: start tallyman with --collector.io`},
		{small, []string{"cadvisor"}, nil, "", `group "cadvisor" is switched off here: start tallyman with --compat.cadvisor`},
		{Selection{}, []string{"blkio"}, nil, "", `--collector.blkio`},
		{small, []string{strings.Repeat("x", 9999)}, nil, "", `x..."`},
	} {
		got, err := c.from.Narrow(c.collect, c.exclude)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || len(err.Error()) > 300 {
				t.Errorf("collect %q exclude %q: got error %v, want %q", c.collect, c.exclude, err, c.err)
			}
			continue
		}
		if err != nil || !slices.Equal(selected(got), strings.Fields(c.want)) {
			t.Errorf("collect %q exclude %q: got %v, %v, want %s", c.collect, c.exclude, selected(got), err, c.want)
		}
	}
}
