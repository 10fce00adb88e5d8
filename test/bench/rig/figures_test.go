package rig

import "testing"

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{nil, "0.00"},
		{[]float64{1.5}, "1.50"},
		{[]float64{3, 1, 2}, "2.00 (1.00–3.00)"},
		{[]float64{4, 1, 2, 3}, "2.50 (1.00–4.00)"},
	} {
		if got := SpreadOf(c.values).String(); got != c.want {
			t.Errorf("%v gives %s, want %s", c.values, got, c.want)
		}
	}
}
