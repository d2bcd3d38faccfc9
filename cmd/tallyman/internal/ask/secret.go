package ask

import "strings"

// Secret says whether the value of a label should not be shown, as its key looks like that of a secret. Newer tallymen do not send it.
func Secret(key string) bool {
	key = strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(key))
	for _, word := range []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "credential", "privatekey", "accesskey", "authorization"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}
