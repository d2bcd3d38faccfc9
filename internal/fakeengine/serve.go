package fakeengine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// request is what the handlers need to know of a request beside itself.
type request struct {
	version string // the API version asked for, the newest when none was
	id      string // of the container in the path, "" without
	fault   Fault
	stopped <-chan struct{}
}

var (
	versionPrefix = regexp.MustCompile(`^/v([0-9]+\.[0-9]+)(/.*)$`)
	containerPath = regexp.MustCompile(`^/containers/([^/]+)/(json|stats|logs)$`)
)

// handler wraps serve with what has to happen on every request.
func (e *Engine) handler(s *server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.enter(s) {
			panic(http.ErrAbortHandler)
		}
		defer s.handlers.Done()
		e.serve(w, r, s.stopped)
	})
}

// enter registers a handler, unless its server was stopped meanwhile.
func (e *Engine) enter(s *server) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving != s {
		return false
	}
	s.handlers.Add(1)
	return true
}

// serve routes one request.
func (e *Engine) serve(w http.ResponseWriter, r *http.Request, stopped <-chan struct{}) {
	q := request{version: e.apiMax, stopped: stopped}
	path := r.URL.Path
	if m := versionPrefix.FindStringSubmatch(path); m != nil {
		q.version, path = m[1], m[2]
	}
	pattern := path
	if m := containerPath.FindStringSubmatch(path); m != nil {
		q.id, pattern = m[1], "/containers/{id}/"+m[2]
	}
	keys := []string{path, pattern}
	if kind := r.URL.Query().Get("type"); kind != "" && pattern == "/system/df" {
		keys = []string{path + "?type=" + kind, pattern}
	}
	e.count(keys)
	q.fault = e.fault(keys)
	if q.fault.play(w, r, stopped) {
		return
	}
	e.setHeaders(w.Header())
	if e.refuseVersion(w, q.version) {
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		e.fail(w, http.StatusTeapot, "fake engine got a "+r.Method+" request")
		return
	}
	e.route(w, r, pattern, q)
}

func (e *Engine) route(w http.ResponseWriter, r *http.Request, pattern string, q request) {
	switch pattern {
	case "/_ping":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("OK"))
	case "/version":
		e.answer(w, q, e.version)
	case "/info":
		e.answer(w, q, e.info)
	case "/containers/json":
		e.answer(w, q, e.list(r.URL.Query().Get("all") != ""))
	case "/containers/{id}/json":
		e.inspect(w, q)
	case "/containers/{id}/stats":
		e.serveStats(w, r, q)
	case "/containers/{id}/logs":
		e.serveLogs(w, r, q)
	case "/images/json":
		write(w, q, e.listImages())
	case "/events":
		e.serveEvents(w, r, q)
	case "/system/df":
		write(w, q, e.diskUsage(q.version, r.URL.Query()))
	default:
		e.fail(w, http.StatusNotFound, "page not found")
	}
}

// setHeaders adds what every engine sends.
func (e *Engine) setHeaders(h http.Header) {
	h.Set("Server", "Docker/"+text(e.version["Version"])+" (linux)")
	h.Set("Ostype", "linux")
	if !e.hideAPI {
		h.Set("Api-Version", e.apiMax)
	}
}

// refuseVersion answers 400 to versions that the engine does not speak, in the words of the recorded errors.
func (e *Engine) refuseVersion(w http.ResponseWriter, version string) bool {
	switch {
	case less(version, e.apiMin):
		e.fail(w, http.StatusBadRequest, fmt.Sprintf("client version %s is too old. Minimum supported API version is %s, "+
			"please upgrade your client to a newer version", version, e.apiMin))
	case less(e.apiMax, version):
		e.fail(w, http.StatusBadRequest, fmt.Sprintf("client version %s is too new. Maximum supported API version is %s",
			version, e.apiMax))
	default:
		return false
	}
	return true
}

func (e *Engine) inspect(w http.ResponseWriter, q request) {
	e.mu.Lock()
	doc := e.containers[e.resolve(q.id)]
	var body []byte
	if doc != nil {
		body = encode(doc)
	}
	e.mu.Unlock()
	if doc == nil {
		e.fail(w, http.StatusNotFound, "No such container: "+q.id)
		return
	}
	write(w, q, body)
}

// list renders /containers/json, newest first like dockerd.
func (e *Engine) list(all bool) json.RawMessage {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]map[string]any, 0, len(e.order))
	for _, id := range e.order {
		state := text(e.listed[id]["State"])
		if all || state == "running" || state == "paused" || state == "restarting" {
			out = append(out, e.listed[id])
		}
	}
	return encode(out)
}

func (e *Engine) answer(w http.ResponseWriter, q request, doc any) { write(w, q, encode(doc)) }

func write(w http.ResponseWriter, q request, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	if q.fault.spoil(w, body) {
		return
	}
	_, _ = w.Write(body)
}

func (e *Engine) fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(map[string]string{"message": message}))
}

func (e *Engine) count(keys []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, key := range slices.Compact(keys) {
		e.requests[key]++
	}
}

// encode is JSON the way dockerd writes it: no escaping of HTML, a final newline.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only what came from JSON is put in
	}
	return b.Bytes()
}

// less compares API versions: "1.9" < "1.24".
func less(a, b string) bool {
	amajor, aminor := split(a)
	bmajor, bminor := split(b)
	return amajor < bmajor || amajor == bmajor && aminor < bminor
}

func split(version string) (major, minor int) {
	a, b, _ := strings.Cut(version, ".")
	major, _ = strconv.Atoi(a)
	minor, _ = strconv.Atoi(b)
	return major, minor
}

// stamp renders a time as dockerd does.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
