package rules

import "testing"

func TestHasten(t *testing.T) {
	t.Parallel()
	const text = `      - alert: A
        expr: rate(x{a="for: 5m"}[15m]) > 900 and deriv(y[1h]) > 3600 and time() - z > 86400
        for: 2m
        labels: {severity: info}
`
	const want = `      - alert: A
        expr: rate(x{a="for: 5m"}[30000ms]) > 900 and deriv(y[120000ms]) > 3600 and time() - z > 86400
        for: 4000ms
        labels: {severity: info}
`
	if got := Hasten(text, 30); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
