package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/browser"
	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
)

// host is an engine with thirty containers in all states and four that are in trouble, a tallyman that watches it, and a browser.
type host struct {
	*program.Program

	engine  *ownEngine
	browser *browser.Browser
}

// inTrouble are the names of the four.
func inTrouble() []string {
	return []string{"tm-page-busy", "tm-page-oom", "tm-page-sick", "tm-page-throttled"}
}

// TestBrowser: an operator who opens the page of a host in trouble sees which containers it is, and why, in a real browser that
// tells of no error and asks nobody else.
func TestBrowser(t *testing.T) {
	h := newHost(t)
	t.Run("trouble first", h.troubleFirst)
	t.Run("sorts", h.sorts)
	t.Run("filters", h.filters)
	t.Run("keys", h.keys)
	t.Run("follows", h.follows)
	t.Run("without script", h.withoutScript)
	t.Run("for everybody", h.forEverybody)
	t.Run("a container", h.aContainer)
	t.Run("harmless", h.harmless)
	t.Run("away", h.away)
	// What needs a memory of the past.
	t.Run("past", h.past)
}

func newHost(t *testing.T) *host {
	t.Helper()
	require.OwnEngine(t)
	b := browser.Start(t)
	e := newEngine(t)
	if err := shared.script("populate", e.Host, "calm"); err != nil {
		t.Fatal(err)
	}
	run := func(name string, words ...string) {
		e.Run(t, append([]string{"run", "-d", "--stop-timeout", "1", "--network", "none", "--name", name}, words...)...)
	}
	p := launch(t, program.Options{Path: binary(t), Host: e.Host})
	p.Ready(t)
	run("tm-page-sick", "--health-cmd", "false", "--health-interval", "1s", "--health-retries", "2", image, "sleep", "36000")
	run("tm-page-oom", "--memory", "24m", "--memory-swap", "24m", "--restart", "always", image, "sh", "-c", "sleep .5; tail /dev/zero")
	run("tm-page-throttled", "--cpus", "0.1", image, "sh", "-c", "while :; do :; done")
	run("tm-page-busy", image, "sh", "-c", "while :; do :; done & while :; do :; done")
	return &host{p, e, b}
}

// open opens a page, and checks when the test ends that nothing went wrong in it and that nobody else was asked.
func (h *host) open(t *testing.T, o browser.Options, path string) *browser.Page {
	t.Helper()
	p := h.browser.Open(t, o)
	p.Go(t, h.URL+path)
	t.Cleanup(func() {
		for _, problem := range p.Problems() {
			t.Errorf("%s: %s", path, problem)
		}
		hosts, requests := p.Hosts()
		if own := strings.TrimPrefix(h.URL, "http://"); !slices.Equal(hosts, []string{own}) || requests < 2 {
			t.Errorf("%s asked %q, %d times, and not only %s", path, hosts, requests, own)
		}
	})
	return p
}

// shown is an expression for the names of the rows that are shown, from top to bottom.
const shown = `[...document.querySelectorAll("#containers tbody tr:not([hidden]) th a")].map((a) => a.textContent)`

func (h *host) troubleFirst(t *testing.T) {
	p := h.open(t, browser.Options{}, "/")
	four := fmt.Sprintf(`JSON.stringify(%s.slice(0, 4).sort()) === %q`, shown, `["`+strings.Join(inTrouble(), `","`)+`"]`)
	p.Wait(t, limit, "the four in trouble are the first four rows", four)
	for name, why := range map[string]string{
		"tm-page-oom": "killed for want of memory again and again", "tm-page-sick": "unhealthy", "tm-page-throttled": "throttled in", "tm-page-busy": "busy: uses|waits for processors", // on a machine that is full, it gets little
	} {
		p.Wait(t, limit, name+" says why", fmt.Sprintf(
			`[...document.querySelectorAll("#containers tbody th")].some((th) => th.querySelector("a").textContent === %q && new RegExp(%q).test(th.textContent))`, name, why))
		p.Wait(t, limit, name+" is named in the first line", fmt.Sprintf(`document.getElementById("verdict")?.textContent.includes(%q)`, name))
	}
	p.Wait(t, limit, "the four in trouble are the first four rows", four)
	p.Screenshot(t, "page-desktop")
	want := len(h.engine.Containers(t, "tm-"))
	if got := browser.Eval[[]string](t, p, shown); len(got) != want || want < 30 {
		t.Errorf("%d rows for %d containers, want at least 30", len(got), want)
	}
	states := browser.Eval[[]string](t, p, `[...document.querySelectorAll("#chips a")].map((a) => a.textContent.trim().split(" ")[0])`)
	for _, state := range []string{"all", "attention", "created", "running", "paused", "exited", "unhealthy"} {
		if !slices.Contains(states, state) {
			t.Errorf("no filter for %q: %q", state, states)
		}
	}
}

func (h *host) sorts(t *testing.T) {
	p := h.open(t, browser.Options{}, "/")
	check := func(what, ordered string) {
		t.Helper()
		p.Wait(t, limit, what, ordered)
		if _, before := p.Hosts(); before > 0 { // it stays so when the page has become fresh
			time.Sleep(6 * time.Second)
		}
		p.Wait(t, limit, what+", when it is fresh", ordered)
	}
	column := func(key string) string {
		return fmt.Sprintf(`[...document.querySelectorAll("#containers tbody tr")].map((r) => r.cells[document.getElementById("by-%s").closest("th").cellIndex].dataset.v).filter(Boolean).map(Number)`, key)
	}
	p.Click(t, "#by-memory")
	check("the largest memory first", fmt.Sprintf(`((v) => v.length > 5 && v.every((x, i) => !i || v[i - 1] >= x))(%s) && location.search.includes("sort=memory")`, column("memory")))
	p.Click(t, "#by-memory")
	p.Wait(t, limit, "the smallest memory first", fmt.Sprintf(`((v) => v.length > 5 && v.every((x, i) => !i || v[i - 1] <= x))(%s)`, column("memory")))
	p.Wait(t, limit, "it is said", `document.querySelector("#by-memory").closest("th").getAttribute("aria-sort") === "ascending"`)
	p.Click(t, "#by-name")
	p.Wait(t, limit, "by name", fmt.Sprintf(`((v) => v.every((x, i) => !i || v[i - 1].localeCompare(x) <= 0))(%s)`, shown))
	p.Click(t, "#order a")
	p.Wait(t, limit, "trouble first again", fmt.Sprintf(`%s[0].startsWith("tm-page-") && !location.search.includes("sort")`, shown))
	// Without script the address does it.
	p = h.open(t, browser.Options{NoScript: true}, "/?sort=memory&dir=asc")
	p.Wait(t, limit, "the smallest memory first, by the server", fmt.Sprintf(`((v) => v.length > 5 && v.every((x, i) => !i || v[i - 1] <= x))(%s)`, column("memory")))
}

func (h *host) filters(t *testing.T) {
	p := h.open(t, browser.Options{}, "/")
	p.Press(t, "/")
	p.Wait(t, limit, "the filter has the focus, and nothing in it", `document.activeElement.id === "filter" && document.activeElement.value === ""`)
	p.Press(t, "t", "m", "-", "e", "x", "i", "t")
	only := fmt.Sprintf(`JSON.stringify(%s.sort()) === '["tm-exit0","tm-exit3"]'`, shown)
	p.Wait(t, limit, "only those of that name", only)
	time.Sleep(6 * time.Second)
	p.Wait(t, limit, "only those of that name, when the page is fresh", only+` && document.activeElement.id === "filter"`)
	address := browser.Eval[string](t, p, "location.href")
	if !strings.HasSuffix(address, "?q=tm-exit") {
		t.Errorf("the address does not say what is looked for: %s", address)
	}
	p.Press(t, "Escape")
	p.Wait(t, limit, "all again", shown+`.length >= 30 && document.getElementById("filter").value === ""`)
	p.Click(t, `#chips a[data-q="state:paused"]`)
	p.Wait(t, limit, "only those that are paused", fmt.Sprintf(`JSON.stringify(%s) === '["tm-paused"]'`, shown))
	p.Press(t, "/")
	p.Press(t, "x", "x", "x")
	p.Wait(t, limit, "that nothing matches", `!document.getElementById("none").hidden`)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []browser.Options{{}, {NoScript: true}} {
		p = h.open(t, o, "/?"+u.RawQuery)
		p.Wait(t, limit, "the same from a shared address", only)
	}
}

func (h *host) keys(t *testing.T) {
	p := h.open(t, browser.Options{}, "/")
	name := func(i int) string {
		return fmt.Sprintf(`document.activeElement.textContent === %s[%d]`, shown, i)
	}
	p.Press(t, "j")
	p.Wait(t, limit, "the first row is chosen", name(0))
	p.Press(t, "j", "j", "k", "ArrowDown", "ArrowUp")
	p.Wait(t, limit, "the second row is chosen", name(1))
	chosen := browser.Eval[string](t, p, "document.activeElement.textContent")
	if style := browser.Eval[string](t, p, "getComputedStyle(document.activeElement).outlineStyle"); style == "none" {
		t.Error("what is focused is not to be seen")
	}
	time.Sleep(6 * time.Second)
	p.Wait(t, limit, "the same row is chosen when the page is fresh", fmt.Sprintf("document.activeElement.textContent === %q", chosen))
	p.Press(t, "?")
	p.Wait(t, limit, "the help is open", `document.getElementById("help").open`)
	p.Press(t, "Escape")
	p.Wait(t, limit, "the help is closed", `!document.getElementById("help").open`)
	p.Press(t, "p")
	p.Wait(t, limit, "it is paused", `document.getElementById("pause").getAttribute("aria-pressed") === "true"`)
	at := browser.Eval[string](t, p, `document.getElementById("asof").textContent`)
	time.Sleep(7 * time.Second)
	p.Wait(t, limit, "nothing has changed", fmt.Sprintf(`document.getElementById("asof").textContent === %q`, at))
	p.Press(t, "p")
	p.Wait(t, limit, "it goes on", fmt.Sprintf(`document.getElementById("asof").textContent !== %q`, at))
	p.Press(t, "Enter")
	p.Wait(t, limit, "the row is open", fmt.Sprintf(`location.pathname.startsWith("/containers/") && document.querySelector("h1")?.textContent === %q`, chosen))
}

// follows: a container that starts, changes and goes is seen without a reload.
func (h *host) follows(t *testing.T) {
	const name = "tm-page-life"
	p := h.open(t, browser.Options{}, "/?q="+name)
	browser.Eval[bool](t, p, `(window.sameDocument = true)`)
	row := `[...document.querySelectorAll("#containers tbody tr:not([hidden])")].find((r) => r.querySelector("a").textContent === "` + name + `")`
	p.Wait(t, limit, "that nothing matches", `!document.getElementById("none").hidden`)
	h.engine.Remove(t, name)
	h.engine.Run(t, "run", "-d", "--stop-timeout", "1", "--network", "none", "--name", name, image, "sh", "-c", "trap 'exit 7' TERM; sleep 36000 & wait")
	p.Wait(t, limit, "it is there, and runs", row+`?.querySelector(".state").textContent === "running"`)
	h.engine.Run(t, "pause", name)
	p.Wait(t, limit, "it is paused", row+`?.querySelector(".state").textContent === "paused"`)
	h.engine.Run(t, "unpause", name)
	h.engine.Run(t, "stop", name)
	p.Wait(t, limit, "it has ended, with its exit code", row+`?.querySelector(".state").textContent === "exited" && `+row+`.textContent.includes("exit code 7")`)
	h.engine.Run(t, "rm", name)
	p.Wait(t, limit, "it is gone", "!"+row)
	if !browser.Eval[bool](t, p, "window.sameDocument === true") {
		t.Error("the page was loaded anew")
	}
}

func (h *host) withoutScript(t *testing.T) {
	p := h.open(t, browser.Options{NoScript: true}, "/")
	p.Wait(t, limit, "the rows", shown+".length >= 30")
	for what, expression := range map[string]string{
		"nothing that only a script can do is offered": `document.getElementById("finder").hidden && document.getElementById("pause").hidden && document.getElementById("help-open").hidden`,
		"it comes again by itself":                     `document.querySelector('meta[http-equiv="refresh"]')`,
		"the worst is named":                           `document.getElementById("verdict").textContent.includes("tm-page-")`,
	} {
		p.Wait(t, limit, what, expression)
	}
	p.Screenshot(t, "page-noscript")
	p.Click(t, `#chips a[href*="state%3Aexited"]`)
	p.Wait(t, limit, "a filter", shown+`.every((n) => !n.startsWith("tm-page-")) && `+shown+`.includes("tm-exit3")`)
	p.Click(t, `#containers tbody tr:not([hidden]) th a`)
	p.Wait(t, limit, "a container", `location.pathname.startsWith("/containers/") && document.getElementById("facts")`)
	p.Click(t, `header nav a[href$="events"]`)
	p.Wait(t, limit, "the events", `location.pathname === "/events" && document.querySelector("h1").textContent === "Events"`)
}

// forEverybody: names, labels, order, contrast, targets and width, for every way to look at the pages.
func (h *host) forEverybody(t *testing.T) {
	for name, o := range map[string]browser.Options{
		"desktop": {}, "dark": {Dark: true}, "tablet": {Width: 900, Height: 1000}, "noscript": {NoScript: true},
		"phone": {Width: 375, Height: 812, Phone: true}, "phone-dark": {Width: 375, Height: 812, Phone: true, Dark: true},
	} {
		p := h.open(t, o, "/")
		for path, file := range map[string]string{
			"/": "page", "/containers/tm-page-throttled": "container", "/containers/tm-odd_name.with-Dots__--x": "odd", "/?sort=cpu&q=state:running": "sorted",
		} {
			p.Go(t, h.URL+path)
			p.Wait(t, limit, "a page", `document.querySelector("footer") && document.readyState === "complete"`)
			for _, wrong := range p.Audit(t) {
				t.Errorf("%s, %s: %s", name, path, wrong)
			}
			if file == "page" || file == "container" {
				p.Screenshot(t, file+"-"+name)
			}
		}
	}
}

func (h *host) aContainer(t *testing.T) {
	p := h.open(t, browser.Options{}, "/containers/tm-page-throttled")
	p.Wait(t, limit, "why it is in trouble", `document.querySelector(".why")?.textContent.includes("throttled in")`)
	p.Wait(t, limit, "its limit", `document.getElementById("limits").textContent.includes("0.100, by a quota of")`)
	p.Click(t, "#readings summary")
	p.Click(t, "#raw summary")
	p.Wait(t, limit, "the raw dump", `document.getElementById("raw-text").textContent.includes('"stat"')`)
	at := browser.Eval[string](t, p, `document.getElementById("asof").textContent`)
	p.Wait(t, limit, "it is fresh", fmt.Sprintf(`document.getElementById("asof").textContent !== %q`, at))
	p.Wait(t, limit, "what was open is open", `document.getElementById("readings").open && document.getElementById("raw").open`)
	p = h.open(t, browser.Options{}, "/containers/tm-joined")
	p.Click(t, "#facts a")
	p.Wait(t, limit, "the owner of its network", `document.querySelector("h1").textContent === "tm-web"`)
	p.Wait(t, limit, "with whom it shares it", `document.getElementById("facts").textContent.includes("tm-joined")`)
}

// harmless: what people write into labels is shown, does nothing, and secrets are not.
func (h *host) harmless(t *testing.T) {
	const name = "tm-page-labels"
	h.engine.Remove(t, name)
	h.engine.Run(t, "run", "-d", "--stop-timeout", "1", "--network", "none", "--name", name, "--label", `evil=<script>window.evil=1</script><img src=x onerror="window.evil=1">`,
		"--label", "turn=\u202egnp.exe", "--label", "db.password=hunter2", image, "sleep", "36000")
	p := h.open(t, browser.Options{}, "/containers/"+name)
	p.Wait(t, limit, "the label is text", `document.body.innerText.includes("<script>window.evil=1</script>")`)
	p.Wait(t, limit, "it did nothing", `window.evil === undefined && !document.querySelector("main img, main script")`)
	if text := browser.Eval[string](t, p, "document.documentElement.innerHTML"); strings.Contains(text, "hunter2") {
		t.Error("a password is on the page")
	}
	// The policy holds for what comes in by another way, too.
	if got := browser.Eval[bool](t, p, `(() => { const s = document.createElement("script"); s.textContent = "window.evil = 2"; document.body.append(s); return window.evil === undefined; })()`); !got {
		t.Error("an inline script ran")
	}
	if problems := p.Problems(); len(problems) == 0 || !strings.Contains(problems[len(problems)-1], "Content Security Policy") {
		t.Errorf("the policy stopped nothing: %q", problems)
	}
	p.Forget()
}

// away: a page that cannot be made fresh says so, and goes on when it can.
func (h *host) away(t *testing.T) {
	second := launch(t, program.Options{Path: binary(t), Host: h.engine.Host})
	second.Ready(t)
	p := h.browser.Open(t, browser.Options{})
	p.Go(t, second.URL+"/")
	p.Wait(t, limit, "the rows", shown+".length >= 30")
	second.Stop(t)
	p.Wait(t, limit, "it says that it is out of date", `!document.getElementById("notice").hidden && document.getElementById("notice").textContent.includes("out of date")`)
	if got := browser.Eval[[]string](t, p, shown); len(got) < 30 {
		t.Errorf("%d rows are left of what was known", len(got))
	}
}

// past: what was is drawn, listed and followed.
func (h *host) past(t *testing.T) {
	t.Run("history", func(t *testing.T) {
		p := h.open(t, browser.Options{}, "/")
		p.Wait(t, limit, "the host's lines", `document.querySelectorAll("#host .spark path").length >= 2`)
		p.Wait(t, limit, "a container's lines", `[...document.querySelectorAll("#containers tbody tr")].find((r) => r.querySelector("a").textContent === "tm-page-busy").querySelectorAll(".spark path").length === 2`)
		p.Wait(t, limit, "what has ended", `document.getElementById("ended").textContent.includes("tm-page-oom")`)
		p = h.open(t, browser.Options{}, "/containers/tm-page-throttled")
		p.Wait(t, limit, "charts", `document.querySelector("#chart-cpu > svg .line-1")?.getAttribute("d").includes("L") && document.querySelector("#chart-cpu > svg .limit")`)
		p.Wait(t, limit, "no wish to be told twice", `!document.querySelector(".spot title")`)
		browser.Eval[bool](t, p, `(() => { const s = [...document.querySelectorAll("#chart-cpu .spot")].at(-1).getBoundingClientRect();
			document.querySelector("#chart-cpu .spot:last-of-type").dispatchEvent(new PointerEvent("pointermove", {bubbles: true, clientX: s.x, clientY: s.y})); return true; })()`)
		p.Wait(t, limit, "the pointer is told", `!document.getElementById("tip").hidden && /^\d\d:\d\d:\d\d\nused /.test(document.getElementById("tip").textContent)`)
		for _, wrong := range p.Audit(t) {
			t.Error(wrong)
		}
		p.Screenshot(t, "container-charts")
	})
	t.Run("events", func(t *testing.T) {
		const name = "tm-page-event"
		p := h.open(t, browser.Options{}, "/events?type=container")
		browser.Eval[bool](t, p, `(window.sameDocument = true)`)
		p.Wait(t, limit, "the stream", `document.getElementById("stream").textContent === "Live."`)
		h.engine.Remove(t, name)
		if _, err := h.engine.Try("run", "--name", name, "--network", "none", image, "sh", "-c", "exit 9"); err == nil {
			t.Error("it did not end with a code")
		}
		p.Wait(t, limit, "the end of it", fmt.Sprintf(`[...document.querySelectorAll("#events tbody tr")].some((r) => r.textContent.includes(%q) && r.textContent.includes("exit code 9"))`, name))
		p.Wait(t, limit, "no event twice", `((s) => s.length === new Set(s).size)([...document.querySelectorAll("#events tbody tr")].map((r) => r.dataset.seq)) && window.sameDocument`)
		for _, wrong := range p.Audit(t) {
			t.Error(wrong)
		}
		p.Screenshot(t, "events-desktop")
	})
	t.Run("logs", func(t *testing.T) {
		logging := launch(t, program.Options{Path: binary(t), Host: h.engine.Host, Args: []string{"--web.logs"}})
		logging.Ready(t)
		p := h.browser.Open(t, browser.Options{})
		p.Go(t, logging.URL+"/containers/tm-exit3")
		p.Wait(t, limit, "what it wrote to both", `document.querySelector("#log .stdout")?.textContent.includes("out") && document.querySelector("#log .stderr")?.textContent.includes("err")`)
		for _, wrong := range p.Audit(t) {
			t.Error(wrong)
		}
		p.Screenshot(t, "container-logs")
	})
}
