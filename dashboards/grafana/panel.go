package grafana

import "strconv"

// object is the panel as Grafana has it, but for its number and place.
func (p *Panel) object() object {
	o := object{
		"type": string(p.Kind), "title": p.Title, "description": p.Description, "datasource": datasource(),
		"targets": p.targets(), "fieldConfig": object{"defaults": p.defaults(), "overrides": p.overrides()}, "options": p.options(),
	}
	if t := p.transformations(); t != nil {
		o["transformations"] = t
	}
	return o
}

func (p *Panel) targets() []object {
	all := make([]object, len(p.Targets))
	for i, t := range p.Targets {
		format := "time_series"
		if p.Kind == Table {
			format = "table"
		}
		all[i] = object{
			"refId": refID(i), "datasource": datasource(), "editorMode": "code", "expr": t.Expr, "format": format,
			"instant": p.Kind.Instant(), "range": !p.Kind.Instant(), "legendFormat": t.Legend,
		}
	}
	return all
}

// refID names a target: A, B, C.
func refID(i int) string { return string(rune('A' + i)) }

// defaults is how the values of the panel look.
func (p *Panel) defaults() object {
	d := object{"unit": string(p.Unit), "color": object{"mode": "palette-classic"}, "mappings": mappings(p.Mappings), "thresholds": thresholds(p.Thresholds)}
	if p.Kind == Stat || len(p.Thresholds) > 0 && p.Kind != TimeSeries {
		d["color"] = object{"mode": "thresholds"}
	}
	if p.Kind != Table && p.Unit != Ago && p.Unit != Text {
		d["min"] = 0
	}
	if p.Max != 0 {
		d["max"] = p.Max
	}
	if p.NoValue != "" {
		d["noValue"] = p.NoValue
	}
	if len(p.Links) > 0 {
		d["links"] = links(p.Links)
	}
	switch p.Kind {
	case TimeSeries:
		d["custom"] = p.lines()
	case Table:
		d["custom"] = object{"align": "auto", "cellOptions": object{"type": "auto"}, "filterable": true}
	case StateTimeline:
		d["custom"] = object{"fillOpacity": 80, "lineWidth": 0, "spanNulls": false}
	case Stat, Gauge, BarGauge:
	}
	return d
}

// lines is how the lines of a time series look.
func (p *Panel) lines() object {
	stacking, fill := "none", 10
	if p.Stack {
		stacking, fill = "normal", 40
	}
	style := "off"
	if len(p.Thresholds) > 0 {
		style = "dashed"
	}
	return object{
		"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": fill, "showPoints": "never", "spanNulls": false,
		"stacking": object{"group": "A", "mode": stacking}, "thresholdsStyle": object{"mode": style},
	}
}

// thresholds are the steps of the colours; those below the first one are green, where there is a meaning of good and bad.
func thresholds(all []Threshold) object {
	base := Grey
	if len(all) > 0 {
		base = Green
	}
	steps := []object{{"color": string(base), "value": nil}}
	for _, t := range all {
		steps = append(steps, object{"color": string(t.Color), "value": t.From})
	}
	return object{"mode": "absolute", "steps": steps}
}

func mappings(all []Mapping) []object {
	if len(all) == 0 {
		return []object{}
	}
	options := object{}
	for i, m := range all {
		options[strconv.Itoa(m.Value)] = object{"color": string(m.Color), "index": i, "text": m.Text}
	}
	return []object{{"type": "value", "options": options}}
}

func links(all []Link) []object {
	objects := make([]object, len(all))
	for i, l := range all {
		objects[i] = object{"title": l.Title, "url": l.URL, "targetBlank": false}
	}
	return objects
}

// options is how the panel as a whole looks.
func (p *Panel) options() object {
	reduce := object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
	switch p.Kind {
	case TimeSeries:
		return object{
			"legend":  object{"calcs": []string{"lastNotNull", "max"}, "displayMode": "table", "placement": "bottom", "showLegend": true, "sortBy": "Last *", "sortDesc": true},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		}
	case Stat:
		text := "auto"
		if p.NameOnly {
			text = "name"
		}
		mode := "value"
		if len(p.Thresholds)+len(p.Mappings) > 0 {
			mode = "background"
		}
		return object{"colorMode": mode, "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "reduceOptions": reduce, "textMode": text}
	case Gauge:
		return object{"orientation": "auto", "reduceOptions": reduce, "showThresholdLabels": false, "showThresholdMarkers": true}
	case BarGauge:
		return object{"displayMode": "gradient", "orientation": "horizontal", "reduceOptions": reduce, "showUnfilled": true, "valueMode": "color", "namePlacement": "left"}
	case Table:
		return p.tableOptions()
	case StateTimeline:
		return object{"alignValue": "left", "mergeValues": true, "rowHeight": 0.9, "showValue": "never", "legend": object{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": object{"mode": "single", "sort": "none"}}
	}
	return object{}
}
