package api

import "tallyman/engine"

// logLines is how many lines are shown of a log.
const logLines = 100

// logView is one line that a container has written, for people.
type logView struct {
	Time, Stream, Text string
}

// newLogViews shows the latest lines. What would do harm in them is not there any more; see engine.LogLine.
func newLogViews(lines []engine.LogLine) []logView {
	lines = lines[max(0, len(lines)-logLines):]
	views := make([]logView, len(lines))
	for i, l := range lines {
		views[i] = logView{Stream: l.Stream, Text: l.Text}
		if !l.Time.IsZero() {
			views[i].Time = l.Time.UTC().Format("15:04:05.000")
		}
	}
	return views
}
