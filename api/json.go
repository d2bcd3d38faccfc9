package api

import (
	"encoding/json"
	"math"
	"net/http"
	"time"
)

// number is a reading; unknown is null.
type number float64

// MarshalJSON writes null for what is no number in JSON.
func (n number) MarshalJSON() ([]byte, error) {
	if !n.known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// known says whether there is a reading.
func (n number) known() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// moment is a time; the zero time is null.
type moment time.Time

// MarshalJSON writes RFC 3339 in UTC.
func (m moment) MarshalJSON() ([]byte, error) {
	if time.Time(m).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(time.Time(m).UTC())
}

// text is a word; the empty one is null.
type text string

// MarshalJSON writes null for what was not said.
func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// apiError is the answer to a request that cannot be answered.
type apiError struct {
	Error string `json:"error"`
}

// sendJSON answers with a value.
func (s *Server) sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		s.log.Error("answer cannot be written as json", "path", r.URL.Path, "err", err)
		status, body = http.StatusInternalServerError, []byte(`{"error": "internal error"}`)
	}
	s.zip.send(w, r, status, "application/json; charset=utf-8", append(body, '\n'))
}

// sendError answers with what is wrong, and what would be right.
func (s *Server) sendError(w http.ResponseWriter, r *http.Request, status int, message string) {
	s.sendJSON(w, r, status, apiError{message})
}

// sendUnavailable answers when there is no Snapshot.
func (s *Server) sendUnavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.log.Warn("no snapshot to answer with", "path", r.URL.Path, "err", err)
	}
	s.sendError(w, r, http.StatusServiceUnavailable, noSnapshot(err))
}
