package scale

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/prometheus"
)

// patience is how long Prometheus may take for what it does at its next scrape.
const patience = 2 * time.Minute

// wait sleeps. What is measured here is what happens by itself in that time.
func wait(d time.Duration) { time.Sleep(d) }

// query is the value of an expression.
func (f *fleet) query(tb testing.TB, expression string) float64 {
	tb.Helper()
	value, err := f.server.Query(tb.Context(), expression)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// values are those of all series that an expression gives.
func (f *fleet) values(tb testing.TB, expression string) []float64 {
	tb.Helper()
	all, err := f.server.Vector(tb.Context(), expression)
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]float64, len(all))
	for i, s := range all {
		out[i] = s.Value
	}
	return out
}

// metric is one of Prometheus' own, as it is now.
func (f *fleet) metric(tb testing.TB, name string) float64 {
	tb.Helper()
	return metric(tb, f.server, name)
}

func metric(tb testing.TB, s *prometheus.Server, name string) float64 {
	tb.Helper()
	page, err := s.Scrape(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if len(page[name]) == 0 {
		tb.Fatalf("Prometheus has no metric %s", name)
	}
	sum := 0.0
	for _, sample := range page[name] {
		sum += sample.Value
	}
	return sum
}

// wait waits until an expression gives anything.
func (f *fleet) wait(tb testing.TB, expression string) {
	tb.Helper()
	waitFor(tb, f.server, expression)
}

func waitFor(tb testing.TB, s *prometheus.Server, expression string) {
	tb.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		all, err := s.Vector(tb.Context(), expression)
		switch {
		case err == nil && len(all) > 0:
			return
		case time.Now().After(end):
			tb.Fatalf("after %v: %s gives nothing; %v", patience, expression, err)
		}
	}
}

// agree waits until nothing is wrong, "" = nothing. Servers scrape at different moments: what changes is in one of them a little before
// the others.
func agree(tb testing.TB, wrong func() string) {
	tb.Helper()
	end := time.Now().Add(patience)
	for {
		what := wrong()
		if what == "" {
			return
		}
		if time.Now().After(end) {
			tb.Errorf("after %v: %s", patience, what)
			return
		}
		time.Sleep(time.Second)
	}
}

// nextScrapes waits until every host has been scraped anew, and not from a snapshot made before.
func (f *fleet) nextScrapes(tb testing.TB) {
	tb.Helper()
	from := time.Now().Add(time.Second) // --collector.max-age
	f.wait(tb, fmt.Sprintf(`count(timestamp(up{job="tallyman"}) > %.3f) == %d`, float64(from.UnixMilli())/1000, len(f.hosts)))
}

// nextScrape is nextScrapes for one host.
func (f *fleet) nextScrape(tb testing.TB, h *host) {
	tb.Helper()
	from := time.Now().Add(time.Second)
	f.wait(tb, fmt.Sprintf(`timestamp(up{instance=%q}) > %.3f`, h.address(), float64(from.UnixMilli())/1000))
}

// seriesSet lists the series that a selector names, of all time, each in one line.
func (f *fleet) seriesSet(tb testing.TB, selector string) map[string]bool {
	tb.Helper()
	all, err := f.server.Series(tb.Context(), selector)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]bool{}
	for _, labels := range all {
		var words []string
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			words = append(words, name+"="+labels[name])
		}
		out[strings.Join(words, ",")] = true
	}
	return out
}

// newFamilies lists the families of which there are series now that were not there before.
func newFamilies(before, now map[string]bool) []string {
	families := map[string]bool{}
	for series := range now {
		if before[series] {
			continue
		}
		name, _, _ := strings.Cut(series, ",")
		families[strings.TrimPrefix(name, "__name__=")] = true
	}
	return slices.Sorted(maps.Keys(families))
}
