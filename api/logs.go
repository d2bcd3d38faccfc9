package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"tallyman/api/schema"
	"tallyman/engine"
)

// containerLogs answers with the last lines that a container has written. It is the only answer for which an engine is asked.
func (s *Server) containerLogs(w http.ResponseWriter, r *http.Request) {
	if !s.logs {
		s.sendError(w, r, http.StatusNotFound, "logs are not shown: start tallyman with --web.logs, which wants it to listen on loopback or to ask for passwords")
		return
	}
	tail := engine.MaxLogLines
	snap, c := s.wanted(w, r, parameter{key: "tail", take: func(value string) (err error) {
		if tail, err = strconv.Atoi(value); err != nil || tail < 1 || tail > engine.MaxLogLines {
			return fmt.Errorf("want a number of lines from 1 to %d", engine.MaxLogLines)
		}
		return nil
	}})
	if c == nil {
		return
	}
	lines, err := s.source.Logs(r.Context(), c, tail)
	if err != nil {
		s.sendError(w, r, noLogsStatus(err), err.Error())
		return
	}
	answer := schema.Logs{Time: schema.Moment(snap.Time), Lines: make([]schema.LogLine, len(lines))}
	for i, l := range lines {
		answer.Lines[i] = schema.LogLine{Time: schema.Moment(l.Time), Stream: schema.Text(l.Stream), Text: l.Text}
	}
	s.sendJSON(w, r, http.StatusOK, answer)
}

// noLogsStatus says whose doing it is that there are no logs.
func noLogsStatus(err error) int {
	switch {
	case errors.Is(err, engine.ErrNoLogs), errors.Is(err, engine.ErrNoContainer), errors.Is(err, engine.ErrLogsOff):
		return http.StatusNotFound
	}
	return http.StatusBadGateway
}
