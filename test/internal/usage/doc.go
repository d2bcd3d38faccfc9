// Package usage tells what a running process has used of processors and of memory. Start reading at CPU.
package usage
