package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/listing"
	"tallyman/cmd/tallyman/internal/table"
	"tallyman/engine"
)

// The forms of ps.
const (
	formTable = "table"
	formWide  = "wide"
	formJSON  = "json"
)

// definePs defines the flags of ps.
func definePs(on flagSet) *config {
	c := defaults(on.command)
	c.defineFormat(on, formTable, formWide, formJSON)
	c.defineSort(on)
	names := make([]string, 0, len(engine.States()))
	for _, state := range engine.States() {
		names = append(names, string(state))
	}
	var all bool
	on.Flag("all", "Show containers in every state; --no-all shows those that run or are paused.").Short('a').Default("true").SetValue(&flagValue{
		flag: "all", env: on.env("all"), want: "true or false", isBool: true, set: setBool(&all, func() { c.show.all = all }),
	})
	on.Flag("state", "Only containers in this state; may be repeated. One of: "+strings.Join(names, ", ")+".").SetValue(&wordsValue{flagValue{
		flag: "state", env: on.env("state"), want: "one of " + strings.Join(names, ", "),
		set: func(s string) error {
			if !slices.Contains(names, s) {
				return errors.New("no state")
			}
			c.show.states = append(c.show.states, s)
			return nil
		},
	}})
	on.Flag("name", "Only containers with this in their names; *, ? and [] are as in a shell and make it a pattern of the whole name.").SetValue(&flagValue{
		flag: "name", env: on.env("name"), want: "a part of a name, or a pattern such as web-*",
		set: func(s string) error {
			c.show.name = s
			return checkGlob(s)
		},
	})
	c.defineRemote(on)
	c.defineEngine(on)
	c.definePaths(on)
	c.defineReading(on)
	return c
}

// runPs prints the containers once.
func runPs(ctx context.Context, cfg *config, getenv func(string) string, stdout io.Writer) error {
	*cfg.diskInterval = 0 // nothing is shown of it
	t, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer t.close()
	summary, list, err := t.read(ctx)
	if err != nil {
		return err
	}
	if len(list.Containers) == 0 && !summary.Fresh() {
		return noEngine(&summary)
	}
	list.Containers = slices.DeleteFunc(list.Containers, func(c schema.Container) bool { return !cfg.show.wants(&c) })
	rows := listing.Rows(&summary, &list)
	cfg.show.sort.Apply(rows)
	out := bufio.NewWriter(stdout)
	if cfg.show.format == formJSON {
		err = writePsJSON(out, rows)
	} else {
		width, colours := terminal(stdout, getenv)
		wide := cfg.show.format == formWide
		if wide {
			width = 0
		}
		writePs(out, listing.NewView(rows, wide), width, colours)
	}
	return errors.Join(err, out.Flush())
}

// noEngine says why there is nothing to show.
func noEngine(s *schema.Summary) error {
	for _, e := range s.Engines {
		if e.Problem != "" {
			return errors.New(table.Inert(string(e.Problem)))
		}
	}
	return errors.New("no engine has told of its containers yet")
}

// read asks for the containers and what is the matter with them. In this process, which has just begun to read, it reads twice, since
// the use of processors, networks and disks is told by two readings.
func (t *target) read(ctx context.Context) (summary schema.Summary, list schema.Containers, err error) {
	const (
		apart    = 1100 * time.Millisecond // a rate is taken over a second at least
		patience = 4                       // readings until containers whose numbers come from the engine must have some
	)
	for n := range patience {
		if n > 0 && !pause(ctx, apart) {
			return summary, list, ctx.Err()
		}
		if list, err = t.Containers(ctx); err != nil {
			return summary, list, err
		}
		if !t.local() || n > 0 && !slices.ContainsFunc(list.Containers, lacksRate) {
			break
		}
	}
	summary, err = t.Summary(ctx)
	return summary, list, err
}

// lacksRate says whether a container runs whose use of processors is not known yet.
func lacksRate(c schema.Container) bool { return c.State == "running" && !c.CPU.Cores.Known() }

// wants says whether a container is to be shown.
func (s *showFlags) wants(c *schema.Container) bool {
	if s.name != "" {
		if ok, _ := path.Match(s.name, string(c.Name)); !ok && (strings.ContainsAny(s.name, `*?[\`) || !strings.Contains(string(c.Name), s.name)) {
			return false
		}
	}
	if len(s.states) > 0 {
		return slices.Contains(s.states, string(c.State))
	}
	return s.all || c.State == "running" || c.State == "paused"
}

// writePs prints the table.
func writePs(out io.Writer, v listing.View, width int, colours bool) {
	layout := v.Fit(width)
	var line strings.Builder
	layout.Cells(layout.Titles(), func(_ int, text string) { line.WriteString(text) })
	fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	for i, row := range v.Rows {
		line.Reset()
		layout.Cells(row, func(column int, text string) {
			if sgr := colourOf(v.Tones[i][column]); colours && sgr != "" {
				text = sgr + text + "\x1b[0m"
			}
			line.WriteString(text)
		})
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
}

// colourOf is what makes a terminal show a text in a tone.
func colourOf(t listing.Tone) string {
	switch t {
	case listing.Faint:
		return "\x1b[2m"
	case listing.Warn:
		return "\x1b[33m"
	case listing.Bad:
		return "\x1b[31m"
	}
	return ""
}

// writePsJSON prints a line of JSON for each container, as /api/v1/containers has it.
func writePsJSON(out io.Writer, rows []listing.Row) error {
	w := json.NewEncoder(out)
	w.SetEscapeHTML(false)
	for _, row := range rows {
		if err := w.Encode(row.Container); err != nil {
			return err
		}
	}
	return nil
}
