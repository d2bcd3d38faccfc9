package top

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/gdamore/tcell/v2/terminfo"

	"tallyman/api/schema"
	"tallyman/cmd/tallyman/internal/listing"
)

// Source is the tallyman that is asked; ask.Client is one. It must be safe for concurrent use.
type Source interface {
	Summary(ctx context.Context) (schema.Summary, error)
	Containers(ctx context.Context) (schema.Containers, error)
	Container(ctx context.Context, engine, id string) (schema.ContainerDetails, error)
	History(ctx context.Context, engine, id string) (schema.History, error)
	// Where is the address that is asked, for people; "" = this host.
	Where() string
}

// Options say what is shown.
type Options struct {
	Source Source
	// Interval is the time between two readings.
	Interval time.Duration
	// Sort is the order at first.
	Sort listing.Sort
	// Screen is where it is drawn, after Init; Run gives it back.
	Screen tcell.Screen
}

// NewScreen takes over the terminal of this process, until Fini. The error is one line that says what would be right.
func NewScreen() (tcell.Screen, error) {
	tty, err := tcell.NewStdIoTty()
	if err != nil {
		return nil, err
	}
	// The library would start infocmp to learn of a terminal that it does not know. Nearly all do as xterm does.
	info, err := terminfo.LookupTerminfo(os.Getenv("TERM"))
	if err != nil {
		if info, err = terminfo.LookupTerminfo("xterm"); err != nil {
			return nil, err
		}
	}
	screen, err := tcell.NewTerminfoScreenFromTtyTerminfo(tty, info)
	if err != nil {
		return nil, err
	}
	tcell.SetEncodingFallback(tcell.EncodingFallbackASCII)
	if err := screen.Init(); err != nil {
		return nil, fmt.Errorf("the terminal %q cannot be used: %w", os.Getenv("TERM"), err)
	}
	for char, plain := range fallbacks() {
		screen.RegisterRuneFallback(char, plain)
	}
	return screen, nil
}

// fallbacks are for terminals that show ASCII only, as the locale says.
func fallbacks() map[rune]string {
	all := map[rune]string{'–': "-", '…': "~", '·': "|", '↑': "^", '↓': "v", '\u202f': " "}
	for level, char := range levels() {
		all[char] = string("_.:-=+*#"[level])
	}
	return all
}

// Run shows the containers until somebody quits or ctx ends, and gives the terminal back.
func Run(ctx context.Context, o Options) {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer o.Screen.Fini()
	defer cancel()
	l := &loop{
		Options: o, model: newModel(o), events: make(chan tcell.Event, 64), answers: make(chan *answer, 1), background: &background,
	}
	background.Go(func() { o.Screen.ChannelEvents(l.events, ctx.Done()) })
	l.run(ctx)
}

// loop is what goes on between two drawings.
type loop struct {
	Options

	model      *model
	events     chan tcell.Event
	answers    chan *answer
	background *sync.WaitGroup
	asking     bool
	// hurry says that something else is wanted than what is asked for now.
	hurry bool
}

// firstRates is how soon the second reading follows the first: the use of processors is told by two.
const firstRates = 1100 * time.Millisecond

func (l *loop) run(ctx context.Context) {
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event, ok := <-l.events:
			if !ok || !l.take(event) {
				return
			}
		case <-due.C:
			l.hurry = true
		case a := <-l.answers:
			l.asking = false
			first := l.model.summary == nil
			l.model.take(a)
			wait := l.Interval
			if first {
				wait = min(wait, firstRates)
			}
			due.Reset(wait)
		}
		if l.hurry && !l.asking && !l.model.paused {
			l.ask(ctx)
		}
		l.model.draw(l.Screen)
	}
}

// take handles an event and those that wait behind it, so that a held key costs one drawing; false = quit.
func (l *loop) take(event tcell.Event) bool {
	for {
		switch event := event.(type) {
		case *tcell.EventKey:
			if l.model.key(event) == quit {
				return false
			}
		case *tcell.EventResize:
			l.Screen.Sync()
		case *tcell.EventError:
			return false // the terminal has gone
		}
		select {
		case next, ok := <-l.events:
			if !ok {
				return false
			}
			event = next
		default:
			l.hurry = l.hurry || l.model.stale()
			return true
		}
	}
}

// ask begins a reading; there is one at a time, however slow it is.
func (l *loop) ask(ctx context.Context) {
	l.asking, l.hurry = true, false
	of := l.model.shown
	l.background.Go(func() {
		a := read(ctx, l.Source, of)
		if ctx.Err() == nil {
			l.answers <- a // there is room: one is asked for at a time
		}
	})
}

// answer is one reading. What could not be had is nil.
type answer struct {
	at      time.Time
	summary *schema.Summary
	rows    []listing.Row
	err     error

	// of is the container whose details were asked for.
	of         identity
	details    *schema.ContainerDetails
	history    []schema.Point
	detailsErr error
}

// identity tells containers apart; the zero value is none.
type identity struct{ engine, id string }

// read asks for everything that is shown.
func read(ctx context.Context, from Source, of identity) *answer {
	a := &answer{at: time.Now(), of: of}
	list, err := from.Containers(ctx)
	if err == nil {
		var summary schema.Summary
		if summary, err = from.Summary(ctx); err == nil {
			a.summary, a.rows = &summary, listing.Rows(&summary, &list)
		}
	}
	a.err = err
	if err != nil || of.id == "" {
		return a
	}
	details, err := from.Container(ctx, of.engine, of.id)
	if err != nil {
		a.detailsErr = err
		return a
	}
	a.details = &details
	if history, err := from.History(ctx, of.engine, of.id); err == nil { // not every tallyman remembers something
		a.history = history.Points
	}
	return a
}
