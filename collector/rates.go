package collector

import (
	"math"
	"time"

	"tallyman/cgroups"
)

// rateEvery is the least time over which a rate is taken: over less, the steps of the kernel's counters show.
const rateEvery = time.Second

// rateBase holds the counters of an earlier reading.
type rateBase struct {
	at    time.Time
	sums  counters
	rates Rates
}

// counters are the sums whose growth Rates tells.
type counters struct {
	cpu, read, write, receive, transmit, periods, throttled float64
	cpuWait, memoryWait, ioWait                             float64
}

// update gives the rates since the base, and makes this reading the base when the base is old enough.
func (b *rateBase) update(now time.Time, s *cgroups.Stats) Rates {
	sums := sum(s)
	if b.at.IsZero() || b.sums.unknown() {
		*b = rateBase{at: now, sums: sums, rates: unknownRates()}
		return b.rates
	}
	elapsed := now.Sub(b.at)
	if elapsed < rateEvery {
		return b.rates
	}
	per := func(now, before float64) float64 {
		if now < before { // the container was restarted into a new cgroup
			return math.NaN()
		}
		return (now - before) / elapsed.Seconds()
	}
	throttled := per(sums.throttled, b.sums.throttled) / per(sums.periods, b.sums.periods)
	if sums.periods == b.sums.periods {
		throttled = 0 // nothing ran, so nothing was throttled
	}
	b.rates = Rates{
		CPU:            per(sums.cpu, b.sums.cpu),
		ReadBytes:      per(sums.read, b.sums.read),
		WriteBytes:     per(sums.write, b.sums.write),
		ReceiveBytes:   per(sums.receive, b.sums.receive),
		TransmitBytes:  per(sums.transmit, b.sums.transmit),
		ThrottledRatio: throttled,
		CPUPressure:    part(per(sums.cpuWait, b.sums.cpuWait)),
		MemoryPressure: part(per(sums.memoryWait, b.sums.memoryWait)),
		IOPressure:     part(per(sums.ioWait, b.sums.ioWait)),
	}
	b.at, b.sums = now, sums
	return b.rates
}

func unknownRates() Rates {
	nan := math.NaN()
	return Rates{nan, nan, nan, nan, nan, nan, nan, nan, nan}
}

// part is a part of the time: the kernel may have added up more than the time between two readings.
func part(v float64) float64 { return min(v, 1) } // NaN stays NaN

// sum adds up devices and interfaces.
func sum(s *cgroups.Stats) counters {
	c := counters{
		cpu: s.CPU.Usage, periods: s.CPU.Periods, throttled: s.CPU.ThrottledPeriods,
		cpuWait: s.Pressure.CPU.Some, memoryWait: s.Pressure.Memory.Some, ioWait: s.Pressure.IO.Some,
	}
	if s.IO == nil {
		c.read, c.write = math.NaN(), math.NaN()
	}
	for i := range s.IO {
		c.read += known(s.IO[i].ReadBytes)
		c.write += known(s.IO[i].WriteBytes)
	}
	if s.Network == nil {
		c.receive, c.transmit = math.NaN(), math.NaN()
	}
	for i := range s.Network {
		c.receive += s.Network[i].RxBytes
		c.transmit += s.Network[i].TxBytes
	}
	return c
}

// unknown says whether nothing was read, such as before the first of the engine's statistics came.
func (c *counters) unknown() bool {
	return math.IsNaN(c.cpu) && math.IsNaN(c.read) && math.IsNaN(c.receive)
}

// known is for devices of which the kernel counts only some operations.
func known(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
