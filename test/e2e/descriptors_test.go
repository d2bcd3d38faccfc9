package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tallyman/test/internal/program"
	"tallyman/test/internal/scrape"
)

// TestFewDescriptors: with a limit of 256 descriptors, every container is served completely, and sockets are left for clients.
func TestFewDescriptors(t *testing.T) {
	all, e := start(t)
	few := filepath.Join(t.TempDir(), "few")
	script := "#!/bin/sh\nulimit -n 256\nexec " + binary(t) + ` "$@"` + "\n"
	if err := os.WriteFile(few, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := launch(t, program.Options{Path: few, Host: e.Host})
	p.Ready(t)
	containers := steady(e.Containers(t, "tm-"))
	page := p.WaitFor(t, limit, func(page scrape.Page) string {
		unlimited := all.Metrics(t)
		for name := range containers {
			want, got := unlimited.Container(name, fromKernel), page.Container(name, fromKernel)
			for series := range want {
				if _, ok := got[series]; !ok {
					return fmt.Sprintf("%s has no %s", name, series)
				}
			}
		}
		return ""
	})
	files, _ := page.Value("tallyman_open_descriptors", "kind", "file")
	folders, _ := page.Value("tallyman_open_descriptors", "kind", "directory")
	most, _ := page.Value("tallyman_open_descriptors_max")
	open, _ := page.Value("process_open_fds")
	t.Logf("%d containers: %v files and %v directories are kept of at most %v, %v descriptors are open in all", len(containers), files, folders, most, open)
	if most != 192 || files+folders > most || files == 0 || folders == 0 || open >= 256 {
		t.Error("want files and directories within 192, and fewer than 256 descriptors in all")
	}
	if v, ok := page.Value("process_max_fds"); !ok || v != 256 {
		t.Errorf("got a limit of %v, want 256", v)
	}
}
