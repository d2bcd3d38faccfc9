package api

import (
	"testing"

	"tallyman/internal/sample"
)

// BenchmarkContainers shows what the list of 300 containers costs, sorted by the trouble.
func BenchmarkContainers(b *testing.B) {
	h, source := newTest(b, Options{})
	source.set(sample.Many(300), nil)
	for b.Loop() {
		ask(h, "GET", "/api/v1/containers?sort=attention")
	}
}

// BenchmarkSummary shows what the summary of 300 containers costs.
func BenchmarkSummary(b *testing.B) {
	h, source := newTest(b, Options{})
	source.set(sample.Many(300), nil)
	for b.Loop() {
		ask(h, "GET", "/api/v1/summary")
	}
}

// BenchmarkUnchanged shows what it costs to say that there is no new snapshot.
func BenchmarkUnchanged(b *testing.B) {
	h, source := newTest(b, Options{})
	source.set(sample.Many(300), nil)
	tag := ask(h, "GET", "/api/v1/containers").Header.Get("ETag")
	for b.Loop() {
		ask(h, "GET", "/api/v1/containers", "If-None-Match: "+tag)
	}
}
