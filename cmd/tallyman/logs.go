package main

import (
	"fmt"
	"net"
	"os"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
)

const logsFlag = "web.logs"

// checkLogs refuses --web.logs where anybody who can connect could read what containers have written.
func (c *config) checkLogs() error {
	if !*c.logs {
		return nil
	}
	guarded, err := asksWho(*c.web.WebConfigFile)
	if err != nil || guarded {
		return err
	}
	const want = "want an address on loopback such as 127.0.0.1:10180, or a --web.config.file with basic_auth_users or client_auth_type RequireAndVerifyClientCert"
	if c.web.WebSystemdSocket != nil && *c.web.WebSystemdSocket {
		return fmt.Errorf("--%s would show what containers have written to everybody who can connect to the socket of --web.systemd-socket: %s", logsFlag, want)
	}
	for _, address := range *c.web.WebListenAddresses {
		if !onLoopback(address) {
			return fmt.Errorf("--%s would show what containers have written to everybody who can connect to --web.listen-address=%s: %s", logsFlag, address, want)
		}
	}
	return nil
}

// asksWho says whether a configuration of exporter-toolkit, which was checked, lets only those in who prove who they are.
func asksWho(file string) (bool, error) {
	w, err := readWeb(file)
	return len(w.Users) > 0 || w.TLSConfig.ClientAuth == "RequireAndVerifyClientCert", err
}

// speaksTLS says whether a configuration of exporter-toolkit wants TLS.
func speaksTLS(file string) (bool, error) {
	w, err := readWeb(file)
	return w.TLSConfig.TLSCert != "" || w.TLSConfig.TLSCertPath != "", err
}

// readWeb reads a configuration of exporter-toolkit; "" = there is none.
func readWeb(file string) (w web.Config, err error) {
	if file == "" {
		return w, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return w, fmt.Errorf("--web.config.file: %w: want a file that can be read", err)
	}
	if err := yaml.Unmarshal(text, &w); err != nil {
		return w, fmt.Errorf("--web.config.file %q: %w: want a file as https://prometheus.io/docs/guides/tls-encryption describes it", file, err)
	}
	return w, nil
}

// onLoopback says whether only this host can connect to an address.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
