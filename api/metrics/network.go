package metrics

import "tallyman/cgroups"

// networkFamilies are the rows of the traffic of a network namespace, counted once, at the container that owns it.
func networkFamilies() []Family {
	return []Family{
		perInterface("container_network_receive_bytes_total",
			"Bytes received, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.RxBytes }),
		perInterface("container_network_receive_packets_total",
			"Packets received, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.RxPackets }),
		perInterface("container_network_receive_packets_dropped_total",
			"Packets dropped while receiving, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.RxDropped }),
		perInterface("container_network_receive_errors_total",
			"Errors while receiving, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.RxErrors }),
		perInterface("container_network_transmit_bytes_total",
			"Bytes sent, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.TxBytes }),
		perInterface("container_network_transmit_packets_total",
			"Packets sent, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.TxPackets }),
		perInterface("container_network_transmit_packets_dropped_total",
			"Packets dropped while sending, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.TxDropped }),
		perInterface("container_network_transmit_errors_total",
			"Errors while sending, from /proc/<pid>/net/dev.",
			func(n *cgroups.Interface) float64 { return n.TxErrors }),
	}
}

// perInterface gives a counter with one sample for each interface of a container.
func perInterface(name, help string, value func(*cgroups.Interface) float64) Family {
	return Family{
		Name: name, Help: help, Type: Counter, Group: GroupNetwork, Labels: []string{"interface"},
		Each: func(c *container, yield func(Sample)) {
			for i := range c.Stats.Network {
				n := &c.Stats.Network[i]
				yield(labelled(value(n), n.Name))
			}
		},
	}
}
