// Package bench measures what each stage of a scrape costs, beside the floor: pread of the same files and nothing else. It needs root,
// and no engine.
//
// With TALLYMAN_BENCH_PROFILE=folder, BenchmarkProgram and BenchmarkProgramGzip leave there a profile of a minute of scrapes for each number of
// containers. Start reading at BenchmarkFloor.
package bench
