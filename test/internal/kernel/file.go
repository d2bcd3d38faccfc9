package kernel

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// unlimited is what v1 shows in place of "no limit": the largest number of whole pages.
const unlimited = 0x7FFFFFFFFFFFF000

// text reads a file of a controller; "" is v2. False when it is not there or cannot be read.
func (r *reading) text(controller, file string) (string, bool) {
	dir, ok := r.dirs[controller]
	if !ok {
		return "", false
	}
	b, err := os.ReadFile(filepath.Join(dir, file))
	return string(b), err == nil
}

// number reads a file that holds one number. "max" and v1's largest number are no number.
func (r *reading) number(controller, file string) (float64, bool) {
	text, ok := r.text(controller, file)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return v, err == nil && v < unlimited
}

// table reads a file of lines "key value".
func (r *reading) table(controller, file string) map[string]float64 {
	out := map[string]float64{}
	text, _ := r.text(controller, file)
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 2 {
			continue
		}
		if v, err := strconv.ParseFloat(words[1], 64); err == nil {
			out[words[0]] = v
		}
	}
	return out
}

// single puts the number of a file, when there is one.
func (r *reading) single(kind Kind, controller, file, family string) {
	if v, ok := r.number(controller, file); ok {
		r.put(kind, v, family)
	}
}

// column says which key of a table is which metric.
type column struct {
	kind   Kind
	key    string
	per    float64 // the unit: 1e9 for nanoseconds
	family string
	labels []string
}

func (r *reading) columns(table map[string]float64, columns []column) {
	for _, c := range columns {
		if v, ok := table[c.key]; ok {
			r.put(c.kind, v/c.per, c.family, c.labels...)
		}
	}
}

// countCPUs counts the processors of "0-3,8".
func countCPUs(list string) float64 {
	n := 0.0
	for item := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		low, high, isRange := strings.Cut(item, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.Atoi(low)
		last, err2 := strconv.Atoi(high)
		if err == nil && err2 == nil {
			n += float64(last - first + 1)
		}
	}
	return n
}
