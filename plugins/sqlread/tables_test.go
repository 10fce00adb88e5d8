package sqlread_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/sqlread"
	"pgregory.net/rapid"
)

func TestPatternsOfTables(t *testing.T) {
	for text, want := range map[string]string{
		"t": "t", "d.t": "d.t", "a,b , c": "a b c", "t[0-3]": "t0 t1 t2 t3", "t[08-11]": "t08 t09 t10 t11", "t[00-1]": "t00 t01",
		"a[0-1]b[1-2]": "a0b1 a0b2 a1b1 a1b2", "`t,1`": "`t,1`", "d.`o[1-2]`": "d.`o1` d.`o2`",
	} {
		if got, err := sqlread.Expand(text); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestDecimalsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		precision := rapid.IntRange(1, 38).Draw(t, "precision")
		scale := rapid.IntRange(0, precision).Draw(t, "scale")
		most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 17).Draw(t, "digits"))
		fits := n.Cmp(most) < 0
		text := n.String()
		if missing := scale + 1 - len(text); missing > 0 {
			text = strings.Repeat("0", missing) + text
		}
		if scale > 0 {
			text = text[:len(text)-scale] + "." + text[len(text)-scale:]
		}
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
			text = "-" + text
		}
		got, ok := sqlread.ParseDecimal([]byte(text), int32(precision), int32(scale))
		if ok != fits || ok && got.BigInt().Cmp(n) != 0 {
			t.Fatalf("%s as decimal(%d,%d): %s, %t", text, precision, scale, got.BigInt(), ok)
		}
	})
}

func TestTimesAreExact(t *testing.T) {
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(first, last).Draw(t, "second"), rapid.Int64Range(0, 999_999).Draw(t, "micro")*1000).UTC()
		days, micros, ok := sqlread.ParseTime([]byte(at.Format("2006-01-02 15:04:05.999999")))
		if got := days*86_400_000_000 + micros; !ok || got != at.UnixMicro() {
			t.Fatalf("%s: %d, %t", at, got, ok)
		}
	})
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"2024-02-29 23:59:59.5", "0000-00-00", "-170141183460469231731687303715884105728.00", "1e5", ".", "", "2024-01-01T00:00:00"} {
		f.Add([]byte(s), uint8(38), uint8(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, precision, scale uint8) {
		if days, micros, ok := sqlread.ParseTime(b); ok {
			back := time.UnixMicro(days*86_400_000_000 + micros).UTC()
			if want := string(b[:10]); back.Format("2006-01-02") != want {
				t.Errorf("%q reads as %s", b, back)
			}
		}
		p := int32(precision)%38 + 1
		s := int32(scale) % (p + 1)
		n, ok := sqlread.ParseDecimal(b, p, s)
		want, valid := new(big.Rat).SetString(string(b))
		if !ok {
			return
		}
		if !valid || slices.Contains(b, 'e') {
			t.Fatalf("%q reads as a number", b)
		}
		unit := new(big.Rat).SetFrac(n.BigInt(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s)), nil))
		if unit.Cmp(want) != 0 {
			t.Errorf("%q reads as %s", b, unit)
		}
	})
}
