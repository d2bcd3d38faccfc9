package api

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"tallyman/api/schema"
	"tallyman/collector"
)

// discovery is what one request for targets finds.
type discovery struct {
	snap    *collector.Snapshot
	targets []schema.TargetGroup
	// without are the containers that ask to be scraped and cannot be, and why.
	without []schema.DiscoveryProblem
}

// serviceDiscovery answers with the containers that ask to be scraped, as Prometheus' http_sd_configs want them.
func (s *Server) serviceDiscovery(w http.ResponseWriter, r *http.Request) {
	if found := s.discover(w, r); found != nil && !s.tags.unchanged(w, r, found.snap) {
		s.sendJSON(w, r, http.StatusOK, found.targets)
	}
}

// discoveryProblems answers with the containers that ask to be scraped and are not among the targets.
func (s *Server) discoveryProblems(w http.ResponseWriter, r *http.Request) {
	if found := s.discover(w, r); found != nil && !s.tags.unchanged(w, r, found.snap) {
		s.sendJSON(w, r, http.StatusOK, schema.DiscoveryProblems{Time: schema.Moment(found.snap.Time), Containers: found.without})
	}
}

// discover looks for the containers that ask to be scraped; nil when the answer has been why nothing can be said. While an engine is away
// for long that is an error, on which Prometheus keeps the targets that it has; an empty list would take them away.
func (s *Server) discover(w http.ResponseWriter, r *http.Request) *discovery {
	if !s.sd {
		s.sendError(w, r, http.StatusNotFound, "containers are not offered to Prometheus: start tallyman with --web.sd")
		return nil
	}
	q := reach{host: plainHost(requestHost(r))}
	snap := s.snapshot(w, r, q.parameters()...)
	if snap == nil {
		return nil
	}
	if err := q.check(snap); err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return nil
	}
	if err := q.silent(snap); err != nil {
		s.sendError(w, r, http.StatusServiceUnavailable, err.Error())
		return nil
	}
	return s.findTargets(snap, &q)
}

// findTargets looks at every container that runs.
func (s *Server) findTargets(snap *collector.Snapshot, q *reach) *discovery {
	found := &discovery{snap: snap, targets: []schema.TargetGroup{}, without: []schema.DiscoveryProblem{}}
	for i := range snap.Containers {
		c := &snap.Containers[i]
		if !q.offered(c) {
			continue
		}
		group, err := q.target(snap, c)
		if err == nil {
			found.targets = append(found.targets, group)
			continue
		}
		found.without = append(found.without, schema.DiscoveryProblem{
			ID: schema.Text(containerID(c)), Name: schema.Text(c.Name), Engine: schema.Text(c.Engine), Problem: err.Error(),
		})
		if _, wrong := errors.AsType[*labelError](err); wrong {
			s.mistakes.tell(s.log, c, err)
		}
	}
	return found
}

// reach is from where containers are to be reached, as whoever asks says.
type reach struct {
	published bool   // at the ports that they publish, not at their own addresses
	network   string // only in this network; "" = in any
	engine    string // only those of this engine; "" = of all
	host      string // a name or address of the host of the containers, for what is reached there; "" = not known
}

// hostName is a name that may stand in the address of a target.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$`)

// parameters are those by which a request says so.
func (q *reach) parameters() []parameter {
	return []parameter{
		{key: "address", take: func(value string) error {
			q.published = value == "published"
			if value != "container" && value != "published" {
				return errors.New("want container, their own addresses, or published, the ports of this host")
			}
			return nil
		}},
		{key: "host", take: func(value string) error {
			if q.host = plainHost(value); q.host == "" {
				return errors.New("want a host name or an IP address without a port")
			}
			return nil
		}},
		{key: "network", take: func(value string) error {
			q.network = value
			return notEmpty(value, "the name of a network, as docker network ls shows it")
		}},
		{key: "engine", take: func(value string) error {
			q.engine = value
			return notEmpty(value, "the name of an engine: /api/v1/summary lists them")
		}},
	}
}

// check refuses what cannot be.
func (q *reach) check(snap *collector.Snapshot) error {
	if q.published && q.network != "" {
		return errors.New("network is of no use with address=published: want one of them")
	}
	if q.engine != "" {
		return checkEngines(snap, []string{q.engine})
	}
	return nil
}

// requestHost is the name that a client has used for this host: it will know it by that.
func requestHost(r *http.Request) string {
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	return r.Host
}

// notEmpty refuses an empty value.
func notEmpty(value, what string) error {
	if value == "" {
		return errors.New("want " + what)
	}
	return nil
}

// plainHost is a name or an address, without the brackets of IPv6; "" for what is neither.
func plainHost(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" || hostName.MatchString(s) {
		return s
	}
	return ""
}

// silent says which of the engines that were asked for has not told of its containers lately.
func (q *reach) silent(snap *collector.Snapshot) error {
	for i := range snap.Engines {
		e := &snap.Engines[i]
		if (q.engine == "" || q.engine == e.Name) && (!e.Fresh || e.Synced.IsZero()) {
			return fmt.Errorf("it is not known which containers there are: %s", cmp.Or(e.Problem, "the engine has not told yet"))
		}
	}
	return nil
}
