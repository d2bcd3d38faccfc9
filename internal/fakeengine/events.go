package fakeengine

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ringSize is how many events dockerd remembers for since=.
const ringSize = 256

// streamBuffer is how many events may wait for one reader; dockerd loses the rest without a word, and so do we.
const streamBuffer = 1024

// event is one event as dockerd keeps it.
type event struct {
	kind, action, id string
	attributes       map[string]string
	nano             int64
}

// stream is one open /events request.
type stream struct {
	filters map[string][]string
	events  chan event
	dropped chan struct{} // closed by DropEvents
}

// Emit sends an event to every open stream and remembers it. action may carry a suffix ("health_status: healthy").
func (e *Engine) Emit(kind, action, id string, attributes map[string]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.emit(kind, action, id, attributes)
}

// emit is Emit under the lock.
func (e *Engine) emit(kind, action, id string, attributes map[string]string) {
	// Two events never share a time, whatever the clock does, as dockerd's do not.
	e.lastNano = max(e.now().UnixNano(), e.lastNano+1000)
	if e.muted {
		return
	}
	ev := event{kind: kind, action: action, id: id, attributes: attributes, nano: e.lastNano}
	e.ring = append(e.ring, ev)
	if len(e.ring) > ringSize {
		e.ring = slices.Delete(e.ring, 0, len(e.ring)-ringSize)
	}
	for s := range e.streams {
		if !matches(s.filters, ev) {
			continue
		}
		select {
		case s.events <- ev:
		default:
		}
	}
}

// Replay sends an event again, exactly as it was sent the last time: same time, same content. It does nothing when no
// event of that action and id is remembered.
func (e *Engine) Replay(action, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range slices.Backward(e.ring) {
		if ev.action != action || ev.id != id {
			continue
		}
		for s := range e.streams {
			s.events <- ev
		}
		return
	}
}

// Raw sends a line to every open event stream, however malformed.
func (e *Engine) Raw(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		s.events <- event{kind: "raw", action: line}
	}
}

// serveEvents streams events until the client, a fault or the engine ends it.
func (e *Engine) serveEvents(w http.ResponseWriter, r *http.Request, q request) {
	s := &stream{
		filters: parseFilters(r.URL.Query()),
		events:  make(chan event, streamBuffer),
		dropped: make(chan struct{}),
	}
	for _, ev := range e.subscribe(s, r.URL.Query().Get("since")) {
		s.events <- ev // at most ringSize, fewer than the channel holds
	}
	defer e.unsubscribe(s)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flusher := http.NewResponseController(w)
	_ = flusher.Flush()
	for {
		select {
		case ev := <-s.events:
			if _, err := w.Write(e.line(ev, q.version)); err != nil {
				return
			}
			_ = flusher.Flush()
		case <-s.dropped:
			panic(http.ErrAbortHandler)
		case <-q.stopped:
			panic(http.ErrAbortHandler) // dockerd does not end its streams either
		case <-r.Context().Done():
			return
		}
	}
}

// subscribe registers a stream and returns the remembered events that it asked for.
func (e *Engine) subscribe(s *stream, since string) []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streams[s] = struct{}{}
	if since == "" {
		return nil
	}
	from := parseTime(since)
	var replay []event
	for _, ev := range e.ring {
		if ev.nano >= from && matches(s.filters, ev) {
			replay = append(replay, ev)
		}
	}
	return replay
}

func (e *Engine) unsubscribe(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.streams, s)
}

// line renders an event as the engine of the recording would for an API version.
func (e *Engine) line(ev event, version string) []byte {
	if ev.kind == "raw" {
		return []byte(ev.action + "\n")
	}
	doc := map[string]any{
		"Type": ev.kind, "Action": ev.action, "scope": "local",
		"Actor": map[string]any{"ID": ev.id, "Attributes": ev.attributes},
		"time":  ev.nano / 1e9, "timeNano": ev.nano,
	}
	if less(version, "1.52") {
		doc["status"], doc["id"], doc["from"] = ev.action, ev.id, ev.attributes["image"]
		if !less(e.apiMax, "1.52") {
			// Engine 29 passes old answers through a map, so that integers go through float64.
			doc["timeNano"] = json.Number(strconv.FormatFloat(float64(ev.nano), 'f', -1, 64))
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	return append(out, '\n')
}

// parseFilters reads both forms of the filters parameter: {"type":["container"]} and {"type":{"container":true}}.
func parseFilters(q url.Values) map[string][]string {
	out := map[string][]string{}
	var raw map[string]any
	if json.Unmarshal([]byte(q.Get("filters")), &raw) != nil {
		return out
	}
	for key, values := range raw {
		switch v := values.(type) {
		case []any:
			for _, item := range v {
				out[key] = append(out[key], text(item))
			}
		case map[string]any:
			for item := range v {
				out[key] = append(out[key], item)
			}
		}
	}
	return out
}

// matches applies the filters type, event and container. Like dockerd, "health_status" stands for every action that
// begins so.
func matches(filters map[string][]string, ev event) bool {
	pass := func(key string, ok func(want string) bool) bool {
		return len(filters[key]) == 0 || slices.ContainsFunc(filters[key], ok)
	}
	return pass("type", func(want string) bool { return want == ev.kind }) &&
		pass("event", func(want string) bool {
			return want == ev.action || strings.HasPrefix(ev.action, want+":")
		}) &&
		pass("container", func(want string) bool { return want == ev.id || want == ev.attributes["name"] })
}

// parseTime reads Unix seconds with an optional fraction of nine digits; math.MaxInt64 when malformed.
func parseTime(s string) int64 {
	sec, frac, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(sec, 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	nanos, err := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return seconds*1e9 + nanos
}
