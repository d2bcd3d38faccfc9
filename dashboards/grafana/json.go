package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// schemaVersion is that of Grafana 10.4: later ones read it, and bring it up to date by themselves.
const schemaVersion = 39

// datasourceVariable is the variable that every query asks.
const datasourceVariable = "datasource"

// object is a JSON object; its keys are written in their order, so that the same dashboard is the same text.
type object map[string]any

// JSON writes the dashboard as Grafana imports it.
func (d *Dashboard) JSON() ([]byte, error) {
	variables := make([]object, len(d.Variables))
	for i := range d.Variables {
		variables[i] = d.Variables[i].object()
	}
	links := make([]object, len(d.Links))
	for i, l := range d.Links {
		links[i] = object{
			"title": l.Title, "url": l.URL, "type": "link", "icon": "dashboard", "tooltip": "", "tags": []string{},
			"asDropdown": false, "includeVars": false, "keepTime": true, "targetBlank": false,
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(object{
		"uid": d.UID, "title": d.Title, "description": d.Description, "tags": d.Tags,
		"schemaVersion": schemaVersion, "version": 1, "editable": true, "graphTooltip": 1, "fiscalYearStartMonth": 0, "weekStart": "",
		"refresh": d.Refresh, "time": object{"from": d.From, "to": "now"}, "timezone": "browser", "timepicker": object{},
		"templating": object{"list": variables}, "annotations": object{"list": []object{}}, "links": links, "panels": d.panels(),
	})
	if err != nil {
		return nil, fmt.Errorf("write dashboard %s: %w", d.UID, err)
	}
	return b.Bytes(), nil
}

// object is the variable as Grafana has it.
func (v *Variable) object() object {
	o := object{"name": v.Name, "label": v.Label, "description": v.Description, "hide": 0, "current": object{}, "options": []object{}, "skipUrlSync": false}
	if v.Query == "" {
		o["type"], o["query"], o["regex"], o["refresh"] = "datasource", "prometheus", "", 1
		o["multi"], o["includeAll"] = false, false
		return o
	}
	o["type"], o["datasource"] = "query", datasource()
	o["definition"], o["query"] = v.Query, object{"query": v.Query, "refId": "variable-" + v.Name}
	o["regex"], o["sort"], o["refresh"] = "", 1, 2 // sorted by name, and asked again whenever the time range changes
	o["multi"], o["includeAll"] = v.Multi, v.Multi
	if v.Multi {
		o["allValue"] = v.AllValue
		o["current"] = object{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}}
	}
	return o
}

func datasource() object {
	return object{"type": "prometheus", "uid": "${" + datasourceVariable + "}"}
}

// panels lists the rows, each with its panels behind it, and gives each a number and a place.
func (d *Dashboard) panels() []object {
	var all []object
	y := 0
	for _, row := range d.Rows {
		all = append(all, object{
			"id": len(all) + 1, "type": "row", "title": row.Title, "collapsed": false, "panels": []object{},
			"gridPos": position{H: rowHeight, W: columns, Y: y},
		})
		at, next := place(row.Panels, y+rowHeight)
		for i := range row.Panels {
			o := row.Panels[i].object()
			o["id"], o["gridPos"] = len(all)+1, at[i]
			all = append(all, o)
		}
		y = next
	}
	return all
}
