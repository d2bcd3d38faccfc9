package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"tallyman/test/internal/docker"
	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// TestLifeTable: what is served of the life of every container is what "docker inspect" says of it at that moment, and nothing
// else is.
func TestLifeTable(t *testing.T) {
	e := populated(t)
	began := time.Now()
	// A failed health probe sends no event: only a resync tells how many there were.
	p := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: []string{"--engine.resync=" + patience(3*time.Second).String()}})
	p.Ready(t)
	compareLives(t, e, p, lifeColumns(began, imagesOf(t, e)))
	countsTheLoop(t, p, e)
}

// compareLives compares until docker and tallyman have agreed on every container, and prints the table.
func compareLives(t *testing.T, e docker.Engine, p *program.Program, columns []lifeColumn) {
	t.Helper()
	table := lifeTable{columns: columns, rows: map[string][]string{}, open: map[string]string{}}
	for end := time.Now().Add(patience(limit)); ; {
		before := e.Containers(t, "tm-")
		page := p.Metrics(t)
		table.compare(before, e.Containers(t, "tm-"), page)
		if len(table.open) == 0 || time.Now().After(end) {
			break
		}
	}
	t.Logf("docker inspect = tallyman; ? = docker does not say, – = has none\n%s", &table)
	for _, name := range slices.Sorted(maps.Keys(table.open)) {
		t.Errorf("%s: %s", name, table.open[name])
	}
	t.Logf("%d containers, %d columns, %d containers with differences", len(table.rows), len(table.columns), len(table.open))
}

// lifeTable is what was found of each container.
type lifeTable struct {
	columns []lifeColumn
	rows    map[string][]string // by name, once docker and tallyman agreed on it
	open    map[string]string   // what is still different, by name
}

// lifeColumn is one thing that both know of a container. What docker does not say is "?", what there is none of is "–".
type lifeColumn struct {
	name   string
	docker func(c *docker.Container) string
	ours   func(s lifeServed) string
}

// compare takes in what docker said before and after a scrape: only what did not change meanwhile can be compared.
func (l *lifeTable) compare(before, after map[string]*docker.Container, page scrape.Page) {
	for name, c := range before {
		if l.rows[name] != nil {
			continue
		}
		if !reflect.DeepEqual(c, after[name]) {
			l.open[name] = "never stood still"
			continue
		}
		var row, different []string
		for _, column := range l.columns {
			want, got := column.docker(c), column.ours(lifeServed{page, name})
			row = append(row, got)
			if want != "?" && want != got {
				different = append(different, fmt.Sprintf("%s is %s for docker, %s here", column.name, want, got))
			}
		}
		if len(different) > 0 {
			l.open[name] = strings.Join(different, "; ")
			continue
		}
		l.rows[name] = row
		delete(l.open, name)
	}
}

// String writes the containers that both agree on, with the beginnings of ids only.
func (l *lifeTable) String() string {
	var out strings.Builder
	ids := regexp.MustCompile(`(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}`)
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "container")
	for _, column := range l.columns {
		fmt.Fprint(w, "\t", column.name)
	}
	fmt.Fprintln(w)
	for _, name := range slices.Sorted(maps.Keys(l.rows)) {
		fmt.Fprintf(w, "%s\t%s\n", name, ids.ReplaceAllString(strings.Join(l.rows[name], "\t"), "$1"))
	}
	_ = w.Flush() // to memory
	return out.String()
}

// lifeServed is what a page says of one container.
type lifeServed struct {
	page scrape.Page
	name string
}

// number is the value of the only sample of a family; "–" when there is none.
func (s lifeServed) number(family string, pairs ...string) string {
	switch all := s.page.All(family, append(pairs, "name", s.name)...); len(all) {
	case 0:
		return "–"
	case 1:
		return strconv.FormatFloat(all[0].Value, 'f', -1, 64)
	default:
		return fmt.Sprintf("%d samples", len(all))
	}
}

// which is the value of a label that the only sample of value 1 has, of as many as there must be; "–" when there are none.
func (s lifeServed) which(family, label string, samples int) string {
	all := s.page.All(family, "name", s.name)
	if len(all) == 0 {
		return "–"
	}
	var set []string
	for _, sample := range all {
		if sample.Value == 1 {
			set = append(set, sample.Labels[label])
		}
	}
	if len(all) != samples || len(set) != 1 {
		return fmt.Sprintf("%q of %d samples", set, len(all))
	}
	return set[0]
}

// family is a column that is a number.
func family(name, of string, docker func(c *docker.Container) string) lifeColumn {
	return lifeColumn{name, docker, func(s lifeServed) string { return s.number(of) }}
}

// fact is a column that is a label of container_info.
func fact(name, label string, of func(c *docker.Container) string) lifeColumn {
	return lifeColumn{
		name,
		func(c *docker.Container) string { return cmp.Or(of(c), "–") },
		func(s lifeServed) string { return cmp.Or(s.which("container_info", label, 1), "–") },
	}
}

// seconds writes a time as it is served; "–" for the year 1.
func seconds(t time.Time) string {
	if t.Year() <= 1 {
		return "–"
	}
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// lifeColumns are all columns. began is when tallyman started; images are those that the containers name.
func lifeColumns(began time.Time, images map[string]*docker.Image) []lifeColumn {
	columns := []lifeColumn{
		{
			"state", func(c *docker.Container) string { return c.State.Status },
			func(s lifeServed) string { return s.which("container_state", "state", 7) },
		},
		{"health", func(c *docker.Container) string {
			if c.State.Health == nil || c.State.Health.Status == "none" {
				return "–"
			}
			return c.State.Health.Status
		}, func(s lifeServed) string { return s.which("container_health_status", "status", 3) }},
		family("streak", "container_health_failing_streak", func(c *docker.Container) string {
			if c.State.Health == nil || c.State.Health.Status == "none" {
				return "–"
			}
			return number(c.State.Health.FailingStreak)
		}),
		family("restarts", "container_restarts_total", func(c *docker.Container) string { return number(c.RestartCount) }),
		family("exit", "container_exit_code", ofExit(func(c *docker.Container) float64 { return c.State.ExitCode })),
		family("oom", "container_oom_killed", ofExit(func(c *docker.Container) float64 {
			if c.State.OOMKilled {
				return 1
			}
			return 0
		})),
		{"exits", func(c *docker.Container) string {
			if c.State.FinishedAt.Before(began) && c.State.StartedAt.Before(began) {
				return "0 0 0 0"
			}
			return "?"
		}, func(s lifeServed) string {
			var all []string
			for _, reason := range []string{"completed", "error", "signal", "oom"} {
				all = append(all, s.number("container_exits_total", "reason", reason))
			}
			return strings.Join(all, " ")
		}},
		family("created", "container_creation_time_seconds", func(c *docker.Container) string { return seconds(c.Created) }),
		family("started", "container_start_time_seconds", func(c *docker.Container) string { return seconds(c.State.StartedAt) }),
		family("finished", "container_finish_time_seconds", func(c *docker.Container) string { return seconds(c.State.FinishedAt) }),
	}
	return append(columns, factColumns(images)...)
}

// factColumns are the columns of what does not change.
func factColumns(images map[string]*docker.Image) []lifeColumn {
	return []lifeColumn{
		fact("network", "network_mode", func(c *docker.Container) string {
			if c.HostConfig.NetworkMode == "default" {
				return "bridge" // what it means, and what engines from 26 on say
			}
			return c.HostConfig.NetworkMode
		}),
		fact("network owner", "network_owner", func(c *docker.Container) string {
			if owner, joined := strings.CutPrefix(c.HostConfig.NetworkMode, "container:"); joined {
				return owner
			}
			if !c.OwnsNetwork() {
				return ""
			}
			return c.ID
		}),
		fact("policy", "restart_policy", func(c *docker.Container) string { return c.HostConfig.RestartPolicy.Name }),
		fact("runtime", "runtime", func(c *docker.Container) string { return c.HostConfig.Runtime }),
		fact("project", "compose_project", func(c *docker.Container) string { return c.Config.Labels["com.docker.compose.project"] }),
		fact("image id", "image_id", func(c *docker.Container) string { return c.Image }),
		family("image made", "container_image_created_time_seconds", func(c *docker.Container) string {
			return seconds(images[c.Image].Created.Truncate(time.Second))
		}),
		family("stale", "container_image_stale", func(c *docker.Container) string {
			if now := images[c.Config.Image]; now != nil && now.ID != c.Image {
				return "1"
			}
			return "0"
		}),
	}
}

// ofExit is what docker says of the latest exit. Of a container that runs it says nothing: it has forgotten.
func ofExit(value func(c *docker.Container) float64) func(c *docker.Container) string {
	return func(c *docker.Container) string {
		switch {
		case c.HasProcesses() && c.RestartCount > 0:
			return "?" // tallyman may have seen it
		case c.HasProcesses(), c.State.FinishedAt.Year() <= 1 && c.State.Error == "" && c.State.ExitCode == 0:
			return "–"
		}
		return number(value(c))
	}
}

// imagesOf asks what the containers' images are, and what the names that they were created from stand for now.
func imagesOf(t *testing.T, e docker.Engine) map[string]*docker.Image {
	t.Helper()
	images := map[string]*docker.Image{}
	for _, c := range e.Containers(t, "tm-") {
		for _, name := range []string{c.Image, c.Config.Image} {
			if _, asked := images[name]; !asked {
				images[name] = e.Image(t, name)
			}
		}
	}
	return images
}

// countsTheLoop: of a container that was met at its birth and crashes again and again, every exit is known: one for each restart.
func countsTheLoop(t *testing.T, p *program.Program, e docker.Engine) {
	t.Helper()
	const name = "tm-loop"
	e.Remove(t, name)
	e.Run(t, "run", "-d", "--name", name, "--network", "none", "--restart", "always", image, "sh", "-c", "exit 1")
	var restarts float64
	p.WaitFor(t, patience(limit), func(page scrape.Page) string {
		restarts, _ = page.Value("container_restarts_total", "name", name)
		exits, _ := page.Value("container_exits_total", "name", name, "reason", "error")
		// Between two runs, both counts have settled.
		if page.Is(1, "container_state", "name", name, "state", "restarting") && restarts >= 3 && exits == restarts {
			return ""
		}
		return fmt.Sprintf("%s: %v restarts, %v exits; want as many of both, and 3 at least", name, restarts, exits)
	})
	t.Logf("%s: %v restarts, as many exits", name, restarts)
}
