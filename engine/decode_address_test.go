package engine

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman/internal/fakeengine"
)

// reach writes how a container can be reached: "bridge=10.0.0.2 80@127.0.0.1:8080".
func reach(c *Container) string {
	var words []string
	for _, a := range c.Addresses {
		words = append(words, a.Network+"="+a.IP.String())
	}
	for _, p := range c.TCPPorts {
		word := fmt.Sprint(p.Number)
		for _, at := range p.Published {
			word += "@" + at.String()
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// TestDecodeInspect_reach: recorded containers are where docker inspect says, whatever the engine.
func TestDecodeInspect_reach(t *testing.T) {
	t.Parallel()
	want := map[string]map[string]string{
		"20.10.24": {
			"eng-shop-web-1": "eng-net=10.220.128.2 80@127.0.0.1:32769", "eng-multi": "eng-net=10.220.128.4 eng-net2=10.220.129.2",
			"eng-tty": "bridge=10.220.0.16", "eng-host": "", "eng-none": "", "eng-joined": "", "eng-exit0": "", "eng-created": "",
		},
		"28.5.2": {
			"eng-shop-web-1": "eng-net=10.228.128.2 80@127.0.0.1:32771", "eng-multi": "eng-net=10.228.128.4 eng-net2=10.228.129.2",
			"eng-host": "", "eng-none": "", "eng-joined": "", "eng-exit0": "", "eng-created": "",
		},
		"29.7.2": {
			"eng-shop-web-1": "eng-net=10.229.128.2 80@127.0.0.1:32773", "eng-multi": "eng-net=10.229.128.4 eng-net2=10.229.129.2",
			"eng-tty": "bridge=10.229.0.15", "eng-host": "", "eng-none": "", "eng-joined": "", "eng-exit0": "", "eng-created": "",
		},
	}
	eachInspect(t, func(version, name string, data []byte) {
		in, err := decodeInspect(data)
		if err != nil {
			t.Fatal(err)
		}
		if expected, ok := want[version][name]; ok && reach(&in.Container) != expected {
			t.Errorf("%s %s: got %q, want %q", version, name, reach(&in.Container), expected)
		}
	})
}

// TestDecodeInspect_reachQuirks: whatever else an engine may write, addresses are addresses, ports are ports, and few.
func TestDecodeInspect_reachQuirks(t *testing.T) {
	t.Parallel()
	many := func(format string, n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(format, i+1)
		}
		return strings.Join(items, ",")
	}
	for body, want := range map[string]string{
		`"NetworkSettings":null,"Config":{"ExposedPorts":null}`:                                                                      "",
		`"NetworkSettings":{"Networks":7,"Ports":["80/tcp"]}`:                                                                        "",
		`"NetworkSettings":{"Networks":{"a":{"IPAddress":""},"b":{"IPAddress":"evil.example"},"c":7}}`:                               "",
		`"NetworkSettings":{"Networks":{"a":{"IPAddress":"0.0.0.0"},"b":{"IPAddress":"fe80::1%eth0"}}}`:                              "",
		`"NetworkSettings":{"Networks":{"a":{"IPAddress":null,"GlobalIPv6Address":"fd00::2"}}}`:                                      "a=fd00::2",
		`"NetworkSettings":{"Networks":{"a":{"IPAddress":"10.0.0.2","GlobalIPv6Address":"fd00::2"}}}`:                                "a=10.0.0.2",
		`"Config":{"ExposedPorts":{"80/tcp":{},"53/udp":{},"9/sctp":{},"0/tcp":{},"99999/tcp":{},"x":1}}`:                            "80",
		`"Config":{"ExposedPorts":{"80/tcp":{}}},"NetworkSettings":{"Ports":{"80/tcp":null,"90":[]}}`:                                "80 90",
		`"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}]}}`:                 "80@0.0.0.0:8080@[::]:8080",
		`"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"::ffff:127.0.0.1","HostPort":"8080"},{"HostPort":"0"},{"HostPort":"x"}]}}`: "80@127.0.0.1:8080",
		`"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"evil.example","HostPort":"1"},{"HostIp":"fe80::1%x","HostPort":"1"}]}}`:    "80",
	} {
		in, err := decodeInspect([]byte(`{"Id":"` + strings.Repeat("ab", 32) + `","State":{"Status":"running"},` + body + `}`))
		if got := reach(&in.Container); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", body, got, err, want)
		}
	}
	in, err := decodeInspect([]byte(`{"Id":"` + strings.Repeat("ab", 32) + `","NetworkSettings":{"Networks":{` + many(`"n%d":{"IPAddress":"10.0.0.2"}`, 100) +
		`},"Ports":{` + many(`"%d/tcp":null`, 2000) + `,"2001/tcp":[` + many(`{"HostPort":"%d"}`, 100) + `]}}}`))
	if err != nil || len(in.Addresses) != maxAddresses || len(in.TCPPorts) != maxPorts || in.TCPPorts[0].Number != 1 {
		t.Errorf("unbounded: %d addresses, %d ports, %v", len(in.Addresses), len(in.TCPPorts), err)
	}
}

// TestInventory_networkConnect: a container that runs on has the addresses that it has now; one that ends costs no look of its own.
func TestInventory_networkConnect(t *testing.T) {
	t.Parallel()
	e := fakeengine.ForTest(t, fakeengine.Options{Version: "28.5.2"})
	l := follow(t, e, Options{}, fast())
	id := l.Create("moving", "busybox:1")
	l.Run("moving")
	l.awaitContainer(t, "moving", "running", func(c *Container) bool { return c.State == StateRunning && c.Addresses == nil })
	l.Mute(true)
	l.Update("moving", func(doc map[string]any) {
		doc["NetworkSettings"] = map[string]any{"Networks": map[string]any{"shop": map[string]any{"IPAddress": "10.7.0.2"}}}
	})
	l.Raw(fmt.Sprintf(`{"Type":"network","Action":"connect","Actor":{"ID":"n","Attributes":{"container":%q,"name":"shop"}},"timeNano":%d}`, id, time.Now().UnixNano()))
	c := l.awaitContainer(t, "moving", "connected", func(c *Container) bool { return c.Addresses != nil })
	if want := []Address{{"shop", netip.MustParseAddr("10.7.0.2")}}; !cmp.Equal(c.Addresses, want, cmp.Comparer(func(a, b Address) bool { return a == b })) {
		t.Errorf("got %v", c.Addresses)
	}
}

// TestTracker_network: only a container that runs on is looked at for its networks.
func TestTracker_network(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	connect := func(action, container string, nano int64) verdict {
		return s.tracker.event(event{kind: "network", action: action, id: "n", container: container, nano: nano})
	}
	s.event("create")
	s.inspect()
	if got := connect("connect", s.id, 1); got != nothing {
		t.Errorf("before it runs: got %v", got)
	}
	s.run()
	s.inspect()
	for n, action := range []string{"connect", "disconnect"} {
		if got := connect(action, s.id, int64(10+n)); got != readdress {
			t.Errorf("%s: got %v", action, got)
		}
	}
	for n, action := range []string{"connect", "create"} {
		if got := connect(action, strings.Repeat("0", 64), int64(20+n)); got != nothing {
			t.Errorf("%s of one that is not known: got %v", action, got)
		}
	}
	if got := connect("destroy", s.id, 30); got != nothing {
		t.Errorf("destroy: got %v", got)
	}
	var r rechecks
	now := time.Now()
	r.moved("runs", now)
	r.moved("ended", now)
	r.forget("ended")
	if got := r.due(now.Add(time.Minute)); len(got) != 1 || got[0] != "runs" || len(r.pending) > 0 {
		t.Errorf("due: %q, then %v", got, r.pending)
	}
}
