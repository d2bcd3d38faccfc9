package scale

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// resultFile keeps what the document is made from.
var resultFile = filepath.Join("testdata", "measured.json")

// measured is all that the experiment finds. Sizes are in bytes, CPU times in milliseconds unless a field says otherwise.
type measured struct {
	Machine machineInfo
	Sizes   []size
	Groups  []group
	States  []state
	Fleet   fleetResult
	Checks  []check
}

// machineInfo is on what it was measured.
type machineInfo struct {
	Date, Kernel, Model, Cgroups string
	Processors                   int
	Minutes                      float64 // that the run took
	Load                         float64 // of the last five minutes at its end, with what others did
}

// size is a host of so many containers, alone.
type size struct {
	Containers, Series, Plain, Gzip int
	CPU                             spread // of one scrape
	RSS                             float64
}

// group is what one group costs in series.
type group struct {
	Name            string
	Default         bool
	Container, Host float64
}

// state is how many series a container has in a state.
type state struct {
	What   string
	Series int
}

// fleetResult is what many hosts under one Prometheus cost.
type fleetResult struct {
	Hosts, Containers int
	Interval          float64 // seconds
	Prometheus        string  // its version

	Scrapes  float64 // measured
	Series   spread  // of a host
	Body     spread  // of a scrape, before gzip
	Gzip     []float64
	Duration spread  // of a scrape, in seconds
	Added    float64 // series that scrapes added while nothing changed
	HostCPU  spread  // of a tallyman, for one scrape and the time up to the next
	ChurnCPU float64 // the same while containers are replaced
	HostRSS  spread

	Rate      float64 // samples per second
	Head      float64 // series
	RSS, Base float64 // of Prometheus, and before its first scrape
	ServerCPU float64 // of Prometheus, microseconds per sample
	WAL       float64 // bytes per sample

	ChunkBytes, IndexBytes, SamplesPerSeries float64 // of a block: per sample, per series

	Replaced    int     // containers
	PerReplaced float64 // series that the head has more for each

	Wire     float64 // bytes per sample of remote write
	AgentRSS float64
}

// check is the outcome of something that must be so.
type check struct{ What, Outcome string }

// notef keeps an outcome for the document. Where it is not as it must be, the benchmark fails, and writes nothing.
func (m *measured) notef(what, format string, args ...any) {
	m.Checks = append(m.Checks, check{what, fmt.Sprintf(format, args...)})
}

// spread is what several measurements of the same come to.
type spread struct{ Median, Min, Max float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// text writes median and range, each divided.
func (s spread) text(format string, by float64) string {
	if middle, low, high := fmt.Sprintf(format, s.Median/by), fmt.Sprintf(format, s.Min/by), fmt.Sprintf(format, s.Max/by); low != high {
		return middle + " (" + low + "–" + high + ")"
	}
	return fmt.Sprintf(format, s.Median/by)
}

func (m *measured) save(tb testing.TB) {
	tb.Helper()
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(resultFile, append(text, '\n'), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func loadResult(tb testing.TB) *measured {
	tb.Helper()
	text, err := os.ReadFile(resultFile)
	if err != nil {
		tb.Fatal(err)
	}
	var m measured
	if err := json.Unmarshal(text, &m); err != nil {
		tb.Fatal(err)
	}
	return &m
}
