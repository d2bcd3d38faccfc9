package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tallyman/api/metrics"
	"tallyman/api/schema"
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
	answer := schema.Containers{Time: schema.Moment(snap.Time), Containers: []schema.Container{}}
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
	s.sendJSON(w, r, http.StatusOK, schema.ContainerDetails{
		Time: schema.Moment(snap.Time), Container: newItem(c), Facts: newFacts(c.Facts), Readings: s.readings(c),
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
		s.sendJSON(w, r, http.StatusOK, schema.Cgroup{Time: schema.Moment(snap.Time), Path: c.ID, Stat: raw})
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
func newItem(c *collector.Container) schema.Container {
	item := schema.Container{
		ID: schema.Text(containerID(c)), Cgroup: schema.Text(c.ID), Name: schema.Text(c.Name), Image: schema.Text(c.Image), Engine: schema.Text(c.Engine),
		ExitCode: exitCode(c.Facts), Restarts: schema.Unknown(),
		Source: string(c.Source), SourceAge: schema.Number(c.SampleAge),
		CPU: schema.CPU{
			Cores: schema.Number(c.Rates.CPU), LimitCores: schema.Number(c.LimitCores), UsageSeconds: schema.Number(c.Stats.CPU.Usage),
			ThrottledRatio: schema.Number(c.Rates.ThrottledRatio),
		},
		Memory: schema.Memory{
			UsageBytes: schema.Number(c.Stats.Memory.Usage), WorkingSetBytes: schema.Number(c.Stats.Memory.WorkingSet),
			LimitBytes: schema.Number(c.Stats.Memory.Limit),
		},
		IO: schema.IO{
			ReadBytesPerSecond: schema.Number(c.Rates.ReadBytes), WriteBytesPerSecond: schema.Number(c.Rates.WriteBytes),
			ReadBytes:  sum(c.Stats.IO, func(d *cgroups.IODevice) float64 { return d.ReadBytes }),
			WriteBytes: sum(c.Stats.IO, func(d *cgroups.IODevice) float64 { return d.WriteBytes }),
		},
		Network: schema.Network{
			ReceiveBytesPerSecond: schema.Number(c.Rates.ReceiveBytes), TransmitBytesPerSecond: schema.Number(c.Rates.TransmitBytes),
			ReceiveBytes:  sum(c.Stats.Network, func(n *cgroups.Interface) float64 { return n.RxBytes }),
			TransmitBytes: sum(c.Stats.Network, func(n *cgroups.Interface) float64 { return n.TxBytes }),
		},
		Pids: schema.Pids{
			Threads: schema.Number(c.Stats.Pids.Threads), ThreadsMax: schema.Number(c.Stats.Pids.ThreadsMax),
			Processes: schema.Number(c.Stats.Pids.Processes),
		},
		Disk: schema.Size{
			WritableBytes: schema.Number(c.Disk.Writable), RootBytes: schema.Number(c.Disk.Root), LogBytes: schema.Number(c.Disk.Log),
		},
		OOMKills: schema.Number(c.OOMKills),
		Problem:  schema.Text(c.Problem),
	}
	if f := c.Facts; f != nil {
		item.State, item.Health = schema.Text(f.State), schema.Text(f.Health)
		item.CreatedAt, item.StartedAt, item.FinishedAt = schema.Moment(f.Created), schema.Moment(f.Started), schema.Moment(f.Finished)
		if !f.Listed {
			item.Restarts = schema.Number(f.Restarts)
		}
		if f.HasExited && !f.Listed {
			item.OOMKilled = new(f.OOMKilled)
		}
	}
	return item
}

// exitCode is that of the latest exit.
func exitCode(f *engine.Container) schema.Number {
	if f == nil || !f.HasExited {
		return schema.Unknown()
	}
	return schema.Number(f.ExitCode)
}

// sum adds up what is known of the parts. No list is unknown, an empty one is nothing.
func sum[T any](parts []T, value func(*T) float64) schema.Number {
	total := schema.Unknown()
	if parts != nil && len(parts) == 0 {
		return 0
	}
	for i := range parts {
		total.Add(value(&parts[i]))
	}
	return total
}

// newFacts gives what the engine says besides; nil where it says nothing. The environment of a container is not known here.
func newFacts(f *engine.Container) *schema.Facts {
	if f == nil {
		return nil
	}
	item := &schema.Facts{
		ImageID: schema.Text(f.ImageID), ImageCreated: schema.Moment(f.ImageCreated), PID: schema.Unknown(), FailingStreak: schema.Unknown(),
		NetworkMode: schema.Text(f.NetworkMode), NetworkOwner: schema.Text(f.NetworkOwner), CgroupParent: schema.Text(f.CgroupParent),
		RestartPolicy: schema.Text(f.RestartPolicy), Runtime: schema.Text(f.Runtime), Labels: make(map[string]string, len(f.Labels)),
	}
	for key, value := range f.Labels {
		item.Labels[key] = masked(key, value)
	}
	if f.ImageKnown {
		item.ImageStale = new(f.ImageStale)
	}
	if f.PID != 0 {
		item.PID = schema.Number(f.PID)
	}
	if f.Health != engine.HealthNone {
		item.FailingStreak = schema.Number(f.FailingStreak)
	}
	return item
}

// readings gives every metric of a container that this server serves. They come from the same table as /metrics.
func (s *Server) readings(c *collector.Container) []schema.Reading {
	items := []schema.Reading{}
	for i := range s.families {
		f := &s.families[i]
		f.Draw(s.groups, c, func(sample metrics.Sample) {
			item := schema.Reading{Metric: f.Name, Labels: map[string]string{}, Value: schema.Number(sample.Value)}
			for j, name := range f.Labels {
				item.Labels[name] = sample.Labels[j]
			}
			items = append(items, item)
		})
	}
	return items
}
