package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tallyman/internal/self"
)

// guard is the only way to the engine. It refuses, before a byte is sent, whatever is not a GET or HEAD on the allow-list;
// it turns every answer but 2xx into a *StatusError, bounds bodies, and counts. It is safe for concurrent use.
type guard struct {
	next      http.RoundTripper
	scheme    string // "http" or "https"
	authority string // where every request goes to, whatever its URL says
	self      *self.Metrics
	maxBytes  int64
	logs      bool // logs of containers may be asked for
	// spoken is the latest Api-Version header, which engines send even with a refusal.
	spoken   atomic.Pointer[string]
	accesses accesses
	// ahead is how far the engine's clock was ahead of ours at the latest answer; nil = no answer has told.
	ahead atomic.Pointer[time.Duration]
}

// exchange tells a caller of the Docker library what became of its request: the library replaces many errors by prose.
// It belongs to one call and is used by its goroutine only.
type exchange struct{ err error }

type exchangeKey struct{}

// withExchange makes the guard report the outcome of requests under ctx.
func withExchange(ctx context.Context) (context.Context, *exchange) {
	x := &exchange{}
	return context.WithValue(ctx, exchangeKey{}, x), x
}

// explain prefers what the guard saw to what the library made of it.
func (x *exchange) explain(err error) error {
	if err != nil && x.err != nil {
		return x.err
	}
	return err
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := g.roundTrip(r)
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		x.err = err
	}
	return resp, err
}

func (g *guard) roundTrip(r *http.Request) (*http.Response, error) {
	to, err := match(r, g.logs)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper must, even when it refuses
		}
		return nil, err
	}
	resp, err := g.next.RoundTrip(g.rebuild(r))
	if err != nil {
		g.self.EngineRequest(to.pattern, "error")
		return nil, fmt.Errorf("%s %s: %w", r.Method, to.pattern, err)
	}
	g.self.EngineRequest(to.pattern, strconv.Itoa(resp.StatusCode))
	if v := resp.Header.Get("Api-Version"); v != "" {
		g.spoken.Store(&v)
	}
	g.noteClock(resp.Header)
	err = g.check(r, resp, to)
	g.accesses.note(to.pattern, resp.StatusCode, err)
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	if limit := g.limit(to); limit >= 0 {
		resp.Body = &boundedBody{ReadCloser: resp.Body, endpoint: to.pattern, limit: limit, left: limit}
	}
	return resp, nil
}

// rebuild makes what is sent, of the parts that were checked: whatever else a request may carry stays here.
func (g *guard) rebuild(r *http.Request) *http.Request {
	out := &http.Request{
		Method: r.Method,
		Host:   g.authority,
		URL:    &url.URL{Scheme: g.scheme, Host: g.authority, Path: r.URL.Path, RawQuery: r.URL.Query().Encode()},
		Header: http.Header{"User-Agent": r.Header["User-Agent"]},
	}
	return out.WithContext(r.Context())
}

// check turns an answer that is none into an error.
func (g *guard) check(r *http.Request, resp *http.Response, to route) error {
	if r.Method == http.MethodHead && resp.StatusCode >= 400 && resp.StatusCode != http.StatusInternalServerError {
		return nil // the library pings again by GET: the proxy may know no HEAD, and only a body says what is wrong
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &StatusError{Endpoint: to.pattern, Code: resp.StatusCode, Message: errorMessage(resp)}
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return fmt.Errorf("%s %s: %w", r.Method, to.pattern, errHTML)
	}
	return nil
}

func (g *guard) limit(to route) int64 {
	switch to.maxBytes {
	case streaming:
		return -1
	case 0:
		return g.maxBytes
	}
	return min(to.maxBytes, g.maxBytes)
}

// boundedBody fails as soon as a body is longer than it may be.
type boundedBody struct {
	io.ReadCloser
	endpoint string
	limit    int64
	left     int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	// One byte more than allowed is asked for, to tell a body of exactly the limit from a longer one.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		return int(b.left), fmt.Errorf("GET %s: body of more than %d bytes: %w", b.endpoint, b.limit, ErrTooLarge)
	}
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("GET %s: read body: %w", b.endpoint, err)
	}
	return n, err
}
