package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestEngineAddresses(t *testing.T) {
	t.Parallel()
	docker := map[string]string{"DOCKER_HOST": "tcp://docker:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs", "DOCKER_API_VERSION": "1.41"}
	for _, tt := range []struct {
		args []string
		env  map[string]string
		want []engineAddress
	}{
		{nil, nil, []engineAddress{{host: "unix:///var/run/docker.sock"}}},
		{nil, docker, []engineAddress{{host: "tcp://docker:2376", tlsVerify: true, certPath: "/certs", apiVersion: "1.41"}}},
		{[]string{"--engine.host=here=unix:///a"}, nil, []engineAddress{{host: "unix:///a"}}},
		{[]string{"--engine.host=unix:///a=b"}, nil, []engineAddress{{host: "unix:///a=b"}}},
		{[]string{"--engine.host=tcp://a:1", "--engine.tls-dir=/x=y"}, docker, []engineAddress{{host: "tcp://a:1", tlsVerify: true, certPath: "/x=y", apiVersion: "1.41"}}},
		{
			[]string{"--engine.host=here=unix:///a", "--engine.host=rack-7=tcp://b:2376", "--engine.tls-dir=rack-7=/certs/b"},
			docker,
			[]engineAddress{{name: "here", host: "unix:///a"}, {name: "rack-7", host: "tcp://b:2376", tlsVerify: true, certPath: "/certs/b"}},
		},
		{
			nil,
			map[string]string{"TALLYMAN_ENGINE_HOST": "here=unix:///a,b=tcp://b:2376", "TALLYMAN_ENGINE_TLS_DIR": "b=/certs/b"},
			[]engineAddress{{name: "here", host: "unix:///a"}, {name: "b", host: "tcp://b:2376", tlsVerify: true, certPath: "/certs/b"}},
		},
	} {
		c, err := parseConfig(tt.args, env(tt.env), io.Discard)
		if err != nil || !slices.Equal(c.engines, tt.want) {
			t.Errorf("%v %v: got %+v, want %+v: %v", tt.args, tt.env, c, tt.want, err)
		}
	}
}

func TestEngineAddresses_refuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want []string }{
		{[]string{"--engine.host=unix:///a", "--engine.host=b=tcp://b:1"}, []string{"--engine.host", "unix:///a", "name"}},
		{[]string{"--engine.host=b=unix:///a", "--engine.host=b=tcp://b:1"}, []string{"--engine.host", `"b"`, "name of its own"}},
		{[]string{"--engine.host=a b=unix:///a"}, []string{"--engine.host", "a b", "letters"}},
		{[]string{"--engine.host==unix:///a"}, []string{"--engine.host", "name of an engine"}},
		{[]string{"--engine.host=a=unix:///a", "--engine.host=b=tcp://b:1", "--engine.tls-dir=/x"}, []string{"--engine.tls-dir", "/x", "name=folder"}},
		{[]string{"--engine.host=tcp://b:1", "--engine.tls-dir=c=/x"}, []string{"--engine.tls-dir", `"c"`, "--engine.host"}},
		{[]string{"--engine.host=tcp://b:1", "--engine.tls-dir=/x", "--engine.tls-dir=/y"}, []string{"--engine.tls-dir", "/x", "/y"}},
		{[]string{"--engine.host=b=tcp://b:1", "--engine.tls-dir=b="}, []string{"--engine.tls-dir", "ca.pem"}},
		{[]string{"--engine.host=unix:///a", "--engine.tls-dir=/x"}, []string{"--engine.tls-dir", "unix:///a", "tcp://"}},
	} {
		_, err := parseConfig(tt.args, env(nil), io.Discard)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %q does not name %q", tt.args, err, want)
			}
		}
	}
}
