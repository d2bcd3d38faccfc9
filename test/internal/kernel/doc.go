// Package kernel reads what the kernel's own files say of a container, and under which metric tallyman promises to serve
// it (api/metrics/METRICS.md). It shares no code with tallyman's cgroups package, is written in the plainest way, and
// opens every file for every reading: it is the second opinion.
//
// Start reading at Kernel.
package kernel
