// Package synth makes cgroups that look like those of containers, each with a sleeping process in a network namespace of its own, so
// that reading thousands of them can be measured without an engine. Start reading at Start.
package synth
