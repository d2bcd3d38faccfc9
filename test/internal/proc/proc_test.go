package proc

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestCPU burns a little and looks for it in this process's clock.
func TestCPU(t *testing.T) {
	t.Parallel()
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for started := time.Now(); time.Since(started) < 50*time.Millisecond; {
		_ = strings.Repeat("x", 1000)
	}
	after, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("the CPU clock went from %s to %s", before, after)
	}
	if _, err := CPU(1 << 24); err == nil {
		t.Error("no error for a process that cannot be")
	}
}
