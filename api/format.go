package api

import (
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tallyman/api/metrics"
	"tallyman/api/schema"
	"tallyman/internal/human"
)

// pageFuncs are what the templates call.
func pageFuncs() template.FuncMap {
	return template.FuncMap{
		"bytes":   number(human.Bytes),
		"rate":    number(human.Rate),
		"cores":   number(human.Cores),
		"percent": number(human.Percent),
		"count":   number(human.Count),
		"when":    func(m schema.Moment) string { return human.Moment(time.Time(m)) },
		"clock":   func(m schema.Moment) string { return time.Time(m).UTC().Format("15:04:05 MST") },
		"rfc3339": func(m schema.Moment) string { return time.Time(m).UTC().Format(time.RFC3339) },
		"since":   func(then, now schema.Moment) string { return human.Since(time.Time(then), time.Time(now)) },
		"millis":  func(n schema.Number) string { return strconv.FormatFloat(float64(n)*1000, 'f', 0, 64) + " ms" },
		"known":   schema.Number.Known,
		"ratio":   ratio,
		"raw":     formatRaw,
		"word":    formatWord,
		"truth":   human.Truth,
		"name":    nameOf,
		"link":    link,
		"spaced":  func(r string) string { return strings.ReplaceAll(r, "_", " ") },
		"health":  healthWords,
		"seconds": number(human.Seconds),
	}
}

// number lets a template call what writes a number.
func number(write func(float64) string) func(schema.Number) string {
	return func(n schema.Number) string { return write(float64(n)) }
}

// formatRaw writes a number for the script that sorts, "" when it is not known. Six digits tell two rows apart.
func formatRaw(n schema.Number) string {
	if !n.Known() {
		return ""
	}
	return strconv.FormatFloat(float64(n), 'g', 6, 64)
}

// formatWord writes a word that may not be known.
func formatWord(t schema.Text) string {
	if t == "" {
		return human.Dash
	}
	return string(t)
}

// ratio is a part of a whole.
func ratio(part, whole schema.Number) schema.Number {
	if !part.Known() || !whole.Known() || whole <= 0 {
		return schema.Unknown()
	}
	return part / whole
}

// link is the address of the page of a container.
func link(id, name schema.Text) string {
	if id != "" {
		return "containers/" + string(id)
	}
	return "containers/" + url.PathEscape(string(name))
}

// readable writes a metric in the unit that its name gives, or its group.
func readable(f *metrics.Family, v float64) string {
	base := strings.TrimSuffix(f.Name, "_total")
	switch {
	case strings.HasSuffix(base, "_time_seconds") || base == "container_last_seen":
		return human.Moment(time.UnixMilli(int64(v * 1000)))
	case strings.HasSuffix(base, "_seconds"):
		return human.Seconds(v)
	case strings.HasSuffix(base, "_bytes"), f.Group == metrics.GroupMemory && f.Type == metrics.Gauge:
		return human.Bytes(v)
	}
	return human.Count(v)
}
