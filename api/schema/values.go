package schema

import (
	"encoding/json"
	"math"
	"time"
)

// Number is a reading; NaN is unknown, in JSON null.
type Number float64

// Unknown is the Number of what was not said.
func Unknown() Number { return Number(math.NaN()) }

// Known says whether there is a reading.
func (n Number) Known() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// Add adds a reading to a sum, which is unknown until there is one.
func (n *Number) Add(v float64) {
	switch {
	case math.IsNaN(v):
	case !n.Known():
		*n = Number(v)
	default:
		*n += Number(v)
	}
}

// MarshalJSON writes null for what is no number in JSON.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as unknown.
func (n *Number) UnmarshalJSON(b []byte) error {
	v := math.NaN()
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*n = Number(v)
	return nil
}

// Moment is a time; the zero time is unknown, in JSON null.
type Moment time.Time

// IsZero says whether the time is unknown.
func (m Moment) IsZero() bool { return time.Time(m).IsZero() }

// MarshalJSON writes RFC 3339 in UTC.
func (m Moment) MarshalJSON() ([]byte, error) {
	if m.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(time.Time(m).UTC())
}

// UnmarshalJSON reads RFC 3339, and null as unknown.
func (m *Moment) UnmarshalJSON(b []byte) error {
	var t time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	*m = Moment(t)
	return nil
}

// Text is a word; the empty one is unknown, in JSON null.
type Text string

// MarshalJSON writes null for what was not said.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}
