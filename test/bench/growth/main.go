// Command growth copies the output of the benchmarks from its input, and prints behind it what each stage costs by the number of
// containers, beside the floor, and how straight the line is. Start reading at main.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchfmt"
)

// cost is what one run of a stage took, or the median of several.
type cost struct {
	containers  int
	micros      float64 // of processor time, for each container
	least, most float64 // of all runs
	floor       float64 // the same of the floor, where the stage has measured it itself; 0 = it has not
	allocs      float64 // for all containers
}

func main() {
	stages, order, err := read(io.TeeReader(os.Stdin, os.Stdout))
	if err == nil {
		err = write(os.Stdout, stages, order)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

// read gives the medians of all runs, by stage, and the stages in the order in which they ran.
func read(r io.Reader) (map[string][]cost, []string, error) {
	runs := map[string]map[int][]cost{}
	var order []string
	reader := benchfmt.NewReader(bufio.NewReader(r), "standard input")
	for reader.Scan() {
		result, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		base, parts := result.Name.Parts()
		nanos, ok := original(result, "cpu-ns/container")
		if !ok || len(parts) == 0 {
			continue
		}
		n, err := strconv.Atoi(strings.TrimPrefix(string(parts[0]), "/"))
		if err != nil {
			continue // not a number of containers
		}
		floor, _ := original(result, "floor-ns/container")
		allocs, ok := result.Value("allocs/scrape")
		if !ok {
			allocs, _ = result.Value("allocs/op")
		}
		stage := string(base)
		if runs[stage] == nil {
			runs[stage] = map[int][]cost{}
			order = append(order, stage)
		}
		runs[stage][n] = append(runs[stage][n], cost{containers: n, micros: nanos / 1e3, floor: floor / 1e3, allocs: allocs})
	}
	stages := map[string][]cost{}
	for stage, sizes := range runs {
		for _, all := range sizes {
			slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(a.micros, b.micros) })
			median := all[len(all)/2]
			median.least, median.most = all[0].micros, all[len(all)-1].micros
			stages[stage] = append(stages[stage], median)
		}
		slices.SortFunc(stages[stage], func(a, b cost) int { return a.containers - b.containers })
	}
	return stages, order, reader.Err()
}

// original is a value in the unit in which it was reported: the library makes nanoseconds seconds.
func original(r *benchfmt.Result, unit string) (float64, bool) {
	for _, v := range r.Values {
		switch unit {
		case v.OrigUnit:
			return v.OrigValue, true
		case v.Unit:
			return v.Value, true
		}
	}
	return 0, false
}

// write writes the table.
func write(out io.Writer, stages map[string][]cost, order []string) error {
	floor := map[int]float64{}
	for _, c := range stages["Floor"] {
		floor[c.containers] = c.micros
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nstage\tcontainers\tus/container\tleast\tmost\tx floor\tallocs\tR2 of all sizes\t")
	for _, stage := range order {
		straight := determination(stages[stage])
		for _, c := range stages[stage] {
			beside := cmp.Or(c.floor, floor[c.containers], math.NaN()) // NaN = it was not measured
			fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.5f\t\n", stage, c.containers, c.micros, c.least, c.most, c.micros/beside, c.allocs, straight)
		}
	}
	return w.Flush()
}

// determination is the coefficient of determination of the straight line through the whole costs.
func determination(all []cost) float64 {
	var n, x, y, xx, xy, yy float64
	for _, c := range all {
		a, b := float64(c.containers), c.micros*float64(c.containers)
		n, x, y, xx, xy, yy = n+1, x+a, y+b, xx+a*a, xy+a*b, yy+b*b
	}
	r := n*xy - x*y
	return r * r / ((n*xx - x*x) * (n*yy - y*y))
}
