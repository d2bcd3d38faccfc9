// Package deploy checks the files of deploy/ with the programs that read them: promtool, systemd-analyze, docker and docker compose. It
// needs no engine; what does is in test/e2e/image_test.go, and the packages are tried by test/lab/package.
//
// Start reading at TestPromtool.
package deploy
