package main

import (
	"fmt"
	"regexp"
	"strings"
)

// engineAddress is where one engine is, and how it is reached.
type engineAddress struct {
	name       string // "" where there is only one
	host       string
	tlsVerify  bool
	certPath   string
	apiVersion string
}

// engineName is what an engine may be called: it becomes the value of a label.
var engineName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// engineAddresses reads --engine.host and --engine.tls-dir.
func (c *config) engineAddresses() ([]engineAddress, error) {
	var all []engineAddress
	for _, value := range *c.engineHosts {
		name, host, err := splitHost(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.engineHostFrom, err)
		}
		for _, other := range all {
			if name != "" && other.name == name {
				return nil, fmt.Errorf("%s: two engines are called %q: want a name of its own for each", c.engineHostFrom, name)
			}
		}
		all = append(all, engineAddress{name: name, host: host})
	}
	if err := c.placeTLS(all); err != nil {
		return nil, err
	}
	if len(all) > 1 {
		for _, e := range all {
			if e.name == "" {
				return nil, fmt.Errorf("%s: %q has no name: with several engines each needs one, such as rack7=%[2]s", c.engineHostFrom, e.host)
			}
		}
		return all, nil
	}
	only := &all[0]
	only.name = "" // nothing is to be told apart
	only.apiVersion = c.dockerAPIVersion
	if only.certPath == "" {
		only.tlsVerify, only.certPath = c.dockerTLSVerify, c.dockerCertPath
	}
	return all, nil
}

// splitHost takes the name off name=scheme://address.
func splitHost(value string) (name, host string, err error) {
	name, host, named := strings.Cut(value, "=")
	if !named || strings.Contains(name, "://") {
		return "", value, nil
	}
	if !engineName.MatchString(name) {
		return "", "", fmt.Errorf("%q: %.70q is no name of an engine: want up to 63 letters, digits, dots, dashes and underscores before the =, as in rack7=tcp://host:2376", value, name)
	}
	return name, host, nil
}

// placeTLS gives each folder of --engine.tls-dir to the engine that it is for.
func (c *config) placeTLS(all []engineAddress) error {
	const flag = "--engine.tls-dir"
	for _, value := range *c.engineTLSDirs {
		name, folder, named := strings.Cut(value, "=")
		if !named || strings.Contains(name, "/") {
			name, folder = "", value
		}
		e := findEngine(all, name)
		switch {
		case e == nil && name == "":
			return fmt.Errorf("%s %q: with several engines want name=folder", flag, value)
		case e == nil:
			return fmt.Errorf("%s %q: there is no engine %q: want a name that --engine.host gives", flag, value, name)
		case e.certPath != "":
			return fmt.Errorf("%s %q: that engine has the folder %q already: want one for each", flag, value, e.certPath)
		case folder == "":
			return fmt.Errorf("%s %q: the folder is missing: want one with ca.pem, cert.pem and key.pem", flag, value)
		case strings.HasPrefix(e.host, "unix://"):
			return fmt.Errorf("%s %q: TLS is not spoken on the socket %s: want an engine at tcp://host:port", flag, value, e.host)
		}
		e.tlsVerify, e.certPath = true, folder
	}
	return nil
}

// findEngine gives the engine of a name; the only one needs no name.
func findEngine(all []engineAddress, name string) *engineAddress {
	for i := range all {
		if e := &all[i]; e.name == name || name == "" && len(all) == 1 {
			return e
		}
	}
	return nil
}
