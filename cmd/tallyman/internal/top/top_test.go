package top

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"go.uber.org/goleak"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/ask"
	"tallyman/cmd/tallyman/internal/listing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a Source that says what it was told to.
type host struct {
	mu      sync.Mutex // guards the fields below
	list    schema.Containers
	summary schema.Summary
	history []schema.Point
	labels  map[string]string
	err     error
	asked   int
}

func (h *host) Summary(context.Context) (schema.Summary, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.summary, h.err
}

func (h *host) Containers(context.Context) (schema.Containers, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	return h.list, h.err
}

func (h *host) Container(_ context.Context, _, id string) (schema.ContainerDetails, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.list.Containers {
		if string(c.ID) == id {
			return schema.ContainerDetails{Time: h.list.Time, Container: c, Facts: &schema.Facts{Labels: h.labels, FailingStreak: 3, RestartPolicy: "always"}}, h.err
		}
	}
	return schema.ContainerDetails{}, fmt.Errorf("%w: there is no container %s", ask.ErrNotServed, id)
}

func (h *host) History(context.Context, string, string) (schema.History, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.history == nil {
		return schema.History{}, ask.ErrNotServed
	}
	return schema.History{Points: h.history}, nil
}

func (h *host) Where() string { return "http://host:10180" }

func (h *host) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// newHost has containers c00, c01, ...; the higher the number the busier, and c03 is in trouble.
func newHost(containers int) *host {
	h := &host{labels: map[string]string{"team": "a\x1b[2Jb", "db.password": "***"}}
	at := schema.Moment(time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC))
	h.list.Time, h.summary.Time = at, at
	for n := range containers {
		c := schema.Container{
			ID: schema.Text(fmt.Sprintf("%064d", n)), Name: schema.Text(fmt.Sprintf("c%02d", n)), State: "running", Image: "app:1",
			StartedAt: schema.Moment(time.Time(at).Add(-time.Duration(n) * time.Hour)), ExitCode: schema.Unknown(),
		}
		c.CPU.Cores, c.CPU.LimitCores = schema.Number(n)/100, 1
		c.Memory.WorkingSetBytes, c.Memory.LimitBytes = schema.Number(containers-n)*1e6, 1e9
		h.list.Containers = append(h.list.Containers, c)
	}
	h.summary.Engines = []schema.Engine{{Up: true, Version: "28.5.2", APIVersion: "1.51"}}
	h.summary.Containers = schema.Counts{Total: containers, States: map[string]int{"running": containers}, Health: map[string]int{"unhealthy": 1}}
	h.summary.Host = schema.Host{Name: "vm", Cores: 2, CPUCores: 1, MemoryBytes: 8 << 30, MemoryWorkingSetBytes: 2 << 30}
	if containers > 3 {
		h.list.Containers[3].Health = "unhealthy"
		h.summary.Attention = []schema.Attention{{ID: h.list.Containers[3].ID, Reasons: []string{"unhealthy"}}}
	}
	return h
}

// terminal is a simulated one that keeps a copy of what it shows: the original is drawn on meanwhile.
type terminal struct {
	tcell.SimulationScreen

	mu    sync.Mutex // guards the fields below
	lines []string
	// selected is the last line that is shown in reverse: the titles are, too, and stand above.
	selected string
}

func (s *terminal) Show() {
	s.SimulationScreen.Show()
	cells, width, height := s.GetContents()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines, s.selected = make([]string, height), ""
	for y := range height {
		var b strings.Builder
		for x := range width {
			b.WriteString(string(cells[y*width+x].Runes))
		}
		s.lines[y] = strings.TrimRight(b.String(), " ")
		if _, _, attrs := cells[y*width].Style.Decompose(); attrs&tcell.AttrReverse != 0 {
			s.selected = s.lines[y]
		}
	}
}

// session is a running top on a simulated terminal.
type session struct {
	t      *testing.T
	screen *terminal
	end    func() // returns when Run has
}

func start(t *testing.T, from Source, width, height int) *session {
	t.Helper()
	screen := &terminal{SimulationScreen: tcell.NewSimulationScreen("UTF-8")}
	if err := screen.Init(); err != nil {
		t.Fatal(err)
	}
	screen.SetSize(width, height)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Run(ctx, Options{Source: from, Interval: 20 * time.Millisecond, Sort: listing.Sorts()[0], Screen: screen})
	}()
	s := &session{t: t, screen: screen, end: func() {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("still running")
		}
	}}
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

// lines is what the terminal shows.
func (s *session) lines() []string {
	s.screen.mu.Lock()
	defer s.screen.mu.Unlock()
	return s.screen.lines
}

// shows waits until the terminal shows something.
func (s *session) shows(what string, is func(text string, lines []string) bool) {
	s.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		lines := s.lines()
		if is(strings.Join(lines, "\n"), lines) {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("it does not show %s:\n%s", what, strings.Join(lines, "\n"))
		}
	}
}

func (s *session) has(text string) {
	s.t.Helper()
	s.shows(text, func(all string, _ []string) bool { return strings.Contains(all, text) })
}

func (s *session) hasNot(text string) {
	s.t.Helper()
	s.shows("no "+text, func(all string, _ []string) bool { return !strings.Contains(all, text) })
}

// first waits until a container is the first of the list.
func (s *session) first(name string) {
	s.t.Helper()
	s.shows(name+" first", func(_ string, lines []string) bool {
		for i, line := range lines {
			if strings.HasPrefix(line, "NAME") && i+1 < len(lines) {
				return strings.HasPrefix(lines[i+1], name+" ")
			}
		}
		return false
	})
}

func (s *session) keys(text string) {
	for _, r := range text {
		s.screen.InjectKey(tcell.KeyRune, r, tcell.ModNone)
	}
}

func (s *session) press(k tcell.Key) { s.screen.InjectKey(k, 0, tcell.ModNone) }

func (s *session) selected() string {
	s.screen.mu.Lock()
	defer s.screen.mu.Unlock()
	return s.screen.selected
}

func (s *session) selects(name string) {
	s.t.Helper()
	s.shows(name+" selected", func(string, []string) bool { return strings.HasPrefix(s.selected(), name+" ") })
}

// TestRun_header: the host, its engine and its containers are at the top.
func TestRun_header(t *testing.T) {
	t.Parallel()
	s := start(t, newHost(5), 120, 20)
	for _, want := range []string{"http://host:10180", "vm", "cpu 50.0 % of 2 cores", "memory 25.0 % of 8.0 GiB", "5 containers  5 running  1 unhealthy   look at 1", "engine 28.5.2  api 1.51", "by trouble"} {
		s.has(want)
	}
	s.first("c03")
}

// TestRun_sorts: a key sorts, the same again the other way round.
func TestRun_sorts(t *testing.T) {
	t.Parallel()
	s := start(t, newHost(12), 150, 20)
	for _, tt := range []struct{ key, first, footer string }{
		{"c", "c11", "by cpu ↓"},
		{"c", "c00", "by cpu ↑"},
		{"m", "c00", "by memory ↓"},
		{"N", "c00", "by name ↑"},
		{"N", "c11", "by name ↓"},
		{"a", "c00", "by age ↑"},
		{"a", "c11", "by age ↓"},
		{"s", "c03", "by trouble"},
		{"t", "c00", "by throttled ↓"},
		{"p", "c00", "by pressure"},
		{"n", "c00", "by net"},
		{"i", "c00", "by io"},
		{"r", "c00", "by restarts"},
	} {
		s.keys(tt.key)
		s.has(tt.footer)
		s.first(tt.first)
	}
}

// TestRun_selects: the selection moves, scrolls, and stays with its container when the order changes.
func TestRun_selects(t *testing.T) {
	t.Parallel()
	h := newHost(40)
	s := start(t, h, 100, 16)
	s.keys("N")
	s.selects("c00")
	s.press(tcell.KeyDown)
	s.keys("j")
	s.selects("c02")
	s.press(tcell.KeyUp)
	s.selects("c01")
	s.press(tcell.KeyEnd)
	s.selects("c39")
	s.press(tcell.KeyDown)
	s.selects("c39")
	s.press(tcell.KeyPgUp)
	s.shows("a page less", func(string, []string) bool {
		return !strings.HasPrefix(s.selected(), "c39 ") && strings.HasPrefix(s.selected(), "c3")
	})
	s.press(tcell.KeyHome)
	s.press(tcell.KeyUp)
	s.selects("c00")
	s.press(tcell.KeyDown)
	h.change(func() { h.list.Containers = append([]schema.Container(nil), h.list.Containers[1:]...) })
	s.first("c01")
	s.selects("c01")
}

// TestRun_filters: words narrow the list down while they are written, and Esc brings all back.
func TestRun_filters(t *testing.T) {
	t.Parallel()
	h := newHost(20)
	s := start(t, h, 120, 30)
	s.first("c03")
	s.keys("/c1 run")
	s.has("filter: c1 run")
	s.first("c10")
	s.hasNot("c03 ")
	s.press(tcell.KeyBackspace2)
	s.press(tcell.KeyEnter)
	s.has("filter: c1 ru (10 of 20)")
	s.keys("q/") // q is a key again; but of the two only the first counts, as it ends the program
	s.end()

	s = start(t, h, 120, 30)
	s.first("c03")
	s.keys("/unhealthy")
	s.hasNot("c04 ")
	s.keys("zzz")
	s.has("no container has unhealthyzzz")
	s.screen.InjectKey(tcell.KeyRune, 'N', tcell.ModAlt) // what Esc and N become when they are typed quickly
	s.has("c04 ")
	s.has("by name")
}

// TestRun_details: everything about the selected container, with what is remembered of it, and no secrets.
func TestRun_details(t *testing.T) {
	t.Parallel()
	h := newHost(12)
	for n := range 30 {
		h.history = append(h.history, schema.Point{
			Time: schema.Moment(time.Time(h.list.Time).Add(time.Duration(n) * 10 * time.Second)), CPUCores: schema.Number(n) / 10,
			MemoryWorkingSetBytes: 5 << 20, ThrottledRatio: schema.Unknown(),
		})
	}
	s := start(t, h, 120, 45)
	s.first("c03")
	s.press(tcell.KeyEnter)
	for _, want := range []string{
		"c03  running  unhealthy", "health      unhealthy, failed 3 times in a row", "restarts    0, policy always", "cpu         0.030 of 1 cores",
		"of 953.7 MiB", "the last 4 min", "▁▁▁▂", "▇███  up to 2.900", "up to 5.0 MiB", `team  a\x1b[2Jb`, "db.password  ***", "Esc back",
	} {
		s.has(want)
	}
	s.hasNot("throttled   ▁")
	h.change(func() { h.list.Containers = h.list.Containers[:2] })
	s.has("there is no container")
	s.press(tcell.KeyEscape)
	s.first("c00")
	s.keys("?")
	s.has("sort by throttling")
	s.keys("?")
	s.first("c00")
}

// TestRun_away: an engine or a tallyman that is away is said in the header, what was read last stays, and it goes on trying.
func TestRun_away(t *testing.T) {
	t.Parallel()
	h := newHost(6)
	h.err = errors.New("http://host:10180 refuses the connection")
	s := start(t, h, 140, 20)
	s.has("refuses the connection; trying again")
	h.change(func() { h.err = nil })
	s.first("c03")
	h.change(func() { h.err = errors.New("gone\x1b[31m") })
	s.has(`gone\x1b[31m; these are the numbers of`)
	s.has("c04 ")
	h.change(func() {
		h.err, h.summary.Engines = nil, []schema.Engine{{Name: "rack7", Problem: "nothing listens on tcp://rack7:2376"}}
	})
	s.has("engine rack7 away: nothing listens on tcp://rack7:2376")
	s.hasNot("these are the numbers of")
}

// TestRun_pauses: while it is paused, nothing is asked.
func TestRun_pauses(t *testing.T) {
	t.Parallel()
	h := newHost(6)
	s := start(t, h, 120, 20)
	s.first("c03")
	s.keys(" ")
	s.has("PAUSED")
	count := func() (n int) {
		h.change(func() { n = h.asked })
		return n
	}
	time.Sleep(50 * time.Millisecond) // what was asked for before may still come
	before := count()
	time.Sleep(100 * time.Millisecond)
	if after := count(); after != before {
		t.Errorf("asked %d times while paused", after-before)
	}
	s.keys(" ")
	s.shows("new readings", func(string, []string) bool { return count() > before })
	s.hasNot("PAUSED")
}

// TestRun_resizes: whatever the size, it is drawn within it, and when there is room again, everything is back.
func TestRun_resizes(t *testing.T) {
	t.Parallel()
	s := start(t, newHost(30), 150, 30)
	s.has("THROTTLED")
	for _, size := range [][2]int{{40, 10}, {10, 3}, {1, 1}, {200, 5}, {80, 2}} {
		s.screen.SetSize(size[0], size[1])
		s.screen.PostEvent(tcell.NewEventResize(size[0], size[1]))
		s.press(tcell.KeyDown)
		s.press(tcell.KeyPgDn)
		s.keys("/x")
		s.press(tcell.KeyEscape)
		s.press(tcell.KeyEnter)
		s.press(tcell.KeyEscape)
	}
	s.screen.SetSize(150, 30)
	s.screen.PostEvent(tcell.NewEventResize(150, 30))
	s.has("THROTTLED")
	s.has("engine 28.5.2")
}

// TestRun_quits: by q, by Ctrl-C even while a filter is written, and when the context ends; a reading that hangs does not hold it up.
func TestRun_quits(t *testing.T) {
	t.Parallel()
	for name, press := range map[string]func(*session){
		"q":      func(s *session) { s.keys("q") },
		"ctrl-c": func(s *session) { s.keys("/q"); s.press(tcell.KeyCtrlC) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, hung{}, 80, 20)
			s.has("asked for the first time")
			press(s)
			s.end()
		})
	}
}

// hung is a Source that never answers.
type hung struct{ Source }

func (hung) Where() string { return "" }

func (hung) Containers(ctx context.Context) (schema.Containers, error) {
	<-ctx.Done()
	return schema.Containers{}, ctx.Err()
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, tt := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 10, ""},
		{[]float64{0, 0}, 10, "▁▁"},
		{[]float64{0, 7, nan, 14}, 10, "▁▅ █"},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8}, 4, "▃▅▆█"},
		{[]float64{nan, nan, 1}, 3, "  █"},
	} {
		if got := sparkline(tt.values, tt.width); got != tt.want {
			t.Errorf("%v in %d: got %q, want %q", tt.values, tt.width, got, tt.want)
		}
	}
}

// BenchmarkDraw shows a reading of 100 containers on a terminal of the usual size.
func BenchmarkDraw(b *testing.B) {
	screen := tcell.NewSimulationScreen("UTF-8")
	if err := screen.Init(); err != nil {
		b.Fatal(err)
	}
	defer screen.Fini()
	screen.SetSize(180, 60)
	h := newHost(100)
	m := newModel(Options{Source: h, Sort: listing.Sorts()[0]})
	rows := listing.Rows(&h.summary, &h.list)
	for b.Loop() {
		m.take(&answer{summary: &h.summary, rows: rows})
		m.draw(screen)
	}
}
