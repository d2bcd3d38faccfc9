package require

import "testing"

func TestAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		list, component string
		want            bool
	}{
		{"", "engine", false},
		{"1", "engine", true},
		{"engine", "engine", true},
		{"root, engine", "engine", true},
		{"engines", "engine", false},
	} {
		if got := asked(tt.list, tt.component); got != tt.want {
			t.Errorf("%q, %s: got %v, want %v", tt.list, tt.component, got, tt.want)
		}
	}
}
