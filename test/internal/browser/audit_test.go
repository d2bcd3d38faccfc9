package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// good is a page without fault.
const good = `<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>t</title></head><body>
<header><nav aria-label="n"><a href="/a">a way to go</a></nav></header><main><h1>one</h1><h2>two</h2>
<p>text</p><p>more text</p><p>and more</p>BAD</main><footer>end</footer></body></html>`

// TestAudit: each fault is found, and nothing where there is none.
func TestAudit(t *testing.T) {
	b := Start(t)
	page := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	}))
	defer server.Close()
	p := b.Open(t, Options{Width: 375, Height: 800, Phone: true})
	for bad, want := range map[string]string{
		"": "",
		`<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">`: "image without alt",
		`<svg viewBox="0 0 1 1"></svg>`:                          "svg without role",
		`<input>`:                                                "field without label",
		`<button></button>`:                                      "nothing says what this does",
		`<meter value="1"></meter>`:                              "meter without name",
		`<h4>four</h4>`:                                          "heading skips a level",
		`<h1>two</h1>`:                                           "2 h1",
		`<b id="x"></b><b id="x"></b>`:                           "id x is there 2 times",
		`<table><tr><th>h</th></tr></table>`:                     "th without scope",
		`<p style="color:#999">grey</p>`:                         "contrast 2.8",
		`<div style="background:#333"><p>dark</p></div>`:         "contrast 1.6",
		`<svg role="img" aria-label="s" width="99" height="99" viewBox="0 0 9 9"><path d="M0 0h9" stroke="#eee"/></svg>`: "faint line",
		`<div style="width:900px">wide</div>`:                                                                 "pixels too wide",
		`<div style="overflow-x:auto"><div style="width:900px">wide</div></div>`:                              "scrolls, but not by keyboard",
		`<ul><li><a href="/1" style="font-size:9px">1</a> <a href="/2" style="font-size:9px">2</a></li></ul>`: "target of",
		`<section>no name</section>`:                                                                          "region without name",
	} {
		page = strings.Replace(good, "BAD", bad, 1)
		p.Go(t, server.URL)
		got := strings.Join(p.Audit(t), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", bad, got, want)
		}
	}
	if err := p.Problems(); err != nil {
		t.Error(err)
	}
}
