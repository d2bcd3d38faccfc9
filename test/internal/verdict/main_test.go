package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// judge gives what is printed of some events.
func judge(t *testing.T, events ...string) (string, bool) {
	t.Helper()
	var out bytes.Buffer
	v := &verdict{out: &out, show: regexp.MustCompile("shown"), logs: map[string][]string{}, within: map[string]bool{}}
	if err := v.read(strings.NewReader(strings.Join(events, "\n"))); err != nil {
		t.Fatal(err)
	}
	ok := v.sum()
	return out.String(), ok
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		events []string
		ok     bool
		want   []string
	}{
		{"nothing", nil, false, []string{"passed 0 tests"}},
		{"pass", []string{
			`{"Action":"output","Package":"shown","Test":"TestA","Output":"    a_test.go:1: measured 3\n"}`,
			`{"Action":"pass","Package":"shown","Test":"TestA/case"}`, `{"Action":"pass","Package":"shown","Test":"TestA"}`,
			`{"Action":"output","Package":"shown","Output":"note: 5 responses checked\n"}`, `{"Action":"output","Package":"shown","Output":"ok  \tshown\t1s\n"}`,
			`{"Action":"pass","Package":"shown","Elapsed":1}`,
		}, true, []string{"ok   shown (1.0s)\n  5 responses checked\npassed", "TestA: a_test.go:1: measured 3", "passed 1 tests and 1 cases, failed 0, left out 0"}},
		{"skip", []string{
			`{"Action":"pass","Package":"p","Test":"TestA"}`,
			`{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}`,
			`{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:7: needs root: not run as root\n"}`,
			`{"Action":"skip","Package":"p","Test":"TestB"}`,
		}, true, []string{"left out 1", "left out: p TestB: needs root: not run as root\n"}},
		{"fail", []string{
			`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: wrong\n"}`,
			`{"Action":"fail","Package":"p","Test":"TestA"}`,
		}, false, []string{"FAIL p TestA", "a_test.go:1: wrong", "failed 1"}},
		{"case", []string{
			`{"Action":"fail","Package":"p/q","Test":"TestA/b"}`, `{"Action":"fail","Package":"p/q","Test":"TestA"}`,
			`{"Action":"fail","Package":"p/q"}`,
		}, false, []string{"failed 1"}},
		{"panic", []string{
			`{"Action":"pass","Package":"p","Test":"TestA"}`,
			`{"Action":"output","Package":"p","Test":"TestB","Output":"panic: no\n"}`,
			`{"Action":"fail","Package":"p"}`,
		}, false, []string{"panic: no", "p TestB did not end"}},
		{"build", []string{
			`{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined: x\n"}`, `{"Action":"build-fail","ImportPath":"p"}`,
		}, false, []string{"undefined: x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := judge(t, tt.events...)
			if ok != tt.ok {
				t.Errorf("got %v, want %v", ok, tt.ok)
			}
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in %q", want, got)
				}
			}
		})
	}
}
