package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"tallyman/internal/pki"
	"tallyman/test/internal/program"
)

// password is that of the user keeper.
const password = "fourteen-tallies"

// webConfig is a file as operators write it.
const webConfig = `tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
basic_auth_users:
  keeper: %s
`

// routes are all addresses that are served, one of each kind.
func routes() []string {
	return []string{
		"/", "/metrics", "/metrics?collect[]=cpu", "/api/v1/summary", "/api/v1/containers", "/api/v1/openapi.yaml",
		"/-/healthy", "/-/ready", "/debug/pprof/cmdline", "/static/style.css",
	}
}

// TestWebConfig: TLS and basic authentication hold for every route, /metrics and the health checks included.
func TestWebConfig(t *testing.T) {
	e := populated(t)
	folder := t.TempDir()
	authority := pki.New(t, pki.Options{})
	authority.Write(t, folder, authority.Issue(t, pki.Options{Hosts: []string{"127.0.0.1"}}))
	config := filepath.Join(folder, "web.yml")
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, webConfig, hash), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, program.Options{Path: binary(t), Host: e.Host, Args: []string{"--web.config.file=" + config, "--web.enable-pprof"}})
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool}, DisableKeepAlives: true},
		Timeout:   limit,
	}
	base := "https://" + strings.TrimPrefix(p.URL, "http://")
	for _, route := range routes() {
		for secret, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, password: http.StatusOK} {
			if got := status(t, client, base+route, secret); got != want {
				t.Errorf("%s with password %q: got %d, want %d", route, secret, got, want)
			}
		}
		if got := status(t, http.DefaultClient, p.URL+route, password); got != http.StatusBadRequest {
			t.Errorf("%s without TLS: got %d, want %d", route, got, http.StatusBadRequest)
		}
	}
}

// status asks for a page, as keeper when there is a password.
func status(t *testing.T, client *http.Client, url, secret string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if secret != "" {
		req.SetBasicAuth("keeper", secret)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
