package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tallyman/internal/fakeengine"
)

// logging is a fake engine with a client that may ask it for logs.
func logging(t *testing.T) (*fakeengine.Engine, *Client) {
	t.Helper()
	e := fakeengine.ForTest(t, fakeengine.Options{})
	c := newClient(t, Options{Host: e.Host(), Logs: true, Timeout: 5 * time.Second})
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e, c
}

var logTime = time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)

// TestLogs: lines come out in order, of their streams, without what terminals obey, whether or not the container has a terminal.
func TestLogs(t *testing.T) {
	t.Parallel()
	e, c := logging(t)
	long := strings.Repeat("x", maxLogLine+1)
	at := func(n int) time.Time { return logTime.Add(time.Duration(n) * time.Second) }
	for name, tt := range map[string]struct {
		terminal bool
		messages []fakeengine.LogMessage
		want     []LogLine
	}{
		"streams": {
			messages: []fakeengine.LogMessage{{Time: at(0), Text: "out\n"}, {Stderr: true, Time: at(1), Text: "err\n"}, {Time: at(2), Text: "\n"}},
			want:     []LogLine{{at(0), "stdout", "out"}, {at(1), "stderr", "err"}, {at(2), "stdout", ""}},
		},
		"terminal": {
			terminal: true,
			messages: []fakeengine.LogMessage{{Time: at(0), Text: "one\r\n"}, {Time: at(1), Text: "two\r\n"}, {Time: at(2), Text: "$ "}},
			want:     []LogLine{{at(0), "", "one"}, {at(1), "", "two"}, {at(2), "", "$ "}},
		},
		"parts of lines, between each other": {
			messages: []fakeengine.LogMessage{
				{Time: at(0), Text: "beginning, "},
				{Stderr: true, Time: at(1), Text: "other "},
				{Time: at(2), Text: "end\n"},
				{Stderr: true, Time: at(3), Text: "end\n"},
				{Time: at(4), Text: "left open"},
			},
			want: []LogLine{{at(0), "stdout", "beginning, end"}, {at(1), "stderr", "other end"}, {at(4), "stdout", "left open"}},
		},
		"long line": {
			messages: []fakeengine.LogMessage{{Time: at(0), Text: long + "\n"}, {Time: at(1), Text: long[1:] + "\n"}, {Time: at(2), Text: strings.Repeat("y", 1<<20) + "\n"}, {Time: at(3), Text: "next\n"}},
			want: []LogLine{
				{at(0), "stdout", long[1:] + "…"},
				{at(1), "stdout", long[1:]},
				{at(2), "stdout", strings.Repeat("y", maxLogLine) + "…"},
				{at(3), "stdout", "next"},
			},
		},
		"long line of parts": {
			messages: []fakeengine.LogMessage{{Time: at(0), Text: long + long + long + long}, {Time: at(1), Text: "the rest\n"}, {Time: at(2), Text: "next\n"}},
			want:     []LogLine{{at(0), "stdout", long[1:] + "…"}, {at(2), "stdout", "next"}},
		},
		"long line of a terminal": {
			terminal: true,
			messages: []fakeengine.LogMessage{{Time: at(0), Text: strings.Repeat("y", 100<<10) + "\r\n"}, {Time: at(1), Text: "next\r\n"}},
			want:     []LogLine{{at(0), "", strings.Repeat("y", maxLogLine) + "…"}, {at(1), "", "next"}},
		},
		"what terminals obey": {
			terminal: true,
			messages: []fakeengine.LogMessage{
				{Time: at(0), Text: "\x1b[1;31mred\x1b[0m \x1b]0;title\x07and \x1b]8;;http://x\x1b\\link\x1b(B\x1b=.\r\n"},
				{Time: at(1), Text: "10%\r20%\b\x00\x7f\x1b\tend\x1b[12\n"},
				{Time: at(2), Text: "caf\xc3\xa9 \xff\xfe \u0085 \u202egnp.exe \u2028 👩\u200d🚀\n"},
			},
			want: []LogLine{
				{at(0), "", "red and link."},
				{at(1), "", "10%␍20%␈␀␡␛\tend␛[12"},
				{at(2), "", "café \ufffd\ufffd \ufffd \ufffdgnp.exe \ufffd 👩\u200d🚀"},
			},
		},
		"nothing": {},
		"time alone": {
			messages: []fakeengine.LogMessage{{Time: at(0), Text: ""}},
			want:     []LogLine{{at(0), "stdout", ""}},
		},
	} {
		id := e.Create("log", "eng-bb:latest")
		e.SetLogs(id, tt.terminal, tt.messages...)
		got, err := c.logs(t.Context(), id, 100)
		if diff := cmp.Diff(got, tt.want); err != nil || diff != "" {
			t.Errorf("%s: %v (-got +want)\n%s", name, err, diff)
		}
		e.Destroy(id)
	}
}

// TestLogs_bounded: however much an engine sends, what is given is little, and the latest.
func TestLogs_bounded(t *testing.T) {
	t.Parallel()
	e, c := logging(t)
	id := e.Create("log", "eng-bb:latest")
	var messages []fakeengine.LogMessage
	for n := range 200 {
		messages = append(messages, fakeengine.LogMessage{Time: logTime, Text: fmt.Sprint(n, strings.Repeat("z", 3000), "\n")})
	}
	e.SetLogs(id, false, messages...)
	got, err := c.logs(t.Context(), id, 1000)
	size := 0
	for _, l := range got {
		size += len(l.Text)
	}
	if err != nil || len(got) < 80 || len(got) > MaxLogLines || size > maxLogText || !strings.HasPrefix(got[len(got)-1].Text, "199zz") {
		t.Errorf("got %d lines of %d bytes, %v", len(got), size, err)
	}
	if got, err = c.logs(t.Context(), id, 3); err != nil || len(got) != 3 || !strings.HasPrefix(got[0].Text, "197") {
		t.Errorf("got %d lines, want 3: %v", len(got), err)
	}
	e.SetLogs(id, true, fakeengine.LogMessage{Time: logTime, Text: strings.Repeat("z", maxLogAnswer)})
	if _, err = c.logs(t.Context(), id, 3); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v for an answer that is too large", err)
	}
}

// TestLogs_refused: what cannot be had is said in words, and with logs off nothing is asked for.
func TestLogs_refused(t *testing.T) {
	t.Parallel()
	e, c := logging(t)
	id := e.Create("log", "eng-bb:latest")
	e.SetLogs(id, false, fakeengine.LogMessage{Time: logTime, Text: "a message\n"})
	for name, tt := range map[string]struct {
		fault fakeengine.Fault
		want  error
		words string
	}{
		"driver none":   {fakeengine.Fault{Status: 501, Body: `{"message":"configured logging driver does not support reading"}`}, ErrNoLogs, "does not support reading"},
		"driver none 2": {fakeengine.Fault{Status: 500, Body: `{"message":"configured logging driver does not support reading"}`}, ErrNoLogs, ""},
		"proxy":         {fakeengine.Fault{Status: 403, Body: "Forbidden"}, nil, "answered 403 to GET /containers/{id}/logs: allow that"},
		"removed":       {fakeengine.Fault{Status: 404, Body: `{"message":"No such container: x"}`}, ErrNoContainer, ""},
		"broken":        {fakeengine.Fault{Status: 500, Body: `{"message":"disk on fire"}`}, nil, "disk on fire"},
		"HTML":          {fakeengine.Fault{HTML: true}, nil, "HTML"},
		"cut":           {fakeengine.Fault{Cut: true}, nil, "read logs"},
		"an old engine": {fakeengine.Fault{Endless: true}, nil, "too large"},
	} {
		e.SetFault("/containers/{id}/logs", tt.fault)
		got, err := c.logs(t.Context(), id, 10)
		if err == nil || got != nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %d lines, %v", name, len(got), err)
		}
		e.ClearFaults()
	}
	for _, bad := range []string{"", "log", "../../info", id[:12]} {
		if _, err := c.logs(t.Context(), bad, 10); !errors.Is(err, ErrNoContainer) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	before := e.Requests(logsPattern)
	off := newClient(t, Options{Host: e.Host()})
	if err := off.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := off.logs(t.Context(), id, 10); !errors.Is(err, ErrLogsOff) || e.Requests(logsPattern) != before {
		t.Errorf("with logs off: got %v and %d requests", err, e.Requests(logsPattern)-before)
	}
}

// TestLogs_capability: that a proxy refuses logs is said once it was tried; a driver without logs is no refusal.
func TestLogs_capability(t *testing.T) {
	t.Parallel()
	e, c := logging(t)
	id := e.Create("log", "eng-bb:latest")
	said := func() string {
		for _, a := range c.guard.accesses.list() {
			if a.Name == "logs" {
				return a.Name + " " + a.Reason
			}
		}
		return ""
	}
	e.SetFault(logsPattern, fakeengine.Fault{Status: 501, Body: `{"message":"configured logging driver does not support reading"}`})
	_, _ = c.logs(t.Context(), id, 10)
	if got := said(); got != "" {
		t.Errorf("a driver without logs: got %q", got)
	}
	e.SetFault(logsPattern, fakeengine.Fault{Status: http.StatusForbidden})
	_, _ = c.logs(t.Context(), id, 10)
	if got := said(); got != "logs forbidden" {
		t.Errorf("a proxy that refuses: got %q", got)
	}
}

// FuzzReadLogs: whatever an engine sends, the lines are bounded and harmless.
func FuzzReadLogs(f *testing.F) {
	f.Add([]byte("2026-01-02T03:04:05.000000000Z text\r\n"))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x242026-01-02T03:04:05.000000000Z text\n"))
	f.Add([]byte("\x02\x00\x00\x00\xff\xff\xff\xff2026-01-02T03:04:05.000000000Z text\n"))
	f.Add([]byte("\x03\x00\x00\x00\x00\x00\x00\x05wrong"))
	f.Add([]byte("\x1b[31m\x1b]0;x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := readLogs(bytes.NewReader(data))
		if err != nil && lines != nil || len(lines) > MaxLogLines {
			t.Fatalf("%d lines and %v", len(lines), err)
		}
		for _, l := range lines {
			// A byte may become a picture of three.
			if len(l.Text) > 3*maxLogLine+3 || !utf8.ValidString(l.Text) || strings.ContainsAny(l.Text, "\x1b\n\r\x00\u202e") {
				t.Fatalf("%q", l.Text)
			}
		}
	})
}
