// Package e2e tests the built binary end to end: against a real Docker Engine with containers in many states, against the
// kernel's own files, against a real Prometheus, and in a real Chromium.
//
// It needs no network, and what a machine lacks (an engine, promtool, Prometheus, root) leaves out the tests that need it.
// The package can be compiled with "go test -c" and run elsewhere, as in a virtual machine without Go. It understands
//
//   - DOCKER_HOST: the engine to test with; test/env/with-engine starts one where there is none
//   - TALLYMAN_TEST_BINARY: the tallyman to test; without it, it is built with the go command
//   - TALLYMAN_TEST_REQUIRE: what must not be left out: "1" for everything, or some of engine, root, promtool, prometheus, podman,
//     browser, tmux
//   - TALLYMAN_TEST_PATIENCE: how many times slower than usual the machine is (10 for an emulated one); what tallyman promises
//     to do within seconds may take that much longer
//   - TALLYMAN_TEST_LIVES, TALLYMAN_TEST_SEED: how many containers TestChaos has, and what happens to them
//   - TALLYMAN_TEST_ARTIFACTS: the folder of screenshots; without it, test/artifacts
//   - TALLYMAN_TEST_KEEP=1: leave the containers at the end, to look at them
//   - TMPDIR: where files are made; its path must be short, as sockets are made in it too
//
// The scripts of test/env are compiled in. The containers named tm-… of the engine are replaced at the beginning and
// removed at the end.
//
// Start reading at setup (main_test.go).
package e2e
