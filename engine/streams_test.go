package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tallyman/internal/fakeengine"
)

// river is a fake engine whose statistics are followed.
type river struct {
	*lab
	streams *Streams
	end     func()
}

// flow starts Streams on a fake engine and ends them with the test.
func flow(t *testing.T, eo fakeengine.Options, co Options, o StreamsOptions) *river {
	t.Helper()
	if eo.StatsEvery == 0 {
		eo.StatsEvery = 20 * time.Millisecond
	}
	if o.BackoffMin == 0 {
		o.BackoffMin, o.BackoffMax = 10*time.Millisecond, 50*time.Millisecond
	}
	l := follow(t, fakeengine.ForTest(t, eo), co, fast())
	l.await(t, "up", func(v *View) bool { return v.Up })
	r := &river{lab: l, streams: NewStreams(l.inv.client, o)}
	r.end = running(t, r.streams)
	return r
}

// running runs Streams until the test, or the function that it returns, ends them.
func running(t *testing.T, s *Streams) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run returned %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Run did not end within 5 s")
		}
	})
	t.Cleanup(end)
	return end
}

// want is Want by names.
func (r *river) want(names ...string) {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = r.ID(name)
	}
	r.streams.Want(ids)
}

// eventually polls until ok says true. Real sockets allow no fake clock.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// news waits for a sample of a container that is newer than now.
func (r *river) news(t *testing.T, name string) *Sample {
	t.Helper()
	id, since := r.ID(name), time.Now()
	var got *Sample
	eventually(t, "a sample of "+name, func() bool {
		s, err := r.streams.Sample(id)
		got = s
		return err == nil && s.Time.After(since)
	})
	return got
}

// silent waits until there is no sample of a container, for a reason.
func (r *river) silent(t *testing.T, name, why string) {
	t.Helper()
	id := r.ID(name)
	var last error
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		var s *Sample
		if s, last = r.streams.Sample(id); s == nil && errors.Is(last, ErrNoSample) && strings.Contains(last.Error(), why) {
			return
		}
	}
	t.Fatalf("%s: got error %v, want one with %q", name, last, why)
}

func TestStreams_samples(t *testing.T) {
	t.Parallel()
	for _, version := range fakeengine.Versions() {
		r := flow(t, fakeengine.Options{Version: version}, Options{}, StreamsOptions{})
		if got := r.StatsStreams(); got != 0 {
			t.Errorf("%s: %d streams that nobody wants", version, got)
		}
		r.want("eng-shop-db-1", "eng-host", "eng-exit3")
		if s := r.news(t, "eng-shop-db-1"); s.Memory.Limit != 200<<20 || s.Pids.Limit != 100 || len(s.Network) == 0 {
			t.Errorf("%s: got %+v", version, s)
		}
		if s := r.news(t, "eng-host"); s.Network != nil {
			t.Errorf("%s: got %+v", version, s)
		}
		r.silent(t, "eng-exit3", "does not run")
		r.silent(t, "eng-none", "no stream is kept")
		r.want("eng-host", "eng-host")
		r.silent(t, "eng-shop-db-1", "no stream is kept")
		eventually(t, "one stream", func() bool { return r.StatsStreams() == 1 })
		if got := r.Requests(statsEndpoint); got != 3 {
			t.Errorf("%s: %d requests for 3 streams", version, got)
		}
		if got := r.streams.Status(); got != (StreamsStatus{Kept: 1}) {
			t.Errorf("%s: status %+v", version, got)
		}
		r.end()
		eventually(t, "no stream", func() bool { return r.StatsStreams() == 0 })
	}
}

// TestStreams_life: a stream stays open while its container stops and starts, and ends with it.
func TestStreams_life(t *testing.T) {
	t.Parallel()
	r := flow(t, fakeengine.Options{}, Options{}, StreamsOptions{BackoffMin: 10 * time.Millisecond, BackoffMax: time.Hour})
	id := r.Create("life", "busybox")
	r.want("life", "eng-host")
	r.silent(t, "life", "does not run")
	r.Run("life")
	r.news(t, "life")
	r.Die("life", 1)
	r.silent(t, "life", "does not run")
	if got := r.Requests(statsEndpoint); got != 2 {
		t.Errorf("%d requests for 2 streams", got)
	}
	r.Run("life")
	r.news(t, "life")
	r.Destroy("life")
	eventually(t, "not found", func() bool {
		_, err := r.streams.Sample(id)
		return err != nil && strings.Contains(err.Error(), "No such container")
	})
	r.news(t, "eng-host")
	if got := r.Requests(statsEndpoint); got != 3 {
		t.Errorf("%d requests: a removed container was asked for again at once", got)
	}
	if got := r.counter(t, "tallyman_collect_errors_total", map[string]string{"part": statsEndpoint}); got != 1 {
		t.Errorf("%v errors, want only that the stream was closed", got)
	}
}

// TestStreams_faults: whatever goes wrong with one container, the other's samples keep coming, and its own come again.
func TestStreams_faults(t *testing.T) {
	t.Parallel()
	r := flow(t, fakeengine.Options{}, Options{Timeout: 500 * time.Millisecond},
		StreamsOptions{Silence: 200 * time.Millisecond, MaxAge: 100 * time.Millisecond})
	bad := r.ID("eng-shop-web-1")
	path := "/containers/" + bad + "/stats"
	r.want("eng-shop-db-1")
	r.news(t, "eng-shop-db-1")
	f := func(what, why string, fault fakeengine.Fault, documents ...string) {
		t.Helper()
		r.SetFault(path, fault)
		if documents != nil {
			r.SetStats("eng-shop-web-1", documents...)
		}
		before := r.Requests(statsEndpoint)
		r.want("eng-shop-db-1", "eng-shop-web-1")
		r.silent(t, "eng-shop-web-1", why)
		eventually(t, what+": another attempt", func() bool { return r.Requests(statsEndpoint) > before+1 })
		r.news(t, "eng-shop-db-1")
		r.ClearFaults()
		r.SetStats("eng-shop-web-1", `{"read":"2026-11-21T05:07:18Z","pids_stats":{"current":7}}`)
		if s := r.news(t, "eng-shop-web-1"); s.Pids.Current != 7 {
			t.Errorf("%s: got %+v", what, s)
		}
		r.want("eng-shop-db-1")
		eventually(t, what+": one stream left", func() bool { return r.StatsStreams() == 1 })
	}
	f("hangs", "deadline", fakeengine.Fault{Hang: true})
	f("hangs after the headers", "nothing in 200ms", fakeengine.Fault{Silent: true})
	f("half a document", "closed the stream", fakeengine.Fault{HalfJSON: true})
	f("breaks off", "closed the stream", fakeengine.Fault{Cut: true})
	f("web page", "HTML", fakeengine.Fault{HTML: true})
	f("fails", "boom", fakeengine.Fault{Status: http.StatusInternalServerError, Body: `{"message":"boom"}`})
	f("endless document", "too large", fakeengine.Fault{Endless: true})
	f("garbage", "invalid character", fakeengine.Fault{}, "garbage")
	f("document of 2 MiB", "too large", fakeengine.Fault{}, `{"x":"`+strings.Repeat("x", 2<<20)+`"}`)
	if got := r.counter(t, "tallyman_collect_errors_total", map[string]string{"part": statsEndpoint, "reason": "too_large"}); got < 2 {
		t.Errorf("%v documents were counted as too large", got)
	}
}

// TestStreams_hangingContainers: containers on which the engine hangs do not keep the others waiting.
func TestStreams_hangingContainers(t *testing.T) {
	t.Parallel()
	r := flow(t, fakeengine.Options{}, Options{}, StreamsOptions{})
	names := []string{"eng-host"}
	for _, c := range r.inv.View().Containers[:maxOpening+2] {
		if c.Name != "eng-host" {
			r.SetFault("/containers/"+c.ID+"/stats", fakeengine.Fault{Hang: true})
			names = append(names, c.Name)
		}
	}
	r.want(names[1:]...)
	eventually(t, "all places taken", func() bool { return r.Requests(statsEndpoint) >= maxOpening })
	r.want(names...)
	r.news(t, "eng-host")
}

// TestStreams_refused: what a proxy refuses for one container is not asked for every other.
func TestStreams_refused(t *testing.T) {
	t.Parallel()
	r := flow(t, fakeengine.Options{}, Options{}, StreamsOptions{RefusedRetry: 300 * time.Millisecond})
	r.SetFault(statsEndpoint, fakeengine.Fault{Status: http.StatusForbidden, Body: "<html>Forbidden</html>"})
	var names []string
	for _, c := range r.inv.View().Containers {
		names = append(names, c.Name)
	}
	r.want(names...)
	r.silent(t, "eng-host", "403")
	for _, name := range names {
		r.silent(t, name, "403")
	}
	if got := r.Requests(statsEndpoint); got > 2*maxOpening {
		t.Errorf("%d requests although the first was refused", got)
	}
	got := r.streams.Status()
	if got.Reason != "forbidden" || !strings.Contains(got.Problem, "answered 403 to GET /containers/{id}/stats") || got.Kept != len(names) {
		t.Errorf("got %+v", got)
	}
	r.ClearFaults()
	r.news(t, "eng-host")
	r.news(t, "eng-tty")
	if got := r.streams.Status(); got.Reason != "" || got.Problem != "" {
		t.Errorf("got %+v after the proxy let them pass", got)
	}
}

func TestStreams_engineGoesAndComesBack(t *testing.T) {
	t.Parallel()
	r := flow(t, fakeengine.Options{}, Options{}, StreamsOptions{MaxAge: 100 * time.Millisecond})
	r.want("eng-host", "eng-tty")
	for range 3 {
		r.news(t, "eng-host")
		r.news(t, "eng-tty")
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		r.silent(t, "eng-host", "")
		r.silent(t, "eng-tty", "connect")
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
	}
	r.news(t, "eng-host")
}

func TestStreams_tooMany(t *testing.T) {
	t.Parallel()
	r := flow(t, fakeengine.Options{}, Options{}, StreamsOptions{Max: 2})
	r.want("eng-host", "eng-none", "eng-tty", "eng-multi")
	r.news(t, "eng-host")
	r.news(t, "eng-none")
	got := r.streams.Status()
	if got.Kept != 2 || got.Excess != 2 || got.Reason != "too_many" || !strings.Contains(got.Problem, "2 containers are without") {
		t.Errorf("got %+v", got)
	}
	r.want("eng-tty", "eng-multi", "eng-none") // the one that is kept stays
	r.news(t, "eng-tty")
	r.news(t, "eng-none")
	if got := r.streams.Status(); got.Kept != 2 || got.Excess != 1 {
		t.Errorf("got %+v", got)
	}
	r.streams.Want([]string{"../../images", "", strings.Repeat("A", 64)})
	if got := r.streams.Status(); got != (StreamsStatus{}) {
		t.Errorf("got %+v", got)
	}
}

// TestStreams_churn: nothing is left of streams that are wanted and dropped at random while the engine comes and goes.
func TestStreams_churn(t *testing.T) {
	t.Parallel()
	r := flow(t, fakeengine.Options{}, Options{}, StreamsOptions{})
	var ids []string
	for _, c := range r.inv.View().Containers {
		ids = append(ids, c.ID)
	}
	descriptors := openDescriptors(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for range 200 {
				wanted := rand.Perm(len(ids))[:rand.IntN(len(ids))]
				some := make([]string, 0, len(wanted))
				for _, n := range wanted {
					some = append(some, ids[n])
				}
				r.streams.Want(some)
				for _, id := range some {
					if s, err := r.streams.Sample(id); (s == nil) == (err == nil) {
						t.Errorf("got %v, %v", s, err)
					}
				}
				r.streams.Status()
				time.Sleep(time.Millisecond)
			}
		})
	}
	all.Go(func() {
		for range 5 {
			if err := errors.Join(r.Stop(), r.Start()); err != nil {
				t.Error(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	all.Wait()
	r.streams.Want(ids)
	r.news(t, "eng-host")
	r.streams.Want(nil)
	eventually(t, "no stream", func() bool { return r.StatsStreams() == 0 })
	r.end()
	eventually(t, "all descriptors closed", func() bool {
		r.inv.client.Close()
		return openDescriptors(t) <= descriptors+20 // of other tests, and of the Inventory
	})
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// scripted is an engine without sockets, for tests with a fake clock: it answers each request for statistics as the test says.
type scripted func(context.Context) (*http.Response, error)

// play runs Streams over a script; asked tells when requests came, since the beginning.
func play(t *testing.T, o StreamsOptions, script scripted) (streams *Streams, asked func() []time.Duration) {
	t.Helper()
	var (
		mu    sync.Mutex
		times []time.Duration
	)
	began := time.Now()
	c := newClient(t, Options{APIVersion: "1.41"})
	c.guard.next = roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "_ping") {
			return respond("OK"), nil
		}
		mu.Lock()
		times = append(times, time.Since(began))
		mu.Unlock()
		return script(r.Context())
	})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := NewStreams(c, o)
	running(t, s)
	return s, func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return append([]time.Duration(nil), times...)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: readCloser{strings.NewReader(body)}}
}

const aDocument = `{"read":"2026-11-21T05:07:18Z","pids_stats":{"current":7}}` + "\n"

// TestStreams_backoff: attempts come ever slower, up to the longest pause.
func TestStreams_backoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, asked := play(t, StreamsOptions{}, func(context.Context) (*http.Response, error) {
			return nil, errors.New("no route")
		})
		id := strings.Repeat("a", 64)
		s.Want([]string{id})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		times := asked()
		if len(times) < 25 || len(times) > 45 {
			t.Errorf("%d attempts in 10 minutes", len(times))
		}
		for n := 2; n < len(times); n++ {
			if pause := times[n] - times[n-1]; pause < 375*time.Millisecond || pause > 30*time.Second {
				t.Errorf("attempt %d came after %s", n, pause)
			}
		}
		s.Want(nil)
		synctest.Wait()
		before := len(asked())
		time.Sleep(time.Hour)
		if got := len(asked()); got != before {
			t.Errorf("%d attempts for a container that is not wanted", got-before)
		}
	})
}

// TestStreams_age: a sample is given out for 15 s; a stream that says nothing for 30 s is opened again.
func TestStreams_age(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, asked := play(t, StreamsOptions{}, func(ctx context.Context) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: newTrickle(ctx)}, nil
		})
		id := strings.Repeat("a", 64)
		s.Want([]string{id})
		f := func(at time.Duration, fresh bool, why string, requests int) {
			t.Helper()
			time.Sleep(time.Until(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(at)))
			synctest.Wait()
			_, err := s.Sample(id)
			if (err == nil) != fresh || !strings.Contains(fmt.Sprint(err), why) || len(asked()) != requests {
				t.Errorf("after %s: error %v, %d requests; want %q, %d", at, err, len(asked()), why, requests)
			}
		}
		f(time.Second, true, "", 1)
		f(14*time.Second, true, "", 1)
		f(16*time.Second, false, "older than 15s", 1)
		f(29*time.Second, false, "older than 15s", 1)
		f(31*time.Second, true, "", 2)
		f(44*time.Second, true, "", 2)
		f(46*time.Second, false, "older than 15s", 2)
	})
}

// trickle is a body that sends one document and then nothing, until it is closed.
type trickle struct {
	document *strings.Reader
	ctx      context.Context
	closed   chan struct{}
	once     sync.Once
}

func newTrickle(ctx context.Context) *trickle {
	return &trickle{document: strings.NewReader(aDocument), ctx: ctx, closed: make(chan struct{})}
}

func (r *trickle) Read(p []byte) (int, error) {
	if r.document.Len() > 0 {
		return r.document.Read(p)
	}
	select {
	case <-r.closed:
		return 0, errors.New("read on a closed body")
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
}

func (r *trickle) Close() error {
	r.once.Do(func() { close(r.closed) })
	return nil
}

// TestStreams_refusedSlowly: while a proxy refuses, all streams together ask about once a minute.
func TestStreams_refusedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, asked := play(t, StreamsOptions{}, func(context.Context) (*http.Response, error) {
			refusal := respond("no")
			refusal.StatusCode = http.StatusForbidden
			return refusal, nil
		})
		var ids []string
		for n := range 300 {
			ids = append(ids, fmt.Sprintf("%064x", n))
		}
		s.Want(ids)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := len(asked()); got < 50 || got > 60+maxOpening {
			t.Errorf("%d requests in an hour", got)
		}
	})
}
