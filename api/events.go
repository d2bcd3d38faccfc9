package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tallyman/api/schema"
	"tallyman/collector"
)

// Bounds of ?limit= of the events.
const (
	defaultEvents = 100
	maxEvents     = 1000
)

// eventTypes are the types of events there are.
func eventTypes() []string { return []string{"container", "image", "network", "volume", "daemon"} }

// eventQuery says which events a client wants.
type eventQuery struct {
	limit  int
	types  []string // nil = all
	of     string   // name or id of a container, or the beginning of its id; "" = of anything
	follow bool
}

// parseEvents reads the query of /api/v1/events. The error tells the client what would be right.
func parseEvents(query string) (eventQuery, error) {
	q := eventQuery{limit: -1}
	err := parseQuery(query,
		parameter{key: "limit", take: q.setLimit},
		parameter{key: "type", most: len(eventTypes()), take: q.addType},
		parameter{key: "container", take: q.setContainer},
		parameter{key: "follow", take: q.setFollow},
	)
	if q.limit < 0 && !q.follow {
		q.limit = defaultEvents
	}
	q.limit = max(q.limit, 0)
	return q, err
}

func (q *eventQuery) setLimit(value string) (err error) {
	q.limit, err = strconv.Atoi(value)
	if err != nil || q.limit < 0 || q.limit > maxEvents {
		return fmt.Errorf("want a number of events from 0 to %d", maxEvents)
	}
	return nil
}

func (q *eventQuery) addType(value string) error {
	if !slices.Contains(eventTypes(), value) {
		return fmt.Errorf("there is no such type: the types are %s", strings.Join(eventTypes(), ", "))
	}
	q.types = append(q.types, value)
	return nil
}

func (q *eventQuery) setContainer(value string) error {
	if value == "" {
		return errors.New("want a container's name, its id, or the beginning of its id")
	}
	q.of = strings.TrimPrefix(value, "/")
	return nil
}

func (q *eventQuery) setFollow(value string) error {
	if value != "0" && value != "1" {
		return errors.New("want 1, or 0")
	}
	q.follow = value == "1"
	return nil
}

// wants says whether a client wants an event.
func (q *eventQuery) wants(e *collector.Event) bool {
	if q.types != nil && !slices.Contains(q.types, e.Type) {
		return false
	}
	return q.of == "" || e.Type == "container" && (e.Name == q.of || strings.HasPrefix(e.ID, q.of))
}

// events answers with the latest events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	q, err := parseEvents(r.URL.RawQuery)
	if err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return
	}
	answer := schema.Events{Time: schema.Moment(time.Now()), Events: []schema.Event{}}
	for _, e := range s.latestEvents(&q) {
		answer.Events = append(answer.Events, newEvent(e))
	}
	s.sendJSON(w, r, http.StatusOK, answer)
}

// latestEvents gives the latest of the events that a client wants, the oldest first.
func (s *Server) latestEvents(q *eventQuery) []collector.Event {
	wanted := slices.DeleteFunc(slices.Clone(s.source.Events(0)), func(e collector.Event) bool { return !q.wants(&e) })
	return wanted[max(len(wanted)-q.limit, 0):]
}

// newEvent writes an event.
func newEvent(e collector.Event) schema.Event {
	out := schema.Event{
		Seq: e.Seq, Time: schema.Moment(e.Time), Engine: schema.Text(e.Engine), Type: e.Type, Action: e.Action, Detail: schema.Text(e.Detail),
		ID: schema.Text(e.ID), Name: schema.Text(e.Name), Image: schema.Text(e.Image), ExitCode: schema.Unknown(), Signal: schema.Text(e.Signal),
	}
	if e.HasExitCode {
		out.ExitCode = schema.Number(e.ExitCode)
	}
	return out
}
