package api

import (
	"tallyman/api/schema"
	"tallyman/collector"
)

// newPoint writes what is remembered of one moment.
func newPoint(p collector.Point) schema.Point {
	return schema.Point{
		Time: schema.Moment(p.Time), MemoryWorkingSetBytes: schema.Number(p.Memory), CPUCores: schema.Number(p.CPU),
		ThrottledRatio:        schema.Number(p.Throttled),
		ReceiveBytesPerSecond: schema.Number(p.Receive), TransmitBytesPerSecond: schema.Number(p.Transmit),
		ReadBytesPerSecond: schema.Number(p.Read), WriteBytesPerSecond: schema.Number(p.Write),
		CPUPressure: schema.Number(p.CPUPressure), MemoryPressure: schema.Number(p.MemoryPressure), IOPressure: schema.Number(p.IOPressure),
	}
}

// newLastWords writes what is remembered of a run that has ended.
func newLastWords(l collector.LastWords) schema.LastWords {
	out := schema.LastWords{
		Engine: schema.Text(l.Engine), ID: schema.Text(l.ID), Name: schema.Text(l.Name), Image: schema.Text(l.Image),
		StartedAt: schema.Moment(l.Started), FinishedAt: schema.Moment(l.Finished), DurationSeconds: schema.Unknown(),
		ExitCode: schema.Unknown(), OOMKilled: l.OOMKilled, PeakMemoryBytes: schema.Number(l.PeakMemory),
		CPUSeconds: schema.Number(l.CPU), ThrottledRatio: schema.Number(l.ThrottledRatio), Removed: l.Removed,
	}
	if l.HasExitCode {
		out.ExitCode = schema.Number(l.ExitCode)
	}
	if !l.Started.IsZero() && l.Finished.After(l.Started) {
		out.DurationSeconds = schema.Number(l.Finished.Sub(l.Started).Seconds())
	}
	return out
}
