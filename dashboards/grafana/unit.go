package grafana

// Unit is how Grafana writes a number.
type Unit string

// The units in use. Sizes that docker itself writes in powers of 1000 are DecimalBytes here, too.
const (
	Count            Unit = "short"
	Plain            Unit = "none" // as it is: an exit code, a state
	Bytes            Unit = "bytes"
	DecimalBytes     Unit = "decbytes"
	BytesPerSecond   Unit = "binBps"
	PacketsPerSecond Unit = "pps"
	IOPerSecond      Unit = "iops"
	OpsPerSecond     Unit = "ops"
	RequestsPerSec   Unit = "reqps"
	Seconds          Unit = "s"
	Ratio            Unit = "percentunit"
	Cores            Unit = "suffix: cores"
	Ago              Unit = "dateTimeFromNow" // of milliseconds since the Unix epoch
	Text             Unit = "string"
)

// Units lists all of them.
func Units() []Unit {
	return []Unit{
		Count, Plain, Bytes, DecimalBytes, BytesPerSecond, PacketsPerSecond, IOPerSecond, OpsPerSecond, RequestsPerSec, Seconds, Ratio,
		Cores, Ago, Text,
	}
}
