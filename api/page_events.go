package api

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/internal/human"
)

// What the pages show of events.
const (
	pageEvents      = 500
	containerEvents = 30
)

// eventView is one event, for people.
type eventView struct {
	Seq                uint64
	Time, Clock        string // both in UTC: for programs, and for people
	Engine, Type, What string
	Name, Link, Image  string
	Detail             string
	Level              string
	Hidden             bool
}

// eventTable is what the template of events takes; ID is that of the element, "" = none.
type eventTable struct {
	ID   string
	Rows []eventView
}

// EventTable is the table of the page of all events.
func (v eventsView) EventTable() eventTable { return eventTable{"events", v.Rows} }

// EventTable is an excerpt of the events.
func (v indexView) EventTable() eventTable { return eventTable{"", v.Events} }

// EventTable is an excerpt of the events of a container.
func (v containerView) EventTable() eventTable { return eventTable{"", v.Events} }

// newEventViews gives events the latest first; root is the way to "/".
func newEventViews(events []collector.Event, root string) []eventView {
	views := make([]eventView, 0, len(events))
	for _, e := range slices.Backward(events) {
		views = append(views, newEventView(e, root))
	}
	return views
}

func newEventView(e collector.Event, root string) eventView {
	v := eventView{
		Seq: e.Seq, Time: e.Time.UTC().Format(time.RFC3339), Clock: e.Time.UTC().Format("01-02 15:04:05"), Engine: e.Engine,
		Type: e.Type, What: strings.ReplaceAll(e.Action, "_", " "), Name: shorten(e.Name, shortName), Image: shortImage(e.Image),
	}
	if v.Name == "" {
		v.Name = shorten(e.ID, 12)
	}
	if e.Detail != "" {
		v.What += ": " + shorten(e.Detail, shortName)
	}
	if e.Type == "container" && e.ID != "" {
		v.Link = root + "containers/" + url.PathEscape(e.ID)
	}
	switch {
	case e.HasExitCode:
		v.Detail = exitWords(e.ExitCode)
	case e.Signal != "":
		v.Detail = "signal " + shorten(e.Signal, shortName)
	}
	v.Level = eventLevel(e)
	return v
}

// eventLevel says how bad an event is; the script knows the same rules.
func eventLevel(e collector.Event) string {
	switch {
	case e.Action == "oom", e.Detail == "unhealthy":
		return "bad"
	case e.HasExitCode && !wanted(e.ExitCode):
		return "warn"
	}
	return ""
}

// eventsView is the page of events.
type eventsView struct {
	pageHead

	Query     tableQuery
	Type      string
	Container string
	Rows      []eventView
	Shown     int
	Chips     []chip
	Last      uint64
}

// eventsPage shows what has happened lately.
func (s *Server) eventsPage(w http.ResponseWriter, r *http.Request) {
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		unavailable(w, r, s.log, err)
		return
	}
	values := r.URL.Query()
	view := eventsView{
		pageHead: s.head(snap, "", "events – tallyman"), Query: parseTableQuery(values), Type: values.Get("type"), Container: values.Get("container"),
	}
	view.Nav = "events"
	events := s.source.Events(0)
	types := map[string]int{}
	for _, e := range events {
		view.Last = max(view.Last, e.Seq)
		if !isOf(e, view.Container) {
			continue
		}
		types[e.Type]++
		if view.Type == "" || view.Type == e.Type {
			view.Rows = append(view.Rows, newEventView(e, ""))
		}
	}
	slices.Reverse(view.Rows)
	view.Rows = view.Rows[:min(len(view.Rows), pageEvents)]
	for i := range view.Rows {
		row := &view.Rows[i]
		row.Hidden = !view.Query.matches(strings.Join([]string{row.Type, row.What, row.Name, row.Image, row.Engine, row.Detail}, " "), nil)
		if !row.Hidden {
			view.Shown++
		}
	}
	view.Chips = eventChips(&view, types)
	s.sendPage(w, r, http.StatusOK, "events.html", view)
}

// isOf says whether an event is about a container, given by its name, its id, or the beginning of its id; "" = any.
func isOf(e collector.Event, container string) bool {
	return container == "" || e.Type == "container" && (e.Name == container || len(container) >= 6 && strings.HasPrefix(e.ID, container))
}

// eventChips are the filters by type.
func eventChips(v *eventsView, types map[string]int) []chip {
	var names []string
	total := 0
	for name, n := range types {
		names = append(names, name)
		total += n
	}
	if v.Type != "" && types[v.Type] == 0 {
		names = append(names, v.Type)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(types[b], types[a]), strings.Compare(a, b)) })
	all := []chip{{Label: "all", Count: total, Href: eventsHref("", v.Container), Current: v.Type == ""}}
	for _, name := range names {
		all = append(all, chip{Label: name, Count: types[name], Href: eventsHref(name, v.Container), Current: v.Type == name})
	}
	return all
}

// eventsHref is the address of the events of a type and a container; "" = any.
func eventsHref(kind, container string) string {
	v := url.Values{}
	if kind != "" {
		v.Set("type", kind)
	}
	if container != "" {
		v.Set("container", container)
	}
	if len(v) == 0 {
		return "events"
	}
	return "events?" + v.Encode()
}

// eventsOf gives the latest events of a container, the oldest first.
func eventsOf(events []collector.Event, engineName, id string) []collector.Event {
	var own []collector.Event
	for _, e := range events {
		if id != "" && e.Type == "container" && e.ID == id && e.Engine == engineName {
			own = append(own, e)
		}
	}
	return own[max(0, len(own)-containerEvents):]
}

// endedView is what is remembered of the latest run of a container that has ended, for people.
type endedView struct {
	schema.LastWords

	Title, Link, Ago, Exit, Ran, CPU string
	// Runs is how many runs of it are remembered.
	Runs int
	OOM  bool
	Bad  bool
}

// endedLately gives the latest run of each container whose runs are remembered, the latest first.
func endedLately(words []collector.LastWords, now time.Time) []endedView {
	var all []endedView
	index := map[[2]string]int{}
	for _, l := range words {
		key := [2]string{l.Engine, l.ID}
		if i, ok := index[key]; ok {
			all[i].Runs++
			continue
		}
		index[key] = len(all)
		all = append(all, newEnded(l, now))
	}
	return all[:min(len(all), indexEnded)]
}

func newEnded(l collector.LastWords, now time.Time) endedView {
	v := endedView{
		LastWords: newLastWords(l), Title: shorten(l.Name, shortName), Ago: human.Since(l.Finished, now), Exit: human.Dash, Ran: human.Dash, CPU: human.Dash, Runs: 1, OOM: l.OOMKilled,
		Bad: l.OOMKilled || l.HasExitCode && !wanted(l.ExitCode),
	}
	if v.Title == "" {
		v.Title = shorten(l.ID, 12)
	}
	if !l.Removed && l.ID != "" {
		v.Link = "containers/" + url.PathEscape(l.ID)
	}
	if l.HasExitCode {
		v.Exit = exitWords(l.ExitCode)
	}
	if v.DurationSeconds.Known() {
		v.Ran = duration(float64(v.DurationSeconds))
	}
	if v.CPUSeconds.Known() {
		v.CPU = duration(float64(v.CPUSeconds))
	}
	return v
}

// duration writes how many seconds something took, to two digits or so.
func duration(seconds float64) string {
	switch d := time.Duration(min(seconds, 1e9) * float64(time.Second)); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return human.Since(time.Unix(1, 0), time.Unix(1, 0).Add(d))
	}
}
