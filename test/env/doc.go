// Package env holds the scripts that make an environment to test in, so that a compiled test binary has them with it. They
// are also run by hand: each says how at its head.
//
// It runs nothing itself. Start reading at Write.
package env
