package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocuments: the files that README, CONTRIBUTING and SECURITY name exist.
func TestDocuments(t *testing.T) {
	t.Parallel()
	quoted := regexp.MustCompile("`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.*<>-]+)*/?)`|\\]\\(([^):#]+)\\)")
	for _, document := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			name := m[1] + m[2]
			if m[2] == "" && !inHouse(name) {
				continue
			}
			pattern := strings.NewReplacer("<group>", "*", "<name>", "*").Replace(name)
			if found, err := filepath.Glob(filepath.Join(root, pattern)); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which does not exist", document, name)
			}
		}
	}
}

// inHouse says whether a quoted word is the path of a file or folder of the repository, and not a metric, a flag or a host's file.
func inHouse(name string) bool {
	first, _, deep := strings.Cut(name, "/")
	switch first {
	case "cmd", "engine", "cgroups", "collector", "api", "internal", "dashboards", "deploy", "test":
		return deep
	}
	return strings.HasSuffix(name, ".md") || name == "Makefile" || name == ".golangci.yml"
}
