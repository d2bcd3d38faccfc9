package engine

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"tallyman/internal/pki"
)

// TestEngine_ClockAhead: the header Date tells how far the clocks are apart; an answer without a readable one says nothing new.
func TestEngine_ClockAhead(t *testing.T) {
	e, err := New(Config{Client: Options{Host: "unix:///nonexistent"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, known := e.ClockAhead(); known {
		t.Error("it is known before any answer")
	}
	g := e.inventory.client.guard
	g.noteClock(http.Header{"Date": {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}})
	for _, header := range []http.Header{{}, {"Date": {"yesterday"}}} {
		g.noteClock(header)
		if ahead, known := e.ClockAhead(); !known || ahead < -time.Hour-2*time.Second || ahead > -time.Hour+2*time.Second {
			t.Errorf("got %v, %v", ahead, known)
		}
	}
}

// TestEngine_Certificates: the first of the certificates in a file that ends counts, the key does not.
func TestEngine_Certificates(t *testing.T) {
	soon, later := time.Now().Add(5*24*time.Hour).Truncate(time.Second), time.Now().Add(300*24*time.Hour).Truncate(time.Second)
	ca := pki.New(t, pki.Options{Name: "our CA", To: later})
	dir := folder(t, ca, ca.Issue(t, pki.Options{To: soon}))
	e, err := New(Config{Client: Options{Host: "tcp://127.0.0.1:1", TLSVerify: true, CertPath: dir}})
	if err != nil {
		t.Fatal(err)
	}
	got := e.Certificates()
	if len(got) != 2 || got[0].File != filepath.Join(dir, "ca.pem") || !got[0].Ends.Equal(later) || got[1].File != filepath.Join(dir, "cert.pem") || !got[1].Ends.Equal(soon) {
		t.Errorf("got %+v, want %v and %v", got, later, soon)
	}
	plain, err := New(Config{Client: Options{Host: "unix:///nonexistent"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := plain.Certificates(); got != nil || plain.Host() != "unix:///nonexistent" {
		t.Errorf("got %+v of %s", got, plain.Host())
	}
}
