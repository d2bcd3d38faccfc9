package arch

import (
	"slices"
	"strings"
	"testing"
)

// arrows is the direction of dependencies: which of tallyman's packages a package may import outside tests. A package that is
// not named here may import none.
func arrows() map[string][]string {
	return map[string][]string{
		"cmd/tallyman": {
			"api", "api/metrics", "api/schema", "collector", "engine", "cgroups", "internal/self", "internal/human",
			"cmd/tallyman/internal/ask", "cmd/tallyman/internal/table", "cmd/tallyman/internal/listing", "cmd/tallyman/internal/top", "cmd/tallyman/internal/doctor",
		},
		// The commands beside serve. What they show comes from the JSON; doctor looks at the parts themselves.
		"cmd/tallyman/internal/ask":     {"api/schema"},
		"cmd/tallyman/internal/listing": {"api/schema", "internal/human", "cmd/tallyman/internal/ask", "cmd/tallyman/internal/table"},
		"cmd/tallyman/internal/top": {
			"api/schema", "internal/human", "cmd/tallyman/internal/ask", "cmd/tallyman/internal/listing", "cmd/tallyman/internal/table",
		},
		"cmd/tallyman/internal/doctor": {"collector", "engine", "cgroups", "internal/human", "cmd/tallyman/internal/ask", "cmd/tallyman/internal/table"},
		"api":                          {"api/metrics", "api/schema", "collector", "engine", "cgroups", "internal/self", "internal/human"},
		"api/metrics":                  {"collector", "engine", "cgroups"},
		"collector":                    {"engine", "cgroups", "internal/self"},
		"engine":                       {"internal/self"},
		// What Grafana imports is no part of the program.
		"dashboards":     {"dashboards/grafana"},
		"dashboards/gen": {"dashboards"},
		// What tests are made of.
		"internal/sample": {"collector", "engine", "cgroups"},
	}
}

// testOnly lists packages that only tests may import.
func testOnly() []string {
	return []string{"internal/document", "internal/fakeengine", "internal/fixture", "internal/pki", "internal/sample"}
}

// owner says that a foreign package is for some of ours only.
type owner struct {
	prefix string // an import path and what is below it; with "$" at its end, that path only
	dirs   []string
	// tests says that tests may import it anywhere.
	tests  bool
	reason string
}

func owners() []owner {
	return []owner{
		{"github.com/docker/docker", []string{"engine", "test"}, false, "a move to the library's successor shall be one package"},
		{"github.com/containerd/cgroups", []string{"cgroups"}, false, "nobody else asks which cgroup version a host has"},
		{"github.com/prometheus/procfs", []string{"cgroups", "test"}, false, "only cgroups opens files of the host"},
		{"golang.org/x/sys/unix", []string{"cgroups", "test"}, false, "only cgroups talks to the kernel"},
		{"github.com/prometheus/client_golang", []string{"internal/self", "api"}, true, "what a Snapshot holds is rendered by the table"},
		{"github.com/go-chi/chi", []string{"api"}, false, "routes are in one list"},
		{"github.com/alecthomas/kingpin", []string{"cmd/tallyman"}, false, "flags are in one list"},
		{"github.com/prometheus/exporter-toolkit", []string{"cmd/tallyman"}, false, "listening, TLS and passwords are wiring"},
		{"github.com/gdamore/tcell", []string{"cmd/tallyman/internal/top"}, false, "one command draws on a terminal"},
		{"github.com/docker/go-units", []string{"cmd/tallyman", "test"}, false, "df writes sizes as docker does; nobody else should"},
		{"html/template", []string{"api"}, true, "pages are made in one place"},
		{"text/template", nil, false, "it does not escape: use html/template"},
		{"os/exec", []string{"test"}, false, "an exporter starts no programs"},
		{"unsafe", nil, false, "no trick is worth it"},
		{"log$", nil, true, "use log/slog, injected"},
		{"io/ioutil", nil, false, "deprecated"},
		{"testing", []string{"internal/fixture", "internal/pki", "test"}, true, "tests are not built into the program"},
	}
}

// TestImports checks the arrows between tallyman's packages.
func TestImports(t *testing.T) {
	t.Parallel()
	allowed := arrows()
	for _, p := range packages(t) {
		if strings.HasPrefix(p.dir, "test/") {
			continue // end-to-end tests may import what they please
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, imported := range f.imports(t) {
				dir, ours := strings.CutPrefix(imported, "tallyman/")
				if ours && !slices.Contains(allowed[p.dir], dir) {
					t.Errorf("%s imports %s: package %s may import %q only", f.name, imported, p.dir, allowed[p.dir])
				}
				if ours && slices.Contains(testOnly(), dir) {
					t.Errorf("%s imports %s, which is for tests only", f.name, imported)
				}
			}
		}
	}
}

// TestOwners checks that foreign packages are imported only where they belong.
func TestOwners(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, f := range p.files {
			for _, imported := range f.imports(t) {
				for _, o := range owners() {
					if within(imported, o.prefix) && !o.allows(p.dir, f.test) {
						t.Errorf("%s imports %s, which belongs to %q: %s", f.name, imported, o.dirs, o.reason)
					}
				}
			}
		}
	}
}

func (o owner) allows(dir string, test bool) bool {
	if o.tests && test {
		return true
	}
	return slices.ContainsFunc(o.dirs, func(d string) bool { return within(dir, d) && (d == "test" || dir == d || test) })
}

// within says whether path is prefix or, unless prefix ends with "$", below it.
func within(path, prefix string) bool {
	if exact, ok := strings.CutSuffix(prefix, "$"); ok {
		return path == exact
	}
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
