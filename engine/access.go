package engine

import (
	"fmt"
	"sync"
)

// Access says whether the engine, or a proxy before it, lets tallyman ask for one kind of thing.
type Access struct {
	Name   string // "inspect", "events", "images", "info", "version" or "logs"
	Reason string // why it does not: "forbidden"; "" = it does
	Help   string // for people: what is missing, and what would mend it; "" = nothing is wrong
}

// inspectPattern is the endpoint that tells most; see session.listOnly.
const inspectPattern = "/containers/{id}/json"

// optional are the endpoints that tallyman can do without, and what is missing then. Of the others, /containers/json cannot be
// missed, and what /_ping says can be had elsewhere.
var optional = []struct{ name, pattern, without string }{
	{"inspect", inspectPattern, "of containers only name, image, state and labels are known"},
	{"events", "/events", "containers are listed now and then, so that changes are seen late, and what is over in between is not seen at all"},
	{"images", "/images/json", "how old the containers' images are, and whether their tags have moved, is not known"},
	{"info", "/info", "the engine's drivers and operating system are not known"},
	{"version", "/version", "the engine's version may not be known"},
	{"logs", logsPattern, "what containers have written cannot be shown"},
}

// accesses remembers what became of the requests to each endpoint since the latest connect. It is safe for concurrent use.
type accesses struct {
	mu        sync.Mutex // guards the field below
	byPattern map[string]outcome
}

// outcome is what became of the requests to one endpoint.
type outcome struct {
	answered bool // once at least: a refusal since is about one container, or passes
	refusals int
	code     int // of the latest refusal
}

// reset forgets everything: another engine, or another proxy, may be there.
func (a *accesses) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byPattern = nil
}

// note takes in the outcome of a request.
func (a *accesses) note(pattern string, code int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byPattern == nil {
		a.byPattern = map[string]outcome{}
	}
	o := a.byPattern[pattern]
	switch {
	case err == nil && code < 300:
		o.answered = true
	case isRefused(err):
		o.refusals++
		o.code = code
	}
	a.byPattern[pattern] = o
}

// refusals tells how often an endpoint was refused that was never answered; 0 when it was.
func (a *accesses) refusals(pattern string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.byPattern[pattern]; !o.answered {
		return o.refusals
	}
	return 0
}

// list tells what is known of the optional endpoints; one that was not asked for yet is not in it.
func (a *accesses) list() []Access {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Access
	for _, e := range optional {
		switch o := a.byPattern[e.pattern]; {
		case o.answered:
			all = append(all, Access{Name: e.name})
		case o.refusals > 0:
			all = append(all, Access{Name: e.name, Reason: "forbidden", Help: fmt.Sprintf(
				"the engine, or a proxy before it, answers %d to GET %s: %s; allow that request", o.code, e.pattern, e.without)})
		}
	}
	return all
}
