package fakeengine

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed testdata
var recordings embed.FS

// Recorded returns the recording of one engine version: "20.10.24", "28.5.2" or "29.7.2". It holds version.json,
// info.json, containers-json-all.json, images-json.json, inspect/NAME.json, stats-stream/NAME.jsonl, system-df.json, events.jsonl and
// ping-head.headers.txt. An unknown version is an error that lists the known ones.
func Recorded(version string) (fs.FS, error) {
	sub, err := fs.Sub(recordings, "testdata/"+version)
	if err == nil {
		_, err = fs.Stat(sub, "version.json")
	}
	if err != nil {
		return nil, fmt.Errorf("recording of engine %q, have %v: %w", version, Versions(), err)
	}
	return sub, nil
}

// Versions lists the engine versions that Recorded knows, oldest first.
func Versions() []string {
	entries, err := recordings.ReadDir("testdata")
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
