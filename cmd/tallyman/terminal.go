package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal says what a writer can show: its width in cells, and whether in colours; 0, false = it is no terminal.
func terminal(w io.Writer, getenv func(string) string) (width int, colours bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	// https://no-color.org
	return width, getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}
