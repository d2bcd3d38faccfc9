package engine

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what is kept of how one container can be reached.
const (
	maxAddresses = 64
	maxPorts     = 1024
	maxBindings  = 16 // of one port
)

// addresses lists where the container is in its networks.
func (w *wireContainer) addresses() []Address {
	var all []Address
	for name, endpoint := range w.NetworkSettings.Networks {
		ip, err := netip.ParseAddr(cmp.Or(endpoint.IPAddress, endpoint.GlobalIPv6Address))
		if err == nil && ip.IsValid() && !ip.IsUnspecified() && ip.Zone() == "" {
			all = append(all, Address{Network: clip(name, maxName), IP: ip.Unmap()})
		}
	}
	slices.SortFunc(all, func(a, b Address) int { return strings.Compare(a.Network, b.Network) })
	return all[:min(len(all), maxAddresses)]
}

// tcpPorts lists the ports that are exposed or published.
func (w *wireContainer) tcpPorts() []Port {
	published := map[uint16][]netip.AddrPort{}
	for name := range w.Config.ExposedPorts {
		if number, ok := tcpPort(name); ok {
			published[number] = nil
		}
	}
	for name, bindings := range w.NetworkSettings.Ports {
		if number, ok := tcpPort(name); ok {
			published[number] = bound(bindings)
		}
	}
	all := make([]Port, 0, len(published))
	for number, at := range published {
		all = append(all, Port{Number: number, Published: at})
	}
	slices.SortFunc(all, func(a, b Port) int { return cmp.Compare(a.Number, b.Number) })
	if len(all) == 0 {
		return nil
	}
	return all[:min(len(all), maxPorts)]
}

// tcpPort reads a name such as "80/tcp". Without a protocol it is TCP, as in the command line of docker.
func tcpPort(name string) (uint16, bool) {
	digits, protocol, _ := strings.Cut(name, "/")
	number, err := strconv.ParseUint(digits, 10, 16)
	return uint16(number), err == nil && number > 0 && (protocol == "tcp" || protocol == "")
}

// bound lists where a port is published. Older engines write no address for all of the host's.
func bound(bindings []wireBinding) []netip.AddrPort {
	var all []netip.AddrPort
	for _, b := range bindings[:min(len(bindings), maxBindings)] {
		ip, err := netip.ParseAddr(cmp.Or(b.HostIP, "0.0.0.0"))
		port, portErr := strconv.ParseUint(b.HostPort, 10, 16)
		if err == nil && portErr == nil && port > 0 && ip.Zone() == "" {
			all = append(all, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
		}
	}
	slices.SortFunc(all, netip.AddrPort.Compare)
	return all
}
