package human

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Dash stands for what is not known.
const Dash = "–"

// Bytes writes "12.3 MiB".
func Bytes(v float64) string {
	if unknown(v) {
		return Dash
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
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

// Rate writes "12.3 KiB/s".
func Rate(v float64) string {
	if unknown(v) {
		return Dash
	}
	return Bytes(v) + "/s"
}

// Cores writes processors: "0.250".
func Cores(v float64) string {
	switch {
	case unknown(v):
		return Dash
	case v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case math.Abs(v) < 10:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// Percent writes a ratio as "12.5 %".
func Percent(v float64) string {
	if unknown(v) {
		return Dash
	}
	return strconv.FormatFloat(v*100, 'f', 1, 64) + " %"
}

// Count writes a number as people do: "1234567" is "1 234 567".
func Count(v float64) string {
	if unknown(v) {
		return Dash
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
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

// Moment writes a time in UTC.
func Moment(t time.Time) string {
	if t.IsZero() {
		return Dash
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// Since writes roughly how long before now something was.
func Since(then, now time.Time) string {
	if then.IsZero() {
		return Dash
	}
	d := max(0, now.Sub(then))
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

// Seconds writes an amount of time.
func Seconds(v float64) string {
	if unknown(v) {
		return Dash
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + " s"
}

// Truth writes what may not be known to be so.
func Truth(b *bool) string {
	switch {
	case b == nil:
		return Dash
	case *b:
		return "yes"
	}
	return "no"
}

func unknown(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }
