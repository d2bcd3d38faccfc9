package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

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
	roots := certificate(t, folder)
	config := filepath.Join(folder, "web.yml")
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, webConfig, hash), 0o600); err != nil {
		t.Fatal(err)
	}
	p := program.Start(t, program.Options{Path: binary(t), Host: e.Host, Args: []string{"--web.config.file=" + config, "--web.enable-pprof"}})
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true},
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

// certificate writes cert.pem and key.pem, and returns what trusts them.
func certificate(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for name, data := range map[string][]byte{
		"cert.pem": public,
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(public)
	return roots
}
