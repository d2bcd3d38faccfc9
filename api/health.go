package api

import (
	"context"
	"io"
	"net/http"
	"slices"

	"tallyman/collector"
)

// healthy answers as long as the program runs: a process that cannot answer this should be restarted.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // nobody is left to tell
}

// ready answers whether a scrape would say anything: the host can be read, and of the engine it is known what it has, or
// that it is away. An engine that is away does not make tallyman unready: the cgroups can still be read.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	snap, err := s.source.Snapshot(ctx)
	switch {
	case err != nil:
		http.Error(w, noSnapshot(err), http.StatusServiceUnavailable)
	case slices.ContainsFunc(snap.Engines, func(e collector.EngineStatus) bool { return e.Synced.IsZero() && e.Problem == "" }):
		http.Error(w, "the containers of an engine have not been listed yet", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ready\n") // nobody is left to tell
	}
}
