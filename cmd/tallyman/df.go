package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/table"
	"tallyman/engine"
	"tallyman/internal/human"
)

// defineDf defines the flags of df.
func defineDf(on flagSet) *config {
	c := defaults(on.command)
	c.defineFormat(on, "table", "json")
	c.defineRemote(on)
	c.defineEngine(on)
	c.defineDiskTimeout(on)
	c.definePaths(on)
	return c
}

// runDf prints the disk usage as docker system df does.
func runDf(ctx context.Context, cfg *config, stdout, stderr io.Writer) error {
	t, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer t.close()
	if t.local() {
		t.parts.findDisk(ctx, *cfg.diskTimeout)
	}
	summary, err := t.Summary(ctx)
	if err != nil {
		return err
	}
	if err := nothingOf(&summary); err != nil {
		return err
	}
	several := len(summary.Engines) > 1
	for _, d := range summary.Disk {
		if d.Problem != "" {
			fmt.Fprintf(stderr, "tallyman: %s%s: %s\n", ofEngine(d.Engine, several), dfType(d.Type), table.Inert(string(d.Problem)))
		}
	}
	for _, e := range summary.Engines {
		if !e.Up {
			fmt.Fprintf(stderr, "tallyman: %s%s\n", ofEngine(e.Name, several), table.Inert(string(e.Problem)))
		}
	}
	if cfg.show.format == "json" {
		return writeDfJSON(stdout, &summary)
	}
	return writeDf(stdout, &summary, !t.local())
}

// ofEngine names an engine where there are several.
func ofEngine(name schema.Text, several bool) string {
	if !several {
		return ""
	}
	return "engine " + table.Inert(string(name)) + ": "
}

// findDisk asks the engines for their disk usage, and waits until each has told or refused every kind of it.
func (p *program) findDisk(ctx context.Context, timeout time.Duration) {
	const more = 5 * time.Second // than the engine may take for all of them
	ctx, cancel := context.WithTimeout(ctx, time.Duration(len(engine.DiskKinds()))*timeout+more)
	defer cancel()
	p.collector.RefreshDisk()
	waitFor(ctx, func() bool {
		for _, e := range p.engines {
			waits := func(part engine.DiskPart) bool { return part.Reason == engine.DiskNotAsked }
			if e.View().Up && slices.ContainsFunc(e.Disk().Parts, waits) {
				return false
			}
		}
		return true
	})
}

// nothingOf is why there is nothing to print; nil when there is something.
func nothingOf(s *schema.Summary) error {
	why := errors.New("no engine tells its disk usage")
	for _, e := range slices.Backward(s.Engines) {
		if e.Problem != "" {
			why = errors.New(table.Inert(string(e.Problem)))
		}
	}
	for _, d := range slices.Backward(s.Disk) {
		switch {
		case d.SizeBytes.Known():
			return nil
		case d.Problem != "":
			why = errors.New(table.Inert(string(d.Problem)))
		}
	}
	return fmt.Errorf("the disk usage is not known: %w", why)
}

// dfType is docker's name of a kind of disk usage.
func dfType(kind string) string {
	switch engine.DiskKind(kind) {
	case engine.DiskImages:
		return "Images"
	case engine.DiskContainers:
		return "Containers"
	case engine.DiskVolumes:
		return "Local Volumes"
	case engine.DiskBuildCache:
		return "Build Cache"
	}
	return table.Inert(kind)
}

// dfSize writes bytes as docker does.
func dfSize(v schema.Number) string {
	if !v.Known() {
		return human.Dash
	}
	return units.HumanSize(float64(v))
}

// dfReclaimable writes what a prune would free as docker does: with the part of the whole, but for the build cache.
func dfReclaimable(d *schema.DiskUsage) string {
	text := dfSize(d.ReclaimableBytes)
	if d.Type == string(engine.DiskBuildCache) || !d.ReclaimableBytes.Known() || !(d.SizeBytes > 0) {
		return text
	}
	return fmt.Sprintf("%s (%d%%)", text, int64(d.ReclaimableBytes)*100/int64(d.SizeBytes))
}

// dfCount writes a number of things as docker does.
func dfCount(v schema.Number) string {
	if !v.Known() {
		return human.Dash
	}
	return strconv.FormatFloat(float64(v), 'f', -1, 64)
}

// writeDf prints docker's table, with the engine where there are several, and how old the numbers are unless they are of now.
func writeDf(out io.Writer, s *schema.Summary, withAge bool) error {
	w := tabwriter.NewWriter(out, 10, 1, 3, ' ', 0) // as docker pads its columns
	withEngine := len(s.Engines) > 1
	line := func(engine, kind, total, active, size, reclaimable, age string) {
		if withEngine {
			fmt.Fprint(w, engine, "\t")
		}
		fmt.Fprint(w, kind, "\t", total, "\t", active, "\t", size, "\t", reclaimable)
		if withAge {
			fmt.Fprint(w, "\t", age)
		}
		fmt.Fprintln(w)
	}
	line("ENGINE", "TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE", "AGE")
	for i := range s.Disk {
		d := &s.Disk[i]
		line(table.Inert(string(d.Engine)), dfType(d.Type), dfCount(d.Total), dfCount(d.Active), dfSize(d.SizeBytes), dfReclaimable(d),
			human.Since(time.Time(d.RefreshedAt), time.Time(s.Time)))
	}
	return w.Flush()
}

// dfLine is a line of docker system df --format json, and our plain numbers behind it. What is not known is null.
type dfLine struct {
	Active           *string
	Reclaimable      *string
	Size             *string
	TotalCount       *string
	Type             string
	Engine           schema.Text `json:",omitempty"`
	SizeBytes        schema.Number
	ReclaimableBytes schema.Number
	RefreshedAt      schema.Moment
}

// writeDfJSON prints a line of JSON for each kind.
func writeDfJSON(out io.Writer, s *schema.Summary) error {
	w := json.NewEncoder(out)
	w.SetEscapeHTML(false)
	said := func(text string) *string {
		if text == human.Dash {
			return nil
		}
		return &text
	}
	for i := range s.Disk {
		d := &s.Disk[i]
		line := dfLine{
			Active: said(dfCount(d.Active)), Reclaimable: said(dfReclaimable(d)), Size: said(dfSize(d.SizeBytes)), TotalCount: said(dfCount(d.Total)),
			Type: dfType(d.Type), SizeBytes: d.SizeBytes, ReclaimableBytes: d.ReclaimableBytes, RefreshedAt: d.RefreshedAt,
		}
		if len(s.Engines) > 1 {
			line.Engine = d.Engine
		}
		if err := w.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
