package engine

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxContainers bounds the list of one engine.
const maxContainers = 100_000

// inspected is what one inspect says. Container has no counters yet, and NetworkOwner as the engine wrote it.
type inspected struct {
	Container
	restartCount uint64
}

// listed is what the list says of one container; the fields that only inspect knows are zero.
type listed struct {
	Container
}

// decodeInspect reads the answer of GET /containers/{id}/json.
func decodeInspect(data []byte) (inspected, error) {
	var w wireContainer
	if err := unmarshal(data, &w); err != nil {
		return inspected{}, fmt.Errorf("decode container: %w", err)
	}
	if !isID(w.ID) {
		return inspected{}, fmt.Errorf("decode container: id %q: %w", clip(w.ID, maxName), errMalformed)
	}
	out := inspected{restartCount: uint64(max(w.RestartCount, 0))}
	out.Container = Container{
		ID:            w.ID,
		Name:          containerName([]string{w.Name}),
		Image:         clip(w.Config.Image, maxImage),
		ImageID:       clip(w.Image, maxImage),
		Created:       parseTime(w.Created),
		CgroupParent:  clip(w.HostConfig.CgroupParent, maxImage),
		RestartPolicy: clip(w.HostConfig.RestartPolicy.Name, maxName),
		Runtime:       clip(w.HostConfig.Runtime, maxName),
		LogPath:       clip(w.LogPath, maxPath),
		Labels:        w.Config.Labels,
	}
	c := &out.Container
	if c.RestartPolicy == "" {
		c.RestartPolicy = "no" // how API versions and podman spell the default
	}
	setState(c, w.State)
	setNetwork(c, w.HostConfig.NetworkMode)
	c.Addresses, c.TCPPorts = w.addresses(), w.tcpPorts()
	c.Limits = w.limits()
	return out, nil
}

// nanoPeriod is the period, in microseconds, in which dockerd gives a container the part of a processor that NanoCpus asks for.
const nanoPeriod = 100_000

func (w *wireContainer) limits() Limits {
	h := &w.HostConfig
	out := Limits{
		Memory: int64(h.Memory), MemorySwap: int64(h.MemorySwap), MemoryReservation: int64(h.MemoryReservation),
		CPUQuota: int64(h.CPUQuota), CPUPeriod: int64(h.CPUPeriod), CPUShares: int64(h.CPUShares), CPUSet: clip(h.CpusetCpus, maxName),
	}
	if h.NanoCpus > 0 {
		out.CPUQuota, out.CPUPeriod = int64(float64(h.NanoCpus)/1e9*nanoPeriod), nanoPeriod
	}
	return out
}

// setState fills in what State says.
func setState(c *Container, w wireState) {
	c.Started, c.Finished = parseTime(w.StartedAt), parseTime(w.FinishedAt)
	c.State = stateOf(w)
	c.OOMKilled = w.OOMKilled
	if c.State.HasProcesses() {
		c.PID = int(max(w.Pid, 0))
	} else {
		// While it runs, ExitCode is 0 for want of an exit, whatever the one before was.
		c.ExitCode = int(w.ExitCode)
		c.HasExited = !c.Finished.IsZero() || w.Error != "" || w.ExitCode != 0
	}
	switch h := Health(w.Health.Status); h {
	case HealthStarting, HealthHealthy, HealthUnhealthy:
		c.Health = h
		c.FailingStreak = int(max(w.Health.FailingStreak, 0))
	}
}

// stateOf trusts State.Status: the flag Running is also true while a container is paused or waits for its next restart.
// The flags decide only where Status is a word that Docker does not know.
func stateOf(w wireState) State {
	switch s := State(w.Status); s {
	case StateCreated, StateRunning, StatePaused, StateRestarting, StateRemoving, StateExited, StateDead:
		return s
	}
	switch {
	case w.Restarting:
		return StateRestarting
	case w.Paused:
		return StatePaused
	case w.Running:
		return StateRunning
	case w.Dead:
		return StateDead
	case !parseTime(w.FinishedAt).IsZero():
		return StateExited
	}
	return StateCreated
}

// setNetwork fills in mode and owner. A reference other than a full id is resolved later, by the tracker.
func setNetwork(c *Container, mode string) {
	mode = clip(mode, maxName)
	if mode == "default" || mode == "" {
		mode = "bridge" // engine 20.10 keeps what the user wrote
	}
	c.NetworkMode = mode
	switch owner, shared := strings.CutPrefix(mode, "container:"); {
	case shared:
		c.NetworkOwner = owner
	case mode == "host":
		c.NetworkOwner = ""
	default:
		c.NetworkOwner = c.ID
	}
}

// decodeList reads the answer of GET /containers/json. One entry without a sound id is left out.
func decodeList(r io.Reader) ([]listed, error) {
	var out []listed
	err := eachEntry(r, "containers", func(raw json.RawMessage) error {
		if item, ok := decodeListed(raw); ok {
			out = append(out, item)
		}
		if len(out) > maxContainers {
			return fmt.Errorf("more than %d: %w", maxContainers, ErrTooLarge)
		}
		return nil
	})
	return out, err
}

// eachEntry reads a JSON list entry by entry. JSON that breaks off is an error, since what is not in it would be taken for
// removed. The error says what was listed.
func eachEntry(r io.Reader, what string, each func(raw json.RawMessage) error) error {
	failed := func(err error) error {
		return fmt.Errorf("decode list of %s: %w", what, notJSON(err))
	}
	d := json.NewDecoder(r)
	first, err := d.Token()
	if err != nil {
		return failed(err)
	}
	if first != json.Delim('[') {
		return failed(fmt.Errorf("begins with %v, not with a list: %w", first, errMalformed))
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return failed(err)
		}
		if err := each(raw); err != nil {
			return failed(err)
		}
	}
	if _, err := d.Token(); err != nil {
		return failed(err)
	}
	return nil
}

// notJSON tells HTML from other things that are no JSON.
func notJSON(err error) error {
	if strings.Contains(err.Error(), "invalid character '<'") {
		return errHTML
	}
	return err
}

func decodeListed(raw []byte) (listed, bool) {
	var w wireListed
	if unmarshal(raw, &w) != nil || !isID(w.ID) {
		return listed{}, false
	}
	c := Container{
		Listed:  true,
		ID:      w.ID,
		Name:    containerName(w.Names),
		Image:   clip(w.Image, maxImage),
		ImageID: clip(w.ImageID, maxImage),
		State:   stateOf(wireState{Status: w.State}),
		Labels:  w.Labels,
	}
	c.Created = unixTime(w.Created)
	setNetwork(&c, w.HostConfig.NetworkMode)
	return listed{c}, true
}

// containerName picks the container's own name: links add names of the form "/other/alias".
func containerName(names []string) string {
	for _, name := range names {
		name = strings.TrimPrefix(name, "/")
		if name != "" && !strings.Contains(name, "/") {
			return clip(name, maxName)
		}
	}
	return ""
}

// parseTime reads a time of the API. The year 1 is the engine's way to say never.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t.UTC()
}

// lastSecond is the end of the year 9999, beyond which times cannot be written.
const lastSecond = 253402300799

// unixTime reads a time in Unix seconds. What is not after 1970 says nothing: engines write 0 or the year 1 for never, and a
// build that can be repeated leaves the time out so.
func unixTime(seconds number) time.Time {
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// isID says whether s is a full container id. Ids become part of request paths and cgroup paths, so nothing else passes.
func isID(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}

// event is one line of the event stream.
type event struct {
	kind   string // "container"
	action string // without the suffix after ": "
	id     string
	nano   int64 // Unix nanoseconds by the engine's clock
	// exitCode is that of a "die"; hasCode = it was there and a number.
	exitCode int
	hasCode  bool
	// For people: the suffix of the action, and what the attributes say.
	detail, name, image, signal string
	// container is the id of the one that a network is connected to or disconnected from.
	container string
}

// public is the event as it is published. Labels of a container are among the attributes of all its events: one of them may be
// called signal or exitCode.
func (ev event) public() Event {
	out := Event{
		Time: time.Unix(0, ev.nano).UTC(), Type: ev.kind, Action: ev.action, Detail: ev.detail, ID: ev.id, Name: ev.name, Image: ev.image,
	}
	if ev.kind == "container" && ev.action == "die" {
		out.HasExitCode, out.ExitCode = ev.hasCode, ev.exitCode
	}
	if ev.kind == "container" && ev.action == "kill" {
		out.Signal = ev.signal
	}
	return out
}

// decodeEvent reads one line of GET /events.
func decodeEvent(line []byte) (event, error) {
	var w wireEvent
	if err := unmarshal(line, &w); err != nil {
		return event{}, fmt.Errorf("decode event: %w", err)
	}
	if w.Action == "" {
		w.Action = w.OldAction
	}
	if w.Actor.ID == "" {
		w.Actor.ID = w.OldID
	}
	if w.Type == "" || w.Action == "" {
		return event{}, fmt.Errorf("decode event: no type or action: %w", errMalformed)
	}
	action, detail, _ := strings.Cut(w.Action, ":")
	attributes := w.Actor.Attributes
	out := event{
		kind:   clip(w.Type, maxKind),
		action: clip(action, maxKind),
		id:     clip(w.Actor.ID, maxName),
		nano:   int64(w.TimeNano),
		detail: clip(strings.TrimSpace(detail), maxName),
		name:   clip(attributes["name"], maxName),
		signal: clip(attributes["signal"], maxKind),
	}
	if out.kind == "container" {
		out.image = clip(attributes["image"], maxImage)
	}
	if out.kind == "network" {
		out.container = clip(attributes["container"], maxName)
	}
	if out.nano <= 0 {
		out.nano = int64(w.Time) * int64(time.Second)
	}
	code, err := strconv.Atoi(attributes["exitCode"])
	out.exitCode, out.hasCode = code, err == nil
	return out, nil
}

// maxKind bounds the type and the action of an event, which become labels.
const maxKind = 64
