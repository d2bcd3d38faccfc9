package top

import (
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/listing"
)

// mode is what is shown below the header.
type mode int

const (
	modeList mode = iota
	modeDetails
	modeHelp
)

// action is what is to be done after a key.
type action int

const (
	nothing action = iota
	quit
)

// model is what is shown.
type model struct {
	where    string
	interval time.Duration

	mode      mode
	paused    bool
	typing    bool // of the filter
	filter    string
	sort      listing.Sort
	pageLines int // lines of the list, or of the details, at the latest drawing

	// What was read last. err is that of the latest attempt; the rest stays as it was.
	at      time.Time
	err     error
	summary *schema.Summary
	before  *schema.Summary // that of the reading before
	rows    []listing.Row

	// visible are the rows that the filter lets through, in order, and view their texts.
	visible  []listing.Row
	view     listing.View
	selected int
	offset   int

	// shown is the container of the details; zero = none.
	shown      identity
	details    *schema.ContainerDetails
	history    []schema.Point
	detailsErr error
	scroll     int
}

func newModel(o Options) *model {
	return &model{where: o.Source.Where(), interval: o.Interval, sort: o.Sort}
}

// take shows a reading.
func (m *model) take(a *answer) {
	m.at, m.err = a.at, a.err
	if a.of == m.shown && a.err == nil {
		m.details, m.history, m.detailsErr = a.details, a.history, a.detailsErr
	}
	if a.summary == nil {
		return
	}
	m.before, m.summary, m.rows = m.summary, a.summary, a.rows
	m.arrange()
}

// stale says whether something is to be shown that was not asked for yet.
func (m *model) stale() bool {
	return m.shown.id != "" && m.details == nil && m.detailsErr == nil
}

// arrange filters and sorts. The selection stays with its container, or where it was.
func (m *model) arrange() {
	var at identity
	if m.selected < len(m.visible) {
		at = identityOf(&m.visible[m.selected])
	}
	m.visible = slices.DeleteFunc(slices.Clone(m.rows), func(r listing.Row) bool { return !m.matches(&r) })
	m.sort.Apply(m.visible)
	m.view = listing.NewView(m.visible, false)
	if at.id != "" {
		if i := slices.IndexFunc(m.visible, func(r listing.Row) bool { return identityOf(&r) == at }); i >= 0 {
			m.selected = i
		}
	}
	m.selectRow(m.selected)
}

// matches says whether the filter lets a container through: all of its words are somewhere in the name, the image, the state, the
// health, the engine or the trouble.
func (m *model) matches(r *listing.Row) bool {
	text := strings.ToLower(strings.Join(append([]string{
		string(r.Name), string(r.Image), string(r.State), string(r.Health), string(r.Engine), string(r.ID),
	}, r.Trouble...), " "))
	for word := range strings.FieldsSeq(strings.ToLower(m.filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func identityOf(r *listing.Row) identity { return identity{string(r.Engine), string(r.ID)} }

func (m *model) selectRow(n int) { m.selected = max(0, min(n, len(m.visible)-1)) }

// key handles a key.
func (m *model) key(k *tcell.EventKey) action {
	if k.Key() == tcell.KeyRune && k.Modifiers()&tcell.ModAlt != 0 {
		// Terminals send Alt as Esc before the letter: who types both quickly means both.
		m.key(tcell.NewEventKey(tcell.KeyEscape, 0, tcell.ModNone))
		k = tcell.NewEventKey(tcell.KeyRune, k.Rune(), tcell.ModNone)
	}
	switch {
	case k.Key() == tcell.KeyCtrlC:
		return quit
	case m.typing:
		m.typed(k)
		return nothing
	case k.Key() == tcell.KeyEscape:
		m.back()
		return nothing
	case k.Key() == tcell.KeyRune:
		return m.letter(k.Rune())
	}
	m.move(k.Key())
	return nothing
}

// typed handles a key while the filter is written.
func (m *model) typed(k *tcell.EventKey) {
	const longest = 100
	switch k.Key() {
	case tcell.KeyEnter:
		m.typing = false
	case tcell.KeyEscape:
		m.typing, m.filter = false, ""
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		if letters := []rune(m.filter); len(letters) > 0 {
			m.filter = string(letters[:len(letters)-1])
		} else {
			m.typing = false
		}
	case tcell.KeyCtrlU:
		m.filter = ""
	case tcell.KeyRune:
		if len(m.filter) < longest {
			m.filter += string(k.Rune())
		}
	default:
		m.move(k.Key())
		return
	}
	m.arrange()
}

// back leaves what is on top of the list; in the list, it drops the filter.
func (m *model) back() {
	if m.mode == modeList {
		m.filter = ""
		m.arrange()
		return
	}
	m.leave()
}

func (m *model) leave() {
	m.mode, m.shown, m.details, m.history, m.detailsErr, m.scroll = modeList, identity{}, nil, nil, nil, 0
}

// letter handles a key that writes a letter.
func (m *model) letter(r rune) action {
	switch r {
	case 'q':
		return quit
	case '?', 'h':
		before := m.mode
		m.leave()
		if before != modeHelp {
			m.mode = modeHelp
		}
	case ' ':
		m.paused = !m.paused
	case '/':
		m.leave()
		m.typing = true
	case 'j':
		m.move(tcell.KeyDown)
	case 'k':
		m.move(tcell.KeyUp)
	case 'g':
		m.move(tcell.KeyHome)
	case 'G':
		m.move(tcell.KeyEnd)
	default:
		if name := sortKeys()[r]; name != "" && m.mode == modeList {
			m.sortBy(name)
		}
	}
	return nothing
}

// sortKeys are the orders by their keys.
func sortKeys() map[rune]string {
	return map[rune]string{
		'c': "cpu", 'm': "memory", 't': "throttled", 'p': "pressure", 'n': "net", 'i': "io", 'r': "restarts", 's': "trouble", 'N': "name",
		'd': "pids", 'a': "age",
	}
}

// sortBy sets the order; the same one again reverses it.
func (m *model) sortBy(name string) {
	if m.sort.Name == name {
		m.sort.Descending = !m.sort.Descending
	} else if s, err := listing.FindSort(name); err == nil {
		m.sort = s
	}
	m.selected, m.offset = 0, 0
	m.visible = nil // the selection goes to the top, where what was looked for is
	m.arrange()
}

// move moves the selection, or the text.
func (m *model) move(k tcell.Key) {
	step := map[tcell.Key]int{
		tcell.KeyUp: -1, tcell.KeyDown: 1, tcell.KeyPgUp: -m.pageLines, tcell.KeyPgDn: m.pageLines, tcell.KeyHome: -1 << 30, tcell.KeyEnd: 1 << 30,
		tcell.KeyCtrlP: -1, tcell.KeyCtrlN: 1, tcell.KeyCtrlB: -m.pageLines, tcell.KeyCtrlF: m.pageLines,
	}[k]
	switch {
	case m.mode != modeList:
		m.scroll = max(0, m.scroll+step) // the end is known when it is drawn
	case k == tcell.KeyEnter:
		if m.selected < len(m.visible) {
			m.mode, m.shown, m.scroll = modeDetails, identityOf(&m.visible[m.selected]), 0
		}
	default:
		m.selectRow(m.selected + step)
	}
}
