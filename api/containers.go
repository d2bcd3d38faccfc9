package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tallyman/api/metrics"
	"tallyman/cgroups"
	"tallyman/collector"
	"tallyman/engine"
)

// containers answers with the list of containers.
func (s *Server) containers(w http.ResponseWriter, r *http.Request) {
	f, err := parseFilter(r.URL.RawQuery)
	if err != nil {
		s.sendError(w, r, http.StatusBadRequest, err.Error())
		return
	}
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		s.sendUnavailable(w, r, err)
		return
	}
	for _, name := range f.engines {
		if !slices.ContainsFunc(snap.Engines, func(e collector.EngineStatus) bool { return e.Name == name }) {
			s.sendError(w, r, http.StatusBadRequest, fmt.Sprintf("there is no engine %.40q: /api/v1/summary lists them", name))
			return
		}
	}
	answer := containersAnswer{Time: moment(snap.Time), Containers: []containerItem{}}
	for i := range snap.Containers {
		if c := &snap.Containers[i]; f.matches(c) {
			answer.Containers = append(answer.Containers, newItem(c))
		}
	}
	s.sendJSON(w, r, http.StatusOK, answer)
}

// container answers with everything about one container.
func (s *Server) container(w http.ResponseWriter, r *http.Request) {
	snap, c := s.wanted(w, r)
	if c == nil {
		return
	}
	s.sendJSON(w, r, http.StatusOK, containerAnswer{
		Time: moment(snap.Time), Container: newItem(c), Facts: newFacts(c.Facts), Readings: s.readings(c),
	})
}

// wanted gives the container that the address names; nil when the answer has been that there is none.
func (s *Server) wanted(w http.ResponseWriter, r *http.Request) (*collector.Snapshot, *collector.Container) {
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		s.sendUnavailable(w, r, err)
		return nil, nil
	}
	c, problem := find(snap, wantedContainer(r), r.URL.Query().Get("engine"))
	if c == nil {
		s.sendError(w, r, http.StatusNotFound, problem)
	}
	return snap, c
}

// cgroup answers with the raw dump of a container's cgroup.
func (s *Server) cgroup(w http.ResponseWriter, r *http.Request) {
	snap, c := s.wanted(w, r)
	if c == nil {
		return
	}
	raw, err := s.source.Raw(c)
	switch {
	case errors.Is(err, cgroups.ErrNotFound):
		s.sendError(w, r, http.StatusNotFound, "the container has no cgroup that can be read now: it does not run, or see tallyman_capability")
	case err != nil:
		s.sendError(w, r, http.StatusInternalServerError, err.Error())
	default:
		s.sendJSON(w, r, http.StatusOK, cgroupAnswer{Time: moment(snap.Time), Path: c.ID, Stat: raw})
	}
}

// filter says which containers a client wants.
type filter struct {
	states  []engine.State
	engines []string
	name    string
}

// parseFilter reads the query of /api/v1/containers. The error tells the client what would be right.
func parseFilter(query string) (filter, error) {
	var f filter
	values, err := url.ParseQuery(query)
	if err != nil {
		return f, errors.New("the query of the address cannot be understood: it is ?state=<state>&engine=<name>&name=<part of a name>")
	}
	for key, given := range values {
		switch key {
		case "name":
			f.name = given[0]
			if len(given) > 1 {
				return f, errors.New("name can be given once only")
			}
		case "engine":
			f.engines = given
		case "state":
			for _, v := range given {
				f.states = append(f.states, engine.State(v))
			}
		default:
			return f, fmt.Errorf("there is no parameter %.40q: there are state, engine and name", key)
		}
	}
	for _, state := range f.states {
		if !slices.Contains(engine.States(), state) {
			return f, fmt.Errorf("there is no state %.40q: the states are %s", state, stateNames())
		}
	}
	return f, nil
}

// stateNames lists the states for people.
func stateNames() string {
	var names []string
	for _, state := range engine.States() {
		names = append(names, string(state))
	}
	return strings.Join(names, ", ")
}

// matches says whether a client wants a container.
func (f filter) matches(c *collector.Container) bool {
	if !strings.Contains(c.Name, f.name) || f.engines != nil && !slices.Contains(f.engines, c.Engine) {
		return false
	}
	return len(f.states) == 0 || (c.Facts != nil && slices.Contains(f.states, c.Facts.State))
}

// newItem makes the entry of a container in the list.
func newItem(c *collector.Container) containerItem {
	item := containerItem{
		ID: text(containerID(c)), Cgroup: text(c.ID), Name: text(c.Name), Image: text(c.Image), Engine: text(c.Engine),
		ExitCode: exitCode(c.Facts), Restarts: number(math.NaN()),
		Source: string(c.Source), SourceAge: number(c.SampleAge),
		CPU: cpuItem{
			Cores: number(c.Rates.CPU), LimitCores: number(c.LimitCores), UsageSeconds: number(c.Stats.CPU.Usage),
			ThrottledRatio: number(c.Rates.ThrottledRatio),
		},
		Memory: memoryItem{
			UsageBytes: number(c.Stats.Memory.Usage), WorkingSetBytes: number(c.Stats.Memory.WorkingSet),
			LimitBytes: number(c.Stats.Memory.Limit),
		},
		IO: ioItem{
			ReadBytesPerSecond: number(c.Rates.ReadBytes), WriteBytesPerSecond: number(c.Rates.WriteBytes),
			ReadBytes:  sum(c.Stats.IO, func(d *cgroups.IODevice) float64 { return d.ReadBytes }),
			WriteBytes: sum(c.Stats.IO, func(d *cgroups.IODevice) float64 { return d.WriteBytes }),
		},
		Network: networkItem{
			ReceiveBytesPerSecond: number(c.Rates.ReceiveBytes), TransmitBytesPerSecond: number(c.Rates.TransmitBytes),
			ReceiveBytes:  sum(c.Stats.Network, func(n *cgroups.Interface) float64 { return n.RxBytes }),
			TransmitBytes: sum(c.Stats.Network, func(n *cgroups.Interface) float64 { return n.TxBytes }),
		},
		Pids: pidsItem{
			Threads: number(c.Stats.Pids.Threads), ThreadsMax: number(c.Stats.Pids.ThreadsMax),
			Processes: number(c.Stats.Pids.Processes),
		},
		Disk: sizeItem{
			WritableBytes: number(c.Disk.Writable), RootBytes: number(c.Disk.Root), LogBytes: number(c.Disk.Log),
		},
		OOMKills: number(c.OOMKills),
		Problem:  text(c.Problem),
	}
	if f := c.Facts; f != nil {
		item.State, item.Health = text(f.State), text(f.Health)
		item.CreatedAt, item.StartedAt, item.FinishedAt = moment(f.Created), moment(f.Started), moment(f.Finished)
		if !f.Listed {
			item.Restarts = number(f.Restarts)
		}
		if f.HasExited && !f.Listed {
			item.OOMKilled = new(f.OOMKilled)
		}
	}
	return item
}

// exitCode is that of the latest exit.
func exitCode(f *engine.Container) number {
	if f == nil || !f.HasExited {
		return number(math.NaN())
	}
	return number(f.ExitCode)
}

// sum adds up what is known of the parts. No list is unknown, an empty one is nothing.
func sum[T any](parts []T, value func(*T) float64) number {
	total := number(math.NaN())
	if parts != nil && len(parts) == 0 {
		return 0
	}
	for i := range parts {
		total.add(value(&parts[i]))
	}
	return total
}

// newFacts gives what the engine says besides; nil where it says nothing. The environment of a container is not known here.
func newFacts(f *engine.Container) *factsItem {
	if f == nil {
		return nil
	}
	item := &factsItem{
		ImageID: text(f.ImageID), ImageCreated: moment(f.ImageCreated), PID: number(math.NaN()), FailingStreak: number(math.NaN()),
		NetworkMode: text(f.NetworkMode), NetworkOwner: text(f.NetworkOwner), CgroupParent: text(f.CgroupParent),
		RestartPolicy: text(f.RestartPolicy), Runtime: text(f.Runtime), Labels: f.Labels,
	}
	if item.Labels == nil {
		item.Labels = map[string]string{}
	}
	if f.ImageKnown {
		item.ImageStale = new(f.ImageStale)
	}
	if f.PID != 0 {
		item.PID = number(f.PID)
	}
	if f.Health != engine.HealthNone {
		item.FailingStreak = number(f.FailingStreak)
	}
	return item
}

// readings gives every metric of a container that this server serves. They come from the same table as /metrics.
func (s *Server) readings(c *collector.Container) []readingItem {
	items := []readingItem{}
	for i := range s.families {
		f := &s.families[i]
		f.Draw(s.groups, c, func(sample metrics.Sample) {
			item := readingItem{Metric: f.Name, Labels: map[string]string{}, Value: number(sample.Value)}
			for j, name := range f.Labels {
				item.Labels[name] = sample.Labels[j]
			}
			items = append(items, item)
		})
	}
	return items
}
