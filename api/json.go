package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"tallyman/api/schema"
)

// typeAmbiguous is the type of the Problem that names candidates.
const typeAmbiguous = "urn:tallyman:problem:ambiguous"

// sendJSON answers with a value.
func (s *Server) sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	s.sendAs(w, r, status, "application/json; charset=utf-8", v)
}

// sendError answers with what is wrong, and what would be right.
func (s *Server) sendError(w http.ResponseWriter, r *http.Request, status int, message string) {
	s.sendProblem(w, r, schema.Problem{Status: status, Detail: message})
}

// sendProblem answers with a Problem, as RFC 9457 has it.
func (s *Server) sendProblem(w http.ResponseWriter, r *http.Request, p schema.Problem) {
	if p.Type == "" {
		p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	}
	h := w.Header() // of the answer that was meant
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	s.sendAs(w, r, p.Status, "application/problem+json", p)
}

func (s *Server) sendAs(w http.ResponseWriter, r *http.Request, status int, contentType string, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		s.log.Error("answer cannot be written as json", "path", r.URL.Path, "err", err)
		s.sendError(w, r, http.StatusInternalServerError, "internal error")
		return
	}
	s.zip.send(w, r, status, contentType, append(body, '\n'))
}

// sendUnavailable answers when there is no Snapshot.
func (s *Server) sendUnavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.log.Warn("no snapshot to answer with", "path", r.URL.Path, "err", err)
	}
	s.sendError(w, r, http.StatusServiceUnavailable, noSnapshot(err))
}

// refuse answers a request that did not get as far as its handler: a Problem to programs, plain text to others.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	if r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/") {
		s.sendError(w, r, status, message)
		return
	}
	http.Error(w, message, status)
}
