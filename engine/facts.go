package engine

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"path/filepath"
	"time"
)

// Host is the address of the engine, as configured.
func (e *Engine) Host() string { return e.inventory.client.Host() }

// ClockAhead tells how far the engine's clock was ahead of that of this host at its latest answer, to within a second or so; false
// when no answer has told the time.
//
// Source: the header Date.
func (e *Engine) ClockAhead() (time.Duration, bool) {
	ahead := e.inventory.client.guard.ahead.Load()
	if ahead == nil {
		return 0, false
	}
	return *ahead, true
}

// noteClock notes what time an answer tells.
func (g *guard) noteClock(h http.Header) {
	told, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	ahead := time.Until(told.Add(time.Second / 2)) // the header has whole seconds
	g.ahead.Store(&ahead)
}

// Certificate is one of the files in a certificate folder.
type Certificate struct {
	File string
	Ends time.Time // of those in the file, the first that does
}

// Certificates tells until when the certificates that are used for an engine hold; none where there is no certificate folder.
func (e *Engine) Certificates() []Certificate { return e.inventory.client.certs.ends() }

func (c *certificates) ends() []Certificate {
	if c == nil || c.folder == "" {
		return nil
	}
	var all []Certificate
	for _, name := range pemFiles[:2] { // the third is the key
		path := filepath.Join(c.folder, name)
		_, data, err := readPEM(path)
		if err != nil {
			continue // Problem says it
		}
		var first time.Time
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if cert, err := x509.ParseCertificate(block.Bytes); err == nil && (first.IsZero() || cert.NotAfter.Before(first)) {
				first = cert.NotAfter
			}
		}
		if !first.IsZero() {
			all = append(all, Certificate{path, first})
		}
	}
	return all
}
