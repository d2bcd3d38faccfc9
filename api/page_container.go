package api

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tallyman/api/metrics"
	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/human"
)

// containerView is the page of one container.
type containerView struct {
	pageHead

	Item          schema.Container
	Facts         *schema.Facts
	Name          string
	Verdict       []reason
	Level         string
	AgeText, Exit string
	CPUShare      schema.Number
	MemoryShare   schema.Number
	Charts        []chart
	Limits        []labelView
	Words         []endedView
	Events        []eventView
	Owner         *peerView
	Sharing       []peerView
	Labels        []labelView
	Readings      []readingView
	LogsOn        bool
	Logs          []logView
	LogsProblem   string
	RawHref       string
	EventsHref    string
}

// labelView is one label of a container, or of a metric.
type labelView struct{ Key, Value string }

// peerView is another container.
type peerView struct{ Name, Href string }

// readingView is one metric of a container.
type readingView struct {
	Metric, Help string
	Labels       []labelView
	Value        string
}

// containerPage shows one container.
func (s *Server) containerPage(w http.ResponseWriter, r *http.Request) {
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		unavailable(w, r, s.log, err)
		return
	}
	c, problem := find(snap, wantedContainer(r), r.URL.Query().Get("engine"))
	if c == nil {
		s.missing(w, r, snap, problem)
		return
	}
	view := s.newContainerView(snap, c)
	if s.logs {
		view.LogsOn = true
		lines, err := s.source.Logs(r.Context(), c, logLines)
		if err != nil {
			view.LogsProblem = strings.Join(strings.Fields(err.Error()), " ")
		}
		view.Logs = newLogViews(lines)
	}
	s.sendPage(w, r, http.StatusOK, "container.html", view)
}

// missing answers that there is no such container, with what is remembered of it.
func (s *Server) missing(w http.ResponseWriter, r *http.Request, snap *collector.Snapshot, problem string) {
	wanted := wantedContainer(r)
	var words []collector.LastWords
	for _, l := range s.source.LastWords() {
		if wanted != "" && (l.ID == wanted || l.Name == wanted) {
			words = append(words, l)
		}
	}
	s.sendPage(w, r, http.StatusNotFound, "missing.html", struct {
		pageHead

		Problem string
		Words   []endedView
	}{s.head(snap, "../", "not found – tallyman"), problem, newEndedViews(words, snap.Time)})
}

// newContainerView gathers what the page of a container shows, but for its logs.
func (s *Server) newContainerView(snap *collector.Snapshot, c *collector.Container) containerView {
	id, item := containerID(c), newItem(c)
	points := s.source.History(c.Engine, id)
	view := containerView{
		pageHead: s.head(snap, "../", shorten(nameOf(item), shortName)+" – tallyman"),
		Item:     item, Facts: newFacts(c.Facts), Name: nameOf(item), Verdict: allTrouble(c, snap),
		CPUShare: ratio(item.CPU.Cores, item.CPU.LimitCores), MemoryShare: ratio(item.Memory.WorkingSetBytes, item.Memory.LimitBytes),
		Charts: containerCharts(points, c), Limits: limits(c), Readings: s.readingViews(c),
		Events:  newEventViews(eventsOf(s.source.Events(0), c.Engine, id), "../"),
		RawHref: "../api/v1/" + link(item.ID, item.Name) + "/cgroup", EventsHref: "../events?" + url.Values{"container": {id}}.Encode(),
	}
	view.Nav = "container"
	view.Level = worst(view.Verdict).level()
	_, view.AgeText, _ = ageOf(c.Facts, snap.Time)
	if c.Facts != nil && c.Facts.HasExited && !c.Facts.Listed {
		view.Exit = exitWords(c.Facts.ExitCode)
	}
	if view.Facts != nil {
		for key, value := range view.Facts.Labels {
			view.Labels = append(view.Labels, labelView{key, masked(key, value)})
		}
		slices.SortFunc(view.Labels, func(a, b labelView) int { return strings.Compare(a.Key, b.Key) })
		view.Owner, view.Sharing = network(snap, c)
	}
	var words []collector.LastWords
	for _, l := range s.source.LastWords() {
		if l.ID == id && l.Engine == c.Engine {
			words = append(words, l)
		}
	}
	view.Words = newEndedViews(words, snap.Time)
	return view
}

// newEndedViews gives runs that have ended, each by itself.
func newEndedViews(words []collector.LastWords, now time.Time) []endedView {
	var views []endedView
	for _, l := range words[:min(len(words), indexEnded)] {
		views = append(views, newEnded(l, now))
	}
	return views
}

// network tells whose network a container uses, if it is another's, and which others use the same.
func network(snap *collector.Snapshot, c *collector.Container) (owner *peerView, sharing []peerView) {
	if c.Facts.NetworkOwner == "" {
		return nil, nil
	}
	for i := range snap.Containers {
		o := &snap.Containers[i]
		if o == c || o.Facts == nil || o.Engine != c.Engine {
			continue
		}
		item := newItem(o)
		peer := peerView{shorten(nameOf(item), shortName), string(item.ID)}
		switch {
		case o.Facts.ID == c.Facts.NetworkOwner:
			owner = &peer
		case o.Facts.NetworkOwner == c.Facts.NetworkOwner:
			sharing = append(sharing, peer)
		}
	}
	return owner, sharing
}

// limits lists what a container may use: of the kernel where it says so, and what else its user asked for.
func limits(c *collector.Container) []labelView {
	var all []labelView
	add := func(key, value string) { all = append(all, labelView{key, value}) }
	number := func(key string, v float64, write func(float64) string) {
		text := "none"
		if finite(v) {
			text = write(v)
		}
		add(key, text)
	}
	stats := &c.Stats
	if c.Source != collector.SourceNone {
		cores := human.Cores(c.LimitCores)
		if quota := stats.CPU.QuotaMicros; finite(quota) && quota > 0 {
			cores += ", by a quota of " + human.Count(quota) + " µs in " + human.Count(stats.CPU.PeriodMicros) + " µs"
		}
		add("Processors", cores)
		number("Processor shares", stats.CPU.Shares, human.Count)
		number("Memory", stats.Memory.Limit, human.Bytes)
		number("Memory and swap", stats.Memory.SwapLimit, human.Bytes)
		number("Memory reservation", stats.Memory.Reservation, human.Bytes)
		number("Threads", stats.Pids.ThreadsMax, human.Count)
	} else if f := c.Facts; f != nil && !f.Listed {
		add("Memory", asked(f.Limits.Memory, human.Bytes))
		add("Memory and swap", asked(f.Limits.MemorySwap, human.Bytes))
		quota := math.NaN()
		if f.Limits.CPUQuota > 0 && f.Limits.CPUPeriod > 0 {
			quota = float64(f.Limits.CPUQuota) / float64(f.Limits.CPUPeriod)
		}
		number("Processors", quota, human.Cores)
	}
	if f := c.Facts; f != nil && f.Limits.CPUSet != "" {
		add("Processor set", f.Limits.CPUSet)
	}
	return all
}

// asked writes a limit that the user of a container asked for.
func asked(v int64, write func(float64) string) string {
	if v <= 0 {
		return "none"
	}
	return write(float64(v))
}

// readingViews gives every metric of a container for people.
func (s *Server) readingViews(c *collector.Container) []readingView {
	var views []readingView
	for i := range s.families {
		f := &s.families[i]
		f.Draw(s.groups, c, func(sample metrics.Sample) {
			v := readingView{Metric: f.Name, Help: f.Help, Value: readable(f, sample.Value)}
			for j, name := range f.Labels {
				if sample.Labels[j] != "" {
					v.Labels = append(v.Labels, labelView{name, sample.Labels[j]})
				}
			}
			views = append(views, v)
		})
	}
	return views
}

// nameOf is what a container is called on a page.
func nameOf(c schema.Container) string {
	switch {
	case c.Name != "":
		return string(c.Name)
	case len(c.ID) > 12:
		return string(c.ID[:12])
	}
	return string(c.Cgroup)
}

// healthWords says the health with the failed probes.
func healthWords(c schema.Container, f *schema.Facts) string {
	if c.Health == schema.Text(engine.HealthNone) {
		return "no health check"
	}
	text := string(c.Health)
	if f != nil && f.FailingStreak > 0 {
		text += ", " + strconv.Itoa(int(f.FailingStreak)) + " failed probes in a row"
	}
	return text
}
