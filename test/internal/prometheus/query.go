package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"

	"tallyman/test/internal/scrape"
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

// Query evaluates an expression now, and returns the value of the only series that it gives.
func (s *Server) Query(ctx context.Context, expression string) (float64, error) {
	all, err := s.Vector(ctx, expression)
	if err != nil {
		return 0, err
	}
	if n := len(all); n != 1 {
		return 0, fmt.Errorf("query %s: got %d series, want 1", expression, n)
	}
	return all[0].Value, nil
}

// Vector evaluates an expression now, and returns all the series that it gives.
func (s *Server) Vector(ctx context.Context, expression string) ([]scrape.Sample, error) {
	all, err := s.Instant(ctx, expression)
	out := make([]scrape.Sample, len(all))
	for i := range all {
		out[i] = scrape.Sample{Labels: all[i].Labels, Value: all[i].Values[0]}
	}
	return out, err
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
	var answer struct {
		Data struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := s.decode(ctx, path, &answer); err != nil {
		return nil, err
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
	var answer struct{ Data []string }
	err := s.decode(ctx, "/api/v1/label/"+label+"/values?match[]="+url.QueryEscape(selector), &answer)
	return answer.Data, err
}

// Series lists the series that a selector names, those of the last hour that have ended too.
func (s *Server) Series(ctx context.Context, selector string) ([]map[string]string, error) {
	var answer struct{ Data []map[string]string }
	err := s.decode(ctx, fmt.Sprintf("/api/v1/series?match[]=%s&start=%d", url.QueryEscape(selector), time.Now().Add(-time.Hour).Unix()), &answer)
	return answer.Data, err
}

// decode reads the JSON that a path answers.
func (s *Server) decode(ctx context.Context, path string, into any) error {
	body, err := s.Text(ctx, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
