// Package program runs the tallyman binary under test, as an operator would: by its flags, its environment, its log and its
// HTTP answers.
//
// Start reading at Start.
package program
