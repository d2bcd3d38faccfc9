package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tallyman/collector"
)

// What sending events as they come may take.
const (
	// heartbeat is how often a client is sent something, so that proxies between keep the connection, and one that went is noticed.
	heartbeat = 15 * time.Second
	// slowAfter is the default of Server.slowAfter.
	slowAfter = 10 * time.Second
	// reconnectAfter is after what time a browser asks again.
	reconnectAfter = 2 * time.Second
)

// following answers requests for events as they come, server-sent events of the HTML standard, and leaves the others to next. Such an
// answer has no end: neither the time nor the number of answers that are in the making is for it.
func (s *Server) following(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := parseEvents(r.URL.RawQuery)
		if err != nil || !q.follow {
			next.ServeHTTP(w, r)
			return
		}
		seen, resumed, err := lastEventID(r)
		if err != nil {
			s.sendError(w, r, http.StatusBadRequest, err.Error())
			return
		}
		select {
		case s.followers <- struct{}{}:
			defer func() { <-s.followers }()
		default:
			w.Header().Set("Retry-After", strconv.Itoa(int(heartbeat.Seconds())))
			s.sendError(w, r, http.StatusServiceUnavailable, fmt.Sprintf("%d clients are sent events already: close some, or ask without follow", maxFollowers))
			return
		}
		s.sendEvents(w, r, &q, seen, resumed)
	})
}

// lastEventID reads which event a client has seen last, as browsers say when they connect again.
func lastEventID(r *http.Request) (seen uint64, resumed bool, err error) {
	id := r.Header.Get("Last-Event-Id")
	if id == "" {
		return 0, false, nil
	}
	if seen, err = strconv.ParseUint(id, 10, 64); err != nil {
		return 0, false, fmt.Errorf("the header Last-Event-ID: %.40q is wrong: want the seq of an event", id)
	}
	return seen, true, nil
}

// sendEvents sends the events that a client has not seen, and then each as it comes, until it goes, is too slow, or the program ends.
func (s *Server) sendEvents(w http.ResponseWriter, r *http.Request, q *eventQuery, seen uint64, resumed bool) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !resumed {
		seen = s.before(q)
	}
	follower, err := s.source.Follow(ctx, seen)
	if err != nil {
		s.sendError(w, r, http.StatusServiceUnavailable, "events cannot be followed: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep them back
	to := newSlowWriter(w, s.slowAfter)
	if r.Method == http.MethodHead || !to.send(fmt.Appendf(nil, "retry: %d\n\n", reconnectAfter.Milliseconds())) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for ok := true; ok; {
		select {
		case e, open := <-follower.Events:
			ok = open && (!q.wants(&e) || to.send(eventText(e)))
		case <-beat.C:
			ok = to.send([]byte(":\n\n"))
		case <-s.stopped:
			return
		case <-ctx.Done():
			return
		}
	}
}

// before is the number of the event before the first that a new client wants: of the latest it asks for, or of those to come.
func (s *Server) before(q *eventQuery) uint64 {
	if first := s.latestEvents(q); len(first) > 0 {
		return first[0].Seq - 1
	}
	if all := s.source.Events(1); len(all) > 0 {
		return all[0].Seq
	}
	return 0
}

// eventText writes an event as a message of its own.
func eventText(e collector.Event) []byte {
	data, err := json.Marshal(newEvent(e))
	if err != nil {
		return nil // no field of it can fail
	}
	return fmt.Appendf(nil, "id: %d\ndata: %s\n\n", e.Seq, data)
}

// slowWriter writes an answer piece by piece, to a client that may be slow but has to take each in time.
type slowWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

func newSlowWriter(w http.ResponseWriter, limit time.Duration) *slowWriter {
	c := http.NewResponseController(w)
	// The limit of the server for reading a request would end the answer.
	_ = c.SetReadDeadline(time.Time{})
	return &slowWriter{w: w, control: c, limit: limit}
}

// send writes and flushes; it says false when the client did not take it. What the client is too slow for waits in the kernel's
// buffer, and nowhere here.
func (s *slowWriter) send(text []byte) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.limit)) // what has no deadlines is no connection
	if _, err := s.w.Write(text); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
