package engine

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/docker/docker/client"
)

// host is a checked DOCKER_HOST.
type host struct {
	network string // "unix" or "tcp", for dialing
	address string // socket path or host:port
	scheme  string // "http" or "https"
	secure  bool   // the scheme itself asks for TLS
}

// authority is what requests name as their host; a socket has no name of its own.
func (h host) authority() string {
	if h.network == "unix" {
		return client.DummyHost
	}
	return h.address
}

// maxSocketPath is what fits into sockaddr_un on Linux.
const maxSocketPath = 107

// parseHost reads the forms of DOCKER_HOST that make sense for a process that runs unattended.
func parseHost(s string) (host, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return host{}, optionError("Host", "engine host %q: want unix:///path or tcp://host:port%s", s, guess(s))
	}
	switch scheme {
	case "unix":
		return parseUnix(s, rest)
	case "tcp", "http", "https":
		return parseTCP(s, scheme)
	case "ssh":
		return host{}, optionError("Host", "engine host %q: ssh is not spoken; forward the socket "+
			"(ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST) and use unix:///tmp/docker.sock", s)
	case "npipe":
		return host{}, optionError("Host", "engine host %q: named pipes exist on Windows only; want unix:///path or tcp://host:port", s)
	case "fd":
		return host{}, optionError("Host", "engine host %q: fd:// is for dockerd itself; want unix:///path or tcp://host:port", s)
	}
	return host{}, optionError("Host", "engine host %q: scheme %q is not known; want unix:///path or tcp://host:port", s, scheme)
}

// guess says what a host without scheme was probably meant to be.
func guess(s string) string {
	if strings.HasPrefix(s, "/") {
		return "; perhaps unix://" + s
	}
	if _, _, err := net.SplitHostPort(s); err == nil {
		return "; perhaps tcp://" + s
	}
	return ""
}

func parseUnix(s, path string) (host, error) {
	if !strings.HasPrefix(path, "/") {
		return host{}, optionError("Host", "engine host %q: the path of a socket must be absolute, with three slashes: unix:///%s", s, path)
	}
	if len(path) > maxSocketPath {
		return host{}, optionError("Host", "engine host %q: the path is %d bytes long, a socket's may have %d", s, len(path), maxSocketPath)
	}
	return host{network: "unix", address: path, scheme: "http"}, nil
}

func parseTCP(s, scheme string) (host, error) {
	u, err := url.Parse(s)
	if err != nil {
		return host{}, optionError("Host", "engine host %q: want %s://host:port: %w", s, scheme, errors.Unwrap(err))
	}
	port, err := strconv.Atoi(u.Port())
	switch {
	case u.Hostname() == "":
		return host{}, optionError("Host", "engine host %q: the host name is missing; want %s://host:port", s, scheme)
	case u.Port() == "":
		return host{}, optionError("Host", "engine host %q: the port is missing; want %s://%s:2375 or, with TLS, :2376", s, scheme, u.Host)
	case err != nil || port < 1 || port > 65535:
		return host{}, optionError("Host", "engine host %q: port %s is out of range; want 1 to 65535", s, u.Port())
	case u.User != nil:
		return host{}, optionError("Host", "engine host %q: user and password are not supported; want %s://%s", u.Redacted(), scheme, u.Host)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return host{}, optionError("Host", "engine host %q: nothing may follow the port; want %s://%s", s, scheme, u.Host)
	}
	web := "http"
	if scheme == "https" {
		web = "https"
	}
	return host{network: "tcp", address: u.Host, scheme: web, secure: scheme == "https"}, nil
}
