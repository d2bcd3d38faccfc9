package engine

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDecodeDisk_tolerant: one odd field costs nothing but itself.
func TestDecodeDisk_tolerant(t *testing.T) {
	id := strings.Repeat("a", 64)
	nan := math.NaN()
	f := func(body string, want map[DiskKind]line) {
		t.Helper()
		a, err := decodeDisk(strings.NewReader(body), DiskKinds())
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		got := map[DiskKind]line{}
		for kind, p := range a.parts {
			got[kind] = line{p.Active, p.Active + p.Inactive, p.Bytes, p.Reclaimable}
		}
		same := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("%s: -want +got:\n%s", body, diff)
		}
	}
	f(`null`, map[DiskKind]line{})
	f(`{}`, map[DiskKind]line{})
	f(`{"Images":null,"LayersSize":0,"Volumes":[]}`, map[DiskKind]line{DiskImages: {}, DiskVolumes: {}})
	// Floats, quotes, keys in another order, what nobody knows.
	f(`{"Images":[{"Id":"x","Size":1e3,"SharedSize":"400","Containers":1.0,"New":{"a":[1]}}],"New":[{}],"LayersSize":2000.0}`,
		map[DiskKind]line{DiskImages: {1, 1, 2000, 1400}})
	// The engine does not know how much is shared, or who uses it.
	f(`{"LayersSize":2000,"Images":[{"Size":1000,"SharedSize":-1,"Containers":1},{"Size":700,"SharedSize":200,"Containers":-1},{}]}`,
		map[DiskKind]line{DiskImages: {1, 3, 2000, 1500}})
	f(`{"Images":[{"Id":7,"RepoTags":"no list","Size":null,"SharedSize":{},"Containers":[]}]}`,
		map[DiskKind]line{DiskImages: {0, 1, nan, nan}})
	f(`{"Containers":[{"Id":"`+id+`","State":"running","SizeRw":5},{"State":"exited","SizeRw":7.0},{"State":"dead"},{"SizeRw":-1},{"State":"paused"},"?"]}`,
		map[DiskKind]line{DiskContainers: {2, 6, 12, 7}})
	f(`{"Volumes":[{"Name":"a","UsageData":{"Size":5,"RefCount":1}},{"Name":"b","UsageData":{"Size":-1,"RefCount":0}},`+
		`{"Name":"c","UsageData":null},{"Name":"d"},{"Name":"e","UsageData":{"Size":3,"RefCount":0}},{"Name":"f","UsageData":{"Size":2,"RefCount":-1}}]}`,
		map[DiskKind]line{DiskVolumes: {1, 6, 10, 3}})
	f(`{"BuildCache":[{"Size":5,"InUse":true},{"Size":7},{"Size":100,"Shared":true},{"Size":50,"Shared":true,"InUse":true},{"Size":-1}]}`,
		map[DiskKind]line{DiskBuildCache: {2, 5, 12, 7}})
	// What the engine counted itself goes first, wherever it stands; what it leaves out is 0.
	f(`{"ContainerUsage":{"TotalCount":2,"ActiveCount":1,"TotalSize":9,"Items":[{"State":"running","SizeRw":5}]},"Containers":[],"VolumeUsage":null}`,
		map[DiskKind]line{DiskContainers: {1, 2, 9, 0}})
}

func TestDecodeDisk_unknownSizes(t *testing.T) {
	id := strings.Repeat("a", 64)
	a, err := decodeDisk(strings.NewReader(`{"Containers":[{"Id":"`+id+`","SizeRw":-1},{"Id":"../x","SizeRw":1}],`+
		`"Volumes":[{"Name":"a"},{"Name":"a","UsageData":{"Size":1}}],"Images":[{"Id":"i","RepoTags":["<none>:<none>"],"Size":-1}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := a.containers[id]; len(a.containers) != 1 || !math.IsNaN(c.Writable) || c.Root != 0 {
		t.Errorf("containers: got %v", a.containers)
	}
	if v := a.volumes["a"]; len(a.volumes) != 1 || v.Bytes != 1 || !math.IsNaN(v.Containers) {
		t.Errorf("volumes: got %v", a.volumes)
	}
	d := newDisk("", "").with(a, time.Unix(1, 0), 10)
	if i := d.Images[0]; i.Name != "<none>" || !math.IsNaN(i.Bytes) {
		t.Errorf("images: got %v", d.Images)
	}
}

// TestDecodeDisk_manyImages: those that are not listed are summed up, and an absurd number is refused.
func TestDecodeDisk_manyImages(t *testing.T) {
	body := func(n int) *strings.Reader {
		var b strings.Builder
		b.WriteString(`{"LayersSize":1,"Images":[`)
		for i := range n {
			fmt.Fprintf(&b, `{"Id":"sha256:%d","RepoTags":["%s:%d"],"Size":%d},`, i, strings.Repeat("x", 2000), i, i)
		}
		b.WriteString(`{"Id":"unknown"}]}`)
		return strings.NewReader(b.String())
	}
	a, err := decodeDisk(body(5000), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := newDisk("", "").with(a, time.Unix(1, 0), 50)
	if len(d.Images) != 50 || d.Images[0].Bytes != 4999 || d.Images[49].Bytes != 4950 || len(d.Images[0].Name) != maxImage {
		t.Errorf("got %d images, %+v", len(d.Images), d.Images[0])
	}
	if d.OtherImages.Count != 4951 || d.OtherImages.Bytes != 4949*4950/2 || d.Part(DiskImages).Inactive != 5001 {
		t.Errorf("got %+v", d.OtherImages)
	}
	_, err = decodeDisk(strings.NewReader(`{"Volumes":[`+strings.Repeat(`{},`, maxDiskObjects)+`{}]}`), nil)
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodeDisk(f *testing.F) {
	// The recordings would be too large to be varied quickly.
	f.Add([]byte(`{"LayersSize":6966418,"Images":[{"Containers":1,"Id":"sha256:56b6","RepoTags":["<none>:<none>"],"SharedSize":1984162,"Size":1984162}]}`))
	f.Add([]byte(`{"Containers":[{"Id":"` + strings.Repeat("a", 64) + `","SizeRootFs":1984162,"State":"running"}],"BuilderSize":0,"BuildCache":null}`))
	f.Add([]byte(`{"VolumeUsage":{"ActiveCount":3,"Items":[{"Name":"eng-data","UsageData":{"RefCount":1,"Size":2097152}}],"TotalCount":4}}`))
	f.Add([]byte(`{"BuildCache":[{"Size":5e3,"InUse":true,"Shared":"no"},7],"Volumes":[{"Name":1}]}`))
	f.Add([]byte(`{"Images":[{"Size":-1}],"ImageUsage":{"Items":null,"TotalCount":-5}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := decodeDisk(bytes.NewReader(data), DiskKinds())
		if err != nil {
			return
		}
		d := newDisk("", "").with(a, time.Unix(1, 0), 3)
		if len(d.Images) > 3 || len(d.Volumes) > 3 || len(d.Parts) != 4 {
			t.Errorf("got %+v", d)
		}
		for _, p := range d.Parts {
			if p.Active < 0 || p.Inactive < 0 || math.IsInf(p.Bytes, 0) {
				t.Errorf("got %+v", p)
			}
		}
	})
}
