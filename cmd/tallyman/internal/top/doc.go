// Package top shows the containers of a host on a terminal, live. It reads only what the API says, and changes nothing. All of its state
// belongs to one goroutine, that of Run. Start reading at Run.
package top
