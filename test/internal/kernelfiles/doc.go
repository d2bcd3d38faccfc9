// Package kernelfiles knows which of the kernel's files a tallyman reads, so that reading them and nothing else can be measured beside it. Start
// reading at Of.
package kernelfiles
