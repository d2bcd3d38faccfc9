package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

type logLines struct {
	Lines []struct {
		Time   *time.Time
		Stream *string
		Text   string
	}
}

// write gives the lines as text: the stream, where there are two, and what was written.
func (l *logLines) write() string {
	var out strings.Builder
	for _, line := range l.Lines {
		if line.Stream != nil {
			fmt.Fprintf(&out, "%s: ", *line.Stream)
		}
		fmt.Fprintf(&out, "%s\n", line.Text)
	}
	return out.String()
}

// TestLogs: what containers have written is shown as text, with and without a terminal, however it was meant; and only with
// --web.logs.
func TestLogs(t *testing.T) {
	p, e := start(t, "--web.logs")
	run := func(name, script string, options ...string) {
		t.Helper()
		e.Remove(t, name)
		words := append([]string{"run", "-d", "--name", name, "--network", "none"}, options...)
		id := e.Run(t, append(words, image, "sh", "-c", script)...)
		e.Run(t, "wait", id)
		served(t, p, name, func(page scrape.Page) bool { return page.Is(1, "container_state", "name", name, "state", "exited") })
	}
	lines := func(name, query string) *logLines {
		t.Helper()
		out := decoded[logLines](t, p, "/api/v1/containers/"+name+"/logs"+query)
		for i, line := range out.Lines {
			if line.Time == nil || time.Since(*line.Time) > limit || i > 0 && line.Time.Before(out.Lines[i-1].Time.Add(-time.Second)) {
				t.Errorf("%s: line %d was written at %v", name, i, line.Time)
			}
		}
		return &out
	}
	// A moment apart, as the engine keeps no order between the two streams.
	run("tm-logs", `echo one; sleep 0.5; echo "two <script>alert(1)</script>" >&2; sleep 0.5; printf 'caf\303\251 \377\376\r\n'; printf '\033[31mred\033[0m \033]0;title\007\000 10%%\r20%%\n'; printf open`)
	want := "stdout: one\nstderr: two <script>alert(1)</script>\nstdout: café \ufffd\ufffd\nstdout: red ␀ 10%␍20%\nstdout: open\n"
	if got := lines("tm-logs", "").write(); got != want {
		t.Errorf("without a terminal:\n got %q\nwant %q", got, want)
	}
	if got := lines("tm-logs", "?tail=1").write(); got != "stdout: open\n" {
		t.Errorf("the last line: got %q", got)
	}
	run("tm-logs-tty", `echo one; echo two >&2; printf '\033[1;32mgreen\033[0m\n\033[2Jgone \342\200\256gnp.exe\n'; [ -t 1 ] && echo terminal`, "-t")
	if got, want := lines("tm-logs-tty", "").write(), "one\ntwo\ngreen\ngone \ufffdgnp.exe\nterminal\n"; got != want {
		t.Errorf("with a terminal:\n got %q\nwant %q", got, want)
	}
	// dockerd cuts lines of more than 16 KiB into several messages.
	run("tm-logs-long", `for n in $(seq 150); do echo "line $n"; done; head -c 100000 /dev/zero | tr '\0' x; echo " end of the long one"; echo last`)
	long := lines("tm-logs-long", "")
	n := len(long.Lines)
	if n < 50 || n > 100 || long.Lines[n-1].Text != "last" || long.Lines[n-2].Text != strings.Repeat("x", 4096)+"…" || !strings.HasPrefix(long.Lines[n-3].Text, "line 150") {
		t.Errorf("long lines: got %d:\n%.2000s", n, long.write())
	}
	run("tm-logs-none", "echo one", "--log-driver", "none")
	check := func(p *program.Program, path string, status int, words string) {
		t.Helper()
		resp, text, err := p.Get(t.Context(), path)
		if err != nil || resp.StatusCode != status || !strings.Contains(text, words) {
			t.Errorf("%s: got %v, %v: %s", path, resp, err, text)
		}
	}
	check(p, "/api/v1/containers/tm-logs-none/logs", http.StatusNotFound, "log driver")
	check(p, "/api/v1/containers/tm-nobody/logs", http.StatusNotFound, "no such container")
	off := launch(t, program.Options{Path: binary(t), Host: e.Host})
	off.Ready(t)
	check(off, "/api/v1/containers/tm-logs/logs", http.StatusNotFound, "--web.logs")
	proxy := newSocketProxy(t, e, "")
	behind := launch(t, program.Options{Path: binary(t), Host: proxy.Host, Args: []string{"--web.logs"}})
	behind.Ready(t)
	check(behind, "/api/v1/containers/tm-logs/logs", http.StatusBadGateway, "allow that in the proxy")
	behind.WaitFor(t, limit, func(page scrape.Page) string {
		if page.Is(0, "tallyman_capability", "name", "logs", "reason", "forbidden") {
			return ""
		}
		return "that logs are refused is not said"
	})
}
