package fakeengine

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// statsStream is one open request for the statistics of a container.
type statsStream struct {
	id    string
	ended chan struct{} // closed by EndStats and when the container is removed
}

// loadStats reads the documents that the recorded containers sent.
func (e *Engine) loadStats(fsys fs.FS) error {
	files, err := fs.Glob(fsys, "stats-stream/*.jsonl")
	if err != nil {
		return fmt.Errorf("list statistics: %w", err)
	}
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return fmt.Errorf("read recording: %w", err)
		}
		name := strings.TrimSuffix(path.Base(file), ".jsonl")
		for line := range bytes.Lines(data) {
			e.recordedStats[name] = append(e.recordedStats[name], line)
		}
	}
	return nil
}

// SetStats makes a container send these documents, however malformed, in place of the recorded ones; the last again and again.
func (e *Engine) SetStats(ref string, documents ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := make([][]byte, len(documents))
	for i, d := range documents {
		lines[i] = []byte(d + "\n")
	}
	e.stats[e.mustResolve(ref)] = lines
}

// EndStats ends the open streams of statistics of a container, as dockerd does when it is removed.
func (e *Engine) EndStats(ref string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.endStats(e.mustResolve(ref))
}

// endStats is EndStats under the lock.
func (e *Engine) endStats(id string) {
	for s := range e.statsStreams {
		if s.id == id {
			close(s.ended)
			delete(e.statsStreams, s)
		}
	}
}

// StatsStreams tells how many streams of statistics are open.
func (e *Engine) StatsStreams() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.statsStreams)
}

// serveStats streams statistics, the first document at once, until the client, a fault, the engine or the end of the container
// ends it. It stays open while the container does not run.
func (e *Engine) serveStats(w http.ResponseWriter, r *http.Request, q request) {
	s := e.openStats(q.id)
	if s == nil {
		e.fail(w, http.StatusNotFound, "No such container: "+q.id)
		return
	}
	defer e.closeStats(s)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flusher := http.NewResponseController(w)
	_ = flusher.Flush()
	tick := time.NewTicker(e.statsEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		if !q.fault.Silent {
			document := e.document(s.id, n)
			if q.fault.spoil(w, document) {
				return
			}
			if _, err := w.Write(document); err != nil {
				return
			}
			_ = flusher.Flush()
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return
		case <-q.stopped:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

// openStats registers a stream; nil when there is no such container.
func (e *Engine) openStats(ref string) *statsStream {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.resolve(ref)
	if id == "" {
		return nil
	}
	s := &statsStream{id: id, ended: make(chan struct{})}
	e.statsStreams[s] = struct{}{}
	return s
}

func (e *Engine) closeStats(s *statsStream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.statsStreams, s)
}

// document is the n-th that a container sends: its own, or those of a recorded one that is in the same state.
func (e *Engine) document(id string, n int) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	doc := e.containers[id]
	if doc == nil {
		return nil // it was removed a moment ago
	}
	lines := e.stats[id]
	switch {
	case lines != nil:
	case number(object(doc, "State")["Pid"]) == 0:
		lines = e.recordedStats["eng-exit3"]
	default:
		lines = e.recordedStats[strings.TrimPrefix(text(doc["Name"]), "/")]
		if lines == nil {
			lines = e.recordedStats["eng-none"]
		}
	}
	return lines[min(n, len(lines)-1)]
}
