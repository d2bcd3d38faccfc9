package fakeengine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// load reads the recording into memory.
func (e *Engine) load(o Options) error {
	fsys := o.Recording
	if fsys == nil {
		version := o.Version
		if version == "" {
			version = "28.5.2"
		}
		var err error
		if fsys, err = Recorded(version); err != nil {
			return err
		}
	}
	if err := readJSON(fsys, "version.json", &e.version); err != nil {
		return err
	}
	if err := readJSON(fsys, "info.json", &e.info); err != nil {
		return err
	}
	e.apiMax, e.apiMin = text(e.version["ApiVersion"]), text(e.version["MinAPIVersion"])
	if err := e.loadStats(fsys); err != nil {
		return err
	}
	// Not every recording has it: that engine tells nothing of its disk.
	if err := readJSON(fsys, "system-df.json", &e.disk); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if o.Empty {
		return nil
	}
	if err := readJSON(fsys, "images-json.json", &e.images); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return e.loadContainers(fsys)
}

// loadContainers reads the inspect answers and the list; the list gives the order.
func (e *Engine) loadContainers(fsys fs.FS) error {
	var list []map[string]any
	if err := readJSON(fsys, "containers-json-all.json", &list); err != nil {
		return err
	}
	for _, item := range list {
		e.listed[text(item["Id"])] = item
		e.order = append(e.order, text(item["Id"]))
	}
	names, err := fs.Glob(fsys, "inspect/*.json")
	if err != nil {
		return fmt.Errorf("list inspect answers: %w", err)
	}
	for _, name := range names {
		var doc map[string]any
		if err := readJSON(fsys, name, &doc); err != nil {
			return err
		}
		e.containers[text(doc["Id"])] = doc
	}
	e.order = slices.DeleteFunc(e.order, func(id string) bool { return e.containers[id] == nil })
	return nil
}

// readJSON decodes a file; numbers keep their digits, so that 64-bit integers come out as they were recorded.
func readJSON(fsys fs.FS, name string, into any) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read recording: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode recording %s: %w", name, err)
	}
	return nil
}

// text is v as a string, "" when it is none.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// object is the JSON object under a key, made when it is missing.
func object(doc map[string]any, key string) map[string]any {
	m, ok := doc[key].(map[string]any)
	if !ok {
		m = map[string]any{}
		doc[key] = m
	}
	return m
}

// cut splits "unix:///x" into network and address.
func cut(listen string) (network, address string, ok bool) {
	network, address, ok = strings.Cut(listen, "://")
	return network, address, ok && address != "" && (network == "unix" || network == "tcp" || network == "pipe")
}
