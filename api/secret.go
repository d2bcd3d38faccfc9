package api

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// hidden stands for a value that is not shown.
const hidden = "***"

// secretParts are what a key contains, written without separators, whose value is not for everybody's eyes. The names of users
// and the hashes of passwords that proxies are given in labels ("basicauth.users") are such.
func secretParts() []string {
	return []string{
		"password", "passwd", "passphrase", "secret", "token", "credential", "apikey", "privatekey", "accesskey", "secretkey", "signingkey",
		"encryptionkey", "sshkey", "basicauth", "digestauth", "oauth", "bearer",
	}
}

// secretWords are those that count only where they stand alone: "auth" is also the beginning of "author".
func secretWords() []string {
	return []string{"auth", "authorization", "pass", "pwd", "pw", "cred", "creds", "jwt"}
}

// passwords finds those in addresses, such as https://user:password@host/path.
var passwords = regexp.MustCompile(`(://[^\s/@:]*:)[^\s/@]+@`)

// masked is the value of a label as it may be shown: that of a key that looks secret is hidden, and so are passwords in addresses.
func masked(key, value string) string {
	if value != "" && secret(key) {
		return hidden
	}
	return passwords.ReplaceAllString(value, "${1}"+hidden+"@")
}

// secret says whether a key looks as if its value should not be shown.
func secret(key string) bool {
	words := keyWords(key)
	joined := strings.Join(words, "")
	return slices.ContainsFunc(secretParts(), func(part string) bool { return strings.Contains(joined, part) }) ||
		slices.ContainsFunc(words, func(word string) bool { return slices.Contains(secretWords(), word) })
}

// keyWords takes a key such as "com.example.dbAuth_KEY" apart, into words in lower case.
func keyWords(key string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	lower := false // the letter before was one
	for _, r := range key {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case unicode.IsUpper(r) && lower:
			end()
			word.WriteRune(unicode.ToLower(r))
		default:
			word.WriteRune(unicode.ToLower(r))
		}
		lower = unicode.IsLower(r)
	}
	end()
	return words
}
