package main

import (
	"context"
	"io"
)

func defineTop(on flagSet) *config {
	c := defaults(on.command)
	c.defineRemote(on)
	c.defineEngine(on)
	return c
}

func runTop(ctx context.Context, cfg *config, getenv func(string) string, stdout io.Writer) error {
	return nil
}
