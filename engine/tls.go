package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// pemFiles are in a certificate folder, as Docker lays it out.
var pemFiles = [...]string{"ca.pem", "cert.pem", "key.pem"}

// maxPEM bounds one of them; a bundle of all the authorities of a distribution has a fifth of it.
const maxPEM = 1 << 20

// certificates say how TLS is spoken to one engine. The files are looked at for each new connection, so that certificates
// can be renewed under a running tallyman. It is safe for concurrent use.
type certificates struct {
	folder string // "" = the system's authorities, and no certificate of our own
	log    *slog.Logger

	mu sync.Mutex // guards the fields below
	// config holds the latest files that could be used; it is replaced, not changed.
	config *tls.Config
	// files are those that config was made of.
	files stamps
	// unusable says why config is not made of what is in the folder now; nil = it is.
	unusable error
}

// loadTLS turns the host to https where TLS is asked for; nil = it is not. A unix socket needs none.
func loadTLS(h *host, o Options) (*certificates, error) {
	if h.network == "unix" || (o.CertPath == "" && !o.TLSVerify && !h.secure) {
		return nil, nil
	}
	if strings.HasPrefix(o.Host, "http://") {
		return nil, optionError("Host", "engine host %q: http is plain, but TLS is asked for; want https://%s", o.Host, h.address)
	}
	if o.CertPath == "" && o.TLSVerify {
		return nil, optionError("Host", "engine host %q: TLS verification needs a certificate folder with ca.pem, cert.pem and key.pem "+
			"(~/.docker is not read)", o.Host)
	}
	name, _, err := net.SplitHostPort(h.address)
	if err != nil {
		return nil, optionError("Host", "engine host %q: %w", o.Host, err)
	}
	h.scheme = "https"
	c := &certificates{folder: o.CertPath, log: o.Log, config: &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: name,
		// Docker does the same without DOCKER_TLS_VERIFY: it shows its own certificate and trusts any server.
		InsecureSkipVerify: !o.TLSVerify && !h.secure,
	}}
	if c.folder == "" {
		return c, nil
	}
	return c, c.load()
}

// load makes config of the files as they are.
func (c *certificates) load() error {
	var (
		read [len(pemFiles)][]byte
		seen stamps
	)
	for n, name := range pemFiles {
		var err error
		if seen[n], read[n], err = readPEM(filepath.Join(c.folder, name)); err != nil {
			return optionError("CertPath", "engine certificate folder %q: want readable ca.pem, cert.pem and key.pem: %w", c.folder, err)
		}
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(read[0]) {
		return optionError("CertPath", "engine certificate folder %q: ca.pem holds no certificate; want one in PEM form", c.folder)
	}
	pair, err := tls.X509KeyPair(read[1], read[2])
	if err != nil {
		return optionError("CertPath", "engine certificate folder %q: cert.pem and key.pem must be a matching pair in PEM form: %w", c.folder, err)
	}
	config := c.config.Clone()
	config.RootCAs, config.Certificates = authorities, []tls.Certificate{pair}
	c.config, c.files = config, seen
	return nil
}

// current gives the settings for a new connection. Files that cannot be used, such as half-written ones or a certificate
// whose key is still to come, leave those before in force, and are tried again for the next connection.
func (c *certificates) current() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.folder == "" || c.files.upToDate(c.folder) {
		c.unusable = nil
		return c.config
	}
	before := c.unusable
	c.unusable = c.load()
	switch {
	case c.unusable == nil:
		c.log.Info("engine certificates were read again", "folder", c.folder)
	case before == nil || before.Error() != c.unusable.Error():
		c.log.Warn("changed engine certificates cannot be used, going on with those before", "err", c.unusable)
	}
	return c.config
}

// own is the certificate that is shown to the engine; nil = none.
func (c *certificates) own() *x509.Certificate {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.config.Certificates) == 0 {
		return nil
	}
	return c.config.Certificates[0].Leaf
}

// outdated says, for people, that the files in the folder are not those in use, and why; "" = they are.
func (c *certificates) outdated() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unusable == nil {
		return ""
	}
	return "; the files have changed since, and cannot be used: " + oneLine(c.unusable.Error())
}

// stamps tell the versions of the files apart, be they written in place or replaced.
type stamps [len(pemFiles)]fs.FileInfo

// upToDate says whether the files in a folder are still those that were read.
func (s stamps) upToDate(folder string) bool {
	for n, name := range pemFiles {
		now, err := os.Stat(filepath.Join(folder, name))
		if err != nil || !os.SameFile(s[n], now) || !s[n].ModTime().Equal(now.ModTime()) || s[n].Size() != now.Size() {
			return false
		}
	}
	return true
}

// readPEM reads a file; info is of before that, so that what is written meanwhile is noticed.
func readPEM(path string) (info fs.FileInfo, data []byte, err error) {
	if info, err = os.Stat(path); err != nil {
		return nil, nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is no file", path) // but what docker puts in place of a file that it cannot mount: a folder
	case info.Size() > maxPEM:
		return nil, nil, fmt.Errorf("%s has %d bytes, want %d at most", path, info.Size(), maxPEM)
	}
	data, err = os.ReadFile(path)
	return info, data, err
}

// dialFunc makes a connection, as http.Transport takes it.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// secure puts TLS on connections. The transport could do it, too, but knows only one configuration for ever.
func (c *certificates) secure(dial dialFunc, timeout time.Duration) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn := tls.Client(plain, c.current())
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = plain.Close()
			return nil, &handshakeError{err}
		}
		return conn, nil
	}
}

// handshakeError is a connection that could not agree on TLS.
type handshakeError struct{ err error }

// Error implements error.
func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }

// Unwrap gives the cause.
func (e *handshakeError) Unwrap() error { return e.err }
