package grafana

import (
	"slices"
	"testing"
)

// TestPlace: panels stand side by side while there is room, then in the next line; a line is as high as its highest panel.
func TestPlace(t *testing.T) {
	t.Parallel()
	at, next := place([]Panel{
		{Kind: Stat, Width: Half}, {Kind: Table, Width: Quarter}, {Kind: Stat, Width: Half}, {Kind: Stat, Width: Half, Height: 3}, {Kind: TimeSeries, Width: Full},
	}, 10)
	want := []position{
		{W: 12, H: 8, X: 0, Y: 10},
		{W: 6, H: 8, X: 12, Y: 10},
		{W: 12, H: 4, X: 0, Y: 18},
		{W: 12, H: 4, X: 12, Y: 18},
		{W: 24, H: 8, X: 0, Y: 22},
	}
	if !slices.Equal(at, want) || next != 30 {
		t.Errorf("got %+v until %d, want %+v until 30", at, next, want)
	}
	if at, next := place(nil, 3); len(at) != 0 || next != 3 {
		t.Errorf("no panels take %d lines", next-3)
	}
}
