package engine

import (
	"fmt"
	"testing"
	"time"
)

func TestJobs_burstIsOneInspect(t *testing.T) {
	q, now := newJobs(), time.Now()
	for range 10 {
		q.ask("a", true)
	}
	if got := q.next(now); got != "a" {
		t.Fatalf("got %q", got)
	}
	if got := q.next(now); got != "" {
		t.Fatalf("two at once of one container: %q", got)
	}
	for range 10 {
		q.ask("a", true)
	}
	if got := q.next(now); got != "" {
		t.Fatalf("two at once of one container: %q", got)
	}
	if stale, valid := q.done("a", false, now); !stale || !valid {
		t.Errorf("got stale %v, valid %v", stale, valid)
	}
	if got := q.next(now); got != "a" {
		t.Fatalf("events that came meanwhile were lost: %q", got)
	}
	if stale, _ := q.done("a", false, now); stale || len(q.byID) > 0 || q.next(now) != "" {
		t.Errorf("stale %v, remembered %v", stale, q.byID)
	}
}

func TestJobs_eventsGoBeforeAResync(t *testing.T) {
	q, now := newJobs(), time.Now()
	for n := range 100 {
		q.ask(fmt.Sprint(n), false)
	}
	for range maxBackground {
		q.next(now)
	}
	if got := q.next(now); got != "" {
		t.Errorf("a resync took the place for events: %q", got)
	}
	q.ask("event", true)
	q.ask("99", true) // also waiting in the background
	if got := q.next(now); got != "event" {
		t.Errorf("got %q", got)
	}
	q.done("event", false, now)
	if got := q.next(now); got != "99" {
		t.Errorf("got %q", got)
	}
	q.done("99", false, now)
	seen := map[string]int{}
	for n := range maxBackground {
		q.done(fmt.Sprint(n), false, now)
	}
	for {
		id := q.next(now)
		if id == "" {
			break
		}
		seen[id]++
		q.done(id, false, now)
	}
	if seen["99"] != 0 || len(seen) != 99-maxBackground {
		t.Errorf("inspected %d more, 99 %d times", len(seen), seen["99"])
	}
}

func TestJobs_hungContainersDoNotBlock(t *testing.T) {
	q, now := newJobs(), time.Now()
	for n := range 40 {
		q.ask(fmt.Sprint(n), true)
	}
	started := 0
	for range 20 {
		for q.next(now) != "" {
			started++
		}
		now = now.Add(slowAfter)
	}
	if started != maxInFlight {
		t.Errorf("got %d under way, want %d", started, maxInFlight)
	}
	q.done("0", true, now)
	if got := q.next(now); got != "16" {
		t.Errorf("got %q", got)
	}
}

func TestJobs_failuresAreRetriedEverSlower(t *testing.T) {
	q, now := newJobs(), time.Now()
	q.ask("a", true)
	for n := range 20 {
		if got := q.next(now); got != "a" {
			t.Fatalf("try %d: got %q", n, got)
		}
		q.done("a", true, now)
		q.ask("a", true) // an event does not hurry it
		if got := q.next(now); got != "" {
			t.Fatalf("try %d: at once again", n)
		}
		due := q.retry(now)
		wait := due.Sub(now)
		if want := min(retryMin<<n, retryMax); n < 16 && wait != want || wait > retryMax {
			t.Errorf("try %d: waits %s, want %s", n, wait, want)
		}
		now = due
		q.retry(now)
	}
	q.next(now)
	q.done("a", false, now)
	if len(q.byID) > 0 || len(q.failed) > 0 {
		t.Error("remembered for ever")
	}
}

func TestJobs_destroyedMeanwhile(t *testing.T) {
	q, now := newJobs(), time.Now()
	q.ask("a", true)
	q.next(now)
	q.drop("a")
	if _, valid := q.done("a", false, now); valid || len(q.byID)+len(q.inFlight) > 0 {
		t.Error("the answer about a destroyed container counts")
	}
	q.ask("b", true)
	q.drop("b")
	if got := q.next(now); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestJobs_bounded(t *testing.T) {
	q := newJobs()
	refused := 0
	for n := range maxWaiting + 10 {
		if !q.ask(fmt.Sprint(n), true) {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("refused %d, want 10", refused)
	}
}

func TestBackoff(t *testing.T) {
	b := backoff{shortest: 500 * time.Millisecond, longest: 30 * time.Second, rand: func() float64 { return 0 }}
	var sum time.Duration
	for n := range 30 {
		d := b.next()
		if d > b.longest {
			t.Errorf("attempt %d waits %s", n, d)
		}
		// An engine that is away for two seconds is found again within four, whatever it is that it does meanwhile.
		if sum < 2*time.Second && sum+d > 4*time.Second {
			t.Errorf("attempts at %s and %s", sum, sum+d)
		}
		sum += d
	}
	if last := b.next(); last != b.longest {
		t.Errorf("ends at %s", last)
	}
	b.rand = func() float64 { return 0.999 }
	if d := b.next(); d < b.longest*3/4-time.Millisecond || d >= b.longest {
		t.Errorf("jitter gives %s", d)
	}
	b.attempts = 0
	if d := b.next(); d > 100*time.Millisecond {
		t.Errorf("the first attempt waits %s", d)
	}
}

func TestRechecks(t *testing.T) {
	var r rechecks
	now := time.Now()
	r.created("a", now)
	r.created("started", now)
	r.forget("started")
	for n, wait := range recheckAfter {
		if got := r.due(now.Add(wait - time.Millisecond)); got != nil {
			t.Errorf("look %d: too early: %q", n, got)
		}
		now = now.Add(wait)
		if got := r.due(now); len(got) != 1 || got[0] != "a" {
			t.Errorf("look %d: got %q", n, got)
		}
	}
	if got := r.due(now.Add(time.Hour)); got != nil || len(r.pending) > 0 || !r.next.IsZero() {
		t.Errorf("never ends: %q, %v", got, r.pending)
	}
	for n := range maxRechecks + 10 {
		r.created(fmt.Sprint(n), now)
	}
	if len(r.pending) != maxRechecks {
		t.Errorf("remembers %d", len(r.pending))
	}
}
