package api

import (
	"net/url"
	"strings"
)

// mask stands for a value that is not shown. It does not tell how long the value is.
const mask = "••••••"

// secretWords are what keys of secrets are called, in lower case and without dots, dashes and underscores.
const secretWords = "password passwd passphrase pwd secret token apikey accesskey privatekey credential basicauth authorization sessionkey signingkey encryptionkey"

// masked is a value to show: a mask if its key looks as if it held a secret. The password in an address is masked, too.
func masked(key, value string) string {
	if value == "" {
		return value
	}
	flat := strings.NewReplacer(".", "", "-", "", "_", "", " ", "", "/", "").Replace(strings.ToLower(key))
	for word := range strings.FieldsSeq(secretWords) {
		if strings.Contains(flat, word) {
			return mask
		}
	}
	if !strings.Contains(value, "://") {
		return value
	}
	u, err := url.Parse(value)
	if err != nil || u.User == nil {
		return value
	}
	secret, has := u.User.Password()
	if !has || secret == "" {
		return value
	}
	// Not u.String(), which would write the rest anew.
	before, rest, _ := strings.Cut(value, "://")
	info, host, found := strings.Cut(rest, "@")
	if !found {
		return mask
	}
	user, _, _ := strings.Cut(info, ":")
	return before + "://" + user + ":" + mask + "@" + host
}
