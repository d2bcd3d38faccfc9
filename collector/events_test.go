package collector_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// remembered is how many events are, as Collector.Events says.
const remembered = 1000

// idle is a collector without engines.
func idle(t *testing.T) *collector.Collector {
	t.Helper()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	return collector.New(nil, h.kernel, collector.Options{})
}

func happen(c *collector.Collector, from string, n int) {
	for range n {
		c.Happened(from, engine.Event{Type: "container", Action: "start"})
	}
}

// TestEvents: the latest are remembered, numbered over all engines.
func TestEvents(t *testing.T) {
	t.Parallel()
	c := idle(t)
	check := func(limit, want int, first uint64) {
		t.Helper()
		got := c.Events(limit)
		if len(got) != want || want > 0 && got[0].Seq != first {
			t.Fatalf("Events(%d): got %d, want %d from %d on", limit, len(got), want, first)
		}
		for n, ev := range got {
			if ev.Seq != first+uint64(n) || ev.Engine != map[bool]string{true: "a", false: "b"}[ev.Seq <= 3] {
				t.Fatalf("Events(%d): got %+v at %d", limit, ev, n)
			}
		}
	}
	check(0, 0, 0)
	check(5, 0, 0)
	happen(c, "a", 3)
	check(0, 3, 1)
	check(2, 2, 2)
	check(4, 3, 1)
	happen(c, "b", remembered-3)
	check(0, remembered, 1)
	happen(c, "b", 1)
	check(-1, remembered, 2)
	happen(c, "b", 5*remembered)
	check(0, remembered, 5*remembered+2)
	check(1, 1, 6*remembered+1)
}

// TestFollow: a follower gets what it has not seen and then what comes, until it is no longer interested.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := idle(t)
		happen(c, "a", 5)
		for _, tt := range []struct{ seen, first uint64 }{{0, 1}, {3, 4}, {5, 6}, {77, 1}} {
			ctx, cancel := context.WithCancel(t.Context())
			f, err := c.Follow(ctx, tt.seen)
			if err != nil {
				t.Fatal(err)
			}
			for seq := tt.first; seq <= 5; seq++ {
				if ev := <-f.Events; ev.Seq != seq {
					t.Fatalf("after %d: got %d, want %d", tt.seen, ev.Seq, seq)
				}
			}
			synctest.Wait()
			select {
			case ev, open := <-f.Events:
				t.Fatalf("after %d: got %d, open %v, before it happened", tt.seen, ev.Seq, open)
			default:
			}
			cancel()
			if _, open := <-f.Events; open || f.Dropped() {
				t.Errorf("after %d: open %v, dropped %v after the end", tt.seen, open, f.Dropped())
			}
		}
		f, err := c.Follow(t.Context(), 5)
		if err != nil {
			t.Fatal(err)
		}
		happen(c, "a", 2)
		if a, b := <-f.Events, <-f.Events; a.Seq != 6 || b.Seq != 7 {
			t.Errorf("got %d and %d, want 6 and 7", a.Seq, b.Seq)
		}
	})
}

// TestFollow_slow: a reader who is too late is dropped, whether it reads slowly or not at all, and nobody waits for it.
func TestFollow_slow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := idle(t)
		f, err := c.Follow(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		happen(c, "a", remembered)
		synctest.Wait()
		if f.Dropped() {
			t.Fatal("dropped although all is remembered")
		}
		if ev := <-f.Events; ev.Seq != 1 {
			t.Fatalf("got %d first", ev.Seq)
		}
		synctest.Wait() // number 2 waits for the reader
		happen(c, "a", 2)
		synctest.Wait()
		if _, open := <-f.Events; open || !f.Dropped() {
			t.Errorf("open %v, dropped %v: number 2 is forgotten", open, f.Dropped())
		}
	})
}

// TestFollow_many: 200 followers get everything, also those that come later, while a slow one is dropped and no goroutine is left.
// It is not parallel to others, since it counts the goroutines of the process.
func TestFollow_many(t *testing.T) {
	before := goleak.IgnoreCurrent()
	c := idle(t)
	ctx, cancel := context.WithCancel(t.Context())
	const total = 3 * remembered
	slow, err := c.Follow(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	var readers, producer sync.WaitGroup
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	progress := make([]uint64, 200)
	for n := range progress {
		f, err := c.Follow(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		readers.Go(func() {
			var last uint64
			for ev := range f.Events {
				if ev.Seq != last+1 {
					t.Errorf("follower %d: got %d after %d", n, ev.Seq, last)
				}
				last = ev.Seq
				mu.Lock()
				progress[n] = last
				cond.Broadcast()
				mu.Unlock()
			}
			if f.Dropped() || last != total {
				t.Errorf("follower %d: dropped %v after %d", n, f.Dropped(), last)
			}
		})
	}
	// wait lets no follower be later than behind.
	wait := func(upTo uint64) {
		mu.Lock()
		defer mu.Unlock()
		for n := range progress {
			for progress[n] < upTo {
				cond.Wait()
			}
		}
	}
	producer.Go(func() {
		for n := range total {
			happen(c, fmt.Sprint("e", n%3), 1)
			if n%100 == 0 {
				wait(uint64(max(n-500, 0)))
			}
		}
		wait(total)
	})
	producer.Wait()
	cancel()
	readers.Wait()
	for range slow.Events {
		t.Error("an event for the slow one, which has read none of them")
	}
	if !slow.Dropped() {
		t.Error("the slow one was not dropped")
	}
	deadline := time.Now().Add(10 * time.Second)
	for err = goleak.Find(before); err != nil && time.Now().Before(deadline); err = goleak.Find(before) {
		time.Sleep(time.Millisecond)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestLogs: the engine whose container it is is asked.
func TestLogs(t *testing.T) {
	t.Parallel()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	c := collector.New([]collector.Engine{&views{name: "a"}, &views{name: "b"}}, h.kernel, collector.Options{})
	got, err := c.Logs(t.Context(), &collector.Container{Engine: "b", Facts: &engine.Container{ID: "42"}}, 7)
	if err != nil || len(got) != 1 || got[0].Text != "b427" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := c.Logs(t.Context(), &collector.Container{Engine: "b"}, 7); !errors.Is(err, engine.ErrNoContainer) {
		t.Errorf("a container that the engine says nothing of: got %v", err)
	}
}
