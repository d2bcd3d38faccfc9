package metrics

import "tallyman/engine"

// diskFamilies are the rows of what each container takes on disk. None speaks of the host.
func diskFamilies() []Family {
	return []Family{
		row(GroupDisk, Gauge, "container_fs_usage_bytes",
			"Bytes that the container wrote to its own layer, from SizeRw of the engine's latest /system/df.",
			func(c *container) float64 { return c.Disk.Writable }),
		row(GroupDisk, Gauge, "container_fs_root_bytes",
			"Bytes of the container's image and its own layer, from SizeRootFs of the engine's latest /system/df.",
			func(c *container) float64 { return c.Disk.Root }),
		row(GroupDisk, Gauge, "container_log_bytes",
			"Bytes of the container's log with its rotated files, from the file that the engine names; absent for log drivers without one.",
			func(c *container) float64 { return c.Disk.Log }),
	}
}

// diskUsageFamilies are the rows of `docker system df`. What the engine said before it went away is not repeated for long.
func diskUsageFamilies() []Family {
	return []Family{
		{
			Name: "docker_disk_usage_bytes", Type: Gauge, Group: GroupDisk, Labels: []string{"type"},
			Help: "Disk space by what takes it, from the engine's latest /system/df: SIZE of docker system df.",
			EngineEach: eachDiskPart(func(p *engine.DiskPart, kind string, yield func(Sample)) {
				yield(labelled(p.Bytes, kind))
			}),
		},
		{
			Name: "docker_disk_reclaimable_bytes", Type: Gauge, Group: GroupDisk, Labels: []string{"type"},
			Help: "Disk space that removing what is not in use would free, from the engine's latest /system/df: RECLAIMABLE of docker system df.",
			EngineEach: eachDiskPart(func(p *engine.DiskPart, kind string, yield func(Sample)) {
				yield(labelled(p.Reclaimable, kind))
			}),
		},
		{
			Name: "docker_disk_objects", Type: Gauge, Group: GroupDisk, Labels: []string{"type", "in_use"},
			Help: "Images, containers, volumes and records of the build cache, from the engine's latest /system/df: true is ACTIVE of docker system df, both together are TOTAL.",
			EngineEach: eachDiskPart(func(p *engine.DiskPart, kind string, yield func(Sample)) {
				yield(labelled(p.Active, kind, "true"))
				yield(labelled(p.Inactive, kind, "false"))
			}),
		},
		{
			Name: "docker_disk_last_refresh_time_seconds", Type: Gauge, Group: GroupDisk, Labels: []string{"type"},
			Help: "When the engine last told the disk usage, in seconds since the Unix epoch; absent while it never did.",
			EngineEach: eachDiskPart(func(p *engine.DiskPart, kind string, yield func(Sample)) {
				yield(labelled(unixSeconds(p.At), kind))
			}),
		},
		{
			Name: "docker_disk_refresh_duration_seconds", Type: Gauge, Group: GroupDisk,
			Help: "How long the engine worked on its latest disk usage; absent while it never told one.",
			EngineEach: eachDisk(func(d *engine.Disk, yield func(Sample)) {
				if !d.Refreshed.IsZero() {
					yield(labelled(d.Took.Seconds()))
				}
			}),
		},
		{
			Name: "docker_image_size_bytes", Type: Gauge, Group: GroupDisk, Labels: []string{"image", "image_id"},
			Help: "Size of the largest images, layers shared with others included, from the engine's latest /system/df; the rest as other.",
			EngineEach: eachDisk(func(d *engine.Disk, yield func(Sample)) {
				for i := range d.Images {
					yield(labelled(d.Images[i].Bytes, d.Images[i].Name, d.Images[i].ID))
				}
				yield(labelled(d.OtherImages.Bytes, others))
			}),
		},
		{
			Name: "docker_volume_size_bytes", Type: Gauge, Group: GroupDisk, Labels: []string{"volume"},
			Help:       "Size of the largest volumes, from the engine's latest /system/df; the rest as other, absent for drivers that do not tell.",
			EngineEach: eachVolume(func(v engine.VolumeDisk, yield func(Sample)) { yield(labelled(v.Bytes, v.Name)) }),
		},
		{
			Name: "docker_volume_containers", Type: Gauge, Group: GroupDisk, Labels: []string{"volume"},
			Help:       "Containers that have the volume, for the largest ones, from the engine's latest /system/df; the rest as other.",
			EngineEach: eachVolume(func(v engine.VolumeDisk, yield func(Sample)) { yield(labelled(v.Containers, v.Name)) }),
		},
	}
}

// others is the label of what is not listed one by one.
const others = "other"

// eachDisk draws from the disk usage of an engine; no sample where it said nothing.
func eachDisk(each func(d *engine.Disk, yield func(Sample))) func(*snapshot, *engineStatus, func(Sample)) {
	return func(_ *snapshot, e *engineStatus, yield func(Sample)) {
		if e.Disk != nil {
			each(e.Disk, yield)
		}
	}
}

// eachDiskPart is eachDisk for each line of `docker system df`.
func eachDiskPart(each func(p *engine.DiskPart, kind string, yield func(Sample))) func(*snapshot, *engineStatus, func(Sample)) {
	return eachDisk(func(d *engine.Disk, yield func(Sample)) {
		for i := range d.Parts {
			each(&d.Parts[i], string(d.Parts[i].Kind), yield)
		}
	})
}

// eachVolume is eachDisk for each volume, and for the rest as one. A volume that is itself called so belongs to the rest: no two
// samples may have the same labels.
func eachVolume(each func(v engine.VolumeDisk, yield func(Sample))) func(*snapshot, *engineStatus, func(Sample)) {
	return eachDisk(func(d *engine.Disk, yield func(Sample)) {
		rest := d.OtherVolumes
		for _, v := range d.Volumes {
			if v.Name == others {
				rest = rest.With(v.Bytes, v.Containers)
				continue
			}
			each(v, yield)
		}
		each(engine.VolumeDisk{Name: others, Bytes: rest.Bytes, Containers: rest.Containers}, yield)
	})
}
