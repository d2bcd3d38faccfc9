package fakeengine

import (
	"net/http"
	"strings"
	"time"
)

// Fault is something that goes wrong with an endpoint. Delay combines with the others; of these the first that is set,
// in the order of the fields, is played.
type Fault struct {
	// Delay is waited before anything is answered.
	Delay time.Duration
	// Hang answers nothing until the client or the engine closes the connection.
	Hang bool
	// Status answers with this code and Body; the content type is JSON when Body begins with "{".
	Status int
	Body   string
	// HTML answers 200 with a web page, as a captive portal or a wrong port does.
	HTML bool
	// Endless answers 200 with a JSON string that never ends.
	Endless bool
	// HalfJSON answers 200 with the first half of the right body, properly terminated.
	HalfJSON bool
	// Silent answers 200 and then says nothing; streams of statistics only.
	Silent bool
	// Cut answers with the first half of the right body and then closes the connection.
	Cut bool
	// Times limits how often the fault is played; 0 = until it is cleared.
	Times int
}

// SetFault plays f for an endpoint pattern ("/containers/{id}/json") or for one path without version prefix
// ("/containers/abc.../json", "/system/df?type=volume"); the path goes first.
func (e *Engine) SetFault(pattern string, f Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults[pattern] = &f
}

// ClearFaults makes the engine well again.
func (e *Engine) ClearFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.faults)
}

// DropEvents cuts every open event stream; the history stays.
func (e *Engine) DropEvents() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		close(s.dropped)
		delete(e.streams, s)
	}
}

// fault picks what is to go wrong with a request, by the first key that has a fault; the zero Fault = nothing.
func (e *Engine) fault(keys []string) Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, key := range keys {
		f := e.faults[key]
		if f == nil {
			continue
		}
		if f.Times == 1 {
			delete(e.faults, key)
		}
		f.Times--
		return *f
	}
	return Fault{}
}

// play answers a request with a fault. It says false when the request is still to be answered properly. It cuts
// connections in the way that net/http documents, by a panic.
func (f Fault) play(w http.ResponseWriter, r *http.Request, stopped <-chan struct{}) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return true
		case <-stopped:
			panic(http.ErrAbortHandler) // no answer, not even an empty one
		}
	}
	switch {
	case f.Hang:
		select {
		case <-r.Context().Done():
		case <-stopped:
		}
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		kind := "text/plain; charset=utf-8"
		if strings.HasPrefix(f.Body, "{") {
			kind = "application/json"
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
	case f.HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>"))
	case f.Endless:
		w.Header().Set("Content-Type", "application/json")
		writeForever(w, r, stopped)
	default:
		return false
	}
	return true
}

// writeForever writes the beginning of a JSON string, then fills it until somebody has had enough.
func writeForever(w http.ResponseWriter, r *http.Request, stopped <-chan struct{}) {
	chunk := []byte(strings.Repeat("x", 64<<10))
	_, err := w.Write([]byte(`{"Id":"`))
	for err == nil && r.Context().Err() == nil {
		select {
		case <-stopped:
			return
		default:
			_, err = w.Write(chunk)
		}
	}
}

// spoil writes a right body the wrong way, if the fault says so. It says false when the body is still to be written.
func (f Fault) spoil(w http.ResponseWriter, body []byte) bool {
	if !f.HalfJSON && !f.Cut {
		return false
	}
	_, _ = w.Write(body[:len(body)/2])
	if f.HalfJSON {
		return true
	}
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
