package panels

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tallyman/dashboards"
)

// Dashboard is a dashboard as it is imported.
type Dashboard struct {
	Title      string
	Panels     []Panel
	Templating struct{ List []Variable }
}

// Panel is a panel of it. One without targets is a headline.
type Panel struct {
	Title, Type     string
	Targets         []Target
	Transformations []struct {
		Options struct {
			Include struct{ Names []string }
		}
	}
}

// Target is one query.
type Target struct {
	Expr, RefID, LegendFormat string
	Instant                   bool
}

// Variable is a choice; that of the datasource has no Definition.
type Variable struct {
	Name, Definition, AllValue string
	Multi                      bool
}

// All reads every dashboard.
func All() ([]Dashboard, error) {
	var all []Dashboard
	for _, d := range dashboards.All() {
		text, err := d.JSON()
		if err != nil {
			return nil, err
		}
		var read Dashboard
		if err := json.Unmarshal(text, &read); err != nil {
			return nil, fmt.Errorf("read %s: %w", d.File, err)
		}
		all = append(all, read)
	}
	return all, nil
}

// Columns lists the fields that a table shows.
func (p *Panel) Columns() []string {
	for _, t := range p.Transformations {
		if names := t.Options.Include.Names; len(names) > 0 {
			return names
		}
	}
	return nil
}

// Values are what the variables of a dashboard are, those of Grafana itself with them: "__range" and "__rate_interval".
type Values map[string]string

// use is a variable in a text: $name, ${name}, ${name:regex} or [[name]].
var use = regexp.MustCompile(`\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]`)

// Fill puts the values into a query. A variable without a value is an error.
func (v Values) Fill(query string) (string, error) {
	var missing error
	filled := use.ReplaceAllStringFunc(query, func(found string) string {
		m := use.FindStringSubmatch(found)
		name := m[1] + m[2] + m[3]
		value, ok := v[name]
		if !ok && strings.HasPrefix(found, "$") && isNumber(name) {
			return found // a group of label_replace
		}
		if !ok {
			missing = fmt.Errorf("no value for %s in %s", found, query)
		}
		return value
	})
	return filled, missing
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }
