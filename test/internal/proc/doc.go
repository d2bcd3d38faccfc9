// Package proc tells what a process has used, as the kernel counts it.
//
// Start reading at CPU.
package proc
