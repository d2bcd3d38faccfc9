// Package docker is a thin hand on the docker command. It reads with "docker inspect", not with tallyman's engine package,
// so that the tests have a second opinion.
//
// Start reading at Engine.
package docker
