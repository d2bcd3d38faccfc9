package api

// maxIdle is how many are kept: as many as ask at the same time on most hosts.
const maxIdle = 2

// idle keeps what is dear to make for the next one who needs it. A sync.Pool would forget it with the garbage. It is safe for concurrent use.
type idle[T any] struct {
	kept  chan T
	fresh func() T
}

func newIdle[T any](fresh func() T) idle[T] { return idle[T]{make(chan T, maxIdle), fresh} }

// take gives one for one's own use.
func (i idle[T]) take() T {
	select {
	case v := <-i.kept:
		return v
	default:
		return i.fresh()
	}
}

// put takes it back, unless there are enough.
func (i idle[T]) put(v T) {
	select {
	case i.kept <- v:
	default:
	}
}
