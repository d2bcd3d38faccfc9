package listing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/table"
)

// Row is a container with what somebody should know of it first.
type Row struct {
	schema.Container

	// Trouble says why somebody should look at it, as the summary does; the words have dashes for spaces.
	Trouble []string
	// place is that in the summary's list of containers that somebody should look at, the worst first; the others have the same one.
	place int
	// At is when the container was read.
	At time.Time
}

// Rows joins the list of containers with the summary, which says what is the matter with them.
func Rows(summary *schema.Summary, list *schema.Containers) []Row {
	type key struct{ engine, id schema.Text }
	troubles := make(map[key]int, len(summary.Attention))
	for i, a := range summary.Attention {
		troubles[key{a.Engine, a.ID}] = i
	}
	rows := make([]Row, len(list.Containers))
	for i, c := range list.Containers {
		rows[i] = Row{Container: c, place: len(summary.Attention), At: time.Time(list.Time)}
		if place, ok := troubles[key{c.Engine, c.ID}]; ok {
			rows[i].place = place
			for _, reason := range summary.Attention[place].Reasons {
				rows[i].Trouble = append(rows[i].Trouble, strings.ReplaceAll(reason, "_", "-"))
			}
		}
	}
	return rows
}

// Label is the name, or what else tells a container apart; it is not made inert.
func (r *Row) Label() string {
	switch {
	case r.Name != "":
		return string(r.Name)
	case len(r.ID) > 12:
		return string(r.ID[:12])
	}
	return string(r.ID)
}

// runs says whether the container has processes.
func (r *Row) runs() bool { return r.State == "running" || r.State == "paused" }

// since is when the present state began, as far as that is known.
func (r *Row) since() time.Time {
	switch {
	case r.runs() && !r.StartedAt.IsZero():
		return time.Time(r.StartedAt)
	case !r.runs() && !r.FinishedAt.IsZero():
		return time.Time(r.FinishedAt)
	}
	return time.Time(r.CreatedAt)
}

// cpu is the used part of the processors that the container may use.
func (r *Row) cpu() float64 { return ratio(r.CPU.Cores, r.CPU.LimitCores) }

// memory is the used part of the memory that the container may use.
func (r *Row) memory() float64 { return ratio(r.Memory.WorkingSetBytes, r.Memory.LimitBytes) }

// pressure is the largest part of the time, 0-1, in which some task waited for a processor, memory or io.
func (r *Row) pressure() float64 {
	most := math.NaN()
	for _, v := range []schema.Number{r.Pressure.CPU, r.Pressure.Memory, r.Pressure.IO} {
		if v.Known() && !(float64(v) <= most) {
			most = float64(v)
		}
	}
	return most
}

// ratio is a part of a whole, 0-1; NaN = unknown.
func ratio(part, whole schema.Number) float64 {
	if whole <= 0 {
		return math.NaN()
	}
	return float64(part / whole)
}

// sum adds up what is known of two numbers; NaN = neither is.
func sum(a, b schema.Number) float64 {
	total := schema.Unknown()
	total.Add(float64(a))
	total.Add(float64(b))
	return float64(total)
}

// Sort is an order of containers.
type Sort struct {
	Name string
	// Descending says that the largest come first, as they are looked for.
	Descending bool
	value      func(*Row) float64
	less       func(a, b *Row) int
}

// Sorts lists the orders that there are, the default first.
func Sorts() []Sort {
	return []Sort{
		{Name: "trouble", less: byTrouble},
		{Name: "name", less: byName},
		{Name: "cpu", Descending: true, value: (*Row).cpu},
		{Name: "memory", Descending: true, value: func(r *Row) float64 { return float64(r.Memory.WorkingSetBytes) }},
		{Name: "throttled", Descending: true, value: func(r *Row) float64 { return float64(r.CPU.ThrottledRatio) }},
		{Name: "pressure", Descending: true, value: (*Row).pressure},
		{Name: "net", Descending: true, value: func(r *Row) float64 {
			return sum(r.Network.ReceiveBytesPerSecond, r.Network.TransmitBytesPerSecond)
		}},
		{Name: "io", Descending: true, value: func(r *Row) float64 {
			return sum(r.IO.ReadBytesPerSecond, r.IO.WriteBytesPerSecond)
		}},
		{Name: "pids", Descending: true, value: func(r *Row) float64 { return float64(r.Pids.Threads) }},
		{Name: "restarts", Descending: true, value: func(r *Row) float64 { return float64(r.Restarts) }},
		{Name: "age", value: func(r *Row) float64 { return r.At.Sub(r.since()).Seconds() }},
	}
}

// SortNames lists the names of Sorts.
func SortNames() []string {
	var names []string
	for _, s := range Sorts() {
		names = append(names, s.Name)
	}
	return names
}

// FindSort gives the order of a name; with a "-" before it the other way round. The error says what would be right.
func FindSort(name string) (Sort, error) {
	bare, reverse := strings.CutPrefix(name, "-")
	for _, s := range Sorts() {
		if s.Name == bare {
			s.Descending = s.Descending != reverse
			return s, nil
		}
	}
	return Sort{}, fmt.Errorf("there is no order \"%s\": want one of %s", table.Inert(name), strings.Join(SortNames(), ", "))
}

// Apply puts rows in order. What is not known comes last either way; what is equal is ordered by name.
func (s Sort) Apply(rows []Row) {
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(s.compare(&a, &b), byName(&a, &b))
	})
}

func (s Sort) compare(a, b *Row) int {
	direction := 1
	if s.Descending {
		direction = -1
	}
	if s.less != nil {
		return direction * s.less(a, b)
	}
	x, y := s.value(a), s.value(b)
	switch unknownX, unknownY := math.IsNaN(x), math.IsNaN(y); {
	case unknownX && unknownY:
		return 0
	case unknownX:
		return 1
	case unknownY:
		return -1
	}
	return direction * cmp.Compare(x, y)
}

func byName(a, b *Row) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Engine, b.Engine), cmp.Compare(a.ID, b.ID))
}

// byTrouble begins with what somebody should look at, and ends with what does not run.
func byTrouble(a, b *Row) int {
	idle := func(r *Row) int {
		if r.runs() {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(idle(a), idle(b)))
}
