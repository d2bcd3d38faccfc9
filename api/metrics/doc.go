// Package metrics is THE table: every metric family that tallyman draws from a Snapshot is one row of it, with its name,
// type, labels, help text and the function that draws its samples. It renders the table as Prometheus text.
//
// It reads Snapshots and nothing else: no file, no engine, no HTTP, no clock, no registry. What tallyman counts about
// itself is not here but in internal/self.
//
// Start reading at Family (family.go), then Families (table.go) and one file of rows (cpu.go); Writer (write.go) renders.
package metrics
