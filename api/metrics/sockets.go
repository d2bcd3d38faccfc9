package metrics

import "tallyman/cgroups"

// socketFamilies are the rows of the sockets of a network namespace, counted once, at the container that owns it. The values are
// no counters although cAdvisor's names end in _total, hence Untyped.
func socketFamilies() []Family {
	return []Family{
		perTCPState("container_network_tcp_usage_total", "TCP sockets by state, from /proc/<pid>/net/tcp.",
			func(s *cgroups.Sockets) *cgroups.TCPStates { return &s.TCP }),
		perTCPState("container_network_tcp6_usage_total", "TCP sockets over IPv6 by state, from /proc/<pid>/net/tcp6.",
			func(s *cgroups.Sockets) *cgroups.TCPStates { return &s.TCP6 }),
		perUDPState("container_network_udp_usage_total",
			"UDP sockets without a peer (listen), datagrams that open sockets dropped, and bytes in their queues, from /proc/<pid>/net/udp.",
			func(s *cgroups.Sockets) *cgroups.UDPSockets { return &s.UDP }),
		perUDPState("container_network_udp6_usage_total",
			"UDP sockets over IPv6 without a peer (listen), datagrams that open sockets dropped, and bytes in their queues, from /proc/<pid>/net/udp6.",
			func(s *cgroups.Sockets) *cgroups.UDPSockets { return &s.UDP6 }),
	}
}

// perTCPState gives a family with one sample for each state.
func perTCPState(name, help string, table func(*cgroups.Sockets) *cgroups.TCPStates) Family {
	return Family{
		Name: name, Help: help, Type: Untyped, Group: GroupTCP, Labels: []string{"tcp_state"},
		Each: func(c *container, yield func(Sample)) {
			if c.Stats.Sockets == nil {
				return
			}
			t := table(c.Stats.Sockets)
			yield(labelled(t.Established, "established"))
			yield(labelled(t.SynSent, "synsent"))
			yield(labelled(t.SynRecv, "synrecv"))
			yield(labelled(t.FinWait1, "finwait1"))
			yield(labelled(t.FinWait2, "finwait2"))
			yield(labelled(t.TimeWait, "timewait"))
			yield(labelled(t.Close, "close"))
			yield(labelled(t.CloseWait, "closewait"))
			yield(labelled(t.LastAck, "lastack"))
			yield(labelled(t.Listen, "listen"))
			yield(labelled(t.Closing, "closing"))
		},
	}
}

// perUDPState gives a family with one sample for each of cAdvisor's udp_state.
func perUDPState(name, help string, table func(*cgroups.Sockets) *cgroups.UDPSockets) Family {
	return Family{
		Name: name, Help: help, Type: Untyped, Group: GroupUDP, Labels: []string{"udp_state"},
		Each: func(c *container, yield func(Sample)) {
			if c.Stats.Sockets == nil {
				return
			}
			u := table(c.Stats.Sockets)
			yield(labelled(u.Listen, "listen"))
			yield(labelled(u.Dropped, "dropped"))
			yield(labelled(u.RxQueued, "rxqueued"))
			yield(labelled(u.TxQueued, "txqueued"))
		},
	}
}
