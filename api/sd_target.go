package api

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
)

// The labels by which a container says how it is to be scraped. They choose port, path and scheme, and never the host.
const (
	labelScrape = "prometheus.io/scrape"
	labelPort   = "prometheus.io/port"
	labelPath   = "prometheus.io/path"
	labelScheme = "prometheus.io/scheme"
)

const maxScrapePath = 1024

// labelError says which label of a container is wrong, and what would be right.
type labelError struct{ key, value, want string }

// Error says it.
func (e *labelError) Error() string {
	return fmt.Sprintf("label %s is %q: want %s", e.key, clipped(e.value), e.want)
}

// wish is how a container wants to be scraped.
type wish struct {
	port         int // 0 = it does not say
	path, scheme string
}

// offered says whether a container runs and asks to be scraped, be it in words that cannot be understood.
func (q *reach) offered(c *collector.Container) bool {
	if c.Facts == nil || c.Facts.State != engine.StateRunning || q.engine != "" && q.engine != c.Engine {
		return false
	}
	value, asks := c.Facts.Labels[labelScrape]
	return asks && !strings.EqualFold(value, "false")
}

// parseWish reads the labels of a container.
func parseWish(labels map[string]string) (wish, error) {
	w := wish{path: "/metrics", scheme: "http"}
	if value := labels[labelScrape]; !strings.EqualFold(value, "true") {
		return w, &labelError{labelScrape, value, "true or false"}
	}
	if value, ok := labels[labelPort]; ok {
		port, err := strconv.ParseUint(value, 10, 16)
		if err != nil || port == 0 {
			return w, &labelError{labelPort, value, "a port from 1 to 65535"}
		}
		w.port = int(port)
	}
	if value, ok := labels[labelPath]; ok {
		if !plainPath(value) {
			return w, &labelError{labelPath, value, "a path such as /metrics, without a query"}
		}
		w.path = value
	}
	if value, ok := labels[labelScheme]; ok {
		if w.scheme = strings.ToLower(value); w.scheme != "http" && w.scheme != "https" {
			return w, &labelError{labelScheme, value, "http or https"}
		}
	}
	return w, nil
}

// plainPath says whether a label is a path and nothing else.
func plainPath(s string) bool {
	return strings.HasPrefix(s, "/") && len(s) <= maxScrapePath && utf8.ValidString(s) && !strings.ContainsAny(s, "?#") &&
		!strings.ContainsFunc(s, unicode.IsControl)
}

// target is the entry of a container that asks to be scraped, or why there is none.
func (q *reach) target(snap *collector.Snapshot, c *collector.Container) (schema.TargetGroup, error) {
	w, err := parseWish(c.Facts.Labels)
	if err != nil {
		return schema.TargetGroup{}, err
	}
	owner, err := networkOwner(snap, c)
	if err != nil {
		return schema.TargetGroup{}, err
	}
	if w.port == 0 {
		if w.port, err = onlyPort(c.Facts); err != nil {
			return schema.TargetGroup{}, err
		}
	}
	labels := newMeta(c, w)
	var address string
	switch {
	case owner == nil:
		address, err = q.atHost(w.port)
	case q.published:
		address, err = q.atPublished(owner, w.port, labels)
	default:
		address, err = q.atContainer(owner, w.port, labels)
	}
	if err != nil {
		return schema.TargetGroup{}, err
	}
	return schema.TargetGroup{Targets: []string{address}, Labels: labels}, nil
}

// networkOwner is what the engine says of the container in whose network this one is; nil = in the host's.
func networkOwner(snap *collector.Snapshot, c *collector.Container) (*engine.Container, error) {
	switch c.Facts.NetworkOwner {
	case "":
		return nil, nil
	case c.Facts.ID:
		return c.Facts, nil
	}
	for i := range snap.Containers {
		if o := &snap.Containers[i]; o.Engine == c.Engine && o.Facts != nil && o.Facts.ID == c.Facts.NetworkOwner {
			return o.Facts, nil
		}
	}
	return nil, errors.New("the container whose network it uses is not known")
}

// onlyPort is the port of a container that has but one.
func onlyPort(f *engine.Container) (int, error) {
	const want = "want its port in the label " + labelPort
	switch len(f.TCPPorts) {
	case 0:
		return 0, errors.New("it exposes no port: " + want)
	case 1:
		return int(f.TCPPorts[0].Number), nil
	}
	return 0, fmt.Errorf("it has %d ports: %s", len(f.TCPPorts), want)
}

// atHost is the address of what listens at the host itself.
func (q *reach) atHost(port int) (string, error) {
	if q.host == "" {
		return "", errors.New("it is to be reached at its host, and the request does not name that: want ?host=")
	}
	return join(q.host, port), nil
}

// atContainer is the address of a container in its network. Of several networks, the one that it was made for counts.
func (q *reach) atContainer(owner *engine.Container, port int, labels map[string]string) (string, error) {
	if owner.Listed {
		return "", errors.New("the engine does not tell its address: see inspect in /api/v1/capabilities")
	}
	if len(owner.Addresses) == 0 {
		return "", errors.New("it is in no network")
	}
	at := func(name string) int {
		return slices.IndexFunc(owner.Addresses, func(a engine.Address) bool { return a.Network == name })
	}
	i := at(owner.NetworkMode)
	if q.network != "" {
		if i = at(q.network); i < 0 {
			return "", fmt.Errorf("it is not in the network %q", clipped(q.network))
		}
	}
	a := owner.Addresses[max(i, 0)]
	labels["__meta_docker_network_name"], labels["__meta_docker_network_ip"] = a.Network, a.IP.String()
	return join(a.IP.String(), port), nil
}

// atPublished is the address at which the host publishes a port of a container.
func (q *reach) atPublished(owner *engine.Container, port int, labels map[string]string) (string, error) {
	if owner.Listed {
		return "", errors.New("the engine does not tell its ports: see inspect in /api/v1/capabilities")
	}
	var bindings []netip.AddrPort
	for _, p := range owner.TCPPorts {
		if int(p.Number) == port {
			bindings = p.Published
		}
	}
	if len(bindings) == 0 {
		return "", fmt.Errorf("its port %d is not published", port)
	}
	for _, b := range bindings {
		var err error
		address := b.String()
		switch {
		case b.Addr().IsUnspecified():
			address, err = q.atHost(int(b.Port()))
		case b.Addr().IsLoopback() && !q.isLoopback():
			continue
		}
		labels["__meta_docker_port_public"], labels["__meta_docker_port_public_ip"] = strconv.Itoa(int(b.Port())), b.Addr().String()
		return address, err
	}
	return "", fmt.Errorf("its port %d is published at %s only, which nobody but its host can reach", port, bindings[0].Addr())
}

// isLoopback says whether the host is asked for from itself.
func (q *reach) isLoopback() bool {
	ip, err := netip.ParseAddr(q.host)
	return q.host == "localhost" || err == nil && ip.IsLoopback()
}

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// newMeta gives the labels of a target. What Prometheus' docker_sd_configs have, too, is called and written as there, so that rules
// made for those fit; a value that looks secret is left out.
func newMeta(c *collector.Container, w wish) map[string]string {
	f := c.Facts
	meta := map[string]string{
		"__scheme__": w.scheme, "__metrics_path__": w.path,
		"__meta_docker_container_id": f.ID, "__meta_docker_container_name": "/" + c.Name, "__meta_docker_container_image": c.Image,
		"__meta_docker_container_network_mode": f.NetworkMode, "__meta_docker_port_private": strconv.Itoa(w.port),
	}
	if c.Engine != "" {
		meta["__meta_tallyman_engine"] = c.Engine
	}
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		name := "__meta_docker_container_label_" + metaName(key)
		if _, taken := meta[name]; !taken && !secret(key) {
			meta[name] = masked(key, f.Labels[key])
		}
	}
	return meta
}

// metaName makes a part of the name of a label as Prometheus does.
func metaName(key string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, key)
}

// maxMistakes bounds what is remembered of mistakes.
const maxMistakes = 1000

// mistakes logs what is wrong with the labels of a container, once. It is safe for concurrent use.
type mistakes struct {
	mu   sync.Mutex // guards the field below
	told map[[2]string]struct{}
}

// tell logs a mistake, unless it has.
func (m *mistakes) tell(log *slog.Logger, c *collector.Container, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{c.Facts.ID, err.Error()}
	if _, known := m.told[key]; known {
		return
	}
	if m.told == nil || len(m.told) >= maxMistakes {
		m.told = map[[2]string]struct{}{} // containers of long ago are told of again, if they are still there
	}
	m.told[key] = struct{}{}
	log.Warn("container asks to be scraped, but its labels are wrong", "container", c.Name, "engine", c.Engine, "err", err)
}
