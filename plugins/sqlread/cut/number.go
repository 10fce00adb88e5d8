package cut

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Numbers, dates and times are cut as whole numbers: units of the last decimal place, days, microseconds.

// evenly gives the n-1 points that cut lo … hi into n parts, ascending, without repeats and without lo itself.
func evenly(lo, hi *big.Int, n int) []*big.Int {
	if lo.Cmp(hi) >= 0 {
		return nil
	}
	width := new(big.Int).Sub(hi, lo)
	width.Add(width, big.NewInt(1)) // the values from lo to hi
	var out []*big.Int
	last := lo
	for i := 1; i < n; i++ {
		p := new(big.Int).Mul(width, big.NewInt(int64(i)))
		p.Div(p, big.NewInt(int64(n))).Add(p, lo)
		if p.Cmp(last) > 0 {
			out = append(out, p)
			last = p
		}
	}
	return out
}

// scale is the number of decimal places that both bounds have room in.
func (k Kind) scale(bounds ...string) (scale int) {
	if k != Decimal {
		return 0
	}
	for _, b := range bounds {
		if i := strings.IndexByte(b, '.'); i >= 0 {
			scale = max(scale, len(b)-i-1)
		}
	}
	return scale
}

func (k Kind) number(text string, scale int) (*big.Int, error) {
	switch k {
	case Integer, Decimal:
		whole, frac, _ := strings.Cut(text, ".")
		if k == Integer && frac != "" {
			return nil, errors.New("not a whole number")
		}
		n, ok := new(big.Int).SetString(whole+frac+strings.Repeat("0", scale-len(frac)), 10)
		if !ok {
			return nil, errors.New("not a number")
		}
		return n, nil
	case Date:
		t, err := civil(text)
		return big.NewInt(floorDiv(t.Unix(), 24*60*60)), err
	case DateTime:
		t, err := civil(text)
		return big.NewInt(t.UnixMicro()), err
	}
	return nil, errors.New("no kind that can be cut")
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (k Kind) literal(n *big.Int, scale int) string {
	switch k {
	case Date:
		return time.Unix(n.Int64()*24*60*60, 0).UTC().Format("'2006-01-02'")
	case DateTime:
		return time.UnixMicro(n.Int64()).UTC().Format("'2006-01-02 15:04:05.000000'")
	}
	digits := new(big.Int).Abs(n).String()
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if scale == 0 {
		return sign + digits
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// civil reads a date or a time of day with it. A month or day of 0, which MySQL may hold, counts as 1: a point only has
// to be near.
func civil(text string) (time.Time, error) {
	var y, m, d, hh, mm, ss int
	date, clock, _ := strings.Cut(text, " ")
	if n, err := fmt.Sscanf(date, "%4d-%2d-%2d", &y, &m, &d); n != 3 || err != nil {
		return time.Time{}, errors.New("not a date")
	}
	if clock != "" {
		if n, err := fmt.Sscanf(clock, "%2d:%2d:%2d", &hh, &mm, &ss); n != 3 || err != nil {
			return time.Time{}, errors.New("not a time")
		}
	}
	return time.Date(y, time.Month(max(m, 1)), max(d, 1), hh, mm, ss, 0, time.UTC), nil
}
