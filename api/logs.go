package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	tail, err := parseTail(r.URL.RawQuery)
	if err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return
	}
	snap, c := s.wanted(w, r)
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

// parseTail reads the query of the logs of a container. The error tells the client what would be right.
func parseTail(query string) (int, error) {
	tail := engine.MaxLogLines
	values, err := url.ParseQuery(query)
	if err != nil {
		return 0, errors.New("the query of the address cannot be understood: it is ?tail=<number of lines>")
	}
	for key, given := range values {
		switch key {
		case "tail":
			n, err := strconv.Atoi(given[0])
			if err != nil || n < 1 || n > engine.MaxLogLines || len(given) > 1 {
				return 0, fmt.Errorf("tail=%.40q is wrong: want one number of lines from 1 to %d", given[0], engine.MaxLogLines)
			}
			tail = n
		case "engine":
		default:
			return 0, fmt.Errorf("there is no parameter %.40q: there are tail and engine", key)
		}
	}
	return tail, nil
}
