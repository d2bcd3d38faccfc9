package engine

import "time"

// Event is something that an engine said has happened, for people.
//
// Source: GET /events.
type Event struct {
	Time   time.Time
	Type   string // "container", "image", "network", "volume", "daemon"
	Action string // "die"; without the suffix after ": "
	// Detail is that suffix, such as "unhealthy" of "health_status: unhealthy"; "" = none.
	Detail string
	ID     string // of the container, image, network or volume
	Name   string // Actor.Attributes.name; "" = it was not said
	Image  string // of a container
	// ExitCode is that of a "die"; HasExitCode says that there is one.
	HasExitCode bool
	ExitCode    int
	Signal      string // of a "kill"
}

// LogLine is one line that a container has written.
//
// Source: GET /containers/{id}/logs.
type LogLine struct {
	Time   time.Time // zero = the engine did not say
	Stream string    // "stdout" or "stderr"; "" for a container with a terminal, which has one for both
	Text   string    // without the end of the line, of a bounded length; what terminals obey is left out, control characters are pictures
}
