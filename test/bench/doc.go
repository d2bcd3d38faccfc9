// Package bench measures what each stage of a scrape costs, beside the floor: pread of the same files and nothing else. It needs root,
// and no engine. Start reading at BenchmarkFloor.
package bench
