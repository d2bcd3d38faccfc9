package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v2"
)

// Rule is an alert or, with Record, a series that is computed.
type Rule struct {
	Alert, Record string
	Expr          string
	For           string
	Labels        map[string]string
	Annotations   map[string]string
}

// Case is one look of promtool at an alert, over the series of its test.
type Case struct {
	Alert string `yaml:"alertname"`
	At    string `yaml:"eval_time"`
	// Fires are the alerts that are there; none = it does not fire.
	Fires []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

// Test is some series, and what they raise.
type Test struct {
	Name  string
	Input []struct {
		Series string
	} `yaml:"input_series"`
	Cases []Case `yaml:"alert_rule_test"`
}

// Set is what a folder has of rules and tests.
type Set struct {
	// Files and TestFiles are their paths.
	Files, TestFiles []string
	Rules            []Rule
	Tests            []Test
}

// Load reads a folder of rule files, with the tests below it.
func Load(folder string) (*Set, error) {
	s := &Set{}
	var err error
	if s.Files, err = filepath.Glob(filepath.Join(folder, "*.yaml")); err != nil {
		return nil, err
	}
	if s.TestFiles, err = filepath.Glob(filepath.Join(folder, "tests", "*.yaml")); err != nil {
		return nil, err
	}
	for _, path := range s.Files {
		var file struct{ Groups []struct{ Rules []Rule } }
		if err := read(path, &file); err != nil {
			return nil, err
		}
		for _, g := range file.Groups {
			s.Rules = append(s.Rules, g.Rules...)
		}
	}
	for _, path := range s.TestFiles {
		var file struct{ Tests []Test }
		if err := read(path, &file); err != nil {
			return nil, err
		}
		s.Tests = append(s.Tests, file.Tests...)
	}
	return s, nil
}

func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Hasten returns the text of a rule file in which everything that takes time goes faster by a factor: the windows of ranges, as in
// [5m], and how long an alert is pending, as in "for: 2m". Nothing else changes, least of all thresholds.
func Hasten(text string, factor int) string {
	span := regexp.MustCompile(`(\[|\n +for: )(\d+)([smhd])(\]|\n)`)
	return span.ReplaceAllStringFunc(text, func(found string) string {
		part := span.FindStringSubmatch(found)
		n, err := strconv.Atoi(part[2])
		if err != nil {
			return found
		}
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[part[3]]
		faster := time.Duration(n) * unit / time.Duration(factor)
		return part[1] + strconv.FormatInt(faster.Milliseconds(), 10) + "ms" + part[4]
	})
}
