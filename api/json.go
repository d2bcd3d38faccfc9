package api

import (
	"encoding/json"
	"net/http"

	"tallyman/api/schema"
)

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
	s.sendJSON(w, r, status, schema.Problem{Error: message})
}

// sendUnavailable answers when there is no Snapshot.
func (s *Server) sendUnavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.log.Warn("no snapshot to answer with", "path", r.URL.Path, "err", err)
	}
	s.sendError(w, r, http.StatusServiceUnavailable, noSnapshot(err))
}
