package grafana

// tableOptions sorts a table.
func (p *Panel) tableOptions() object {
	sort := []object{}
	for _, c := range p.Columns {
		if c.SortDown {
			sort = append(sort, object{"displayName": c.Title, "desc": true})
		}
	}
	return object{"cellHeight": "sm", "showHeader": true, "sortBy": sort, "footer": object{"show": false, "reducer": []string{"sum"}, "fields": "", "countRows": false}}
}

// transformations join the targets of a table, and keep its columns only, in their order.
func (p *Panel) transformations() []object {
	if p.Kind != Table {
		return nil
	}
	var steps []object
	if p.Join != "" {
		steps = append(steps, object{"id": "joinByField", "options": object{"byField": p.Join, "mode": "outer"}})
	}
	names, order, titles := make([]string, len(p.Columns)), object{}, object{}
	for i, c := range p.Columns {
		names[i], order[c.Field], titles[c.Field] = c.Field, i, c.Title
	}
	return append(
		steps,
		object{"id": "filterFieldsByName", "options": object{"include": object{"names": names}}},
		object{"id": "organize", "options": object{"excludeByName": object{}, "indexByName": order, "renameByName": titles}},
	)
}

// overrides is how the columns of a table look, each by its title.
func (p *Panel) overrides() []object {
	all := []object{}
	for _, c := range p.Columns {
		var properties []object
		add := func(id string, value any) { properties = append(properties, object{"id": id, "value": value}) }
		if c.Unit != "" {
			add("unit", string(c.Unit))
		}
		if len(c.Mappings) > 0 {
			add("mappings", mappings(c.Mappings))
		}
		if len(c.Thresholds) > 0 {
			add("thresholds", thresholds(c.Thresholds))
		}
		if len(c.Thresholds)+len(c.Mappings) > 0 {
			add("custom.cellOptions", object{"type": "color-text"})
		}
		if len(c.Thresholds) > 0 {
			add("color", object{"mode": "thresholds"})
		}
		if len(c.Links) > 0 {
			add("links", links(c.Links))
		}
		if len(properties) > 0 {
			all = append(all, object{"matcher": object{"id": "byName", "options": c.Title}, "properties": properties})
		}
	}
	return all
}
