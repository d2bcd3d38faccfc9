package main

import "testing"

func TestMatcher(t *testing.T) {
	t.Parallel()
	match := matcher([]string{"com.docker.compose.*", "maintainer", "io/*/name"})
	for word, want := range map[string]bool{
		"com.docker.compose.project": true, "com.docker.compose.a/b": true, "com.docker.compos": false, "maintainer": true, "maintainers": false,
		"io/x/name": true, "io/x/y/name": true, "io.x.name": false, "": false,
	} {
		if got := match(word); got != want {
			t.Errorf("%q: got %t", word, got)
		}
	}
}
