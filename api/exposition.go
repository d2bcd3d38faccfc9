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

	"github.com/prometheus/common/expfmt"

	"tallyman/api/metrics"
	"tallyman/collector"
	"tallyman/internal/self"
)

// maxStreams is how many answers are rendered straight into their connections at the same time; others wait for them.
const maxStreams = 8

// exposition serves /metrics. The text of a Snapshot is rendered and compressed once for all that take gzip, as Prometheus does. For the
// others, and for those who filter, it is rendered straight into the connection: kept, the text of 3000 containers would be 42 MB, and
// rendering takes 2 ms of the 47 that a scrape of 300 costs.
type exposition struct {
	source  Source
	self    *self.Metrics
	log     *slog.Logger
	zip     *zipper
	texts   idle[*metrics.Writer] // making one costs 700 allocations
	enabled metrics.Selection

	// turn holds one token. Whoever takes it may use the fields below. A channel and not a mutex, so that a client that
	// has gone does not wait.
	turn    chan struct{}
	guard   *guard
	current *body
	// spare is the buffer of a body that nobody reads any more, nil when the last Snapshot had no use for it.
	spare []byte

	streams chan struct{} // one token for each answer that is being streamed
}

// body is what all answers from one Snapshot share.
type body struct {
	snap   *collector.Snapshot
	own    []byte // tallyman's own metrics, as they were after the first rendering; nil = not yet
	zipped []byte // nil = nobody asked yet
	// allowed is what the guard lets through of it, once judged.
	allowed metrics.Selection
	judged  bool
	// readers counts the responses that are being written from zipped.
	readers int
	// leaked says that a response failed: an HTTP/2 connection may go on reading the buffer for a while, so it must not
	// be used again.
	leaked bool
}

// newExposition returns the handler of /metrics.
func newExposition(o Options, zip *zipper) *exposition {
	return &exposition{
		source: o.Source, self: o.Self, log: o.Log, zip: zip, enabled: o.Groups,
		texts: newIdle(func() *metrics.Writer {
			return metrics.NewWriter(metrics.WriterOptions{LabelsOnAll: o.LabelsOnAll})
		}),
		turn:    make(chan struct{}, 1),
		guard:   newGuard(o),
		streams: make(chan struct{}, maxStreams),
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
	if sel == e.enabled && acceptsGzip(r.Header) {
		err = e.serveShared(w, r, snap)
	} else {
		err = e.serveStream(w, r, snap, sel)
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

// serveShared writes the compressed body. An error means that nothing has been written.
func (e *exposition) serveShared(w http.ResponseWriter, r *http.Request, snap *collector.Snapshot) error {
	b, err := e.acquire(r.Context(), snap)
	if err != nil {
		return err
	}
	leaked := true // unless the write comes to its end: it may panic
	defer func() { e.release(b, leaked) }()
	setHeaders(w.Header(), true)
	w.Header().Set("Content-Length", strconv.Itoa(len(b.zipped)))
	_, err = w.Write(b.zipped)
	leaked = err != nil
	return nil
}

// wait takes the turn.
func (e *exposition) wait(ctx context.Context) error {
	select {
	case e.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// acquire gives the body of a Snapshot, compressed, for as long as it is not released.
func (e *exposition) acquire(ctx context.Context, snap *collector.Snapshot) (*body, error) {
	if err := e.wait(ctx); err != nil {
		return nil, err
	}
	defer func() { <-e.turn }()
	b := e.bodyOf(snap)
	b.readers++
	e.renderZipped(b)
	return b, nil
}

// bodyOf gives what is there of a Snapshot.
func (e *exposition) bodyOf(snap *collector.Snapshot) *body {
	if e.current == nil || e.current.snap != snap {
		e.retire()
		e.current = &body{snap: snap}
	}
	return e.current
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
	if b.zipped == nil { // nobody asks for it any more
		e.spare = nil
	}
	e.recycle(b)
}

// recycle keeps the buffer of a body that nobody reads any more.
func (e *exposition) recycle(b *body) {
	if b.readers > 0 || b.leaked || b.zipped == nil {
		return
	}
	e.spare, b.zipped = b.zipped[:0], nil
}

// fit renders a whole body, once more if that was too much; see guard. open gives what is written to, which takes everything.
func (e *exposition) fit(b *body, open func() io.Writer) {
	text := e.texts.take()
	defer e.texts.put(text)
	for {
		if !b.judged {
			b.allowed = e.guard.allowed(e.enabled)
		}
		_ = text.Stream(open(), b.snap, b.allowed)
		b.judged = b.judged || e.guard.fits(text.Series(), len(b.snap.Containers))
		if b.judged {
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

// renderZipped makes the compressed text of a body, unless it is there. The text itself is never in memory as a whole.
func (e *exposition) renderZipped(b *body) {
	if b.zipped != nil {
		return
	}
	buf := bytes.NewBuffer(e.spare)
	e.spare = nil
	gz := e.zip.take(buf)
	defer e.zip.put(gz)
	e.fit(b, func() io.Writer {
		buf.Reset()
		gz.Reset(buf)
		return gz
	})
	_, _ = gz.Write(e.ownOf(b))
	_ = gz.Close()
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

// serveStream renders for one client, straight into its connection. An error means that nothing has been written.
func (e *exposition) serveStream(w http.ResponseWriter, r *http.Request, snap *collector.Snapshot, sel metrics.Selection) error {
	select {
	case e.streams <- struct{}{}:
		defer func() { <-e.streams }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	b, allowed, err := e.judge(r.Context(), snap, sel)
	if err != nil {
		return err
	}
	zip := acceptsGzip(r.Header)
	setHeaders(w.Header(), zip)
	if r.Method == http.MethodHead {
		return nil
	}
	if !zip {
		_ = e.stream(w, b, allowed, sel)
		return nil
	}
	gz := e.zip.take(w)
	defer e.zip.put(gz)
	if e.stream(gz, b, allowed, sel) == nil {
		_ = gz.Close()
	}
	return nil
}

// stream renders a Snapshot, and tallyman's own metrics behind it. An error means that the client has gone in the middle of its answer:
// nobody is left to tell.
func (e *exposition) stream(w io.Writer, b *body, allowed, sel metrics.Selection) error {
	text := e.texts.take()
	defer e.texts.put(text)
	out := &counted{to: w}
	if err := text.Stream(out, b.snap, allowed); err != nil {
		return err
	}
	_, err := out.Write(e.ownBehind(b, text, out.n, sel))
	return err
}

// counted counts what is written.
type counted struct {
	to io.Writer
	n  int
}

// Write hands it on.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += n
	return n, err
}

// judge gives what is served of the groups that a client wants. What is sent cannot be taken back: where there is a bound, the series
// are counted before.
func (e *exposition) judge(ctx context.Context, snap *collector.Snapshot, sel metrics.Selection) (*body, metrics.Selection, error) {
	if err := e.wait(ctx); err != nil {
		return nil, sel, err
	}
	defer func() { <-e.turn }()
	b := e.bodyOf(snap)
	if e.guard.most > 0 && sel == e.enabled && !b.judged {
		e.fit(b, func() io.Writer { return io.Discard })
	}
	if b.judged && sel == e.enabled {
		return b, b.allowed, nil
	}
	return b, e.guard.allowed(sel), nil
}

// ownBehind gives tallyman's own metrics for the end of an answer: the same ones for all that are not filtered and come of one Snapshot.
func (e *exposition) ownBehind(b *body, text *metrics.Writer, n int, sel metrics.Selection) []byte {
	if sel != e.enabled {
		return e.ownMetrics(sel)
	}
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	e.guard.count(text.Series())
	own := e.ownOf(b)
	e.self.Rendered("identity", n+len(own))
	return own
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
