package api

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"strings"

	"tallyman/api/schema"
)

// maxFilterRunes bounds what somebody looks for in a table.
const maxFilterRunes = 200

// tableQuery is what the address of a page asks of its table. The script understands the same, so that an address can be shared.
type tableQuery struct {
	// Text is what is looked for: words that must all be there; "state:exited" is a state, a health, or "attention".
	Text string
	// Sort is the Key of a column; "" = trouble first. Down says that the largest comes first.
	Sort string
	Down bool
}

// parseTableQuery reads an address. What makes no sense is left out: a page has something to show in any case.
func parseTableQuery(values url.Values) tableQuery {
	q := tableQuery{Text: values.Get("q")}
	if runes := []rune(q.Text); len(runes) > maxFilterRunes {
		q.Text = string(runes[:maxFilterRunes])
	}
	for _, c := range columns() {
		if c.Key == values.Get("sort") {
			q.Sort, q.Down = c.Key, c.number != nil
		}
	}
	switch values.Get("dir") {
	case "asc":
		q.Down = false
	case "desc":
		q.Down = true
	}
	return q
}

// href is the address of the page with this query.
func (q tableQuery) href() string {
	v := url.Values{}
	if q.Text != "" {
		v.Set("q", q.Text)
	}
	if q.Sort != "" {
		v.Set("sort", q.Sort)
		v.Set("dir", direction(q.Down))
	}
	if len(v) == 0 {
		return "./"
	}
	return "?" + v.Encode()
}

// direction is how an address says which end comes first.
func direction(down bool) string {
	if down {
		return "desc"
	}
	return "asc"
}

// matches says whether a row has all that is looked for.
func (q tableQuery) matches(text string, states []string) bool {
	text = strings.ToLower(text)
	for word := range strings.FieldsSeq(strings.ToLower(q.Text)) {
		state, isState := strings.CutPrefix(word, "state:")
		switch {
		case isState && !slices.Contains(states, state):
			return false
		case !isState && !strings.Contains(text, word) && !slices.Contains(states, word):
			return false
		}
	}
	return true
}

// column is one column of the table of containers.
type column struct {
	Key, Label, Title string
	Class             string
	// Href sorts by it, or the other way round when that is done already.
	Href string
	// Order is aria-sort; "" = not sorted by it.
	Order string

	number func(*rowView) float64 // nil for words
	text   func(*rowView) string
}

// columns lists the columns from left to right.
func columns() []column {
	number := func(of func(*rowView) schema.Number) func(*rowView) float64 {
		return func(r *rowView) float64 { return float64(of(r)) }
	}
	return []column{
		{Key: "name", Label: "Container", text: func(r *rowView) string { return strings.ToLower(r.Title) }},
		{Key: "state", Label: "State", text: func(r *rowView) string { return string(r.State) + " " + string(r.Health) }},
		{Key: "age", Label: "Age", Title: "since it started or, if it does not run, since it ended", number: number(func(r *rowView) schema.Number { return r.Age })},
		{Key: "cpu", Label: "CPU", Title: "processors in use, and of how many", Class: "n", number: number(func(r *rowView) schema.Number { return r.CPU.Cores })},
		{Key: "throttled", Label: "Throttled", Title: "periods in which the limit of the processors was met", Class: "n", number: number(func(r *rowView) schema.Number { return r.Throttled })},
		{Key: "memory", Label: "Memory", Title: "working set, and of which limit", Class: "n", number: number(func(r *rowView) schema.Number { return r.Memory.WorkingSetBytes })},
		{Key: "pressure", Label: "Pressure", Title: "part of the time in which some task waited for the processor, memory or io, whichever is most", Class: "n", number: number(func(r *rowView) schema.Number { return r.Pressure })},
		{Key: "net", Label: "Network", Title: "received and sent", Class: "n", number: number(func(r *rowView) schema.Number { return r.NetSum })},
		{Key: "io", Label: "Disk io", Title: "read and written", Class: "n", number: number(func(r *rowView) schema.Number { return r.IOSum })},
		{Key: "restarts", Label: "Restarts", Title: "by the restart policy", Class: "n", number: number(func(r *rowView) schema.Number { return r.Restarts })},
	}
}

// First is the direction in which it is sorted first.
func (c column) First() string { return direction(c.number != nil) }

// headings are the columns with their addresses.
func headings(q tableQuery) []column {
	all := columns()
	for i := range all {
		c := &all[i]
		to := tableQuery{Text: q.Text, Sort: c.Key, Down: c.number != nil}
		if q.Sort == c.Key {
			to.Down = !q.Down
			c.Order = "ascending"
			if q.Down {
				c.Order = "descending"
			}
		}
		c.Href = to.href()
	}
	return all
}

// sortRows sorts as the query asks. What is not known comes last, whichever way.
func sortRows(rows []rowView, q tableQuery) {
	i := slices.IndexFunc(columns(), func(c column) bool { return c.Key == q.Sort })
	if i < 0 {
		return
	}
	by := columns()[i]
	sign := 1
	if q.Down {
		sign = -1
	}
	slices.SortStableFunc(rows, func(a, b rowView) int {
		if by.number == nil {
			return sign * cmp.Compare(by.text(&a), by.text(&b))
		}
		va, vb := by.number(&a), by.number(&b)
		switch {
		case math.IsNaN(va) && math.IsNaN(vb):
			return 0
		case math.IsNaN(va):
			return 1
		case math.IsNaN(vb):
			return -1
		}
		return sign * cmp.Compare(va, vb)
	})
}
