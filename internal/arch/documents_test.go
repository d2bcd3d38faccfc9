package arch

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tallyman/internal/document"
)

// documents reads every Markdown file of the repository, by its name below the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() != "testdata" {
			return skipHidden(name, d.Name())
		}
		if d.IsDir() || !strings.HasSuffix(name, ".md") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		all[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLinks: every link between the documents leads to a file that there is and, behind "#", to a heading that there is.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := documents(t)
	checked := 0
	for name, text := range all {
		for _, l := range document.Links(text) {
			if strings.Contains(l.Target, "://") || strings.HasPrefix(l.Target, "mailto:") {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(l.Target, "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil || strings.HasPrefix(target, "..") {
				t.Errorf("%s:%d links to %s, which does not exist", name, l.Line, l.Target)
				continue
			}
			if anchor != "" && !document.Anchors(all[target])[anchor] {
				t.Errorf("%s:%d links to %s: there is no such heading", name, l.Line, l.Target)
			}
		}
	}
	t.Logf("%d links in %d documents", checked, len(all))
}

// TestReachable: README leads to every document for operators.
func TestReachable(t *testing.T) {
	t.Parallel()
	all := documents(t)
	seen := map[string]bool{}
	var follow func(name string)
	follow = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, l := range document.Links(all[name]) {
			file, _, _ := strings.Cut(l.Target, "#")
			if target := path.Join(path.Dir(name), file); all[target] != "" {
				follow(target)
			}
		}
	}
	follow("README.md")
	for name := range all {
		if (strings.HasPrefix(name, "docs/") || strings.HasPrefix(name, "deploy/")) && !seen[name] {
			t.Errorf("no link leads from README to %s", name)
		}
	}
}

// TestDocuments: the files that README, CONTRIBUTING, SECURITY and what is in docs name exist.
func TestDocuments(t *testing.T) {
	t.Parallel()
	quoted := regexp.MustCompile("`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.*<>-]+)*/?)`")
	for name, text := range documents(t) {
		if dir := path.Dir(name); dir != "." && dir != "docs" {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			if !inHouse(m[1]) {
				continue
			}
			pattern := strings.NewReplacer("<group>", "*", "<name>", "*").Replace(m[1])
			if found, err := filepath.Glob(filepath.Join(root, pattern)); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which does not exist", name, m[1])
			}
		}
	}
}

// inHouse says whether a quoted word is the path of a file or folder of the repository, and not a metric, a flag or a host's file.
func inHouse(name string) bool {
	first, _, deep := strings.Cut(name, "/")
	switch first {
	case "cmd", "engine", "cgroups", "collector", "api", "internal", "dashboards", "deploy", "docs", "test":
		return deep
	}
	return strings.HasSuffix(name, ".md") || name == "Makefile" || name == ".golangci.yml"
}
