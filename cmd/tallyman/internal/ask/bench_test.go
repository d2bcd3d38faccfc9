package ask

import (
	"encoding/json"
	"fmt"
	"testing"

	"tallyman/api/schema"
)

// BenchmarkDecode reads the list of 100 containers.
func BenchmarkDecode(b *testing.B) {
	list := schema.Containers{}
	for n := range 100 {
		list.Containers = append(list.Containers, schema.Container{ID: schema.Text(fmt.Sprintf("%064d", n)), Name: "container", Image: "image:latest", State: "running", Source: "cgroup"})
	}
	body, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		var got schema.Containers
		if err := decode(body, &got); err != nil {
			b.Fatal(err)
		}
	}
}
