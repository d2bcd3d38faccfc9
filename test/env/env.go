package env

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed engine populate setup with-engine
var scripts embed.FS

// Write puts the scripts into a folder, executable, and returns the path of the one that is asked for.
func Write(folder, name string) (string, error) {
	entries, err := scripts.ReadDir(".")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		text, err := scripts.ReadFile(e.Name())
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, e.Name()), text, 0o700); err != nil {
			return "", fmt.Errorf("write script %s: %w", e.Name(), err)
		}
	}
	return filepath.Join(folder, name), nil
}
