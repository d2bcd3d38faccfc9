package human

import (
	"math"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	since := func(d time.Duration) string {
		return Since(now.Add(-d), now)
	}
	nan := math.NaN()
	for _, c := range []struct{ got, want string }{
		{Bytes(nan), "–"},
		{Bytes(0), "0 B"},
		{Bytes(1023), "1023 B"},
		{Bytes(1024), "1.0 KiB"},
		{Bytes(1048575), "1.0 MiB"},
		{Bytes(1.5 * (1 << 30)), "1.5 GiB"},
		{Bytes(1e30), "867361737988.4 EiB"},
		{Rate(nan), "–"},
		{Rate(2048), "2.0 KiB/s"},
		{Cores(nan), "–"},
		{Cores(0.0125), "0.013"},
		{Cores(8), "8"},
		{Cores(12.34), "12.3"},
		{Percent(0.125), "12.5 %"},
		{Percent(nan), "–"},
		{Count(nan), "–"},
		{Count(0), "0"},
		{Count(123), "123"},
		{Count(1234567), "1\u202f234\u202f567"},
		{Count(-1234.5), "-1\u202f234.5"},
		{Count(math.Inf(1)), "–"},
		{since(-30 * time.Second), "0 s"},
		{since(30 * time.Second), "30 s"},
		{since(90 * time.Minute), "1 h"},
		{since(72 * time.Hour), "3 d"},
		{Since(time.Time{}, now), "–"},
		{Moment(time.Time{}), "–"},
		{Moment(now), "2026-11-21 09:30:00 UTC"},
		{Seconds(1.5), "1.5 s"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
