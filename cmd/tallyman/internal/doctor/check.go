package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"tallyman/cmd/tallyman/internal/table"
)

// Status is how a check ended.
type Status string

// The statuses.
const (
	Pass Status = "pass"
	Warn Status = "warn" // tallyman serves less than it could, or will before long
	Fail Status = "fail" // it does not start, or serves hardly anything
)

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Found says, for people, how it is.
	Found string `json:"found"`
	// Fix says what to do about it; "" where there is nothing to do.
	Fix string `json:"fix,omitempty"`
}

// pass, warn and fail make a Check.
func pass(name, found string) Check { return Check{Name: name, Status: Pass, Found: found} }

func warn(name, found, fix string) Check { return Check{name, Warn, found, fix} }

func fail(name, found, fix string) Check { return Check{name, Fail, found, fix} }

// Worst is that of all checks.
func Worst(checks []Check) Status {
	worst := Pass
	for _, c := range checks {
		if c.Status == Fail || c.Status == Warn && worst == Pass {
			worst = c.Status
		}
	}
	return worst
}

// WriteText prints the checks for people, in the order in which they were made.
func WriteText(out io.Writer, checks []Check) {
	names := 0
	counts := map[Status]int{}
	for _, c := range checks {
		names = max(names, table.Width(c.Name))
		counts[c.Status]++
	}
	for _, c := range checks {
		fmt.Fprintf(out, "%s  %s  %s\n", c.Status, table.Pad(table.Inert(c.Name), names, false), table.Inert(c.Found))
		if c.Fix != "" {
			fmt.Fprintf(out, "%s  fix: %s\n", strings.Repeat(" ", len(c.Status)+2+names), table.Inert(c.Fix))
		}
	}
	fmt.Fprintf(out, "%d pass, %d warn, %d fail\n", counts[Pass], counts[Warn], counts[Fail])
}

// WriteJSON prints the checks as one JSON object.
func WriteJSON(out io.Writer, checks []Check) error {
	w := json.NewEncoder(out)
	w.SetEscapeHTML(false)
	w.SetIndent("", "  ")
	return w.Encode(struct {
		Status Status  `json:"status"`
		Checks []Check `json:"checks"`
	}{Worst(checks), checks})
}
