package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"
)

// Series is one series of an answer. It may have values that are no numbers.
type Series struct {
	Labels map[string]string
	Values []float64
}

// HasNumber says whether there is something to draw: a value that is a number.
func (s *Series) HasNumber() bool {
	for _, v := range s.Values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return true
		}
	}
	return false
}

// Instant evaluates an expression now.
func (s *Server) Instant(ctx context.Context, expression string) ([]Series, error) {
	return s.series(ctx, "/api/v1/query?query="+url.QueryEscape(expression))
}

// Range evaluates an expression over the latest while, as Grafana draws it.
func (s *Server) Range(ctx context.Context, expression string, while, step time.Duration) ([]Series, error) {
	now := time.Now()
	values := url.Values{
		"query": {expression}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
		"start": {unix(now.Add(-while))}, "end": {unix(now)},
	}
	return s.series(ctx, "/api/v1/query_range?"+values.Encode())
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// series reads an answer of either kind.
func (s *Server) series(ctx context.Context, path string) ([]Series, error) {
	body, err := s.ask(ctx, path)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	type sample [2]any
	if answer.Data.ResultType == "scalar" {
		var one sample
		if err := json.Unmarshal(answer.Data.Result, &one); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return []Series{{Values: []float64{number(one)}}}, nil
	}
	var results []struct {
		Metric map[string]string
		Value  *sample
		Values []sample
	}
	if err := json.Unmarshal(answer.Data.Result, &results); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all := make([]Series, len(results))
	for i, r := range results {
		if r.Value != nil {
			r.Values = append(r.Values, *r.Value)
		}
		all[i].Labels = r.Metric
		for _, v := range r.Values {
			all[i].Values = append(all[i].Values, number(v))
		}
	}
	return all, nil
}

// number is the value of a sample; NaN where it is none.
func number(sample [2]any) float64 {
	text, _ := sample[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// LabelValues lists the values of a label in the series that a selector chooses, as Grafana's label_values does.
func (s *Server) LabelValues(ctx context.Context, selector, label string) ([]string, error) {
	body, err := s.ask(ctx, "/api/v1/label/"+label+"/values?match[]="+url.QueryEscape(selector))
	if err != nil {
		return nil, err
	}
	var answer struct{ Data []string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("values of %s: %w", label, err)
	}
	return answer.Data, nil
}
