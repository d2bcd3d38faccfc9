package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"tallyman/collector"
)

// tagger numbers Snapshots, so that a client can ask whether there is a new one. It is safe for concurrent use.
type tagger struct {
	// since tells this process from the one before, whose numbers began at 1, too.
	since int64

	mu   sync.Mutex // guards the fields below
	last *collector.Snapshot
	n    uint64
}

func newTagger() *tagger { return &tagger{since: time.Now().UnixNano()} }

// of is the entity tag of what a Snapshot says. It is weak, as it is the same for the compressed answer.
func (t *tagger) of(snap *collector.Snapshot) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if snap != t.last {
		t.last = snap
		t.n++
	}
	return fmt.Sprintf(`W/"%x-%x"`, t.since, t.n)
}

// unchanged sets the headers by which an answer can be kept and asked for again, and says whether the client has it already:
// then that has been the answer.
func (t *tagger) unchanged(w http.ResponseWriter, r *http.Request, snap *collector.Snapshot) bool {
	tag := t.of(snap)
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache") // may be kept, but is asked for again each time
	if !matches(r.Header, tag) {
		return false
	}
	h.Add("Vary", "Accept-Encoding")
	w.WriteHeader(http.StatusNotModified)
	return true
}

// matches says whether If-None-Match lists a tag, by the weak comparison (RFC 9110, section 13.1.2).
func matches(h http.Header, tag string) bool {
	for given := range strings.SplitSeq(strings.Join(h.Values("If-None-Match"), ","), ",") {
		given = strings.TrimSpace(given)
		if given == "*" || strings.TrimPrefix(given, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
