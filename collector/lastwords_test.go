package collector_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// scene is a host on which something happens to its container web.
type scene struct {
	*host
	c  *collector.Collector
	id string
	// zero is when the scene begins.
	zero time.Time
}

func newScene(t *testing.T, o collector.Options) *scene {
	t.Helper()
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	s := &scene{host: h, id: h.Container(t, "web").ID, zero: h.now}
	o.MaxAge = -1
	s.c = h.collector(o)
	return s
}

// at is a time of the scene, in seconds.
func (s *scene) at(seconds float64) time.Time {
	return s.zero.Add(time.Duration(seconds * float64(time.Second)))
}

// event lets the engine tell of something; a die has an exit code.
func (s *scene) event(seconds float64, action string, code ...int) {
	ev := engine.Event{Time: s.at(seconds), Type: "container", Action: action, ID: s.id, Name: "web", Image: "busybox:latest"}
	if len(code) > 0 {
		ev.HasExitCode, ev.ExitCode = true, code[0]
	}
	s.c.Happened("", ev)
}

// runs lets the facts say that it runs since some time; ended is the exit before, 0 = there was none.
func (s *scene) runs(since, ended float64) {
	s.say("web", func(c *engine.Container) {
		c.State, c.Started, c.Finished = engine.StateRunning, s.at(since), time.Time{}
		if ended != 0 {
			c.Finished = s.at(ended)
		}
	})
}

// ended lets the facts say that it ran and does not any more.
func (s *scene) ended(from, to float64, code int) {
	s.say("web", func(c *engine.Container) {
		c.State, c.Started, c.Finished, c.HasExited, c.ExitCode = engine.StateExited, s.at(from), s.at(to), true, code
	})
}

// read takes a snapshot in which web has used so much; peak 0 = the kernel does not tell.
func (s *scene) read(t *testing.T, seconds float64, cpu, usage, peak int) {
	t.Helper()
	s.now = s.at(seconds)
	s.Write(t, s.file(t, "web", "cpu.stat"), fmt.Sprintf("usage_usec %d000000\nnr_periods 100\nnr_throttled 25\n", cpu))
	s.Write(t, s.file(t, "web", "memory.current"), fmt.Sprintln(usage))
	s.Write(t, s.file(t, "web", "memory.peak"), fmt.Sprintln(peak))
	if peak == 0 {
		if err := os.Remove(s.Path(s.file(t, "web", "memory.peak"))); err != nil {
			t.Fatal(err)
		}
	}
	snapshot(t, s.c)
}

// words writes last words of web as a line, times in seconds of the scene.
func (s *scene) words() string {
	var lines []string
	for _, w := range s.c.LastWords() {
		if w.ID != s.id {
			continue
		}
		line := ""
		if !w.Started.IsZero() {
			line = fmt.Sprint(w.Started.Sub(s.zero).Seconds())
		}
		line += "-" + fmt.Sprint(w.Finished.Sub(s.zero).Seconds())
		if w.HasExitCode {
			line += fmt.Sprintf(" exit %d", w.ExitCode)
		}
		if w.OOMKilled {
			line += " oom"
		}
		if !math.IsNaN(w.CPU) || !math.IsNaN(w.ThrottledRatio) {
			line += fmt.Sprintf(" cpu %v %v", w.CPU, w.ThrottledRatio)
		}
		if !math.IsNaN(w.PeakMemory) {
			line += fmt.Sprintf(" peak %v", w.PeakMemory)
		}
		if w.Removed {
			line += " removed"
		}
		if w.Name != "web" || w.Image != "busybox:latest" {
			line += fmt.Sprintf(" named %s %s", w.Name, w.Image)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func (s *scene) want(t *testing.T, what, want string) {
	t.Helper()
	if got := s.words(); got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// TestLastWords: a run that was read and has ended, in whatever order it was told, leaves one entry with its latest readings.
func TestLastWords(t *testing.T) {
	t.Parallel()
	const all = "1-9 exit 3 cpu 4 0.25 peak 900"
	begin := func(t *testing.T) *scene {
		s := newScene(t, collector.Options{})
		s.runs(1, 0)
		s.read(t, 2, 2, 500, 800)
		s.read(t, 5, 4, 400, 900)
		return s
	}
	t.Run("event, then facts", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.event(9.25, "die", 3)
		s.want(t, "event", "1-9.25 exit 3 cpu 4 0.25 peak 900")
		s.ended(1, 9, 3)
		s.want(t, "facts", all)
		s.event(9.5, "destroy")
		s.want(t, "removed", all+" removed")
	})
	t.Run("facts, then event", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.ended(1, 9, 3)
		s.want(t, "facts", all)
		s.event(9.25, "die", 3)
		s.want(t, "event", all)
	})
	t.Run("facts alone", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.ended(1, 9, 3)
		snapshot(t, s.c)
		s.runs(20, 9)
		s.want(t, "the next run", all)
		s.runs(40, 30)
		s.want(t, "a run whose end was not seen", "20-30; "+all)
		view := *s.engine.Load()
		view.Containers = view.Containers[:0]
		s.engine.Store(&view)
		s.want(t, "removed unseen", "20-30 removed; "+all+" removed")
	})
	t.Run("event alone, and gone at once", func(t *testing.T) {
		t.Parallel()
		s := begin(t)
		s.event(9, "die", 3)
		s.event(9.1, "destroy")
		s.want(t, "event", all+" removed")
		view := *s.engine.Load()
		view.Containers = view.Containers[:0]
		s.engine.Store(&view)
		s.want(t, "the engine says so, too", all+" removed")
	})
	t.Run("start told twice", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, collector.Options{})
		s.event(-10, "die", 0)
		s.runs(1, -10)
		s.now = s.at(1.1)
		s.want(t, "before", "-3600--10 exit 0")
		s.event(1.05, "start")
		s.read(t, 5, 4, 400, 900)
		s.event(9, "die", 3)
		s.want(t, "the facts were first", all+"; -3600--10 exit 0")
	})
}

// TestLastWords_unseen: a container that never was in a list leaves what its events said; nothing that it used is known.
func TestLastWords_unseen(t *testing.T) {
	t.Parallel()
	s := newScene(t, collector.Options{})
	s.id = strings.Repeat("ab", 32)
	s.event(1, "start")
	s.event(1.5, "die", 7)
	s.event(1.6, "destroy")
	s.want(t, "short", "1-1.5 exit 7 removed")
	s.event(2, "die", 8)
	s.event(2, "destroy")
	s.want(t, "its start was missed", "-2 exit 8 removed; 1-1.5 exit 7 removed")
	s.event(3, "create")
	s.event(3, "rename")
	s.event(3, "destroy")
	s.want(t, "it never ran", "-2 exit 8 removed; 1-1.5 exit 7 removed")
}

// TestLastWords_moment: the event of a start comes after the end of a run that takes no time; the facts come while it is restarted.
func TestLastWords_moment(t *testing.T) {
	t.Parallel()
	s := newScene(t, collector.Options{})
	s.event(1.02, "start")
	s.event(1.08, "die", 9)
	s.runs(2, 1.01)
	s.read(t, 3, 1, 1, 0)
	got := s.c.LastWords()
	if len(got) != 1 || !got[0].Finished.Equal(s.at(1.01)) || got[0].Started.After(got[0].Finished) || got[0].Started.IsZero() || got[0].ExitCode != 9 {
		t.Errorf("got %+v", got)
	}
}

// TestLastWords_loop: each run of a container that crashes again and again has an entry, though the facts lag behind.
func TestLastWords_loop(t *testing.T) {
	t.Parallel()
	s := newScene(t, collector.Options{})
	s.runs(-5, 0)
	s.event(0, "die", 1)
	for n := 1.0; n <= 3; n++ {
		s.now = s.at(n)
		s.event(n, "start")
		s.event(n+0.5, "die", int(n))
	}
	s.want(t, "by the events", "3-3.5 exit 3; 2-2.5 exit 2; 1-1.5 exit 1; -5-0 exit 1")
	s.runs(1.9, 1.4)
	s.want(t, "facts of the second run", "3-3.5 exit 3; 2-2.5 exit 2; 1-1.4 exit 1; -5-0 exit 1")
	s.ended(1.9, 2.4, 2)
	s.want(t, "facts of its end", "3-3.5 exit 3; 1.9-2.4 exit 2; 1-1.4 exit 1; -5-0 exit 1")
	s.event(4, "start")
	s.ended(2.9, 3.4, 3)
	s.now = s.at(4)
	s.want(t, "facts of the third, while the fourth runs", "2.9-3.4 exit 3; 1.9-2.4 exit 2; 1-1.4 exit 1; -5-0 exit 1")
	s.event(4.5, "die", 4)
	s.want(t, "its end", "4-4.5 exit 4; 2.9-3.4 exit 3; 1.9-2.4 exit 2; 1-1.4 exit 1; -5-0 exit 1")
	// The facts of the next run overtake the events.
	s.runs(5, 4.4)
	s.want(t, "it runs", "4-4.4 exit 4; 2.9-3.4 exit 3; 1.9-2.4 exit 2; 1-1.4 exit 1; -5-0 exit 1")
	s.runs(7, 6)
	s.want(t, "it runs again", "5-6; 4-4.4 exit 4; 2.9-3.4 exit 3; 1.9-2.4 exit 2; 1-1.4 exit 1; -5-0 exit 1")
	s.event(6.1, "die", 6)
	s.want(t, "late", "5-6 exit 6; 4-4.4 exit 4; 2.9-3.4 exit 3; 1.9-2.4 exit 2; 1-1.4 exit 1; -5-0 exit 1")
	s.event(7.1, "start")
	s.read(t, 8, 9, 10, 11)
	s.event(9, "die", 7)
	if got, want := s.words(), "7-9 exit 7 cpu 9 0.25 peak 11; 5-6 exit 6"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s first", got, want)
	}
}

// TestLastWords_oom: whoever tells of it; the peak is then the limit at the least.
func TestLastWords_oom(t *testing.T) {
	t.Parallel()
	limit := func(s *scene, flag bool) {
		s.say("web", func(c *engine.Container) { c.Limits.Memory, c.OOMKilled = 1000, flag })
	}
	t.Run("event", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, collector.Options{})
		s.event(1, "start")
		s.event(2, "oom")
		s.event(2.1, "die", 137)
		s.want(t, "without facts", "1-2.1 exit 137 oom")
		s.event(3, "start")
		s.event(3.5, "die", 0)
		s.want(t, "the next run", "3-3.5 exit 0; 1-2.1 exit 137 oom")
	})
	t.Run("late event", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, collector.Options{})
		s.event(1, "start")
		s.event(2.1, "die", 137)
		s.event(3, "start")
		s.event(2, "oom")
		s.event(4, "die", 0)
		s.want(t, "the run before", "3-4 exit 0; 1-2.1 exit 137 oom")
		s.event(3.9, "oom")
		s.want(t, "the last one", "3-4 exit 0 oom; 1-2.1 exit 137 oom")
	})
	t.Run("flag", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, collector.Options{})
		s.runs(1, 0)
		limit(s, false)
		s.Write(t, s.file(t, "web", "memory.max"), "max\n")
		s.read(t, 2, 2, 500, 800)
		s.event(9.1, "die", 137)
		s.want(t, "event", "1-9.1 exit 137 cpu 2 0.25 peak 800")
		s.ended(1, 9, 137)
		limit(s, true)
		s.want(t, "facts", "1-9 exit 137 oom cpu 2 0.25 peak 1000")
	})
	t.Run("limit of the kernel", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, collector.Options{})
		s.runs(1, 0)
		s.Write(t, s.file(t, "web", "memory.max"), "2000\n")
		s.read(t, 2, 2, 500, 800)
		s.event(8, "oom")
		s.event(9, "die", 137)
		s.want(t, "event", "1-9 exit 137 oom cpu 2 0.25 peak 2000")
	})
	t.Run("known at the last moment", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, collector.Options{})
		s.event(1, "start")
		s.event(1.5, "oom")
		s.runs(0.9, 0)
		limit(s, false)
		s.event(2, "die", 137) // nobody has looked since the start
		s.event(2, "destroy")
		s.want(t, "event", "0.9-2 exit 137 oom peak 1000 removed")
	})
}

// TestLastWords_readings: only readings of the run count, and without the kernel's word the largest usage is the peak.
func TestLastWords_readings(t *testing.T) {
	t.Parallel()
	s := newScene(t, collector.Options{})
	s.runs(0, 0)
	s.read(t, 1, 7, 300, 0)
	s.read(t, 2, 8, 600, 0)
	s.read(t, 3, 9, 500, 0)
	s.event(4, "die", 0)
	s.want(t, "peak", "0-4 exit 0 cpu 9 0.25 peak 600")
	s.read(t, 5, 9, 700, 0) // after the end
	s.want(t, "after the end", "0-4 exit 0 cpu 9 0.25 peak 600")
	s.now = s.at(6)
	s.event(6, "start")
	s.read(t, 5.9, 10, 900, 0) // began before the start
	s.event(7, "die", 0)
	s.want(t, "a reading from before", "6-7 exit 0; 0-4 exit 0 cpu 9 0.25 peak 600")
	s.now = s.at(8)
	s.event(8, "start")
	s.read(t, 9, 11, 1000, 0) // the cgroup of the run before, which the kernel still had
	s.read(t, 10, 1, 200, 0)
	s.event(11, "die", 0)
	s.want(t, "of the run before", "8-11 exit 0 cpu 1 0.25 peak 200; 6-7 exit 0; 0-4 exit 0 cpu 9 0.25 peak 600")
}

// TestLastWords_met: a container that tallyman met dead has what its facts say, and its next run is another one.
func TestLastWords_met(t *testing.T) {
	t.Parallel()
	s := newScene(t, collector.Options{})
	s.ended(-20, -10, 5)
	s.want(t, "met", "-20--10 exit 5")
	s.say("web", func(c *engine.Container) { c.Health = engine.HealthStarting })
	s.want(t, "again", "-20--10 exit 5")
	s.event(0, "start")
	s.event(1, "die", 6)
	s.want(t, "its next run", "0-1 exit 6; -20--10 exit 5")
	s.say("db", func(c *engine.Container) {
		c.State, c.Started, c.ExitCode, c.HasExited = engine.StateCreated, time.Time{}, 127, true
	})
	s.say("limits", func(c *engine.Container) {
		c.State, c.Finished, c.Listed = engine.StateExited, s.at(5), true
	})
	if got := s.c.LastWords(); len(got) != 2 {
		t.Errorf("got %+v: one never ran, of the other the times are not known", got)
	}
}

// TestLastWords_bounded: the latest 50 of all are remembered, also when they are not told in order.
func TestLastWords_bounded(t *testing.T) {
	t.Parallel()
	s := newScene(t, collector.Options{})
	for n := range 80 {
		s.id = fmt.Sprintf("%064d", n)
		s.event(float64(n), "start")
		s.event(float64(n)+0.5, "die", n)
	}
	s.id = strings.Repeat("f", 64)
	s.event(7, "die", 1)
	got := s.c.LastWords()
	if len(got) != 50 || got[0].ExitCode != 79 || got[49].ExitCode != 30 {
		t.Errorf("got %d, from %+v to %+v", len(got), got[0], got[len(got)-1])
	}
}

// quietly lets a collector run, that nobody asks, and has the clock of a bubble.
func quietly(t *testing.T, interval time.Duration, do func(t *testing.T, s *scene)) {
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	synctest.Test(t, func(t *testing.T) {
		s := &scene{host: h, id: h.Container(t, "web").ID, zero: time.Now()}
		s.c = collector.New([]collector.Engine{h.engine}, h.kernel, collector.Options{HistoryInterval: interval, HistoryMemory: 1 << 20})
		h.say("web", func(c *engine.Container) { c.State = engine.StateCreated; c.Started = time.Time{} })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.c.Run(ctx) }()
		do(t, s)
		cancel()
		<-done
	})
}

// used changes what web has used, without anybody reading it.
func (s *scene) used(t *testing.T, cpu int) {
	s.Write(t, s.file(t, "web", "cpu.stat"), fmt.Sprintf("usage_usec %d000000\nnr_periods 100\nnr_throttled 25\n", cpu))
	s.Write(t, s.file(t, "web", "memory.peak"), fmt.Sprintln(100*cpu))
}

// TestRun_young: a run that has just begun is read although nobody asks, as it may end soon; one that is told to end is read at once.
func TestRun_young(t *testing.T) {
	quietly(t, time.Hour, func(t *testing.T, s *scene) {
		run := func(seconds, want int) {
			t.Helper()
			time.Sleep(time.Minute) // nothing happens: it is looked rarely
			begin := time.Since(s.zero).Seconds()
			s.event(begin, "start")
			s.runs(begin, 0)
			for n := range seconds {
				time.Sleep(500 * time.Millisecond)
				s.used(t, n+1)
				time.Sleep(500 * time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
			end := time.Since(s.zero).Seconds()
			s.event(end, "die", seconds)
			s.ended(begin, end, seconds)
			synctest.Wait()
			w := s.c.LastWords()[0]
			if w.ExitCode != seconds || w.CPU != float64(want) && !(want == 0 && math.IsNaN(w.CPU)) {
				t.Errorf("a run of %d s: got %+v, want %d s of processor time", seconds, w, want)
			}
		}
		run(0, 0)
		run(2, 2)
		run(3, 2)
		run(6, 4)
		run(12, 8)
		run(20, 8)
	})
}

// watched is an engine that counts how often it is looked at.
type watched struct {
	collector.Engine
	looks atomic.Int64
}

func (w *watched) View() *engine.View {
	w.looks.Add(1)
	return w.Engine.View()
}

// TestRun_idle: while nothing happens, it is looked rarely, and at once when something does.
func TestRun_idle(t *testing.T) {
	h := newHost(t, "v2-cgroupfs", cgroups.Options{})
	synctest.Test(t, func(t *testing.T) {
		e := &watched{Engine: h.engine}
		c := collector.New([]collector.Engine{e}, h.kernel, collector.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		happens := func(action string) {
			c.Happened("", engine.Event{Type: "container", Action: action, ID: "1", Time: time.Now()})
		}
		time.Sleep(time.Minute)
		before := e.looks.Load()
		for range 60 {
			happens("exec_start: curl") // a health check
			time.Sleep(time.Second)
		}
		if n := e.looks.Load() - before; n == 0 || n > 30 {
			t.Errorf("the engine was looked at %d times in a minute in which nothing happened", n)
		}
		before = e.looks.Load()
		happens("start")
		time.Sleep(1100 * time.Millisecond)
		if e.looks.Load() == before {
			t.Error("the engine was not looked at within a second after a start")
		}
		cancel()
		<-done
	})
}

// TestRun_urgent: what is about to be killed is read before.
func TestRun_urgent(t *testing.T) {
	for _, action := range []string{"kill", "oom"} {
		for interval, want := range map[time.Duration]float64{time.Hour: 42, 0: math.NaN()} {
			quietly(t, interval, func(t *testing.T, s *scene) {
				time.Sleep(1500 * time.Millisecond) // until it is known where its cgroups are
				s.event(0, "start")
				s.runs(0, 0)
				s.used(t, 42)
				s.event(0.1, action)
				synctest.Wait()
				s.event(0.2, "die", 137)
				w := s.c.LastWords()[0]
				if w.CPU != want && !(math.IsNaN(want) && math.IsNaN(w.CPU)) || w.OOMKilled != (action == "oom") {
					t.Errorf("%s, every %v: got %+v", action, interval, w)
				}
			})
		}
	}
}

// TestRun_ticks: the history grows while nobody asks, and not faster when somebody does; with an interval of 0 it grows when somebody
// asks only.
func TestRun_ticks(t *testing.T) {
	points := func(s *scene) int { return len(s.c.History("", s.Containers[1].ID)) }
	quietly(t, 15*time.Second, func(t *testing.T, s *scene) {
		time.Sleep(10*time.Minute - time.Second)
		if n := points(s); n != 40 {
			t.Errorf("got %d points in 10 minutes, want one in 15 s", n)
		}
		if n := len(s.c.History("", "")); n != 40 {
			t.Errorf("the host: got %d points", n)
		}
		files := s.kernel.Descriptors().Files
		for range 600 {
			time.Sleep(time.Second)
			snapshot(t, s.c)
		}
		if n := points(s); n != 120 {
			t.Errorf("got %d points while somebody asked every second, want one in 5 s", n)
		}
		if now := s.kernel.Descriptors().Files; now != files {
			t.Errorf("%d files are open, before it were %d", now, files)
		}
	})
	quietly(t, 0, func(t *testing.T, s *scene) {
		time.Sleep(time.Hour)
		if n := points(s); n != 0 {
			t.Errorf("got %d points although nobody asked", n)
		}
		for range 10 {
			snapshot(t, s.c)
			time.Sleep(time.Minute)
		}
		if n := points(s); n != 10 {
			t.Errorf("got %d points of 10 snapshots", n)
		}
	})
	quietly(t, time.Second, func(t *testing.T, s *scene) {
		time.Sleep(time.Minute)
		if n := points(s); n < 11 || n > 12 {
			t.Errorf("got %d points in a minute, want one in 5 s", n)
		}
	})
}
