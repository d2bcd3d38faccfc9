package dashboards

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tallyman/dashboards/grafana"
)

// The rules of Grafana's own linter and ours, checked on the committed files: on what is imported, not on what was meant.

type (
	document struct {
		UID, Title, Description string
		SchemaVersion           int
		Templating              struct{ List []variable }
		Links                   []link
		Panels                  []panel
	}
	variable struct {
		Name, Type, AllValue string
		Label, Description   string
		Datasource           source
		Query                any
		Multi                bool
		IncludeAll           bool
	}
	source struct{ Type, UID string }
	link   struct{ Title, URL string }
	panel  struct {
		ID                       int
		Type, Title, Description string
		Datasource               source
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []target
		FieldConfig              struct {
			Defaults  struct{ Unit string }
			Overrides []struct {
				Properties []struct {
					ID    string
					Value json.RawMessage
				}
			}
		}
	}
	target struct {
		Expr, RefID, LegendFormat string
		Datasource                source
		Instant, Range            bool
	}
)

// documents reads the committed files.
func documents(t *testing.T) map[string]*document {
	t.Helper()
	all := map[string]*document{}
	for _, d := range All() {
		text, err := os.ReadFile(d.File)
		if err != nil {
			t.Fatal(err)
		}
		all[d.File] = &document{}
		if err := json.Unmarshal(text, all[d.File]); err != nil {
			t.Fatalf("%s: %v", d.File, err)
		}
	}
	return all
}

// text is the query of a variable, in both of its forms.
func (v *variable) text() string {
	if q, ok := v.Query.(map[string]any); ok {
		s, _ := q["query"].(string)
		return s
	}
	return ""
}

// pictures are the panels that are no headlines.
func (d *document) pictures() []panel {
	return slices.DeleteFunc(slices.Clone(d.Panels), func(p panel) bool { return p.Type == "row" })
}

// TestLint_names: whatever people and addresses tell apart has a name of its own, and a text that says what it is.
func TestLint_names(t *testing.T) {
	t.Parallel()
	uids, titles := map[string]bool{}, map[string]bool{}
	for file, d := range documents(t) {
		if d.UID == "" || len(d.UID) > 40 || uids[d.UID] || titles[d.Title] {
			t.Errorf("%s: uid %q or title %q is missing, too long or there twice", file, d.UID, d.Title)
		}
		uids[d.UID], titles[d.Title] = true, true
		if d.SchemaVersion < 39 {
			t.Errorf("%s: schemaVersion %d is older than Grafana 10.4", file, d.SchemaVersion)
		}
		checkSentence(t, file, d.Description)
		ids, names := map[int]bool{}, map[string]bool{}
		for _, p := range d.Panels {
			if p.ID == 0 || ids[p.ID] || p.Title == "" || p.Type != "row" && names[p.Title] {
				t.Errorf("%s: panel %d %q: its id or title is missing, or there twice", file, p.ID, p.Title)
			}
			ids[p.ID] = true
			if p.Type != "row" {
				names[p.Title] = true
				checkSentence(t, file+": "+p.Title, p.Description)
			}
		}
	}
}

func checkSentence(t *testing.T, where, text string) {
	t.Helper()
	if len(text) < 10 || !strings.HasSuffix(text, ".") {
		t.Errorf("%s: description %q is no sentence", where, text)
	}
}

// TestLint_layout: panels are in the grid, and none lies over another.
func TestLint_layout(t *testing.T) {
	t.Parallel()
	for file, d := range documents(t) {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
				t.Errorf("%s: %s is at %+v", file, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s lies over %s", file, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// TestLint_panels: every panel is of a known kind with a known unit, and asks the datasource that was chosen.
func TestLint_panels(t *testing.T) {
	t.Parallel()
	kinds := []grafana.Kind{grafana.TimeSeries, grafana.Stat, grafana.Gauge, grafana.BarGauge, grafana.Table, grafana.StateTimeline}
	for file, d := range documents(t) {
		for _, p := range d.pictures() {
			where := file + ": " + p.Title
			if !slices.Contains(kinds, grafana.Kind(p.Type)) {
				t.Errorf("%s: kind %q is not known", where, p.Type)
			}
			checkUnit(t, where, p.FieldConfig.Defaults.Unit)
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if property.ID == "unit" {
						checkUnit(t, where, strings.Trim(string(property.Value), `"`))
					}
				}
			}
			checkSource(t, where, p.Datasource)
			if len(p.Targets) == 0 {
				t.Errorf("%s asks nothing", where)
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				checkSource(t, where, q.Datasource)
				if q.Expr == "" || q.RefID == "" || refs[q.RefID] || q.Instant == q.Range || q.Instant != grafana.Kind(p.Type).Instant() {
					t.Errorf("%s: target %+v", where, q)
				}
				refs[q.RefID] = true
				if p.Type != string(grafana.Table) && q.LegendFormat == "" {
					t.Errorf("%s: target %s has no legend", where, q.RefID)
				}
			}
		}
	}
}

func checkSource(t *testing.T, where string, s source) {
	t.Helper()
	if s.Type != "prometheus" || s.UID != "${datasource}" {
		t.Errorf("%s asks %+v, not the datasource that was chosen", where, s)
	}
}

func checkUnit(t *testing.T, where, unit string) {
	t.Helper()
	if !slices.Contains(grafana.Units(), grafana.Unit(unit)) {
		t.Errorf("%s: unit %q is not known", where, unit)
	}
}

// TestLint_rates: a rate is over what suits the resolution, an increase over that or the whole time range; nothing is over a fixed time.
func TestLint_rates(t *testing.T) {
	t.Parallel()
	ranges := regexp.MustCompile(`(\w+)\([^()\[]*\[([^\]]*)\]`)
	for file, d := range documents(t) {
		for _, p := range d.pictures() {
			for _, q := range p.Targets {
				found := ranges.FindAllStringSubmatch(q.Expr, -1)
				if len(found) != strings.Count(q.Expr, "[") {
					t.Errorf("%s: %s: this test does not understand %s", file, p.Title, q.Expr)
				}
				for _, m := range found {
					whole := m[2] == "$__range" && (m[1] == "increase" || m[1] == "delta")
					if m[2] != "$__rate_interval" && !whole {
						t.Errorf("%s: %s: %s over [%s]", file, p.Title, m[1], m[2])
					}
				}
			}
		}
	}
}

// TestLint_variables: the datasource comes first, every variable is asked of it, and what is used is there and the other way round.
func TestLint_variables(t *testing.T) {
	t.Parallel()
	used := regexp.MustCompile(`\$\{?(\w+)`)
	for file, d := range documents(t) {
		vars, uses := d.Templating.List, map[string]bool{"datasource": true}
		if len(vars) == 0 || vars[0].Name != "datasource" || vars[0].Type != "datasource" || vars[0].Query != "prometheus" {
			t.Fatalf("%s: the first variable is not the datasource", file)
		}
		note := func(text string) {
			for _, m := range used.FindAllStringSubmatch(text, -1) {
				uses[m[1]] = true
			}
		}
		for _, v := range vars {
			checkSentence(t, file+": variable "+v.Name, v.Description)
			if v.Type == "query" {
				checkSource(t, file+": variable "+v.Name, v.Datasource)
				if !strings.HasPrefix(v.text(), "label_values(") || v.IncludeAll != v.Multi || v.Multi && v.AllValue == "" {
					t.Errorf("%s: variable %+v", file, v)
				}
			}
			note(v.text())
		}
		for _, p := range d.pictures() {
			for _, q := range p.Targets {
				note(q.Expr)
			}
		}
		for name := range uses {
			if !strings.HasPrefix(name, "__") && !slices.ContainsFunc(vars, func(v variable) bool { return v.Name == name }) {
				t.Errorf("%s uses $%s, which is no variable of it", file, name)
			}
		}
		for _, v := range vars {
			if !uses[v.Name] {
				t.Errorf("%s does not use its variable %s", file, v.Name)
			}
		}
	}
}

// TestLint_links: every link leads to a dashboard of ours, with variables that it has, from those that are here.
func TestLint_links(t *testing.T) {
	t.Parallel()
	address := regexp.MustCompile(`/d/([a-z-]+)(\?[^"]*)?`)
	set := regexp.MustCompile(`var-(\w+)=`)
	kept := regexp.MustCompile(`\$\{(\w+):queryparam\}`)
	all := documents(t)
	byUID := map[string]*document{}
	for _, d := range all {
		byUID[d.UID] = d
	}
	has := func(d *document, name string) bool {
		return slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == name })
	}
	for file, d := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Links) != len(all)-1 {
			t.Errorf("%s has %d links to the other dashboards", file, len(d.Links))
		}
		found := address.FindAllStringSubmatch(string(text), -1)
		for _, m := range found {
			to := byUID[m[1]]
			if to == nil {
				t.Errorf("%s: %s leads nowhere", file, m[0])
				continue
			}
			for _, v := range set.FindAllStringSubmatch(m[2], -1) {
				if !has(to, v[1]) {
					t.Errorf("%s: %s: %s has no variable %s", file, m[0], to.Title, v[1])
				}
			}
			for _, v := range kept.FindAllStringSubmatch(m[2], -1) {
				if !has(to, v[1]) || !has(d, v[1]) {
					t.Errorf("%s: %s: variable %s is not on both dashboards", file, m[0], v[1])
				}
			}
		}
		if n := strings.Count(string(text), `"url": "`); n != len(found) {
			t.Errorf("%s: %d links, of which %d lead to dashboards", file, n, len(found))
		}
	}
}
