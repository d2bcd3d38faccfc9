package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"tallyman/cmd/tallyman/internal/ask"
)

// quickTimeout is how long an answer may take that needs nothing but a processor.
const quickTimeout = 5 * time.Second

// Web checks what was said of listening: err is what is wrong with it.
func Web(err error, configFile string) Check {
	const name = "web config"
	switch {
	case err != nil:
		found, fix, _ := strings.Cut(err.Error(), ": want ")
		return fail(name, found, "want "+fix)
	case configFile == "":
		return pass(name, "none: whoever reaches the port may read; --web.config.file sets TLS and passwords")
	}
	return pass(name, configFile+" is valid")
}

// Port checks whether an address can be listened on, by doing so for a moment. Where a tallyman does so already, all is well.
func Port(ctx context.Context, address string) Check {
	const name = "port"
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err == nil {
		l.Close()
		return pass(name, address+" is free")
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		if version, ok := whose(ctx, address); ok {
			return pass(name, fmt.Sprintf("a tallyman listens on %s already%s", address, version))
		}
		return fail(name, address+" is in use by another program", "stop it, or choose another by --web.listen-address; ss -ltnp names it")
	case errors.Is(err, syscall.EACCES):
		return fail(name, address+" may not be used by this user", "ports below 1024 need root or CAP_NET_BIND_SERVICE: choose another by --web.listen-address")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fail(name, address+" is no address of this host", "leave the host out, :10180, or name one that ip addr lists")
	}
	return fail(name, err.Error(), "choose another by --web.listen-address")
}

// whose says whether a tallyman listens on an address of this host, and of which version.
func whose(ctx context.Context, address string) (version string, ok bool) {
	client, err := ask.New(ask.Options{URL: "http://" + near(address), Timeout: 2 * time.Second})
	if err != nil {
		return "", false
	}
	defer client.Close()
	s, err := client.Summary(ctx)
	if err != nil || s.Version == "" {
		return "", false
	}
	return ", version " + string(s.Version), true
}

// near is an address to listen on as one to connect to from this host.
func near(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// Quick asks the tallyman that listens on an address of this host whether it is healthy, and nothing else; withTLS says that it speaks TLS
// there. Whose certificate it shows does not matter to that.
func Quick(ctx context.Context, address string, withTLS bool) Check {
	const name = "tallyman"
	scheme := "http://"
	if withTLS {
		scheme = "https://"
	}
	client, err := ask.New(ask.Options{URL: scheme + near(address), AnyCertificate: true, Timeout: quickTimeout})
	if err != nil {
		return fail(name, address+" is nothing to connect to", "want host:port, with the port on which tallyman listens")
	}
	defer client.Close()
	return Healthy(ctx, client)
}

// Healthy asks a tallyman whether it is healthy, and nothing else.
func Healthy(ctx context.Context, c *ask.Client) Check {
	const name = "tallyman"
	if err := c.Healthy(ctx); err != nil {
		found, fix := cut(err.Error())
		return fail(name, found, fix)
	}
	return pass(name, c.Where()+" answers")
}

// Remote checks a tallyman that runs elsewhere by what it says of itself.
func Remote(ctx context.Context, c *ask.Client) []Check {
	const name = "tallyman"
	s, err := c.Summary(ctx)
	if err != nil {
		found, fix, _ := strings.Cut(err.Error(), ": ")
		return []Check{fail(name, found, fix)}
	}
	checks := []Check{pass(name, fmt.Sprintf("%s answers: version %s, on host %s", c.Where(), s.Version, s.Host.Name))}
	if apart := time.Since(time.Time(s.Time)); apart.Abs() > skew {
		checks = append(checks, warn("clock", fmt.Sprintf("its clock, or its latest reading, differs from this host's clock by %s", apart.Round(time.Second)), "run a time service on both"))
	}
	for i := range s.Engines {
		e := &s.Engines[i]
		engine := "engine"
		if e.Name != "" {
			engine = string(e.Name) + ": engine"
		}
		if !e.Up {
			found, fix := cut(string(e.Problem))
			checks = append(checks, fail(engine, found, fix))
			continue
		}
		checks = append(checks, pass(engine, fmt.Sprintf("version %s, API %s, %d containers", e.Version, e.APIVersion, e.Containers)))
	}
	for i := range s.Disk {
		if d := &s.Disk[i]; d.Problem != "" {
			checks = append(checks, warn("disk usage of "+d.Type, string(d.Problem), ""))
		}
	}
	return append(checks, capabilities(ctx, c)...)
}

// capabilities are what the tallyman says that it cannot see.
func capabilities(ctx context.Context, c *ask.Client) []Check {
	all, err := c.Capabilities(ctx)
	if errors.Is(err, ask.ErrNotServed) {
		return []Check{warn("capabilities", "this version does not say what it cannot see", "look at tallyman_capability in /metrics, or run tallyman doctor on that host")}
	}
	if err != nil {
		return []Check{warn("capabilities", err.Error(), "")}
	}
	var checks []Check
	for _, k := range all {
		name := strings.ReplaceAll(k.Name, "_", " ")
		if k.Engine != "" {
			name = k.Engine + ": " + name
		}
		if k.Reason == "" {
			checks = append(checks, pass(name, "can be had"))
			continue
		}
		found, fix := cut(k.Help)
		if found == "" {
			found = k.Reason
		}
		checks = append(checks, warn(name, found, fix))
	}
	return checks
}

// Flag is the check of something that was said wrongly.
func Flag(name string, err error) Check {
	found, fix, _ := strings.Cut(err.Error(), ": want ")
	if fix != "" {
		fix = "want " + fix
	}
	return fail(name, found, fix)
}
