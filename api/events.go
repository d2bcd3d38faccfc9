package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	values, err := url.ParseQuery(query)
	if err != nil {
		return q, errors.New("the query of the address cannot be understood: it is ?limit=<number>&type=<type>&container=<id or name>&follow=1")
	}
	for key, given := range values {
		if err := q.set(key, given); err != nil {
			return q, err
		}
	}
	if q.limit < 0 {
		q.limit = defaultEvents
		if q.follow {
			q.limit = 0
		}
	}
	return q, nil
}

// set takes in one parameter.
func (q *eventQuery) set(key string, given []string) error {
	if len(given) > 1 && key != "type" {
		return fmt.Errorf("%.40s can be given once only", key)
	}
	switch key {
	case "limit":
		n, err := strconv.Atoi(given[0])
		if err != nil || n < 0 || n > maxEvents {
			return fmt.Errorf("limit=%.40q is wrong: want a number of events from 0 to %d", given[0], maxEvents)
		}
		q.limit = n
	case "type":
		return q.setTypes(given)
	case "container":
		if given[0] == "" {
			return errors.New("container= is empty: want its name, its id, or the beginning of its id")
		}
		q.of = strings.TrimPrefix(given[0], "/")
	case "follow":
		if given[0] != "0" && given[0] != "1" {
			return fmt.Errorf("follow=%.40q is wrong: want 1, or 0", given[0])
		}
		q.follow = given[0] == "1"
	default:
		return fmt.Errorf("there is no parameter %.40q: there are limit, type, container and follow", key)
	}
	return nil
}

func (q *eventQuery) setTypes(given []string) error {
	for _, t := range given {
		if !slices.Contains(eventTypes(), t) {
			return fmt.Errorf("there is no type %.40q: the types are %s", t, strings.Join(eventTypes(), ", "))
		}
	}
	q.types = given
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
