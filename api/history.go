package api

import (
	"net/http"

	"tallyman/api/schema"
	"tallyman/collector"
)

// containerHistory answers with what is remembered of a container.
func (s *Server) containerHistory(w http.ResponseWriter, r *http.Request) {
	if snap, c := s.wanted(w, r); c != nil {
		s.sendHistory(w, r, snap, s.source.History(c.Engine, containerID(c)))
	}
}

// hostHistory answers with what is remembered of the host.
func (s *Server) hostHistory(w http.ResponseWriter, r *http.Request) {
	if snap := s.snapshot(w, r); snap != nil {
		s.sendHistory(w, r, snap, s.source.History("", ""))
	}
}

func (s *Server) sendHistory(w http.ResponseWriter, r *http.Request, snap *collector.Snapshot, points []collector.Point) {
	answer := schema.History{Time: schema.Moment(snap.Time), Points: make([]schema.Point, len(points))}
	for i, p := range points {
		answer.Points[i] = newPoint(p)
	}
	s.sendJSON(w, r, http.StatusOK, answer)
}

// lastWords answers with the runs of containers that have ended.
func (s *Server) lastWords(w http.ResponseWriter, r *http.Request) {
	snap := s.snapshot(w, r)
	if snap == nil {
		return
	}
	all := s.source.LastWords()
	answer := schema.Endings{Time: schema.Moment(snap.Time), LastWords: make([]schema.LastWords, len(all))}
	for i, l := range all {
		answer.LastWords[i] = newLastWords(l)
	}
	s.sendJSON(w, r, http.StatusOK, answer)
}

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
	if !l.Started.IsZero() && !l.Finished.Before(l.Started) {
		out.DurationSeconds = schema.Number(l.Finished.Sub(l.Started).Seconds())
	}
	return out
}
