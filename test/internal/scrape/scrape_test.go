package scrape

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	p, err := Parse(strings.NewReader(`# TYPE container_fs_reads_total counter
container_fs_reads_total{id="/a",name="a",image="i",device="/dev/x"} 3
container_fs_reads_total{id="/a",name="a",image="i",device="/dev/y"} 4
# TYPE up gauge
up 1
`))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Is(1, "up") || !p.Is(4, "container_fs_reads_total", "device", "/dev/y") {
		t.Errorf("got %v", p)
	}
	if _, ok := p.Value("container_fs_reads_total"); ok {
		t.Error("two samples are not one value")
	}
	got := p.Container("a", func(string) bool { return true })
	if len(got) != 2 || got[`container_fs_reads_total{device="/dev/x"}`] != 3 {
		t.Errorf("got %v", got)
	}
}
