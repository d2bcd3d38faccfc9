// Package pki makes certificate authorities and certificates for tests. No other code imports it.
//
// Start reading at New.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority.
type Authority struct {
	// Pool holds its certificate only.
	Pool *x509.CertPool

	cert *x509.Certificate
	key  crypto.Signer
}

// Options say what a certificate is for. The zero value is valid now, for a client without a name.
type Options struct {
	// Name is its common name.
	Name string
	// Hosts are the names and addresses of a server.
	Hosts []string
	// Usage is what alone it may be used for; the zero value = everything.
	Usage x509.ExtKeyUsage
	// From and To bound its validity; zero = an hour ago, in an hour.
	From, To time.Time
}

// Pair is a certificate with its key.
type Pair struct {
	Certificate tls.Certificate

	certPEM, keyPEM []byte
}

// New makes an authority; of the options, Hosts have no meaning.
func New(t testing.TB, o Options) *Authority {
	t.Helper()
	template := o.template()
	template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	a := &Authority{Pool: x509.NewCertPool()}
	a.cert, a.key = create(t, template, nil)
	a.Pool.AddCert(a.cert)
	return a
}

// Issue makes a certificate.
func (a *Authority) Issue(t testing.TB, o Options) Pair {
	t.Helper()
	cert, key := create(t, o.template(), a)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := Pair{certPEM: encode("CERTIFICATE", cert.Raw), keyPEM: encode("PRIVATE KEY", der)}
	if p.Certificate, err = tls.X509KeyPair(p.certPEM, p.keyPEM); err != nil {
		t.Fatal(err)
	}
	return p
}

// Write puts the certificate of the authority, a pair and its key into a folder as ca.pem, cert.pem and key.pem, which is
// how Docker names them. Each file is replaced at once, as tools that renew certificates do it.
func (a *Authority) Write(t testing.TB, folder string, p Pair) {
	t.Helper()
	for name, data := range map[string][]byte{"ca.pem": encode("CERTIFICATE", a.cert.Raw), "cert.pem": p.certPEM, "key.pem": p.keyPEM} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path+".new", data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
}

func (o Options) template() *x509.Certificate {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: o.Name}, NotBefore: o.From, NotAfter: o.To,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{o.Usage},
	}
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	for _, host := range o.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	return c
}

// create makes a certificate signed by an authority; nil = by itself.
func create(t testing.TB, template *x509.Certificate, by *Authority) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = &Authority{cert: template, key: key}
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
