package api

import (
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tallyman/api/metrics"
)

// dash stands on a page for what is not known.
const dash = "–"

// pageFuncs are what the templates call.
func pageFuncs() template.FuncMap {
	return template.FuncMap{
		"bytes":   formatBytes,
		"rate":    formatRate,
		"cores":   formatCores,
		"percent": formatPercent,
		"count":   formatCount,
		"when":    formatMoment,
		"clock":   func(m moment) string { return time.Time(m).UTC().Format("15:04:05 MST") },
		"since":   formatSince,
		"millis":  func(n number) string { return strconv.FormatFloat(float64(n)*1000, 'f', 0, 64) + " ms" },
		"known":   number.known,
		"ratio":   ratio,
		"raw":     formatRaw,
		"word":    formatWord,
		"truth":   formatTruth,
		"name":    nameOf,
		"link":    link,
		"reason":  func(r string) string { return strings.ReplaceAll(r, "_", " ") },
		"seconds": formatSeconds,
	}
}

// formatBytes writes "12.3 MiB".
func formatBytes(n number) string {
	if !n.known() {
		return dash
	}
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := 0
	for math.Abs(v) >= 1023.95 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	digits := 1
	if i == 0 {
		digits = 0
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + units[i]
}

// formatRate writes "12.3 KiB/s".
func formatRate(n number) string {
	if !n.known() {
		return dash
	}
	return formatBytes(n) + "/s"
}

// formatCores writes processors: "0.250".
func formatCores(n number) string {
	switch {
	case !n.known():
		return dash
	case n == number(math.Trunc(float64(n))):
		return strconv.FormatFloat(float64(n), 'f', 0, 64)
	case math.Abs(float64(n)) < 10:
		return strconv.FormatFloat(float64(n), 'f', 3, 64)
	}
	return strconv.FormatFloat(float64(n), 'f', 1, 64)
}

// formatPercent writes a ratio as "12.5 %".
func formatPercent(n number) string {
	if !n.known() {
		return dash
	}
	return strconv.FormatFloat(float64(n)*100, 'f', 1, 64) + " %"
}

// formatCount writes a number as people do: "1234567" is "1 234 567".
func formatCount(n number) string {
	if !n.known() {
		return dash
	}
	s := strconv.FormatFloat(float64(n), 'f', -1, 64)
	whole, fraction, isFraction := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	var groups []string
	for len(whole) > 3 {
		groups = append([]string{whole[len(whole)-3:]}, groups...)
		whole = whole[:len(whole)-3]
	}
	s = sign + strings.Join(append([]string{whole}, groups...), "\u202f") // a narrow space that does not break
	if isFraction {
		s += "." + fraction
	}
	return s
}

// formatMoment writes a time in UTC.
func formatMoment(m moment) string {
	if time.Time(m).IsZero() {
		return dash
	}
	return time.Time(m).UTC().Format("2006-01-02 15:04:05 MST")
}

// formatSince writes roughly how long before now something was.
func formatSince(then, now moment) string {
	if time.Time(then).IsZero() {
		return dash
	}
	d := max(0, time.Time(now).Sub(time.Time(then)))
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " d"
}

// formatSeconds writes an amount of time.
func formatSeconds(n number) string {
	if !n.known() {
		return dash
	}
	return strconv.FormatFloat(float64(n), 'f', -1, 64) + " s"
}

// formatRaw writes a number for the script that sorts; what is not known comes first.
func formatRaw(n number) string {
	if !n.known() {
		return "-1"
	}
	return strconv.FormatFloat(float64(n), 'f', -1, 64)
}

// formatWord writes a word that may not be known.
func formatWord(t text) string {
	if t == "" {
		return dash
	}
	return string(t)
}

// formatTruth writes what may not be known to be so.
func formatTruth(b *bool) string {
	switch {
	case b == nil:
		return dash
	case *b:
		return "yes"
	}
	return "no"
}

// ratio is a part of a whole.
func ratio(part, whole number) number {
	if !part.known() || !whole.known() || whole <= 0 {
		return number(math.NaN())
	}
	return part / whole
}

// link is the address of the page of a container.
func link(id, name text) string {
	if id != "" {
		return "containers/" + string(id)
	}
	return "containers/" + url.PathEscape(string(name))
}

// readable writes a metric in the unit that its name gives, or its group.
func readable(f *metrics.Family, v float64) string {
	n, base := number(v), strings.TrimSuffix(f.Name, "_total")
	switch {
	case strings.HasSuffix(base, "_time_seconds") || base == "container_last_seen":
		return formatMoment(moment(time.UnixMilli(int64(v * 1000))))
	case strings.HasSuffix(base, "_seconds"):
		return formatSeconds(n)
	case strings.HasSuffix(base, "_bytes"), f.Group == metrics.GroupMemory && f.Type == metrics.Gauge:
		return formatBytes(n)
	}
	return formatCount(n)
}
