package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/human"
)

// What the page of all containers shows of the past; the rest is one link away.
const (
	indexEvents = 12
	indexEnded  = 12
	indexWorst  = 6
	// shortName is how much of a name the table shows: the container's own page has it whole.
	shortName = 80
)

// indexView is the page of all containers.
type indexView struct {
	pageHead

	Host    hostView
	Query   tableQuery
	Columns []column
	Rows    []rowView
	Shown   int
	Verdict verdict
	Chips   []chip
	Ended   []endedView
	Events  []eventView
	Unseen  []unseenView
}

// verdict is the answer to why somebody opened the page.
type verdict struct {
	// Count is how many containers need attention; Worst are some of them, and Others how many are left.
	Count, Others int
	Worst         []worstView
}

// worstView names a container that needs attention, and says why in a word.
type worstView struct{ Title, Link, Word string }

// chip is a filter that is one click away.
type chip struct {
	Label, Query, Href string
	Count              int
	// Here says that the script can do it without asking for another page.
	Here, Current bool
}

// rowView is one row of the table of containers.
type rowView struct {
	schema.Container

	Link, Title string
	Reasons     []reason
	Level       string
	// States are the words of "state:".
	States string
	Rank   int
	Hidden bool
	// AgeText says "up 3 h", or "2 h ago"; Age is the time in seconds since then.
	AgeText               string
	Age                   schema.Number
	Exit                  string
	CPUShare, MemoryShare schema.Number
	CPUSpark, MemorySpark spark
	PressureOf            string
	Throttled, Pressure   schema.Number
	NetSum, IOSum         schema.Number
	LimitsMemory, IsEnded bool

	severity severity
}

// indexPage shows the host and its containers.
func (s *Server) indexPage(w http.ResponseWriter, r *http.Request) {
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		unavailable(w, r, s.log, err)
		return
	}
	q := parseTableQuery(r.URL.Query())
	points := s.source.History("", "")
	view := indexView{
		pageHead: s.head(snap, "", "tallyman"),
		Host:     s.newHost(snap, points), Query: q, Columns: headings(q), Rows: s.rows(snap, spanOf(points)),
		Ended: endedLately(s.source.LastWords(), snap.Time), Events: newEventViews(s.source.Events(indexEvents), ""), Unseen: unseen(snap),
	}
	view.Nav = "containers"
	if name := snap.Machine.Hostname; name != "" {
		view.Title = name + " – tallyman"
	}
	view.Verdict = judge(view.Rows)
	view.Chips = chips(&view)
	sortRows(view.Rows, q)
	for i := range view.Rows {
		row := &view.Rows[i]
		row.Hidden = !q.matches(row.haystack(), strings.Fields(row.States))
		if !row.Hidden {
			view.Shown++
		}
	}
	s.sendPage(w, r, http.StatusOK, "index.html", view)
}

// rows gives the rows of all containers, trouble first.
func (s *Server) rows(snap *collector.Snapshot, over span) []rowView {
	rows := make([]rowView, len(snap.Containers))
	for i := range snap.Containers {
		c := &snap.Containers[i]
		rows[i] = newRow(c, snap, s.source.History(c.Engine, containerID(c)), over)
	}
	slices.SortStableFunc(rows, func(a, b rowView) int {
		order := cmp.Compare(b.severity, a.severity)
		if order == 0 && a.IsEnded && b.IsEnded {
			order = time.Time(b.FinishedAt).Compare(time.Time(a.FinishedAt))
		}
		return cmp.Or(order, cmp.Compare(len(b.Reasons), len(a.Reasons)))
	})
	for i := range rows {
		rows[i].Rank = i
	}
	return rows
}

// newRow makes the row of a container.
func newRow(c *collector.Container, snap *collector.Snapshot, points []collector.Point, over span) rowView {
	item := newItem(c)
	row := rowView{
		Container: item, Link: link(item.ID, item.Name), Title: shorten(nameOf(item), shortName), Reasons: allTrouble(c, snap),
		CPUShare: ratio(item.CPU.Cores, item.CPU.LimitCores), MemoryShare: ratio(item.Memory.WorkingSetBytes, item.Memory.LimitBytes),
		Pressure: schema.Unknown(), NetSum: plus(item.Network.ReceiveBytesPerSecond, item.Network.TransmitBytesPerSecond),
		IOSum:        plus(item.IO.ReadBytesPerSecond, item.IO.WriteBytesPerSecond),
		Throttled:    schema.Unknown(),
		LimitsMemory: item.Memory.LimitBytes.Known(),
	}
	if c.LimitCores < snap.Machine.Cores { // without a limit of its own there is nothing to be throttled by
		row.Throttled = item.CPU.ThrottledRatio
	}
	row.Image = schema.Text(shortImage(string(row.Image)))
	row.severity = worst(row.Reasons)
	row.Level = row.severity.level()
	row.States = strings.Join(stateWords(c.Facts, row.severity), " ")
	row.Age, row.AgeText, row.IsEnded = ageOf(c.Facts, snap.Time)
	if row.IsEnded && c.Facts.HasExited && !c.Facts.Listed {
		row.Exit = exitWords(c.Facts.ExitCode)
	}
	if c.Source == collector.SourceNone {
		return row
	}
	row.CPUSpark = newSpark(points, over, c.LimitCores/10, cpuOf, human.Cores)
	row.MemorySpark = newSpark(points, over, memoryTop(points, c.Stats.Memory.Limit), memoryOf, human.Bytes)
	if len(points) > 0 {
		last := &points[len(points)-1]
		row.Pressure, row.PressureOf = schema.Number(worstPressure(last)), pressureOf(last)
	}
	return row
}

// memoryTop is what a line of memory reaches up to: the limit or, where there is none, more than was ever used, so that what is
// steady does not look full.
func memoryTop(points []collector.Point, limit float64) float64 {
	if finite(limit) {
		return limit
	}
	top, _ := highest(points, []lineSpec{{Value: memoryOf}})
	return 1.5 * top
}

// allTrouble is everything that is known to be wrong with a container, the worst first.
func allTrouble(c *collector.Container, snap *collector.Snapshot) []reason {
	all := append(trouble(c), load(c, &snap.Host)...)
	worstFirst(all)
	return all
}

// haystack is the text of a row in which words are looked for.
func (r *rowView) haystack() string {
	words := []string{r.Title, string(r.Image), string(r.Engine)}
	for _, reason := range r.Reasons {
		words = append(words, reason.Text)
	}
	return strings.Join(words, " ")
}

// stateWords are the words that "state:" finds.
func stateWords(f *engine.Container, s severity) []string {
	words := []string{"unknown"}
	if f != nil {
		words = []string{string(f.State)}
		if f.Health != engine.HealthNone && f.State.HasProcesses() {
			words = append(words, string(f.Health))
		}
	}
	if s >= attentionFrom {
		words = append(words, "attention")
	}
	return words
}

// ageOf says since when a container runs or, when it does not, since when it has ended.
func ageOf(f *engine.Container, now time.Time) (seconds schema.Number, text string, ended bool) {
	if f == nil || f.Listed {
		return schema.Unknown(), human.Dash, false
	}
	since := func(t time.Time) schema.Number { return schema.Number(max(now.Sub(t), 0).Seconds()) }
	switch {
	case f.State.HasProcesses() && !f.Started.IsZero():
		return since(f.Started), "up " + human.Since(f.Started, now), false
	case !f.Finished.IsZero():
		return since(f.Finished), human.Since(f.Finished, now) + " ago", true
	case !f.Created.IsZero():
		return since(f.Created), "made " + human.Since(f.Created, now) + " ago", true
	}
	return schema.Unknown(), human.Dash, true
}

// pressureOf names the largest of the pressures.
func pressureOf(p *collector.Point) string {
	switch worst := worstPressure(p); worst {
	case p.CPUPressure:
		return "cpu"
	case p.MemoryPressure:
		return "memory"
	case p.IOPressure:
		return "io"
	}
	return ""
}

// judge finds what needs attention, in rows with the worst first.
func judge(rows []rowView) verdict {
	var v verdict
	for i := range rows {
		r := &rows[i]
		if r.severity < attentionFrom {
			break
		}
		if v.Count++; v.Count <= indexWorst {
			v.Worst = append(v.Worst, worstView{shorten(r.Title, shortName/2), r.Link, troubleWords(r.Reasons[0].Code())})
		}
	}
	v.Others = max(v.Count-indexWorst, 0)
	return v
}

// troubleWords says the code of a reason in few words.
func troubleWords(code string) string {
	switch code {
	case "oom_looping":
		return "OOM-killed in a loop"
	case "memory_limit":
		return "at its memory limit"
	case "memory_pressure":
		return "waits for memory"
	case "cpu_pressure":
		return "waits for processors"
	case "io_pressure":
		return "waits for io"
	}
	return code
}

// chips are the filters by state, with how many containers each would show.
func chips(v *indexView) []chip {
	counts := map[string]int{}
	for i := range v.Rows {
		for state := range strings.FieldsSeq(v.Rows[i].States) {
			counts[state]++
		}
	}
	all := []chip{{Label: "all", Count: len(v.Rows), Here: true}}
	words := []string{"attention"}
	for _, state := range engine.States() {
		words = append(words, string(state))
	}
	for _, word := range append(words, "unhealthy", "starting", "unknown") {
		if counts[word] > 0 {
			all = append(all, chip{Label: word, Count: counts[word], Query: "state:" + word, Here: true})
		}
	}
	for i := range all {
		to := v.Query
		to.Text = all[i].Query
		all[i].Href, all[i].Current = to.href(), all[i].Query == v.Query.Text
	}
	return all
}

// plus adds what is known.
func plus(a, b schema.Number) schema.Number {
	sum := a
	sum.Add(float64(b))
	return sum
}

// shortImage is how a table names an image: one that has no name by the beginning of its id, as docker ps does.
func shortImage(image string) string {
	if id, ok := strings.CutPrefix(image, "sha256:"); ok && len(id) == 64 {
		return id[:12]
	}
	return shorten(image, shortName)
}

// shorten cuts a text that is longer than so many runes.
func shorten(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
