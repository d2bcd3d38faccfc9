package engine

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// route is an endpoint that may be asked.
type route struct {
	pattern string // as in the label endpoint of the metrics
	// maxBytes limits the body; 0 = Options.MaxResponseBytes, streaming = the reader bounds single documents.
	maxBytes int64
}

// streaming marks a route whose body has no end.
const streaming = -1

// routes is the allow-list: all that tallyman can ever ask an engine, but for logsRoute. Every one of them only reads.
var routes = []route{
	{pattern: "/_ping", maxBytes: 4 << 10},
	{pattern: "/version", maxBytes: 1 << 20},
	{pattern: "/info", maxBytes: 4 << 20},
	{pattern: "/events", maxBytes: streaming},
	{pattern: "/containers/json"},
	{pattern: "/containers/{id}/json", maxBytes: 4 << 20},
	{pattern: "/containers/{id}/stats", maxBytes: streaming},
	{pattern: "/system/df"},
	{pattern: "/images/json"},
}

// logsPattern is the endpoint of what containers have written.
const logsPattern = "/containers/{id}/logs"

// logsRoute may be asked only where that was switched on: logs may hold secrets.
var logsRoute = route{pattern: logsPattern, maxBytes: maxLogAnswer}

var (
	versionPrefix = regexp.MustCompile(`^/v1\.[0-9]{1,3}/`)
	idOrName      = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$`)
)

// match finds the route of a request, or says why it is refused; logs = they may be asked for. Paths are compared as they are
// sent: nothing is decoded or cleaned, so that nothing can be smuggled past.
func match(r *http.Request, logs bool) (route, error) {
	path := r.URL.Path
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return route{}, fmt.Errorf("%s %s: %w", r.Method, path, ErrNotAllowed)
	case r.Body != nil && r.Body != http.NoBody:
		return route{}, fmt.Errorf("%s %s with a body: %w", r.Method, path, ErrNotAllowed)
	case r.Header.Get("Upgrade") != "":
		return route{}, fmt.Errorf("%s %s with an upgrade: %w", r.Method, path, ErrNotAllowed)
	case r.URL.RawPath != "" || r.URL.Opaque != "" || strings.Contains(path, ".."):
		return route{}, fmt.Errorf("%s %s: %w", r.Method, r.URL.EscapedPath(), ErrNotAllowed)
	}
	if prefix := versionPrefix.FindString(path); prefix != "" {
		path = path[len(prefix)-1:]
	}
	for _, known := range routes {
		if known.covers(path) {
			return known, nil
		}
	}
	if logs && logsRoute.covers(path) {
		return logsRoute, nil
	}
	return route{}, fmt.Errorf("%s %s: %w", r.Method, path, ErrNotAllowed)
}

// covers says whether a path without version prefix is this route's.
func (r route) covers(path string) bool {
	before, after, hasID := strings.Cut(r.pattern, "{id}")
	if !hasID {
		return path == r.pattern
	}
	id, ok := strings.CutPrefix(path, before)
	if !ok {
		return false
	}
	id, ok = strings.CutSuffix(id, after)
	return ok && idOrName.MatchString(id)
}
