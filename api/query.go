package api

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// parameter is a key of a query.
type parameter struct {
	key string
	// most is how often it may be given; 0 = once.
	most int
	// take takes a value, or says what would be right.
	take func(value string) error
}

// parseQuery reads the query of an address in which no parameters but these may be. The error tells the client what would be right.
func parseQuery(query string, parameters ...parameter) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the query of the address cannot be understood: want key=value&key=value, with % and what is special written as %25 and so on")
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(parameters, func(p parameter) bool { return p.key == key })
		if i < 0 {
			return fmt.Errorf("there is no parameter %.40q: %s", key, listParameters(parameters))
		}
		if n := max(parameters[i].most, 1); len(values[key]) > n {
			return fmt.Errorf("%s is given %d times: want it %s", key, len(values[key]), times(n))
		}
		for _, value := range values[key] {
			if err := parameters[i].take(value); err != nil {
				return fmt.Errorf("%s=%s: %w", key, clipped(value), err)
			}
		}
	}
	return nil
}

// times says how often something may be.
func times(n int) string {
	if n == 1 {
		return "once only"
	}
	return fmt.Sprintf("at most %d times", n)
}

// listParameters says what there is.
func listParameters(parameters []parameter) string {
	keys := make([]string, len(parameters))
	for i, p := range parameters {
		keys[i] = p.key
	}
	if len(keys) == 0 {
		return "there is none here"
	}
	return "want one of " + strings.Join(keys, ", ")
}

// clipped is what a client sent, in which nothing is special and which is not long.
func clipped(value string) string { return strings.Trim(fmt.Sprintf("%.40q", value), `"`) }

// isGlob says whether a word has signs that stand for others.
func isGlob(word string) bool { return strings.ContainsAny(word, `*?[\`) }

// glob is a pattern as a shell has it: *, ? and [] stand for any text, any sign and any of these; \ takes its meaning from the
// next sign. Unlike with the names of files, "/" is a sign like others.
type glob string

// newGlob checks a pattern.
func newGlob(pattern string) (glob, error) {
	g := glob(plain(pattern))
	if _, err := path.Match(string(g), ""); err != nil {
		return "", errors.New(`the pattern is not complete: want *, ? and [] as in a shell, and \ before one of these that stands for itself`)
	}
	return g, nil
}

func (g glob) matches(s string) bool {
	ok, err := path.Match(string(g), plain(s))
	return err == nil && ok
}

// plain replaces the sign that is special to path.Match by one that nobody uses.
func plain(s string) string { return strings.ReplaceAll(s, "/", "\x1f") }
