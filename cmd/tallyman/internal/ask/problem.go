package ask

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// refusesTLS is in the error of a server that wants a certificate of its clients: crypto/tls has no type for it.
const refusesTLS = "remote error: tls"

// trouble says, for people, why there was no answer. The words follow the address.
func (c *Client) trouble(err error) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		lookup    *net.DNSError
		network   net.Error
	)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses the connection: nothing listens there; is tallyman running, and on this port?"
	case errors.As(err, &lookup):
		return fmt.Sprintf("cannot be found: there is no host %q", clip(lookup.Name))
	case errors.As(err, &authority):
		return fmt.Sprintf("shows a certificate of an authority that is not trusted here, %q: name a file with that authority by --url.ca-file", clip(authority.Cert.Issuer.String()))
	case errors.As(err, &name):
		return fmt.Sprintf("shows a certificate for another name than %q: use a name that is in it", clip(name.Host))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "shows a certificate that has expired, or is not valid yet: renew it, or set the clock"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "does not speak TLS: want http:// in place of https://"
	case strings.Contains(err.Error(), refusesTLS):
		return "refuses the TLS connection: it wants a certificate of its clients, which goes into --url.config.file (" + oneLine(bare(err)) + ")"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("did not answer within %s", c.http.Timeout)
	}
	return "cannot be asked: " + clip(oneLine(bare(err)))
}

// bare is an error without the address, which is named already, and may hold a password.
func bare(err error) error {
	var wrapped interface{ Unwrap() error }
	if errors.As(err, &wrapped) {
		if inner := wrapped.Unwrap(); inner != nil {
			return inner
		}
	}
	return err
}

// refusal says what an answer other than the wanted one means.
func refusal(r reply) error {
	text := ""
	if r.json {
		text = said(r.body)
	}
	switch {
	case r.code == http.StatusUnauthorized:
		return errors.New("wants a user name and a password: put them into --url=https://user:password@host or, unseen by others, into --url.config.file")
	case r.code == http.StatusForbidden:
		return errors.New("forbids this: the server, or a proxy before it, answers 403")
	case r.code == http.StatusBadRequest && strings.Contains(string(r.body), "HTTP request to an HTTPS server"):
		return errors.New("wants TLS: want https:// in place of http://")
	case r.code == http.StatusNotFound && text != "":
		return fmt.Errorf("%w: %s", ErrNotServed, text)
	case text != "":
		return fmt.Errorf("answers %d: %s", r.code, text)
	case r.code == http.StatusOK, r.code == http.StatusNotFound:
		return errors.New("is no tallyman, or one behind another path: want http://host:10180, with the path prefix if it is behind one")
	}
	return fmt.Errorf("answers %s: is it a tallyman?", clip(oneLine(errors.New(r.status))))
}

// maxShown bounds what is shown of what others have said.
const maxShown = 300

func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}

// oneLine keeps an error message on one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
