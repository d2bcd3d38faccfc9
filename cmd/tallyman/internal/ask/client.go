package ask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/config"

	"tallyman/api/schema"
)

const (
	// maxBody bounds an answer: that about 10000 containers has 20 MB.
	maxBody = 128 << 20
	// defaultTimeout bounds a request. The server takes up to 30 s where it is asked by many.
	defaultTimeout = 35 * time.Second
)

// ErrNotServed says that a tallyman answers, but has nothing at this address: it is of another version, or the container has gone.
var ErrNotServed = errors.New("answers 404")

// Options say where a tallyman is and how it is reached.
type Options struct {
	// URL is where it listens, with the path prefix if it is behind one: "http://host:10180". User and password may be in it.
	URL string
	// CAFile holds the authorities that the server's certificate is checked against, in PEM form; "" = those of the system.
	CAFile string
	// ConfigFile is an http_config file of Prometheus: TLS, passwords, tokens, proxies; "" = none.
	ConfigFile string
	// AnyCertificate takes whatever certificate the server shows, for who asks nothing but whether it answers.
	AnyCertificate bool
	// Timeout bounds each request; 0 = 35 s.
	Timeout time.Duration
	// UserAgent is sent with each request.
	UserAgent string
}

// Client asks one tallyman. It is safe for concurrent use. The errors of its methods are one line that names what was asked, and what
// would be right.
type Client struct {
	http      *http.Client
	base      *url.URL
	where     string // for people: the URL without the password; "" = this process
	userAgent string
}

// New checks the options and connects to nothing. The error names the value and what would be right.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("--url: %q is no address of a tallyman: want http://host:10180, or https:// where it has TLS", redacted(o.URL))
	}
	settings := &config.HTTPClientConfig{FollowRedirects: true, EnableHTTP2: true}
	if o.ConfigFile != "" {
		if settings, _, err = config.LoadHTTPConfigFile(o.ConfigFile); err != nil {
			return nil, fmt.Errorf("--url.config.file %q: %s: want a file as promtool's --http.config.file", o.ConfigFile, oneLine(err))
		}
	}
	if o.CAFile != "" {
		if _, err := os.Stat(o.CAFile); err != nil {
			return nil, fmt.Errorf("--url.ca-file %q: %w: want a readable file with certificates in PEM form", o.CAFile, err)
		}
		settings.TLSConfig.CAFile = o.CAFile
	}
	if o.AnyCertificate {
		settings.TLSConfig.InsecureSkipVerify = true
		// HTTP/2 says at times no more than that there is no connection, where HTTP/1.1 tells why the server refuses it.
		settings.EnableHTTP2 = false
	}
	if base.User != nil {
		password, _ := base.User.Password()
		settings.BasicAuth = &config.BasicAuth{Username: base.User.Username(), Password: config.Secret(password)}
	}
	client, err := config.NewClientFromConfig(*settings, "tallyman")
	if err != nil {
		return nil, fmt.Errorf("--url.ca-file or --url.config.file: %s: want certificates in PEM form", oneLine(err))
	}
	client.Timeout = o.Timeout
	if client.Timeout <= 0 {
		client.Timeout = defaultTimeout
	}
	where := base.Redacted()
	base.User = nil
	base.Path = strings.TrimSuffix(base.Path, "/")
	return &Client{http: client, base: base, where: where, userAgent: o.UserAgent}, nil
}

// Local asks a handler in this process.
func Local(h http.Handler) *Client {
	return &Client{http: &http.Client{Transport: inProcess{h}, Timeout: defaultTimeout}, base: &url.URL{Scheme: "http", Host: "localhost"}}
}

// Where is the address without its password, for people; "" = this process.
func (c *Client) Where() string { return c.where }

// Close gives idle connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Summary is /api/v1/summary.
func (c *Client) Summary(ctx context.Context) (schema.Summary, error) {
	return get[schema.Summary](ctx, c, "/api/v1/summary", nil)
}

// Containers is /api/v1/containers.
func (c *Client) Containers(ctx context.Context) (schema.Containers, error) {
	return get[schema.Containers](ctx, c, "/api/v1/containers", nil)
}

// Container is /api/v1/containers/{id}; engine is the one whose container it is, "" where there is only one.
func (c *Client) Container(ctx context.Context, engine, id string) (schema.ContainerDetails, error) {
	return get[schema.ContainerDetails](ctx, c, "/api/v1/containers/"+url.PathEscape(id), ofEngine(engine))
}

// History is /api/v1/containers/{id}/history; the error is ErrNotServed where nothing is remembered.
func (c *Client) History(ctx context.Context, engine, id string) (schema.History, error) {
	return get[schema.History](ctx, c, "/api/v1/containers/"+url.PathEscape(id)+"/history", ofEngine(engine))
}

// Capability is something that can be seen, or not.
type Capability struct {
	Name   string `json:"name"`
	Engine string `json:"engine"` // "" for what is the kernel's, and where there is only one
	Reason string `json:"reason"` // why it cannot be seen, in a word; "" = it can
	Help   string `json:"help"`   // what would mend it
}

// Capabilities is /api/v1/capabilities; the error is ErrNotServed where the tallyman is of a version without.
func (c *Client) Capabilities(ctx context.Context) ([]Capability, error) {
	type answer struct {
		Capabilities []Capability `json:"capabilities"`
	}
	a, err := get[answer](ctx, c, "/api/v1/capabilities", nil)
	return a.Capabilities, err
}

func ofEngine(name string) url.Values {
	if name == "" {
		return nil
	}
	return url.Values{"engine": {name}}
}

// get asks for one answer. What the answer leaves out is unknown, not zero.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out T
	body, err := c.body(ctx, path, query)
	if err != nil {
		return out, err
	}
	if err := decode(body, &out); err != nil {
		return out, c.fail(path, fmt.Errorf("sent JSON that is not as expected (%s): is it a tallyman, and of which version?", oneLine(err)))
	}
	return out, nil
}

// Healthy asks /-/healthy, which is answered as long as the program runs. A server that asks who wants to know answers, too: what
// checks its health need not know its passwords.
func (c *Client) Healthy(ctx context.Context) error {
	const path = "/-/healthy"
	r, err := c.request(ctx, path, nil)
	switch {
	case err != nil && strings.Contains(err.Error(), refusesTLS):
		return nil
	case err != nil:
		return err
	case r.code == http.StatusUnauthorized, r.code == http.StatusOK && string(r.body) == "ok\n":
		return nil
	}
	return c.fail(path, refusal(r))
}

// body reads one answer, and turns all but 200 into an error.
func (c *Client) body(ctx context.Context, path string, query url.Values) ([]byte, error) {
	r, err := c.request(ctx, path, query)
	if err == nil && (r.code != http.StatusOK || !r.json) {
		err = c.fail(path, refusal(r))
	}
	if err != nil {
		return nil, err
	}
	return r.body, nil
}

// reply is what came back, whatever the status says.
type reply struct {
	code   int
	status string
	json   bool // by its type
	body   []byte
}

// request reads one answer.
func (c *Client) request(ctx context.Context, path string, query url.Values) (reply, error) {
	address := *c.base
	address.Path, address.RawPath, address.RawQuery = c.base.Path+unescaped(path), c.base.EscapedPath()+path, query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return reply{}, c.fail(path, err)
	}
	req.Header.Set("Accept", "application/json")
	if c.userAgent != "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return reply{}, ctx.Err()
		}
		return reply{}, c.fail(path, errors.New(c.trouble(err)))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return reply{}, c.fail(path, errors.New(c.trouble(err)))
	case len(body) > maxBody:
		return reply{}, c.fail(path, fmt.Errorf("sent more than %d MB", maxBody>>20))
	}
	return reply{resp.StatusCode, resp.Status, isJSON(resp), body}, nil
}

// fail names who was asked for what.
func (c *Client) fail(path string, err error) error {
	if c.where == "" {
		return err
	}
	if errors.Is(err, ErrNotServed) {
		return fmt.Errorf("%s%s %w; is it of an older version?", c.where, path, err)
	}
	return fmt.Errorf("%s %w", c.where, err)
}

func isJSON(resp *http.Response) bool {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || kind == "application/problem+json")
}

// problem is what a tallyman of any version says when it cannot answer.
type problem struct {
	Error  string `json:"error"`
	Detail string `json:"detail"` // https://www.rfc-editor.org/rfc/rfc9457
	Title  string `json:"title"`
}

// unescaped is a path as url.URL wants it beside its escaped form.
func unescaped(path string) string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return plain
}

// redacted is an address without its password, even where it is none.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	if before, host, ok := strings.Cut(address, "@"); ok {
		scheme, _, _ := strings.Cut(before, "://")
		return scheme + "://xxxxx@" + host
	}
	return address
}

// said is what a problem says.
func said(body []byte) string {
	var p problem
	if json.Unmarshal(body, &p) != nil {
		return ""
	}
	for _, text := range []string{p.Detail, p.Error, p.Title} {
		if text != "" {
			return clip(text)
		}
	}
	return ""
}
