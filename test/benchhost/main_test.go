package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 2}, 2}} {
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v, want %v", test.values, got, test.want)
		}
	}
}

func TestCounting(t *testing.T) {
	t.Parallel()
	body := []byte("# HELP a b\n# TYPE a gauge\na 1\ncontainer_memory_usage_bytes{id=\"/\",image=\"\"} 2\n" +
		"container_memory_usage_bytes{id=\"/docker/1\",image=\"" + imageName + "\"} 3\n\n")
	if got := series(body); got != 3 {
		t.Errorf("series = %d, want 3", got)
	}
	if got := measured(body); got != 1 {
		t.Errorf("measured = %d, want 1", got)
	}
}

func TestServeFloor(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := serveFloor(strings.NewReader(file+"\n"+file+"\n\n3\n1\n"), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(out.String())
	if len(lines) != 2 {
		t.Fatalf("answers = %q, want two", lines)
	}
	for _, line := range lines {
		if d, err := time.ParseDuration(line); err != nil || d <= 0 {
			t.Errorf("answer %q: want a positive duration (%v)", line, err)
		}
	}
	if err := serveFloor(strings.NewReader("/no/such/file\n\n"), &out); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func TestInParallel(t *testing.T) {
	t.Parallel()
	done := make([]bool, 100)
	if err := inParallel(context.Background(), len(done), func(i int) error { done[i] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, ok := range done {
		if !ok {
			t.Errorf("%d was left out", i)
		}
	}
	want := errors.New("no more")
	if err := inParallel(context.Background(), 10, func(int) error { return want }); !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
	if err := inParallel(context.Background(), 0, nil); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}
