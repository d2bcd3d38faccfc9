package cgroups

import "testing"

// TestIsPartition: the pairs of names that Linux gives to disks and their partitions, and to disks that are beside each other.
func TestIsPartition(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		disk, name string
		want       bool
	}{
		{"sda", "sda1", true},
		{"sda", "sda12", true},
		{"vda", "vda1", true},
		{"nvme0n1", "nvme0n1p1", true},
		{"mmcblk0", "mmcblk0p2", true},
		{"loop1", "loop1p1", true},
		{"md0", "md0p1", true},
		{"cciss!c0d0", "cciss!c0d0p1", true},
		{"", "sda", false},
		{"sda", "sda", false},
		{"sda", "sdb", false},
		{"sda", "sdaa", false},
		{"loop1", "loop10", false},
		{"dm-1", "dm-10", false},
		{"md1", "md1p", false},
		{"mmcblk0", "mmcblk0boot0", false},
		{"nvme0n1", "nvme0n10", false},
	} {
		if got := isPartition([]byte(tt.name), []byte(tt.disk)); got != tt.want {
			t.Errorf("%q after %q: %v, want %v", tt.name, tt.disk, got, tt.want)
		}
	}
}
