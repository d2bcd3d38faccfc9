package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
	"tallyman/internal/sample"
)

// station is a Server over a collector's own memory of events.
type station struct {
	*Server

	c *collector.Collector
}

// remembering is a Source whose events are those of a collector.
type remembering struct {
	*fake

	c *collector.Collector
}

func (r remembering) Events(limit int) []collector.Event { return r.c.Events(limit) }

func (r remembering) Follow(ctx context.Context, seq uint64) (*collector.Follower, error) {
	return r.c.Follow(ctx, seq)
}

func newStation(t *testing.T) station {
	t.Helper()
	c := collector.New(nil, nil, collector.Options{})
	return station{New(Options{Source: remembering{&fake{snap: sample.Snapshot()}, c}}), c}
}

// happen lets an engine tell of something.
func (s *station) happen(n int, ev engine.Event) {
	for range n {
		s.c.Happened("", ev)
	}
}

// serve starts a HTTP server as the program has it.
func (s *station) serve(t *testing.T, change func(*http.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = NewHTTPServer(s.Handler())
	server.Config.RegisterOnShutdown(s.Stop)
	if change != nil {
		change(server.Config)
	}
	server.Start()
	t.Cleanup(func() {
		s.Stop()
		server.Close()
	})
	return server
}

// messages reads a stream of events, message by message.
type messages struct {
	resp  *http.Response
	lines *bufio.Scanner
}

func follow(t *testing.T, server *httptest.Server, query string, headers ...string) *messages {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/v1/events?follow=1"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range headers {
		key, value, _ := strings.Cut(line, ": ")
		r.Header.Add(key, value)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" || resp.Header.Get("Content-Encoding") != "" {
		t.Fatalf("got %s, %v", resp.Status, resp.Header)
	}
	return &messages{resp, bufio.NewScanner(resp.Body)}
}

// next gives the next event; nil when the stream has ended. What is not an event is passed over.
func (m *messages) next(t *testing.T) *schema.Event {
	t.Helper()
	id := ""
	for m.lines.Scan() {
		line := m.lines.Text()
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = text
		}
		text, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var ev schema.Event
		if err := json.Unmarshal([]byte(text), &ev); err != nil || id != fmt.Sprint(ev.Seq) {
			t.Errorf("id %s: %v: %s", id, err, text)
			return nil
		}
		return &ev
	}
	return nil
}

// want checks the numbers of the next events.
func (m *messages) want(t *testing.T, what string, seqs ...uint64) {
	t.Helper()
	for _, seq := range seqs {
		if ev := m.next(t); ev == nil || ev.Seq != seq {
			t.Fatalf("%s: got %+v, want number %d", what, ev, seq)
		}
	}
}

// TestFollow: a client gets the events that it asks for, those that it has missed, and then each as it comes.
func TestFollow(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	server := s.serve(t, nil)
	start := engine.Event{Type: "container", Action: "start", ID: "abcd", Name: "web"}
	empty := follow(t, server, "")
	s.happen(5, start)
	s.happen(1, engine.Event{Type: "image", Action: "tag", ID: "x"})
	all := []*messages{
		empty, follow(t, server, ""), follow(t, server, "&limit=2"), follow(t, server, "&limit=2&type=container"),
		follow(t, server, "&container=web&limit=1000"), follow(t, server, "&container=abc"), follow(t, server, "", "Last-Event-ID: 3"),
		follow(t, server, "&limit=1", "Last-Event-ID: 0"), follow(t, server, "&limit=1&type=image", "Last-Event-ID: 99"),
	}
	s.happen(1, engine.Event{Type: "container", Action: "die", ID: "abce", Name: "web2"})
	s.happen(1, start)
	empty.want(t, "from the beginning", 1, 2, 3, 4, 5, 6, 7, 8)
	all[1].want(t, "only those to come", 7, 8)
	all[2].want(t, "two before", 5, 6, 7, 8)
	all[3].want(t, "two containers before", 4, 5, 7, 8)
	all[4].want(t, "of one name", 1, 2, 3, 4, 5, 8)
	all[5].want(t, "by the beginning of the id", 7, 8)
	all[6].want(t, "resumed", 4, 5, 6, 7, 8)
	all[7].want(t, "resumed from the start", 1, 2, 3, 4, 5, 6, 7, 8)
	s.happen(1, engine.Event{Type: "image", Action: "untag", ID: "x"})
	all[8].want(t, "resumed after a restart of tallyman", 6, 9)
	s.Stop()
	for n, m := range all {
		for ev := m.next(t); ev != nil; ev = m.next(t) {
			if ev.Seq != 9 {
				t.Errorf("%d: got %+v besides", n, ev)
			}
		}
	}
}

// TestFollow_many: 200 clients follow at the same time, and keep nobody else from an answer; when the program ends they all do, and at
// once.
func TestFollow_many(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	server := s.serve(t, nil)
	var ready, read, all sync.WaitGroup
	const clients, events = 200, 300
	ready.Add(clients)
	read.Add(clients)
	for range clients {
		m := follow(t, server, "")
		all.Go(func() {
			seen := uint64(0)
			for ev := m.next(t); ev != nil; ev = m.next(t) {
				if seen++; ev.Seq != seen {
					t.Errorf("got %+v, want number %d", ev, seen)
				}
				switch seen {
				case 1:
					ready.Done()
				case events:
					read.Done()
				}
			}
			if seen != events {
				t.Errorf("got %d events, want %d", seen, events)
			}
		})
	}
	s.happen(1, engine.Event{Type: "container", Action: "start"})
	ready.Wait()
	if n := len(s.followers); n != clients {
		t.Errorf("%d followers are counted", n)
	}
	resp, err := server.Client().Get(server.URL + "/api/v1/containers")
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("another client: %v, %v", resp, err)
	}
	resp.Body.Close()
	s.happen(events-1, engine.Event{Type: "container", Action: "start"})
	read.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("the server did not end: %v", err)
	}
	all.Wait()
	if n := len(s.followers); n != 0 {
		t.Errorf("%d followers are left", n)
	}
}

// tight is a listener whose connections hold little.
type tight struct{ net.Listener }

func (l tight) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4096)
	}
	return conn, err
}

// TestFollow_slow: a client that takes nothing is cut off, and what it does not take is not kept for it.
func TestFollow_slow(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.slowAfter = 100 * time.Millisecond
	server := httptest.NewUnstartedServer(nil)
	server.Config = NewHTTPServer(s.Handler())
	server.Listener = tight{server.Listener}
	server.Start()
	defer server.Close()
	defer s.Stop()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(conn, "GET /api/v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	for end := time.Now().Add(20 * time.Second); len(s.followers) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	big := engine.Event{Type: "container", Action: "start", Name: strings.Repeat("n", 1000)}
	for end := time.Now().Add(20 * time.Second); len(s.followers) == 1; s.happen(10, big) {
		if time.Now().After(end) {
			t.Fatal("the slow client is still there")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestFollow_long: the limits of the server for one request do not end an answer without end.
func TestFollow_long(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	server := s.serve(t, func(h *http.Server) { h.ReadTimeout, h.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond })
	m := follow(t, server, "")
	for seq := range uint64(3) {
		time.Sleep(300 * time.Millisecond)
		s.happen(1, engine.Event{Type: "container", Action: "start"})
		m.want(t, "long", seq+1)
	}
}

// TestFollow_heartbeat: a client that is sent nothing else is sent a sign of life.
func TestFollow_heartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t)
		w := httptest.NewRecorder()
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(done)
			s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/v1/events?follow=1", nil))
		}()
		time.Sleep(46 * time.Second) // longer than any other answer may take
		cancel()
		<-done
		if got, want := w.Body.String(), "retry: 2000\n\n"+strings.Repeat(":\n\n", 3); got != want || !w.Flushed {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestFollow_refused: too many followers, what cannot be understood, and what has no events are answered with a problem.
func TestFollow_refused(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	h := s.Handler()
	check := func(target string, status int, words string, headers ...string) {
		t.Helper()
		got := ask(h, "GET", target, headers...)
		if text := bodyOf(t, got); got.StatusCode != status || !strings.Contains(text, words) || !json.Valid([]byte(text)) {
			t.Errorf("%s: got %s: %s", target, got.Status, text)
		}
	}
	check("/api/v1/events?follow=yes", 400, "follow")
	check("/api/v1/events?follow=1&limit=x", 400, "limit")
	check("/api/v1/events?follow=1", 400, "Last-Event-ID", "Last-Event-ID: x")
	check("/api/v1/events?follow=1", 400, "Last-Event-ID", "Last-Event-ID: -1")
	for range maxFollowers {
		s.followers <- struct{}{}
	}
	check("/api/v1/events?follow=1", 503, "256 clients")
	if got := ask(h, "GET", "/api/v1/events"); got.StatusCode != 200 {
		t.Errorf("without follow: got %s", got.Status)
	}
	h = New(Options{}).Handler()
	check("/api/v1/events?follow=1", 503, "no source of events")
	if got := ask(newStation(t).Handler(), "HEAD", "/api/v1/events?follow=1"); got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("HEAD: got %s, %v", got.Status, got.Header)
	}
}
