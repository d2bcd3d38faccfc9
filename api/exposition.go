package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/common/expfmt"

	"tallyman/api/metrics"
	"tallyman/collector"
	"tallyman/internal/self"
)

// maxFiltered is how many requests with collect[] or exclude[] are answered at the same time; others wait for them.
const maxFiltered = 4

// exposition serves /metrics. The text of a Snapshot is rendered once and compressed once, whoever asks however often;
// what a client filters is rendered for it alone, straight into the connection.
type exposition struct {
	source  Source
	self    *self.Metrics
	log     *slog.Logger
	enabled metrics.Selection

	// turn holds one token. Whoever takes it may use the fields below. A channel and not a mutex, so that a client that
	// has gone does not wait.
	turn      chan struct{}
	rendering renderer
	guard     *guard
	current   *body
	// spare are buffers of bodies that nobody reads any more, nil when the last Snapshot had no use for them.
	spare struct{ plain, zipped []byte }

	filtered  chan struct{} // one token for each filtered request that is being answered
	renderers sync.Pool     // for the filtered requests
}

// body is the text of one Snapshot, in the encodings that were asked for.
type body struct {
	snap   *collector.Snapshot
	own    []byte // tallyman's own metrics, as they were after the first rendering; nil = not yet
	plain  []byte // nil = nobody asked yet
	zipped []byte // nil = nobody asked yet
	// readers counts the responses that are being written from plain or zipped.
	readers int
	// leaked says that a response failed: an HTTP/2 connection may go on reading the buffer for a while, so it must not
	// be used again.
	leaked bool
}

// renderer is what it takes to render once.
type renderer struct {
	text *metrics.Writer
	gzip *gzip.Writer
}

// newRenderer returns a renderer.
func newRenderer(o Options) *renderer {
	return &renderer{metrics.NewWriter(metrics.WriterOptions{LabelsOnAll: o.LabelsOnAll}), newGzip()}
}

// newExposition returns the handler of /metrics.
func newExposition(o Options) *exposition {
	return &exposition{
		source: o.Source, self: o.Self, log: o.Log, enabled: o.Groups,
		turn:      make(chan struct{}, 1),
		rendering: *newRenderer(o),
		guard:     newGuard(o),
		filtered:  make(chan struct{}, maxFiltered),
		renderers: sync.Pool{New: func() any { return newRenderer(o) }},
	}
}

// ServeHTTP answers one scrape.
func (e *exposition) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sel, err := e.selection(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	snap, err := e.source.Snapshot(r.Context())
	if err != nil {
		unavailable(w, r, e.log, err)
		return
	}
	if sel == e.enabled {
		err = e.serveShared(w, r, snap)
	} else {
		err = e.serveFiltered(w, r, snap, sel)
	}
	if err != nil {
		unavailable(w, r, e.log, err)
	}
}

// selection reads what a client wants of the groups.
func (e *exposition) selection(query string) (metrics.Selection, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return e.enabled, errors.New("the query of the address cannot be understood: it is ?collect[]=<group>&collect[]=<group>")
	}
	return e.enabled.Narrow(values["collect[]"], values["exclude[]"])
}

// setHeaders describes the body that follows.
func setHeaders(h http.Header, zip bool) {
	h.Set("Content-Type", metrics.ContentType)
	h.Add("Vary", "Accept-Encoding")
	if zip {
		h.Set("Content-Encoding", "gzip")
	}
}

// serveShared writes the body that all clients share. An error means that nothing has been written.
func (e *exposition) serveShared(w http.ResponseWriter, r *http.Request, snap *collector.Snapshot) error {
	zip := acceptsGzip(r.Header)
	b, text, err := e.acquire(r.Context(), snap, zip)
	if err != nil {
		return err
	}
	leaked := true // unless the write comes to its end: it may panic
	defer func() { e.release(b, leaked) }()
	setHeaders(w.Header(), zip)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, err = w.Write(text)
	leaked = err != nil
	return nil
}

// acquire gives the body of a Snapshot in one encoding, for as long as it is not released.
func (e *exposition) acquire(ctx context.Context, snap *collector.Snapshot, zip bool) (*body, []byte, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if e.current == nil || e.current.snap != snap {
		e.retire()
		e.current = &body{snap: snap}
	}
	b := e.current
	b.readers++
	if zip {
		e.renderZipped(b)
		return b, b.zipped, nil
	}
	e.renderPlain(b)
	return b, b.plain, nil
}

// release gives a body back.
func (e *exposition) release(b *body, leaked bool) {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	b.readers--
	b.leaked = b.leaked || leaked
	if b != e.current {
		e.recycle(b)
	}
}

// retire makes room for the body of a new Snapshot.
func (e *exposition) retire() {
	b := e.current
	e.current = nil
	if b == nil {
		return
	}
	// An encoding that nobody asked for lately needs no buffer: after a single curl without gzip it would be kept for ever.
	if b.plain == nil {
		e.spare.plain = nil
	}
	if b.zipped == nil {
		e.spare.zipped = nil
	}
	e.recycle(b)
}

// recycle keeps the buffers of a body that nobody reads any more.
func (e *exposition) recycle(b *body) {
	if b.readers > 0 || b.leaked {
		return
	}
	if b.plain != nil {
		e.spare.plain = b.plain[:0]
	}
	if b.zipped != nil {
		e.spare.zipped = b.zipped[:0]
	}
	b.plain, b.zipped = nil, nil
}

// renderPlain makes the text of a body, unless it is there.
func (e *exposition) renderPlain(b *body) {
	if b.plain != nil {
		return
	}
	if e.spare.plain == nil {
		e.spare.plain = make([]byte, 0, e.measure(b.snap))
	}
	e.fit(b.snap, func(sel metrics.Selection) {
		b.plain = e.rendering.text.Append(e.spare.plain[:0], b.snap, sel)
	})
	e.spare.plain = nil
	b.plain = append(b.plain, e.ownOf(b)...)
	e.self.Rendered("identity", len(b.plain))
}

// fit renders, once more if that was too much; see guard.
func (e *exposition) fit(snap *collector.Snapshot, render func(metrics.Selection)) {
	for {
		render(e.guard.allowed(e.enabled))
		if e.guard.fits(e.rendering.text.Series(), len(snap.Containers)) {
			return
		}
	}
}

// ownOf gives tallyman's own metrics for a body that has been rendered.
func (e *exposition) ownOf(b *body) []byte {
	if b.own == nil {
		b.own = e.ownMetrics(e.enabled)
	}
	return b.own
}

// measure tells about how long the text of a Snapshot is. Rendering it once for nothing costs less than a buffer that
// grows: at each step the old and the new one are in memory, and the last is a quarter too large.
func (e *exposition) measure(s *collector.Snapshot) int {
	var n counter
	_ = e.rendering.text.Stream(&n, s, e.guard.allowed(e.enabled)) // a counter takes everything
	const own = 16 << 10
	return int(n) + int(n)/32 + own // the next one may be longer
}

// counter counts what is written.
type counter int

// Write takes everything.
func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}

// renderZipped makes the compressed text of a body, unless it is there. Where nobody asked for the text as it is, it is
// never in memory as a whole.
func (e *exposition) renderZipped(b *body) {
	if b.zipped != nil {
		return
	}
	buf := bytes.NewBuffer(e.spare.zipped)
	e.spare.zipped = nil
	e.rendering.gzip.Reset(buf)
	if b.plain != nil {
		_, _ = e.rendering.gzip.Write(b.plain) // a bytes.Buffer takes everything
	} else {
		e.fit(b.snap, func(sel metrics.Selection) {
			buf.Reset()
			e.rendering.gzip.Reset(buf)
			_ = e.rendering.text.Stream(e.rendering.gzip, b.snap, sel)
		})
		_, _ = e.rendering.gzip.Write(e.ownOf(b))
	}
	_ = e.rendering.gzip.Close()
	b.zipped = fitted(buf.Bytes())
	e.self.Rendered("gzip", len(b.zipped))
}

// fitted gives a buffer without the half that it may have grown beyond its text: it is kept for the texts to come, which are about as
// long.
func fitted(text []byte) []byte {
	if room := len(text) + len(text)/16; cap(text) > room+room/8 {
		return append(make([]byte, 0, room), text...)
	}
	return text
}

// serveFiltered renders some of the groups for one client. An error means that nothing has been written.
func (e *exposition) serveFiltered(w http.ResponseWriter, r *http.Request, snap *collector.Snapshot, sel metrics.Selection) error {
	select {
	case e.filtered <- struct{}{}:
		defer func() { <-e.filtered }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	sel, err := e.allowed(r.Context(), sel)
	if err != nil {
		return err
	}
	zip := acceptsGzip(r.Header)
	setHeaders(w.Header(), zip)
	if r.Method == http.MethodHead {
		return nil
	}
	re, _ := e.renderers.Get().(*renderer)
	defer func() {
		re.gzip.Reset(nil) // or it would keep the connection alive
		e.renderers.Put(re)
	}()
	var out io.Writer = w
	if zip {
		re.gzip.Reset(w)
		out = re.gzip
	}
	if re.text.Stream(out, snap, sel) != nil {
		return nil // the client has gone in the middle of its answer: nobody is left to tell, here and below
	}
	_, _ = out.Write(e.ownMetrics(sel))
	if zip {
		_ = re.gzip.Close()
	}
	return nil
}

// allowed gives what is served of the groups that a client wants.
func (e *exposition) allowed(ctx context.Context, sel metrics.Selection) (metrics.Selection, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
		return e.guard.allowed(sel), nil
	case <-ctx.Done():
		return sel, ctx.Err()
	}
}

// ownMetrics renders what tallyman counts about itself, which belongs to the group "tallyman".
func (e *exposition) ownMetrics(sel metrics.Selection) []byte {
	if !sel.Has(metrics.GroupTallyman) {
		return nil
	}
	families, err := e.self.Gatherer().Gather()
	if err != nil { // what could be gathered is there all the same
		e.log.Warn("some of tallyman's own metrics could not be gathered", "err", err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			e.log.Warn("one of tallyman's own metrics could not be written", "family", f.GetName(), "err", err)
		}
	}
	return b.Bytes()
}
