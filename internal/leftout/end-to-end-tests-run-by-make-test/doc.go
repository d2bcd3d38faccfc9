// Package leftout makes a plain "go test ./..." say what it left out: the go command hides what passing tests print, but
// it names packages without tests. The end-to-end tests are in the module below test; they need root, a Docker Engine
// and a Prometheus, and make test runs them.
//
// It has no code. Start reading at test/e2e.
package leftout
