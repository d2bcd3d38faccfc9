package promqlcheck

import (
	"slices"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Record("level:cpu:rate5m", `sum without (cpu) (rate(container_cpu_usage_seconds_total[5m]))`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		expression string
		want       []string
	}{
		{`up{job="tallyman"} == 0`, nil},
		{`sum by (name, engine) (rate(container_cpu_usage_seconds_total{cpu="total", name!=""}[5m]))`, nil},
		{`level:cpu:rate5m{name="web"} > 1`, nil},
		{`container_info{compose_project="shop", container_label_team="a"}`, nil},
		{`histogram_quantile(0.9, sum by (le) (rate(tallyman_collect_duration_seconds_bucket[5m])))`, nil},
		{`rate(go_gc_duration_seconds_sum[5m]) / go_gc_duration_seconds{quantile="1"}`, nil},
		{`tallyman_collect_errors_total{part="/info", reason="io", engine="here"}`, nil},
		{`sum by (host) (label_replace(up, "host", "$1", "instance", "(.*):.*"))`, nil},
		{`container_state{state="running"} and ignoring (state) container_image_stale == 1`, nil},
		{`{__name__=~"container_fs_.*", device="sda"}`, nil},
		{`container_cpu_seconds_total`, []string{"there is no metric container_cpu_seconds_total"}},
		{`{__name__=~"docker_nothing_.*"}`, []string{`there is no metric {__name__=~"docker_nothing_.*"}`}},
		{`container_threads{pod="web"}`, []string{`container_threads{pod="web"} has no label pod`}},
		{`machine_cpu_cores{engine="here"}`, []string{`machine_cpu_cores{engine="here"} has no label engine`}},
		{`sum by (pod) (container_threads)`, []string{`nothing in sum by (pod) (container_threads) has the label pod`}},
		{
			`container_threads / on (instance, node) machine_cpu_cores`,
			[]string{`nothing in container_threads / on (instance, node) machine_cpu_cores has the label node`},
		},
		{`container_threads * on (id) group_left (compose_project) container_info`, nil},
		{
			`container_threads * on (id) group_left (project) container_info`,
			[]string{`nothing in container_threads * on (id) group_left (project) container_info has the label project`},
		},
		{
			`sum by (name) (container_threads / on (id) container_threads)`,
			[]string{`nothing in sum by (name) (container_threads / on (id) container_threads) has the label name`},
		},
		{
			`sum by (name) (sum without (name) (container_threads))`,
			[]string{`nothing in sum by (name) (sum without (name) (container_threads)) has the label name`},
		},
		{`sum by (y) (label_replace(up, "x", "y", "", ""))`, []string{`nothing in sum by (y) (label_replace(up, "x", "y", "", "")) has the label y`}},
		{`sum by (version) (count_values("version", container_threads))`, nil},
		{`sum(`, []string{"1:5: parse error: unclosed left parenthesis"}},
	} {
		if got := c.Check(tt.expression); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.expression, got, tt.want)
		}
	}
}
