package cgroups

// present cuts off the processors that the kernel could have, but the host has not: nothing ever ran on them. One that was taken
// out since keeps the time that was spent on it.
func present(perCPU []float64, r *Reader) []float64 {
	if perCPU == nil {
		return nil
	}
	cores := r.Machine().Cores // NaN cuts nothing off
	for n := len(perCPU); float64(n) > cores && perCPU[n-1] == 0; n-- {
		perCPU = perCPU[:n-1]
	}
	return perCPU
}
