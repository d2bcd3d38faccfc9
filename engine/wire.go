package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
)

// The wire types hold what we read of the engine's JSON, and nothing else. A field that is missing, null, or of another
// type than it used to be is left at its zero value; only what is not JSON at all is an error.

var errMalformed = errors.New("malformed answer")

// wireContainer is the answer of GET /containers/{id}/json.
type wireContainer struct {
	ID           string `json:"Id"`
	Name         string
	Created      string
	Image        string
	LogPath      string
	RestartCount number
	State        wireState
	Config       struct {
		Image        string
		Labels       labels
		ExposedPorts map[string]any
	}
	NetworkSettings struct {
		Networks map[string]wireEndpoint
		Ports    map[string][]wireBinding
	}
	HostConfig struct {
		NetworkMode   string
		CgroupParent  string
		Runtime       string
		RestartPolicy struct{ Name string }

		Memory, MemorySwap, MemoryReservation    number
		NanoCpus, CPUQuota, CPUPeriod, CPUShares number
		CpusetCpus                               string
	}
}

// wireEndpoint is how a container stands in one network.
type wireEndpoint struct {
	IPAddress         string
	GlobalIPv6Address string
}

// wireBinding is a port of the host at which a port of a container is published.
type wireBinding struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

type wireState struct {
	Status     string
	Running    bool
	Paused     bool
	Restarting bool
	Dead       bool
	OOMKilled  bool
	Pid        number
	ExitCode   number
	Error      string
	StartedAt  string
	FinishedAt string
	Health     struct {
		Status        string
		FailingStreak number
	}
}

// wireListed is an entry of GET /containers/json.
type wireListed struct {
	ID         string `json:"Id"`
	Names      []string
	Image      string
	ImageID    string
	Created    number // Unix seconds
	State      string
	Labels     labels
	HostConfig struct{ NetworkMode string }
}

// wireImage is an entry of GET /images/json.
type wireImage struct {
	ID       string `json:"Id"` // of the kind that Image of an inspect is: a config's digest, or a manifest's in the containerd store
	RepoTags []string
	Created  number // Unix seconds
}

// wireEvent is a line of GET /events. The lower-case fields are those of API versions below 1.22, which newer ones repeat.
type wireEvent struct {
	Type   string
	Action string
	Actor  struct {
		ID         string
		Attributes labels
	}
	OldAction string `json:"status"`
	OldID     string `json:"id"`
	Time      number `json:"time"`
	TimeNano  number `json:"timeNano"`
}

// unmarshal decodes JSON as far as the types agree: encoding/json skips a field of the wrong type, goes on, and only
// then complains.
func unmarshal(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	if err != nil && bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		return errHTML
	}
	return err
}

// number is an integer that may come as a float, in quotes, or not at all. Engine 29 passes older API versions through
// float64.
type number int64

// UnmarshalJSON implements json.Unmarshaler. It never fails: what is no number is 0.
func (n *number) UnmarshalJSON(data []byte) error {
	*n = parseNumber(string(bytes.Trim(data, `"`)))
	return nil
}

func parseNumber(text string) number {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return number(i)
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return number(f)
}

// reading is a measurement: never negative, and not said where it is missing, null, or no number. It may be too large for an
// integer, such as the limit of what has none.
type reading struct {
	number float64 // 0 when not said
	said   bool
}

// UnmarshalJSON implements json.Unmarshaler. It never fails: what is no measurement is not said.
func (r *reading) UnmarshalJSON(data []byte) error {
	*r = reading{}
	if f, err := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64); err == nil && f >= 0 && !math.IsInf(f, 0) {
		*r = reading{number: math.Abs(f), said: true} // -0 is 0
	}
	return nil
}

// value is the number, NaN where it was not said.
func (r reading) value() float64 {
	if !r.said {
		return math.NaN()
	}
	return r.number
}

// labels is a bounded map of strings.
type labels map[string]string

// Bounds of what is kept of one container. Docker itself allows 128 characters for a name; images and labels are free.
const (
	maxName       = 256
	maxImage      = 1024
	maxPath       = 4096
	maxLabels     = 512
	maxLabelKey   = 256
	maxLabelValue = 4096
)

// UnmarshalJSON implements json.Unmarshaler. It never fails: what is no object is an empty map, values that are no strings
// are left out.
func (l *labels) UnmarshalJSON(data []byte) error {
	var raw map[string]any
	_ = unmarshal(data, &raw)
	if len(raw) == 0 {
		*l = nil
		return nil
	}
	keys := make([]string, 0, len(raw))
	for key, value := range raw {
		if _, ok := value.(string); ok && len(key) <= maxLabelKey {
			keys = append(keys, key)
		}
	}
	if len(keys) > maxLabels {
		slices.Sort(keys) // so that it is the same ones each time
		keys = keys[:maxLabels]
	}
	*l = make(labels, len(keys))
	for _, key := range keys {
		text, _ := raw[key].(string)
		(*l)[key] = clip(text, maxLabelValue)
	}
	return nil
}

// drain closes a body so that its connection can be used again when little is left of it.
func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 4096)
	_ = resp.Body.Close()
}
