package metrics

import (
	"math"

	"tallyman/collector"
	"tallyman/engine"
)

// Type is the type of a family, as the TYPE line of the text format names it.
type Type string

// The types of the families of the table.
const (
	Counter Type = "counter"
	Gauge   Type = "gauge"
	// Untyped is for a counter whose name, cAdvisor's, does not end in _total: promtool refuses it as a counter.
	Untyped Type = "untyped"
)

// MaxLabels is the largest number of extra labels of a family.
const MaxLabels = 8

// Sample is one value of a family. Labels holds the values of Family.Labels, in their order; those beyond are ignored.
// It goes by value, so that drawing it costs no allocation.
type Sample struct {
	Value  float64
	Labels [MaxLabels]string
}

// Family is one row of the table. Exactly one of its functions Value, Each, SnapshotValue, SnapshotEach and EngineEach is set, or
// the last two; a NaN that they give is not served.
type Family struct {
	Name  string
	Help  string // one sentence: what is measured, and what says so
	Type  Type
	Group Group
	// Labels names the labels of a sample; those of a container have id, name and image before them. Where there are several
	// engines, what belongs to one of them also has the label engine.
	Labels []string

	// UserLabels says that the labels that users gave their containers stand behind all others, as far as they are let through.
	UserLabels bool

	// Value draws the one sample of a container.
	Value func(*collector.Container) float64
	// Each draws any number of samples of a container.
	Each func(c *collector.Container, yield func(Sample))
	// Finer draws the samples of a container at a finer grain, and says whether there are any: these then stand in place of those
	// of Each, so that a sum over the family counts nothing twice. The group FinerGroup switches it.
	Finer      func(c *collector.Container, yield func(Sample)) bool
	FinerGroup Group
	// SnapshotValue draws the one sample of a host.
	SnapshotValue func(*collector.Snapshot) float64
	// SnapshotEach draws any number of samples of a host.
	SnapshotEach func(s *collector.Snapshot, yield func(Sample))
	// EngineEach draws any number of samples of one engine.
	EngineEach func(s *collector.Snapshot, e *collector.EngineStatus, yield func(Sample))
}

// PerContainer says whether the samples of the family belong to containers, and so carry id, name and image.
func (f *Family) PerContainer() bool { return f.Value != nil || f.Each != nil }

// LabelNames lists all labels of a sample in the order in which they are served.
func (f *Family) LabelNames() []string {
	var names []string
	if f.PerContainer() {
		names = append(names, containerLabels()...)
	}
	return append(names, f.Labels...)
}

// containerLabels names the labels of every sample of a container.
func containerLabels() []string { return []string{"id", "name", "image"} }

// The rows of the table name these types very often.
type (
	container    = collector.Container
	snapshot     = collector.Snapshot
	engineStatus = collector.EngineStatus
)

// row gives a family with one sample for each container.
func row(g Group, t Type, name, help string, value func(*container) float64) Family {
	return Family{Name: name, Help: help, Type: t, Group: g, Value: value}
}

// unknown is what a row gives where it has no sample.
func unknown() float64 { return math.NaN() }

// fromFacts draws from what the engine said; no sample where it said nothing, and so none for the host.
func fromFacts(value func(*engine.Container) float64) func(*container) float64 {
	return func(c *container) float64 {
		if c.Facts == nil {
			return unknown()
		}
		return value(c.Facts)
	}
}

// eachFact is fromFacts for families with several samples.
func eachFact(each func(f *engine.Container, yield func(Sample))) func(*container, func(Sample)) {
	return func(c *container, yield func(Sample)) {
		if c.Facts != nil {
			each(c.Facts, yield)
		}
	}
}

// labelled gives a sample with up to MaxLabels label values.
func labelled(value float64, labels ...string) Sample {
	s := Sample{Value: value}
	copy(s.Labels[:], labels)
	return s
}

// boolean is 1 for true and 0 for false.
func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Draw gives every sample that the family has for a container by the groups of a selection, none for a family of the host or an
// engine as a whole.
func (f *Family) Draw(sel Selection, c *collector.Container, yield func(Sample)) {
	known := func(s Sample) {
		if !math.IsNaN(s.Value) {
			yield(s)
		}
	}
	if f.Finer != nil && sel.Has(f.FinerGroup) && f.Finer(c, known) || !sel.Has(f.Group) {
		return
	}
	if f.Value != nil {
		known(Sample{Value: f.Value(c)})
	}
	if f.Each != nil {
		f.Each(c, known)
	}
}
