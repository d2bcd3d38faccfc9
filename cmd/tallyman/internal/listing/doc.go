// Package listing says what is shown of a container on a terminal, in which column and in which order. It reads only what the API
// says. Start reading at Row.
package listing
