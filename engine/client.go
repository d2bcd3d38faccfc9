package engine

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/client"

	"tallyman/internal/self"
)

// DefaultHost is where a Client connects to when Options.Host is empty.
const DefaultHost = "unix:///var/run/docker.sock"

// What the zero values of Options stand for.
const (
	defaultTimeout          = 10 * time.Second
	defaultMaxResponseBytes = 64 << 20
)

// fallbackAPIVersion is spoken when neither ping nor /version tell one (both may be blocked by a proxy). Every engine
// from 20.10 to 29.7 serves it; the library would fall back to 1.24, which engine 29 refuses.
const fallbackAPIVersion = "1.41"

// Options configure a Client. The zero value speaks to the local engine.
type Options struct {
	// Host is the engine's address in the form of DOCKER_HOST: unix:///path, tcp://host:port, http(s)://host:port.
	Host string
	// TLSVerify checks the server's certificate against ca.pem in CertPath, as DOCKER_TLS_VERIFY does.
	TLSVerify bool
	// CertPath is a folder with ca.pem, cert.pem and key.pem, as DOCKER_CERT_PATH is. Without TLSVerify the client
	// shows its certificate but does not check the server's, as Docker does.
	CertPath string
	// APIVersion pins the API version, as DOCKER_API_VERSION does; "" = negotiate.
	APIVersion string
	// Timeout limits each request but the event stream, of which it limits the wait for the headers; 0 = 10 s.
	Timeout time.Duration
	// MaxResponseBytes limits the body of one response; 0 = 64 MiB.
	MaxResponseBytes int64
	// Log gets nothing in normal operation; nil = silent.
	Log *slog.Logger
	// Self counts requests and failures; may be nil.
	Self *self.Metrics
	// Logs lets the engine be asked for what containers have written.
	Logs bool
	// UserAgent is sent with every request; "" = "tallyman".
	UserAgent string
}

// Client asks one engine. It is read-only by construction: see guard. It is safe for concurrent use, but connect and
// disconnect are for its Inventory alone.
type Client struct {
	o      Options
	host   host
	base   *http.Transport
	certs  *certificates // nil = plain HTTP
	guard  *guard
	docker atomic.Pointer[client.Client] // nil until the first connect
}

// NewClient checks all options and connects to nothing. Each error is an *OptionError, one line that names the value and
// what would be right.
func NewClient(o Options) (*Client, error) {
	if err := o.normalize(); err != nil {
		return nil, err
	}
	h, err := parseHost(o.Host)
	if err != nil {
		return nil, err
	}
	certs, err := loadTLS(&h, o)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: o.Timeout, KeepAlive: 15 * time.Second}
	// Whatever a URL says, there is only one place that this client can talk to. Hence no proxy from the environment.
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, h.network, h.address)
	}
	base := &http.Transport{
		DialContext:            dial,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second, // longer than between two pings, so that they share a connection
		DisableCompression:     true,             // no decompression bombs; the socket is local anyway
		MaxResponseHeaderBytes: 64 << 10,
	}
	if certs != nil {
		base.DialTLSContext = certs.secure(dial, o.Timeout)
	}
	c := &Client{o: o, host: h, base: base, certs: certs}
	c.guard = &guard{next: base, scheme: h.scheme, authority: h.authority(), self: o.Self, maxBytes: o.MaxResponseBytes, logs: o.Logs}
	if _, err := c.newLibrary(); err != nil {
		return nil, optionError("Host", "engine host %q: %w", o.Host, err)
	}
	return c, nil
}

// normalize fills in the defaults and checks what needs no file.
func (o *Options) normalize() error {
	if o.Host == "" {
		o.Host = DefaultHost
	}
	if o.Timeout < 0 {
		return optionError("Timeout", "engine timeout %s: want a positive duration such as 10s", o.Timeout)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxResponseBytes < 0 {
		return optionError("MaxResponseBytes", "engine response limit %d: want a positive number of bytes", o.MaxResponseBytes)
	}
	if o.MaxResponseBytes == 0 {
		o.MaxResponseBytes = defaultMaxResponseBytes
	}
	if o.APIVersion != "" && !apiVersion.MatchString(o.APIVersion) {
		return optionError("APIVersion", "engine API version %q: want MAJOR.MINOR such as 1.41", o.APIVersion)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.UserAgent == "" {
		o.UserAgent = "tallyman"
	}
	return nil
}

var apiVersion = regexp.MustCompile(`^v?[0-9]{1,2}\.[0-9]{1,3}$`)

// Host is the address as configured.
func (c *Client) Host() string { return c.o.Host }

// Close gives idle connections back. The Client can still be used after it.
func (c *Client) Close() { c.base.CloseIdleConnections() }

// nowhere is the address that the library is told. For attach and exec it dials by itself, past any transport; there it
// must not find an engine. The guard puts in the real address.
const nowhere = "unix:///dev/null"

// newLibrary makes a Docker client on our transport, with no version negotiated yet.
func (c *Client) newLibrary() (*client.Client, error) {
	web := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	lib, err := client.NewClientWithOpts(
		client.WithHost(nowhere), // before WithHTTPClient: it would configure the transport
		client.WithHTTPClient(web),
		client.WithScheme(c.host.scheme),
		client.WithVersion(c.o.APIVersion),
		client.WithUserAgent(c.o.UserAgent),
	)
	if err != nil {
		return nil, err
	}
	// The library has wrapped the transport for OpenTelemetry. Nobody here looks at traces: requests go straight to the guard.
	web.Transport = c.guard
	return lib, nil
}

// connect pings the engine and agrees on an API version anew, since the library would keep the first one for ever, over
// an upgrade of the engine too. Endpoints: /_ping, and /version where the ping does not tell.
func (c *Client) connect(ctx context.Context) error {
	lib, err := c.newLibrary()
	if err != nil {
		return err
	}
	c.guard.spoken.Store(nil)
	c.guard.accesses.reset()
	ping, err := c.pingWith(ctx, lib)
	if err != nil && !isRefused(err) {
		return err
	}
	if c.o.APIVersion == "" {
		lib.NegotiateAPIVersionPing(types.Ping{APIVersion: c.engineVersion(ctx, lib, ping.APIVersion)})
	}
	c.docker.Store(lib)
	return nil
}

// disconnect makes every request fail until the next connect.
func (c *Client) disconnect() { c.docker.Store(nil) }

// engineVersion finds the newest API version that the engine speaks.
func (c *Client) engineVersion(ctx context.Context, lib *client.Client, pinged string) string {
	if apiVersion.MatchString(pinged) {
		return pinged
	}
	if v, err := c.unversionedVersion(ctx, lib); err == nil && apiVersion.MatchString(v) {
		return v
	}
	// The answer to /version, even a refusal, may have named it in its headers.
	if v := c.guard.spoken.Load(); v != nil && apiVersion.MatchString(*v) {
		return *v
	}
	return fallbackAPIVersion
}

// APIVersion is the version spoken since the latest connect; "" before the first.
func (c *Client) APIVersion() string {
	lib := c.docker.Load()
	if lib == nil {
		return ""
	}
	return strings.TrimPrefix(lib.ClientVersion(), "v")
}
