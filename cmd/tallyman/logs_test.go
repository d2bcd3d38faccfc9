package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tallyman/internal/pki"
)

// TestConfig_logs: logs are shown to those who ask from this host, or who prove who they are, and to nobody else.
func TestConfig_logs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority := pki.New(t, pki.Options{Name: "authority"})
	authority.Write(t, dir, authority.Issue(t, pki.Options{Hosts: []string{"localhost"}}))
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "--web.config.file=" + path
	}
	certificate := "tls_server_config:\n  cert_file: " + filepath.Join(dir, "cert.pem") + "\n  key_file: " + filepath.Join(dir, "key.pem") + "\n"
	users := file("users.yml", "basic_auth_users:\n  scraper: $2y$04$wc6XyQzcrcPNDUOD3k7r2.3ILUVq5ZkMNdD9vnDkgM36UD0i0UUve\n")
	encrypted := file("encrypted.yml", certificate)
	nobody := file("nobody.yml", certificate+"basic_auth_users: {}\n")
	clients := file("clients.yml", certificate+"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: "+filepath.Join(dir, "ca.pem")+"\n")
	anyone := file("anyone.yml", certificate+"  client_auth_type: RequireAnyClientCert\n")
	maybe := file("maybe.yml", certificate+"  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: "+filepath.Join(dir, "ca.pem")+"\n")
	for _, tt := range []struct {
		allowed bool
		args    []string
	}{
		{true, []string{"--web.listen-address=127.0.0.1:10180"}},
		{true, []string{"--web.listen-address=[::1]:10180", "--web.listen-address=localhost:1", "--web.listen-address=127.8.9.1:1"}},
		{true, []string{users}},
		{true, []string{clients, "--web.listen-address=10.0.0.1:1"}},
		{true, []string{users, "--web.systemd-socket"}},
		{false, nil},
		{false, []string{"--web.listen-address=127.0.0.1:1", "--web.listen-address=:1"}},
		{false, []string{"--web.listen-address=0.0.0.0:1"}},
		{false, []string{"--web.listen-address=[::]:1"}},
		{false, []string{"--web.listen-address=localhost.example.org:1"}},
		{false, []string{"--web.listen-address=127.0.0.1.nip.io:1"}},
		{false, []string{"--web.listen-address=vsock://:1"}},
		{false, []string{"--web.systemd-socket", "--web.listen-address=127.0.0.1:1"}},
		{false, []string{encrypted}},
		{false, []string{nobody}},
		{false, []string{anyone}},
		{false, []string{maybe}},
	} {
		_, err := parseConfig(append([]string{"--web.logs"}, tt.args...), env(nil), io.Discard)
		if (err == nil) != tt.allowed {
			t.Errorf("%q: got %v", tt.args, err)
		}
		if _, err := parseConfig(tt.args, env(nil), io.Discard); err != nil {
			t.Errorf("%q without --web.logs: got %v", tt.args, err)
		}
	}
}

// TestConfig_history: sizes are read as people write them, and 0 is none.
func TestConfig_history(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]int{
		"--history.interval=30s": 8_000_000, "--history.memory=0": 0, "--history.memory=1000": 1000, "--history.memory=64kB": 64_000,
		"--history.memory=16MiB": 16 << 20, "--history.memory=1GB": 1_000_000_000,
	} {
		c, err := parseConfig([]string{arg}, env(nil), io.Discard)
		if err != nil || *c.historyMemory != want || *c.historyInterval != 30*time.Second {
			t.Errorf("%s: got %+v", arg, err)
		}
	}
	c, err := parseConfig(nil, env(map[string]string{"TALLYMAN_HISTORY_INTERVAL": "0s", "TALLYMAN_HISTORY_MEMORY": "1MB"}), io.Discard)
	if err != nil || *c.historyMemory != 1_000_000 || *c.historyInterval != 0 {
		t.Errorf("got %v", err)
	}
}
