package dashboards

import (
	g "tallyman/dashboards/grafana"
)

// disk is what Docker takes on disk, and what of it can be freed.
func disk() g.Dashboard {
	s := hosts()
	return g.Dashboard{
		UID: uidDisk, Title: "Docker disk",
		Description: "What Docker takes on disk, what of it can be freed, and what grows: images, volumes, build cache, writable layers and logs.",
		Variables:   []g.Variable{datasourceVariable(), jobVariable(), instanceVariable(true), projectVariable(s)},
		Rows: []g.Row{
			{Title: "Now", Panels: diskStats(s)},
			{Title: "By type", Panels: diskTypes(s)},
			{Title: "Containers: writable layers and logs", Panels: diskContainers(s)},
			{Title: "Images", Panels: diskImages(s)},
			{Title: "Volumes", Panels: diskVolumes(s)},
			{Title: "What knowing it costs", Panels: diskCost(s)},
		},
	}
}

func diskStats(s scope) []g.Panel {
	bytes := func(title, description, expr string) g.Panel {
		return unit(stat(s, title, description, expr), g.DecimalBytes)
	}
	return []g.Panel{
		bytes("In use", "All that docker system df counts, of all hosts. Logs are not in it.", `sum(docker_disk_usage_bytes{<host>})`),
		bytes("Reclaimable", "What removing all that is not in use would free, volumes among it: look before you prune.", `sum(docker_disk_reclaimable_bytes{<host>})`),
		share("Reclaimable share", "How much of what is in use could be freed.",
			s.one(`sum(docker_disk_reclaimable_bytes{<host>}) / sum(docker_disk_usage_bytes{<host>})`, "reclaimable"), 0.5, 0.8),
		bytes("Logs", "Log files of all containers, with the rotated ones, from container_log_bytes. docker system df does not show them.", `sum(container_log_bytes{<containers>})`),
		bytes("Writable layers", "What containers wrote to their own layers, from container_fs_usage_bytes.", `sum(container_fs_usage_bytes{<containers>})`),
		bytes("Unused volumes", "Volumes that no container has, of the largest ones.", `sum(docker_volume_size_bytes{<host>} and on (job, instance, volume) docker_volume_containers{<host>} == 0) or <zero>`),
		stat(s, "Old images", "Containers that run an image which their tag no longer names: the old one cannot be removed while they do.",
			`sum(container_image_stale{<containers>}) or <zero>`, from(1, g.Yellow)...),
		unit(stat(s, "Age of this", "How long ago the engine said so, the oldest of all; see --engine.disk-usage-interval.",
			`max(time() - docker_disk_last_refresh_time_seconds{<host>})`, rising(1800, 7200)...), g.Seconds),
	}
}

func diskTypes(s scope) []g.Panel {
	panels := []g.Panel{
		third(stacked("In use by type", "SIZE of docker system df, from docker_disk_usage_bytes.", g.DecimalBytes,
			s.one(`sum by (type) (docker_disk_usage_bytes{<host>})`, "{{type}}"))),
		third(stacked("Reclaimable by type", "RECLAIMABLE of docker system df, from docker_disk_reclaimable_bytes.", g.DecimalBytes,
			s.one(`sum by (type) (docker_disk_reclaimable_bytes{<host>})`, "{{type}}"))),
		third(lines("Objects not in use", "TOTAL without ACTIVE of docker system df: what a prune looks at, from docker_disk_objects.", g.Count,
			s.one(`sum by (type) (docker_disk_objects{<host>,in_use="false"})`, "{{type}}"))),
		linked(bars("In use by host", "All types together.", g.DecimalBytes,
			s.one(`topk(10, sum by (instance) (docker_disk_usage_bytes{<host>}))`, "{{instance}}")), hostOfSeries()),
		linked(bars("Reclaimable by host", "All types together.", g.DecimalBytes,
			s.one(`topk(10, sum by (instance) (docker_disk_reclaimable_bytes{<host>}))`, "{{instance}}")), hostOfSeries()),
		bars("Growth by type", "How much more, or less, there is than at the beginning of the time range.", g.DecimalBytes,
			s.one(`sum by (type) (delta(docker_disk_usage_bytes{<host>}[$__range]))`, "{{type}}")),
	}
	return panels
}

func diskContainers(s scope) []g.Panel {
	of := func(title, description, metric string) g.Panel {
		return linked(bars(title, description, g.DecimalBytes,
			s.one(`topk(15, max by (instance, name) (`+metric+`{<containers>} <project>))`, "{{name}} ({{instance}})")), containerOfSeries())
	}
	panels := []g.Panel{
		of("Largest writable layers", "What the container wrote to its own layer: it belongs into a volume.", "container_fs_usage_bytes"),
		of("Largest logs", "Log with its rotated files. Without max-size a log grows for ever.", "container_log_bytes"),
		linked(bars("Fastest logs", "How much the log grew in the time range; a rotation makes it less.", g.DecimalBytes,
			s.one(`topk(15, max by (instance, name) (delta(container_log_bytes{<containers>}[$__range]) <project>))`, "{{name}} ({{instance}})")), containerOfSeries()),
		linked(lines("Logs over time", "The ten largest logs.", g.DecimalBytes,
			s.one(`topk(10, max by (instance, name) (container_log_bytes{<containers>} <project>))`, "{{name}} ({{instance}})")), containerOfSeries()),
		linked(lines("Writable layers over time", "The ten largest writable layers.", g.DecimalBytes,
			s.one(`topk(10, max by (instance, name) (container_fs_usage_bytes{<containers>} <project>))`, "{{name}} ({{instance}})")), containerOfSeries()),
	}
	return panels
}

func diskImages(s scope) []g.Panel {
	return []g.Panel{
		{
			Kind: g.Table, Title: "Largest images", Unit: g.Count, Width: g.Half, Height: 10,
			Description: "Size with the layers that are shared with others, from docker_image_size_bytes. Those beyond --collector.disk-top are one line, other.",
			Targets:     s.one(`topk(50, max by (instance, image, image_id) (docker_image_size_bytes{<host>}))`, ""),
			Columns: []g.Column{
				{Field: "Value", Title: "Size", Unit: g.DecimalBytes, SortDown: true},
				{Field: "image", Title: "Image"},
				{Field: "image_id", Title: "Image ID"},
				{Field: "instance", Title: "Host", Links: hostOfRow()},
			},
		},
		{
			Kind: g.Table, Title: "Images that run", Unit: g.Count, Width: g.Half, Height: 10, Join: "id",
			Description: "How old the image of each container is, and whether its tag names another one now.",
			Targets: s.targets(
				`max by (id, name, image, instance) (time() - container_image_created_time_seconds{<containers>} <project>)`, "",
				`max by (id) (container_image_stale{<containers>})`, "",
			),
			Columns: []g.Column{
				{Field: "name", Title: "Container", Links: containerOfRow()},
				{Field: "Value #B", Title: "Tag", Mappings: []g.Mapping{{Value: 0, Text: "current", Color: g.Green}, {Value: 1, Text: "moved on", Color: g.Yellow}}, SortDown: true},
				{Field: "Value #A", Title: "Age", Unit: g.Seconds},
				{Field: "image", Title: "Image"},
				{Field: "instance", Title: "Host", Links: hostOfRow()},
			},
		},
	}
}

func diskVolumes(s scope) []g.Panel {
	return []g.Panel{
		{
			Kind: g.Table, Title: "Largest volumes", Unit: g.Count, Width: g.Half, Height: 10, Join: "volume",
			Description: "Size of each volume and how many containers have it, from docker_volume_size_bytes and docker_volume_containers; of the largest 50, and by name on all hosts together.",
			Targets: s.targets(
				`topk(50, sum by (volume) (docker_volume_size_bytes{<host>}))`, "",
				`sum by (volume) (docker_volume_containers{<host>})`, "",
			),
			Columns: []g.Column{
				{Field: "Value #A", Title: "Size", Unit: g.DecimalBytes, SortDown: true},
				{Field: "volume", Title: "Volume"},
				{Field: "Value #B", Title: "Containers", Unit: g.Count},
			},
		},
		lines("Volumes over time", "The ten largest volumes.", g.DecimalBytes,
			s.one(`topk(10, max by (instance, volume) (docker_volume_size_bytes{<host>}))`, "{{volume}} ({{instance}})")),
	}
}

func diskCost(s scope) []g.Panel {
	return []g.Panel{
		linked(lines("Time that the engine takes", "How long the engine worked on its latest disk usage, for which it walks all files, from docker_disk_refresh_duration_seconds.", g.Seconds,
			s.one(`max by (instance) (docker_disk_refresh_duration_seconds{<host>})`, "{{instance}}")), hostOfSeries()),
		lines("Age by type", "How long ago the engine said so. It rises and falls with --engine.disk-usage-interval.", g.Seconds,
			s.one(`max by (type) (time() - docker_disk_last_refresh_time_seconds{<host>})`, "{{type}}")),
	}
}
