package api

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tallyman/api/schema"
	"tallyman/collector"
	"tallyman/engine"
)

// summariseDisk gives the lines of docker system df of every engine that may still be quoted.
func summariseDisk(s *collector.Snapshot) []schema.DiskUsage {
	items := []schema.DiskUsage{}
	for i := range s.Engines {
		e := &s.Engines[i]
		if e.Disk == nil {
			continue
		}
		for _, p := range e.Disk.Parts {
			item := schema.DiskUsage{
				Engine: schema.Text(e.Name), Type: string(p.Kind), Total: schema.Number(p.Active + p.Inactive), Active: schema.Number(p.Active),
				SizeBytes: schema.Number(p.Bytes), ReclaimableBytes: schema.Number(p.Reclaimable),
				RefreshedAt: schema.Moment(p.At), AgeSeconds: schema.Unknown(), Problem: schema.Text(p.Problem),
			}
			if !p.At.IsZero() {
				item.AgeSeconds = schema.Number(max(s.Time.Sub(p.At), 0).Seconds())
			}
			items = append(items, item)
		}
	}
	return items
}

// refreshDisk asks every engine for its disk usage. It says false when none takes that now, and the answer has been why.
func (s *Server) refreshDisk(w http.ResponseWriter, r *http.Request) bool {
	answers := s.source.RefreshDisk()
	if slices.ContainsFunc(answers, func(a engine.RefreshAnswer) bool { return a.Taken }) {
		return true
	}
	answers = slices.DeleteFunc(answers, func(a engine.RefreshAnswer) bool { return a.Reason == engine.DiskOff })
	if len(answers) == 0 {
		s.sendError(w, r, http.StatusBadRequest, "the disk usage is switched off here: start tallyman with --engine.disk-usage-interval=5m to switch it on")
		return false
	}
	soonest := slices.MinFunc(answers, func(a, b engine.RefreshAnswer) int { return a.Next.Compare(b.Next) })
	wait := strconv.Itoa(max(int(math.Ceil(time.Until(soonest.Next).Seconds())), 1))
	status, problem := http.StatusTooManyRequests, "the disk usage was refreshed only just"
	switch soonest.Reason {
	case engine.RefreshRunning:
		problem = "the disk usage is being refreshed already"
	case engine.RefreshNotConnected:
		status, problem = http.StatusServiceUnavailable, "the engine is not connected"
	}
	w.Header().Set("Retry-After", wait)
	s.sendError(w, r, status, problem+": come back in "+wait+" s")
	return false
}
