package engine

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// nameFolder is what to do for want of certificates.
const nameFolder = "name a folder with ca.pem, cert.pem and key.pem by --engine.tls-dir, or by DOCKER_CERT_PATH with DOCKER_TLS_VERIFY=1"

// tlsTrouble says, if an error is about TLS, in a word what is wrong, and for people what the engine does and what can be
// done about it; otherwise "". certs may be nil where only the word counts.
func tlsTrouble(err error, certs *certificates) (word, text string) {
	var (
		status    *StatusError
		record    tls.RecordHeaderError
		handshake *handshakeError
	)
	switch {
	case errors.As(err, &status):
		if !status.wantsTLS() {
			return "", ""
		}
		return "tls_wanted", "wants TLS: " + nameFolder
	case errors.As(err, &record):
		return "no_tls", "does not speak TLS: start dockerd with --tlsverify, or do without --engine.tls-dir, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
	case refusedOurs(err):
		return "client_certificate", certs.refused()
	case !errors.As(err, &handshake):
		return "", ""
	}
	if word, text = distrust(err, certs); word != "" {
		return word, text
	}
	return "tls_handshake", "broke off the TLS handshake: does it speak TLS, and does it accept our certificate? (" + oneLine(handshake.err.Error()) + ")"
}

// distrust is tlsTrouble for a certificate of the server that is not trusted.
func distrust(err error, certs *certificates) (word, text string) {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		other     *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &authority):
		return "unknown_authority", fmt.Sprintf("shows a certificate of %s, which is not in %s: is it the right engine, and the right authority?",
			called(authority.Cert.Issuer.String()), certs.authorities())
	case errors.As(err, &name):
		return "host_name", fmt.Sprintf("shows a certificate for %s, not for %s: use a name that is in it, or have it made for this one, too",
			names(name.Certificate), clip(name.Host, maxName))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate_expired", fmt.Sprintf("shows a certificate that cannot be trusted, as that of %s %s: renew it, or set the clock of this host",
			called(invalid.Cert.Subject.String()), validity(invalid.Cert))
	case errors.As(err, &other):
		return "certificate_invalid", "shows a certificate that is not fit for a server: " + oneLine(other.Err.Error())
	}
	return "", ""
}

// wantsTLS says whether a server that speaks TLS was asked without, in the words of Go's HTTP server, which is dockerd's.
func (e *StatusError) wantsTLS() bool {
	return e.Code == http.StatusBadRequest && strings.Contains(e.Message, "HTTP request to an HTTPS server")
}

// refusedOurs says whether the server refused our certificate, or that there was none. In TLS 1.3 it says so after the
// handshake, in place of its first answer.
func refusedOurs(err error) bool {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return false
	}
	// https://www.rfc-editor.org/rfc/rfc8446#section-6. Servers made with old releases of Go say "bad certificate" whatever is
	// wrong with it; in TLS 1.2, a handshake failure says that there is none.
	for _, alert := range []tls.AlertError{
		40,  // handshake failure
		42,  // bad certificate
		43,  // unsupported certificate
		44,  // revoked certificate
		45,  // expired certificate
		46,  // unknown certificate
		48,  // unknown certificate authority
		49,  // access denied
		116, // certificate required
	} {
		if remote.Err.Error() == alert.Error() { // its type is the library's own
			return true
		}
	}
	return false
}

// refused says, for people, why a server may have refused the certificate that it was shown. The alert does not say it: a
// client keeps back a certificate of an authority for which the server did not ask, and seems to have none.
func (c *certificates) refused() string {
	own := c.own()
	if own == nil {
		return "wants a certificate from its clients: " + nameFolder
	}
	file := filepath.Join(c.folder, "cert.pem")
	if problem := validity(own); problem != "" {
		return fmt.Sprintf("refuses the certificate in %s, which %s: renew it, or set the clock of this host", file, problem)
	}
	return fmt.Sprintf("refuses the certificate in %s, which is of %s: it must be one for clients, of the authority in dockerd's --tlscacert",
		file, called(own.Issuer.String()))
}

// authorities names what the server's certificate is checked against.
func (c *certificates) authorities() string {
	if c == nil || c.folder == "" {
		return "what this system trusts"
	}
	return filepath.Join(c.folder, "ca.pem")
}

// validity says why a certificate is not valid at this time; "" = it is.
func validity(cert *x509.Certificate) string {
	switch now := time.Now(); {
	case now.After(cert.NotAfter):
		return "expired at " + cert.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(cert.NotBefore):
		return "is not valid before " + cert.NotBefore.UTC().Format(time.RFC3339)
	}
	return ""
}

// called quotes a name out of a certificate.
func called(name string) string { return fmt.Sprintf("%q", clip(oneLine(name), maxShown)) }

// maxShown bounds what is shown of a certificate.
const maxShown = 80

// names lists what a certificate is for.
func names(cert *x509.Certificate) string {
	all := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no host name at all (a common name does not count)"
	}
	return clip(oneLine(strings.Join(all, ", ")), maxShown)
}
