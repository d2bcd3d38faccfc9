package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tallyman/internal/pki"
	"tallyman/test/internal/program"
	"tallyman/test/internal/require"
	"tallyman/test/internal/scrape"
)

// tlsEngine is a dockerd --tlsverify. What it shows to its clients can be replaced.
type tlsEngine struct {
	*ownEngine

	address string // host:port
	folder  string // of its certificates
}

// newTLSEngine starts one with the certificate of an authority, and a few containers.
func newTLSEngine(t *testing.T, ca *pki.Authority, server pki.Options) *tlsEngine {
	t.Helper()
	require.OwnEngine(t)
	e := &tlsEngine{folder: t.TempDir(), address: freeAddress(t)}
	ca.Write(t, e.folder, ca.Issue(t, server))
	e.ownEngine = newEngine(t, "-H", "tcp://"+e.address, "--tlsverify",
		"--tlscacert", filepath.Join(e.folder, "ca.pem"), "--tlscert", filepath.Join(e.folder, "cert.pem"), "--tlskey", filepath.Join(e.folder, "key.pem"))
	if err := shared.script("populate", e.Host, "images"); err != nil {
		t.Fatal(err)
	}
	for _, name := range restarted() {
		e.Run(t, "run", "-d", "--name", name, "--network", "none", "--restart", "always", "--stop-timeout", "1", image, "sleep", "36000")
	}
	return e
}

// show restarts the engine with another certificate, of an authority that it then asks of its clients, too.
func (e *tlsEngine) show(t *testing.T, ca *pki.Authority, server pki.Options) {
	t.Helper()
	e.run(t, "halt")
	ca.Write(t, e.folder, ca.Issue(t, server))
	e.start(t)
}

// freeAddress is one where nothing listens, as yet.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// clientFolder makes a folder as DOCKER_CERT_PATH names one.
func clientFolder(t *testing.T, ca *pki.Authority, p pki.Pair) string {
	t.Helper()
	folder := t.TempDir()
	ca.Write(t, folder, p)
	return folder
}

// saysWhy waits until the engine is down for a reason, and checks that the metrics, the JSON, the page and the log say so in all
// the words.
func saysWhy(t *testing.T, p *program.Program, reason string, words ...string) {
	t.Helper()
	p.WaitFor(t, limit, func(page scrape.Page) string {
		if !page.Is(0, "tallyman_engine_up") || !page.Is(0, "tallyman_capability", "name", "engine", "reason", reason) {
			return fmt.Sprintf("the engine is not down for the reason %s: %v", reason, page.All("tallyman_capability", "name", "engine"))
		}
		return ""
	})
	log := ""
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "engine unreachable") {
			log = line
			t.Log(strings.TrimSpace(line))
		}
	}
	for _, place := range []string{"/api/v1/summary", "/", "the log"} {
		said := log
		if place != "the log" {
			var err error
			if said, err = p.Text(t.Context(), place); err != nil {
				t.Fatal(err)
			}
		}
		for _, word := range words {
			if !strings.Contains(said, word) {
				t.Errorf("%s does not say %q:\n%s", place, word, said)
			}
		}
	}
}

// TestTLS: an engine that is reached by TLS, as docker configures it and by flags; whatever is wrong with it is said; and
// certificates are renewed under a running tallyman.
func TestTLS(t *testing.T) {
	ca, second := pki.New(t, pki.Options{Name: "first"}), pki.New(t, pki.Options{Name: "second"})
	local := pki.Options{Name: "dockerd", Hosts: []string{"127.0.0.1"}}
	e := newTLSEngine(t, ca, local)
	url := "tcp://" + e.address
	good := clientFolder(t, ca, ca.Issue(t, pki.Options{}))
	byEnvironment := func(url, folder string) program.Options {
		return program.Options{Path: binary(t), Env: []string{"DOCKER_HOST=" + url, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + folder}}
	}

	t.Run("as docker does it", func(t *testing.T) {
		launch(t, byEnvironment(url, good)).WaitFor(t, limit, all)
	})
	t.Run("by flags", func(t *testing.T) {
		p := launch(t, program.Options{Path: binary(t), Host: "far=" + url, Args: []string{"--engine.host=near=" + e.Host, "--engine.tls-dir=far=" + good}})
		p.WaitFor(t, limit, func(page scrape.Page) string {
			for _, engine := range []string{"far", "near"} {
				for _, name := range restarted() {
					if !page.Is(1, "tallyman_engine_up", "engine", engine) || !page.Is(1, "container_state", "engine", engine, "name", name, "state", "running") {
						return name + " is not served of " + engine
					}
				}
			}
			return ""
		})
	})
	t.Run("no key", func(t *testing.T) {
		folder := clientFolder(t, ca, ca.Issue(t, pki.Options{}))
		if err := os.Remove(filepath.Join(folder, "key.pem")); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := try(t, byEnvironment(url, folder).Env, "--web.listen-address=127.0.0.1:0")
		if code != 2 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "DOCKER_CERT_PATH") || !strings.Contains(stderr, "key.pem") {
			t.Errorf("got code %d, %q", code, stderr)
		}
		t.Log(strings.TrimSpace(stderr))
	})

	past := pki.Options{Name: "old", Hosts: local.Hosts, To: time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)}
	_, port, err := net.SplitHostPort(e.address)
	if err != nil {
		t.Fatal(err)
	}
	plain := "tcp://" + plainPort(t, e.Host)
	for name, tt := range map[string]struct {
		o      program.Options
		reason string
		words  []string
	}{
		"wrong authority":       {byEnvironment(url, clientFolder(t, second, ca.Issue(t, pki.Options{}))), "unknown_authority", []string{"CN=first", "ca.pem"}},
		"wrong host name":       {byEnvironment("tcp://localhost:"+port, good), "host_name", []string{"for 127.0.0.1, not for localhost"}},
		"foreign client":        {byEnvironment(url, clientFolder(t, ca, second.Issue(t, pki.Options{}))), "client_certificate", []string{"CN=second", "--tlscacert"}},
		"expired client":        {byEnvironment(url, clientFolder(t, ca, ca.Issue(t, past))), "client_certificate", []string{"cert.pem", "expired at 2020-02-03"}},
		"no client certificate": {program.Options{Path: binary(t), Host: "https://" + e.address, Env: []string{"SSL_CERT_FILE=" + good + "/ca.pem", "DOCKER_TLS_VERIFY=", "DOCKER_CERT_PATH="}}, "client_certificate", []string{"wants a certificate", "--engine.tls-dir"}},
		"plain to TLS":          {program.Options{Path: binary(t), Host: url}, "tls_wanted", []string{"wants TLS", "--engine.tls-dir"}},
		"TLS to plain":          {byEnvironment(plain, good), "no_tls", []string{"does not speak TLS", "--tlsverify"}},
	} {
		t.Run(name, func(t *testing.T) {
			saysWhy(t, launch(t, tt.o), tt.reason, tt.words...)
		})
	}

	t.Run("expired server, and renewal", func(t *testing.T) {
		folder := clientFolder(t, ca, ca.Issue(t, pki.Options{}))
		p := launch(t, byEnvironment(url, folder))
		p.WaitFor(t, limit, all)
		e.show(t, ca, past)
		saysWhy(t, p, "certificate_expired", "CN=old", "expired at 2020-02-03")
		e.show(t, second, local)
		saysWhy(t, p, "unknown_authority", "CN=second")
		second.Write(t, folder, second.Issue(t, pki.Options{}))
		p.WaitFor(t, limit, all)
		if n := strings.Count(p.Log(), "engine certificates were read again"); n != 1 {
			t.Errorf("the new certificates were read %d times:\n%s", n, p.Log())
		}
	})
}

// plainPort gives an engine's socket an address without TLS.
func plainPort(t *testing.T, host string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", strings.TrimPrefix(host, "unix://"))
			if err != nil {
				near.Close()
				continue
			}
			group.Go(func() { defer far.Close(); _, _ = io.Copy(far, near) })
			group.Go(func() { defer near.Close(); _, _ = io.Copy(near, far) })
		}
	})
	t.Cleanup(func() { l.Close(); group.Wait() })
	return l.Addr().String()
}
