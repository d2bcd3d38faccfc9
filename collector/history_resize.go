package collector

// resize makes room for another number of points in every trail. What was remembered stays: where there are to be half as many, two
// points become one.
func (h *history) resize(points uint64) {
	f := folding{old: h.frames, from: h.frames.oldest(), fold: points < h.frames.kept}
	count := f.old.count - f.from
	if f.fold {
		count = (count + 1) / 2
	}
	h.frames = newFrames(points, count)
	for frame := range count {
		h.frames.times[frame] = f.old.time(f.last(frame))
	}
	for _, t := range h.trails {
		f.move(t, &h.frames)
	}
}

// folding tells what becomes of old frames.
type folding struct {
	old  frames
	from uint64 // the oldest of them
	fold bool   // two become one
}

// last is the old frame that a new one takes its time from. Two that become one are counted from the end: of an odd number, it is the
// oldest that stays alone.
func (f *folding) last(frame uint64) uint64 {
	if !f.fold {
		return f.from + frame
	}
	return f.from + 2*frame + 1 - (f.old.count-f.from)%2
}

// move gives a trail its new rows.
func (f *folding) move(t *trail, to *frames) {
	moved := trail{frame: to.count, first: to.count, base: t.base, rows: make([]row, to.kept)}
	for frame := range to.count {
		last := f.last(frame)
		if last < t.first {
			continue
		}
		moved.first = min(moved.first, frame)
		r := *t.row(last)
		if before := last - 1; f.fold && last > f.from && before >= t.first {
			r.merge(t.row(before), f.seconds(before), f.seconds(last))
		}
		*moved.row(frame) = r
		if last <= t.known || f.fold && last == t.known+1 {
			moved.known = frame
		}
	}
	*t = moved
}

// seconds is how long the means of an old frame are over.
func (f *folding) seconds(frame uint64) float64 {
	if frame == f.from {
		return f.old.spacing().Seconds()
	}
	return f.old.time(frame).Sub(f.old.time(frame - 1)).Seconds()
}

// merge makes the means of a row those of two, each over some seconds; the memory is that of the latter.
func (r *row) merge(before *row, seconds, own float64) {
	for i := 1; i < len(r); i++ {
		r[i] = float32((float64(before[i])*seconds + float64(r[i])*own) / (seconds + own))
	}
}
