package api

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"tallyman/api/schema"
	"tallyman/collector"
)

// noSnapshot is what a client is told when there is nothing to answer with, on one line.
func noSnapshot(err error) string {
	return "no snapshot of the host: " + strings.Join(strings.Fields(err.Error()), " ")
}

// snapshot gives the Snapshot to answer a request of the API with, in whose query only the parameters may be; nil when the answer has been
// why there is none.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, parameters ...parameter) *collector.Snapshot {
	if err := parseQuery(r.URL.RawQuery, parameters...); err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return nil
	}
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		s.sendUnavailable(w, r, err)
		return nil
	}
	return snap
}

// unavailable answers in plain text when there is no Snapshot.
func unavailable(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	if r.Context().Err() == nil { // a client that has gone is not worth a line
		log.Warn("no snapshot to answer with", "path", r.URL.Path, "err", err)
	}
	http.Error(w, noSnapshot(err), http.StatusServiceUnavailable)
}

// wantedContainer gives what the address says behind /containers/: an id, the beginning of one, or a name.
func wantedContainer(r *http.Request) string {
	wanted := chi.URLParam(r, "id")
	if r.URL.RawPath == "" { // chi matched the path that net/http has decoded
		return wanted
	}
	if decoded, err := url.PathUnescape(wanted); err == nil {
		return decoded
	}
	return wanted
}

// maxCandidates bounds what an ambiguous request is answered with.
const maxCandidates = 20

// find is lookup for pages: the text says why the container was not found.
func find(s *collector.Snapshot, wanted, engine string) (*collector.Container, string) {
	c, problem := lookup(s, wanted, engine)
	return c, problem.Detail
}

// lookup looks a container up by its id, by its name, or by the beginning of its id if no other begins so; by a name that several
// engines have, the engine must be given as well. When it finds none, the Problem says why.
func lookup(s *collector.Snapshot, wanted, engine string) (*collector.Container, schema.Problem) {
	name := strings.TrimPrefix(wanted, "/") // as docker inspect writes it
	var begins, named []*collector.Container
	for i := range s.Containers {
		c := &s.Containers[i]
		id := containerID(c)
		switch {
		case engine != "" && engine != c.Engine:
		case id != "" && id == wanted:
			return c, schema.Problem{}
		case c.Name != "" && c.Name == name:
			named = append(named, c)
		case wanted != "" && strings.HasPrefix(id, wanted):
			begins = append(begins, c)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], schema.Problem{}
	case len(named) > 1:
		return nil, ambiguous("several engines have a container of that name: give its id, or add ?engine=<name of the engine>", named)
	case len(begins) == 1:
		return begins[0], schema.Problem{}
	case len(begins) > 1:
		return nil, ambiguous("several containers have an id that begins so: give more of it", begins)
	}
	return nil, schema.Problem{Status: http.StatusNotFound, Detail: "there is no such container: give its name, its id, or the beginning of its id"}
}

// ambiguous is the Problem of a request that may have meant several containers.
func ambiguous(detail string, found []*collector.Container) schema.Problem {
	p := schema.Problem{Type: typeAmbiguous, Title: "Several containers are meant", Status: http.StatusConflict, Detail: detail}
	for _, c := range found[:min(len(found), maxCandidates)] {
		p.Candidates = append(p.Candidates, newCandidate(c))
	}
	return p
}

// containerID is the engine's id of a container. While the engine is away it is read off the path of the cgroup, which
// every driver ends with it.
func containerID(c *collector.Container) string {
	if c.Facts != nil {
		return c.Facts.ID
	}
	notHex := func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }
	for _, word := range slices.Backward(strings.FieldsFunc(c.ID, notHex)) {
		if len(word) == 64 {
			return word
		}
	}
	return ""
}
