package engine

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tallyman/internal/pki"
)

// tlsEngine starts an engine behind TLS as dockerd --tlsverify does: its clients need a certificate of an authority.
func tlsEngine(t *testing.T, clients *pki.Authority, config *tls.Config) (address string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Api-Version", "1.45")
	}))
	config.ClientCAs, config.ClientAuth = clients.Pool, tls.RequireAndVerifyClientCert
	s.TLS = config
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// folder makes a certificate folder.
func folder(t *testing.T, ca *pki.Authority, p pki.Pair) string {
	t.Helper()
	dir := t.TempDir()
	ca.Write(t, dir, p)
	return dir
}

// TestClient_tlsProblems: whatever is wrong with TLS, the reason is a word of its own, and the problem says in one line what
// it is and what to do, in both versions of TLS.
func TestClient_tlsProblems(t *testing.T) {
	var (
		ca, stranger = pki.New(t, pki.Options{Name: "our CA"}), pki.New(t, pki.Options{Name: "another CA"})
		old          = pki.New(t, pki.Options{Name: "old CA", To: time.Now().Add(-time.Minute)})
		local        = []string{"127.0.0.1"}
		server       = ca.Issue(t, pki.Options{Name: "server", Hosts: local})
		past         = pki.Options{Name: "past", Hosts: local, To: time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)}
		future       = pki.Options{Name: "future", Hosts: local, From: time.Date(2090, 2, 3, 4, 5, 6, 0, time.UTC), To: time.Date(2091, 1, 1, 0, 0, 0, 0, time.UTC)}
		forServers   = pki.Options{Hosts: local, Usage: x509.ExtKeyUsageServerAuth}
		forClients   = pki.Options{Hosts: local, Usage: x509.ExtKeyUsageClientAuth}
		good         = folder(t, ca, ca.Issue(t, pki.Options{}))
	)
	ours := func(p pki.Pair) Options { return Options{TLSVerify: true, CertPath: folder(t, ca, p)} }
	for name, c := range map[string]struct {
		scheme string // "" = tcp
		server pki.Pair
		o      Options
		reason string // "" = it works
		want   []string
	}{
		"right":        {"", server, Options{TLSVerify: true, CertPath: good}, "", nil},
		"https":        {"https", server, Options{CertPath: good}, "", nil},
		"not verified": {"", stranger.Issue(t, pki.Options{Hosts: []string{"elsewhere"}}), Options{CertPath: good}, "", nil},

		"wrong authority": {
			"", stranger.Issue(t, pki.Options{Hosts: local}),
			Options{TLSVerify: true, CertPath: good},
			"unknown_authority",
			[]string{`"CN=another CA"`, good + "/ca.pem"},
		},
		"no authority": {"https", server, Options{}, "unknown_authority", []string{`"CN=our CA"`, "not in what this system trusts"}},
		"expired server": {
			"", ca.Issue(t, past),
			Options{TLSVerify: true, CertPath: good},
			"certificate_expired",
			[]string{`"CN=past"`, "expired at 2020-02-03T04:05:06Z", "renew"},
		},
		"server of tomorrow": {
			"", ca.Issue(t, future),
			Options{TLSVerify: true, CertPath: good},
			"certificate_expired",
			[]string{`"CN=future"`, "not valid before 2090-02-03T04:05:06Z", "clock"},
		},
		"expired authority": {
			"", old.Issue(t, pki.Options{Hosts: local}),
			Options{TLSVerify: true, CertPath: folder(t, old, server)},
			"certificate_expired",
			[]string{`"CN=old CA"`, "expired at"},
		},
		"wrong host": {
			"", ca.Issue(t, pki.Options{Hosts: []string{"db", "10.0.0.1"}}),
			Options{TLSVerify: true, CertPath: good},
			"host_name",
			[]string{"for db, 10.0.0.1,", "not for 127.0.0.1"},
		},
		"no host": {
			"", ca.Issue(t, pki.Options{Name: "127.0.0.1"}),
			Options{TLSVerify: true, CertPath: good},
			"host_name",
			[]string{"no host name at all"},
		},
		"unfit server": {
			"", ca.Issue(t, forClients),
			Options{TLSVerify: true, CertPath: good},
			"certificate_invalid",
			[]string{"not fit for a server", "incompatible key usage"},
		},

		"foreign client":     {"", server, ours(stranger.Issue(t, pki.Options{})), "client_certificate", []string{"cert.pem", `"CN=another CA"`, "--tlscacert"}},
		"expired client":     {"", server, ours(ca.Issue(t, past)), "client_certificate", []string{"cert.pem", "expired at 2020-02-03T04:05:06Z", "renew"}},
		"client of tomorrow": {"", server, ours(ca.Issue(t, future)), "client_certificate", []string{"not valid before 2090-02-03T04:05:06Z"}},
		"unfit client":       {"", server, ours(ca.Issue(t, forServers)), "client_certificate", []string{"one for clients"}},

		"plain HTTP": {"", server, Options{}, "tls_wanted", []string{"DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH"}},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+", "+tls.VersionName(version), func(t *testing.T) {
				host := tlsEngine(t, ca, &tls.Config{Certificates: []tls.Certificate{c.server.Certificate}, MaxVersion: version})
				c.o.Host = cmp.Or(c.scheme, "tcp") + "://" + host
				judge(t, newClient(t, c.o), c.reason, c.want...)
			})
		}
	}
}

// TestClient_noCertificate: a server that trusts a public authority may still want certificates from its clients.
func TestClient_noCertificate(t *testing.T) {
	ca := pki.New(t, pki.Options{})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		host := tlsEngine(t, ca, &tls.Config{
			Certificates: []tls.Certificate{ca.Issue(t, pki.Options{Hosts: []string{"127.0.0.1"}}).Certificate}, MaxVersion: version,
		})
		c := newClient(t, Options{Host: "https://" + host})
		c.certs.config.RootCAs = ca.Pool // in place of the system's
		judge(t, c, "client_certificate", "wants a certificate", "DOCKER_CERT_PATH")
	}
}

// TestClient_oldAlert: dockerd made with an old release of Go says the same whatever is wrong with the client's certificate.
func TestClient_oldAlert(t *testing.T) {
	for _, alert := range []tls.AlertError{40, 42, 43, 44, 45, 46, 48, 49, 116} {
		err := fmt.Errorf("HEAD /_ping: %w", &net.OpError{Op: "remote error", Err: alert})
		if got := reason(err); got != "client_certificate" {
			t.Errorf("%v: got reason %q", alert, got)
		}
	}
	if got := reason(&net.OpError{Op: "remote error", Err: tls.AlertError(80)}); got != "io" {
		t.Errorf("internal error: got reason %q", got)
	}
}

// TestClient_noTLS: what listens does not speak TLS.
func TestClient_noTLS(t *testing.T) {
	ca := pki.New(t, pki.Options{})
	o := Options{TLSVerify: true, CertPath: folder(t, ca, ca.Issue(t, pki.Options{})), Timeout: 200 * time.Millisecond}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	o.Host = "tcp://" + plain.Listener.Addr().String()
	judge(t, newClient(t, o), "no_tls", "does not speak TLS", "--tlsverify")

	for name, c := range map[string]struct {
		answer func(*net.TCPConn)
		reason string
		want   string
	}{
		"end":   {func(conn *net.TCPConn) { _ = conn.Close() }, "tls_handshake", "does it accept our certificate?"},
		"reset": {func(conn *net.TCPConn) { _ = conn.SetLinger(0); _ = conn.Close() }, "tls_handshake", "does it speak TLS"},
		"alert": {func(conn *net.TCPConn) { _, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 80}) }, "tls_handshake", "internal error"},
		"hangs": {func(*net.TCPConn) {}, "timeout", "did not answer within 200ms"},
	} {
		t.Run(name, func(t *testing.T) {
			o.Host = "tcp://" + listen(t, c.answer)
			judge(t, newClient(t, o), c.reason, c.want)
		})
	}
}

// listen answers each connection, once the client has said something.
func listen(t *testing.T, answer func(*net.TCPConn)) (address string) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.AcceptTCP()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				buffer := make([]byte, 4096)
				if _, err := conn.Read(buffer); err != nil {
					return
				}
				answer(conn)
				_, _ = conn.Read(buffer) // until the client has had enough
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().String()
}

// judge connects, and checks what is said when that fails; the reason "" = it must not.
func judge(t *testing.T, c *Client, word string, want ...string) {
	t.Helper()
	err := c.connect(t.Context())
	if (err == nil) != (word == "") || err != nil && reason(err) != word {
		t.Fatalf("got error %v with reason %q, want %q", err, reason(err), word)
	}
	problem := c.problem(err)
	for _, w := range want {
		if !strings.Contains(problem, w) {
			t.Errorf("problem %q does not say %q", problem, w)
		}
	}
	if len(problem) > 3*maxMessage || strings.Contains(problem, "\n") || err != nil && !strings.HasPrefix(problem, c.Host()+" ") {
		t.Errorf("problem %q: want one short line that names the host first", problem)
	}
	t.Log(problem)
}

// rotation is a client of an engine that gets new certificates while both run.
type rotation struct {
	*testing.T
	serving atomic.Pointer[tls.Config]
	folder  string
	client  *Client
	log     *logbook
}

func newRotation(t *testing.T, ca *pki.Authority) *rotation {
	r := &rotation{T: t, folder: folder(t, ca, ca.Issue(t, pki.Options{})), log: &logbook{}}
	r.serve(ca)
	address := tlsEngine(t, ca, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return r.serving.Load(), nil
	}})
	r.client = newClient(t, Options{Host: "tcp://" + address, TLSVerify: true, CertPath: r.folder, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	return r
}

// serve gives the engine a new certificate, and a new authority for its clients.
func (r *rotation) serve(ca *pki.Authority) {
	server := ca.Issue(r, pki.Options{Hosts: []string{"127.0.0.1"}})
	r.serving.Store(&tls.Config{Certificates: []tls.Certificate{server.Certificate}, ClientCAs: ca.Pool, ClientAuth: tls.RequireAndVerifyClientCert})
}

// try makes new connections; the reason "" = they work.
func (r *rotation) try(what, word string, want ...string) {
	r.Helper()
	for range 3 {
		r.client.Close()
		r.Run(what, func(t *testing.T) { judge(t, r.client, word, want...) })
	}
}

func (r *rotation) logged(text string, times int) {
	r.Helper()
	if got := r.log.count(text); got != times {
		r.Errorf("logged %q %d times, want %d:\n%s", text, got, times, r.log.lines.String())
	}
}

const (
	readAgain = "read again"
	notUsable = "cannot be used"
)

func TestClient_certificatesAreReadAgain(t *testing.T) {
	first, second := pki.New(t, pki.Options{Name: "first"}), pki.New(t, pki.Options{Name: "second"})
	r := newRotation(t, first)
	r.try("before", "")
	r.serve(second)
	r.try("only the engine has new ones", "unknown_authority")
	r.logged(readAgain, 0)
	second.Write(t, r.folder, second.Issue(t, pki.Options{}))
	r.try("both have new ones", "")
	r.logged(readAgain, 1)
	r.logged(notUsable, 0)
}

func TestClient_unusableCertificates(t *testing.T) {
	ca, second := pki.New(t, pki.Options{}), pki.New(t, pki.Options{})
	r := newRotation(t, ca)
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(r.folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.try("before", "")
	write("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB")
	r.try("half an authority", "")
	r.logged("ca.pem holds no certificate", 1)
	if err := os.Remove(filepath.Join(r.folder, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	r.try("no authority", "")
	r.logged("ca.pem: no such file", 1)
	ca.Write(t, r.folder, ca.Issue(t, pki.Options{}))
	r.try("whole again", "")
	r.logged(readAgain, 1)

	key, err := os.ReadFile(filepath.Join(r.folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	second.Write(t, r.folder, second.Issue(t, pki.Options{}))
	newKey, err := os.ReadFile(filepath.Join(r.folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	write("key.pem", string(key))
	r.try("the key is still to come", "")
	r.logged("must be a matching pair", 1)
	r.serve(second)
	r.try("the engine has the new ones already", "unknown_authority", "the files have changed since, and cannot be used", "matching pair")
	r.logged("must be a matching pair", 1)
	write("key.pem", string(newKey))
	r.try("the key has come", "")
	r.logged(readAgain, 2)
	r.logged(notUsable, 3)
}
