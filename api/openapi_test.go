package api

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tallyman/api/schema"
)

// TestOpenAPI holds the document against the structs that are served: the same schemas, the same fields, in the same order,
// all of them required, and nullable where they can be null.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, schemas, _ := strings.Cut(string(document), "\n  schemas:\n")
	documented := parseSchemas(schemas)
	served := map[string]any{}
	for _, v := range []any{
		schema.Problem{},
		schema.Candidate{},
		schema.Summary{},
		schema.Host{},
		schema.HostPressure{},
		schema.Load{},
		schema.Pressure{},
		schema.Engine{},
		schema.Counts{},
		schema.Totals{},
		schema.DiskUsage{},
		schema.Attention{},
		schema.Top{},
		schema.Consumer{},
		schema.Age{},
		schema.Containers{},
		schema.Container{},
		schema.CPU{},
		schema.Memory{},
		schema.IO{},
		schema.Network{},
		schema.Pids{},
		schema.Size{},
		schema.ContainerDetails{},
		schema.Facts{},
		schema.Limits{},
		schema.AskedLimits{},
		schema.KernelLimits{},
		schema.LastExit{},
		schema.Exits{},
		schema.Namespace{},
		schema.Source{},
		schema.Reading{},
		schema.Cgroup{},
		schema.Capabilities{},
		schema.Capability{},
		schema.Group{},
		schema.History{},
		schema.Point{},
		schema.Events{},
		schema.Event{},
		schema.Endings{},
		schema.LastWords{},
		schema.Logs{},
		schema.LogLine{},
		schema.TargetGroup{},
		schema.DiscoveryProblems{},
		schema.DiscoveryProblem{},
	} {
		served[reflect.TypeOf(v).Name()] = v
	}
	for name := range documented {
		if served[name] == nil && name != "Reason" { // a word
			t.Errorf("schema %s is documented, and not served", name)
		}
	}
	for name, v := range served {
		var fields, required []string
		for f := range reflect.TypeOf(v).Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, name+" "+kindOf(f))
			if options == "" {
				required = append(required, name)
			}
		}
		doc := documented[name]
		if !slices.Equal(doc.fields, fields) {
			t.Errorf("%s:\n served     %q\n documented %q", name, fields, doc.fields)
		}
		if !slices.Equal(doc.required, required) {
			t.Errorf("%s:\n served   %q\n required %q", name, required, doc.required)
		}
		if !doc.closed {
			t.Errorf("%s: additionalProperties is not false", name)
		}
	}
	addresses := map[string]bool{}
	for _, r := range New(Options{}).routes() {
		if strings.HasPrefix(r.pattern, "/api/") {
			addresses[r.pattern] = true
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^  (/\S+):$`).FindAllStringSubmatch(string(document), -1) {
		if !addresses[m[1]] {
			t.Errorf("%s is documented, and not served", m[1])
		}
		delete(addresses, m[1])
	}
	for address := range addresses {
		t.Errorf("%s is served, and not documented", address)
	}
	h, _ := newTest(t, Options{})
	if got := bodyOf(t, ask(h, "GET", "/api/v1/openapi.yaml")); got != string(document) {
		t.Error("another document is served")
	}
}

// documented is one schema of the document.
type documented struct {
	required, fields []string
	closed           bool // no other fields may be
}

// parseSchemas reads the schemas as the document lays them out: one property on a line.
func parseSchemas(text string) map[string]documented {
	all := map[string]documented{}
	name := ""
	property := regexp.MustCompile(`^        ([a-z_]+): \{(.*)\}$`)
	for line := range strings.SplitSeq(text, "\n") {
		s := all[name]
		switch {
		case strings.HasPrefix(line, "    ") && line[4] != ' ':
			name = strings.TrimSuffix(strings.TrimSpace(line), ":")
			s = documented{}
		case strings.HasPrefix(line, "      required: ["):
			list := strings.TrimSuffix(strings.TrimPrefix(line, "      required: ["), "]")
			s.required = strings.Split(list, ", ")
		case line == "      additionalProperties: false":
			s.closed = true
		case property.MatchString(line):
			m := property.FindStringSubmatch(line)
			s.fields = append(s.fields, m[1]+" "+documentedKind(m[2]))
		}
		all[name] = s
	}
	delete(all, "")
	return all
}

// documentedKind is the kind of a documented property, and whether it can be null.
func documentedKind(p string) string {
	kind := "object"
	if m := regexp.MustCompile(`^type: \[?([a-z]+)`).FindStringSubmatch(p); m != nil {
		kind = m[1]
	}
	if strings.Contains(p, "format: date-time") {
		kind = "time"
	}
	if strings.Contains(p, `, "null"]`) || strings.Contains(p, `{type: "null"}]`) {
		kind += " null"
	}
	return kind
}

// kindOf is the kind of a served field, and whether it can be null.
func kindOf(f reflect.StructField) string {
	switch f.Type {
	case reflect.TypeFor[schema.Number]():
		return "number null"
	case reflect.TypeFor[schema.Text]():
		return "string null"
	case reflect.TypeFor[schema.Moment]():
		return "time null"
	case reflect.TypeFor[*bool]():
		return "boolean null"
	}
	switch f.Type.Kind() {
	case reflect.Pointer:
		return "object null"
	case reflect.Struct, reflect.Map, reflect.Interface:
		return "object"
	case reflect.Slice:
		return "array"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Uint64:
		return "integer"
	default:
		return f.Type.Kind().String()
	}
}
