package api

import (
	"tallyman/api/schema"
	"tallyman/collector"
)

// newEvent writes an event.
func newEvent(e collector.Event) schema.Event {
	out := schema.Event{
		Seq: e.Seq, Time: schema.Moment(e.Time), Engine: schema.Text(e.Engine), Type: e.Type, Action: e.Action, Detail: schema.Text(e.Detail),
		ID: schema.Text(e.ID), Name: schema.Text(e.Name), Image: schema.Text(e.Image), ExitCode: schema.Unknown(), Signal: schema.Text(e.Signal),
	}
	if e.HasExitCode {
		out.ExitCode = schema.Number(e.ExitCode)
	}
	return out
}
