package browser

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tallyman/test/internal/require"
)

// actionTimeout bounds one step, on an emulated machine too.
const actionTimeout = 2 * time.Minute

//go:embed audit.js
var auditScript string

// Browser is a running Chromium. It is not for concurrent use.
type Browser struct {
	ctx context.Context
}

// Start runs Chromium with a fresh profile until the test ends. Without Chromium the test is left out.
func Start(t testing.TB) *Browser {
	t.Helper()
	require.Browser(t)
	// Not t.TempDir: Chromium's helpers may still write to it for a moment after its end.
	profile, err := os.MkdirTemp("", "tm-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(10 * time.Second); os.RemoveAll(profile) != nil && time.Now().Before(end); {
			time.Sleep(100 * time.Millisecond)
		}
	})
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath("chromium"), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("password-store", "basic"),
	}
	for _, quiet := range []string{"quic", "background-networking", "component-update", "sync", "breakpad", "default-apps", "extensions"} {
		options = append(options, chromedp.Flag("disable-"+quiet, true))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // it may have ended already
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &Browser{ctx}
}

// Options say how somebody looks at a page. The zero value is a large light screen, with scripts.
type Options struct {
	// Width and Height are those of the window, in pixels; 0 = 1400 by 900.
	Width, Height int64
	// Phone makes it a touch screen with a viewport of its own.
	Phone bool
	// Dark prefers dark colours.
	Dark bool
	// NoScript switches scripts off.
	NoScript bool
}

// Page is one tab. It is not for concurrent use.
type Page struct {
	ctx context.Context

	mu       sync.Mutex // guards the fields below
	problems []string
	hosts    map[string]bool
	asked    int
	dropped  bool // what was being loaded was dropped
}

// Open opens an empty tab until the test ends.
func (b *Browser) Open(t testing.TB, o Options) *Page {
	t.Helper()
	if o.Width == 0 {
		o.Width, o.Height = 1400, 900
	}
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	p := &Page{ctx: ctx, hosts: map[string]bool{}}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	var screen []chromedp.EmulateViewportOption
	if o.Phone {
		screen = append(screen, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait, chromedp.EmulateScale(2))
	}
	p.do(t, "set the screen", chromedp.EmulateViewport(o.Width, o.Height, screen...))
	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript}); err != nil {
		t.Fatal(err)
	}
	return p
}

// hear notes what goes wrong, and who is asked.
func (p *Page) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.problems = append(p.problems, "exception: "+text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			p.problems = append(p.problems, fmt.Sprintf("console: %s: %v", e.Type, e.Args))
		}
	case *log.EventEntryAdded:
		// A browser drops what it is loading when an interface of the host comes or goes, as one does with every container.
		if strings.Contains(e.Entry.Text, "net::ERR_NETWORK_CHANGED") {
			p.dropped = true
			return
		}
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			p.problems = append(p.problems, fmt.Sprintf("log: %s %s", e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" && u.Scheme != "blob" {
			p.hosts[u.Host] = true
			p.asked++
		}
	}
}

// Problems are the errors, exceptions and broken rules that the browser has told of so far.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.problems...)
}

// Forget drops the problems so far: they were wanted.
func (p *Page) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = nil
}

// Hosts are those that were asked for something so far, and Requests how often.
func (p *Page) Hosts() (hosts []string, requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for h := range p.hosts {
		hosts = append(hosts, h)
	}
	return hosts, p.asked
}

// Go opens an address, and waits until it has loaded.
func (p *Page) Go(t testing.TB, address string) {
	t.Helper()
	for range 5 {
		p.mu.Lock()
		p.dropped = false
		p.mu.Unlock()
		p.do(t, "open "+address, chromedp.Navigate(address))
		p.mu.Lock()
		again := p.dropped
		p.mu.Unlock()
		if !again {
			return
		}
	}
	t.Fatalf("open %s: the network of this host changes all the time", address)
}

// Press presses keys, one after the other: letters, or the names that scripts know them by, such as "Enter". A letter is written only
// where the page has not taken the key for itself, as with a keyboard.
func (p *Page) Press(t testing.TB, keys ...string) {
	t.Helper()
	codes := map[string]int64{"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "Tab": 9}
	for _, key := range keys {
		down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, WindowsVirtualKeyCode: codes[key]}
		switch {
		case key == "Enter":
			down.Text = "\r"
		case codes[key] == 0:
			down.Text = key
		}
		up := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key, WindowsVirtualKeyCode: codes[key]}
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
			_, err := chromedp.Call(ctx, input.DispatchKeyEvent, event)
			cancel()
			if err != nil {
				t.Fatalf("press %s: %v", key, err)
			}
		}
	}
}

// Click clicks the first element that a CSS selector finds, once it is visible.
func (p *Page) Click(t testing.TB, selector string) {
	t.Helper()
	p.do(t, "click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Screenshot writes the whole page as a picture of that name into the folder of artifacts.
func (p *Page) Screenshot(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatalf("screenshot %s: %v", name, err)
	}
	folder := Artifacts()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Artifacts is the folder of what a test leaves to be looked at: TALLYMAN_TEST_ARTIFACTS or, in this repository, test/artifacts.
func Artifacts() string {
	if folder := os.Getenv("TALLYMAN_TEST_ARTIFACTS"); folder != "" {
		return folder
	}
	return filepath.Join("..", "artifacts")
}

// Audit lists what keeps people from using the page: missing names and labels, disorder among headings, weak contrast, small
// targets, and what does not fit the screen.
func (p *Page) Audit(t testing.TB) []string {
	t.Helper()
	return Eval[[]string](t, p, auditScript)
}

func (p *Page) do(t testing.TB, what string, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// Eval evaluates an expression in the page, also when scripts are switched off there.
func Eval[T any](t testing.TB, p *Page, expression string) T {
	t.Helper()
	v, err := eval[T](p, expression)
	if err != nil {
		t.Fatalf("evaluate %s: %v", strings.SplitN(strings.TrimSpace(expression), "\n", 2)[0], err)
	}
	return v
}

func eval[T any](p *Page, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// Wait waits until an expression is true, for so long at most; what says what is waited for. On its way from one page to the next
// a tab has nothing to ask: an expression that fails is not true yet.
func (p *Page) Wait(t testing.TB, limit time.Duration, what, expression string) {
	t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		is, err := eval[bool](p, "Boolean("+expression+")")
		if is {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: not so: %s (%s): %v\nthe page says: %.3000s", limit, what, expression, err, Eval[string](t, p, "document.body.innerText"))
		}
	}
}
