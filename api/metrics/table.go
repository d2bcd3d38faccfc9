package metrics

import "slices"

// Families returns the whole table in the order in which it is served. Each call makes a new one.
func Families() []Family {
	return slices.Concat(
		stateFamilies(),
		cpuFamilies(),
		cpuSpecFamilies(),
		memoryFamilies(),
		memoryReclaimFamilies(),
		memoryEventFamilies(),
		memorySpecFamilies(),
		numaFamilies(),
		hugetlbFamilies(),
		oomFamilies(),
		pressureFamilies(),
		ioFamilies(),
		blkioFamilies(),
		networkFamilies(),
		socketFamilies(),
		pidsFamilies(),
		processFamilies(),
		diskFamilies(),
		diskUsageFamilies(),
		machineFamilies(),
		engineFamilies(),
		tallymanFamilies(),
		cadvisorFamilies(),
	)
}
