package literal_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/kafka/literal"
	"pgregory.net/rapid"
)

func unquote(t *rapid.T, b []byte, ok bool) string {
	var s string
	if err := json.Unmarshal(b, &s); err != nil || !ok {
		t.Fatalf("%s: %v, %t", b, err, ok)
	}
	return s
}

func TestInstantsAreThoseOfTime(t *testing.T) {
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Range(-62167219200000000+7*86400e6, 253402300799999999-7*86400e6).Draw(t, "micros")
		at := time.UnixMicro(v)
		form := "2006-01-02 15:04:05"
		if v%1e6 != 0 {
			form += ".000000"
		}
		in := literal.Style{Zone: zone}
		got, ok := in.Instant(nil, v, 1e6)
		if s := unquote(t, got, ok); s != at.In(zone).Format(form) {
			t.Fatalf("%d is %s, want %s", v, s, at.In(zone).Format(form))
		}
		got, ok = literal.Local(nil, v, 1e6)
		if s := unquote(t, got, ok); s != at.UTC().Format(form) {
			t.Fatalf("%d is %s, want %s", v, s, at.UTC().Format(form))
		}
		days := at.UTC().Truncate(24*time.Hour).Unix() / 86400
		got, ok = literal.Date(nil, days)
		if s := unquote(t, got, ok); s != time.Unix(days*86400, 0).UTC().Format(time.DateOnly) {
			t.Fatalf("day %d is %s", days, s)
		}
	})
}

func TestDecimalsAreThoseOfBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "bytes")
		scale := rapid.IntRange(0, 30).Draw(t, "scale")
		n := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		got := unquote(t, literal.Decimal(nil, b, scale), true)
		r, ok := new(big.Rat).SetString(got)
		want := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		_, digits, _ := strings.Cut(got, ".")
		if !ok || r.Cmp(want) != 0 || len(digits) != scale {
			t.Fatalf("%x with scale %d is %s, want %s", b, scale, got, want.FloatString(scale))
		}
	})
}

func TestTextsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		got, ok := literal.Text(nil, []byte(s))
		if back := unquote(t, got, ok); back != s {
			t.Fatalf("%q came back as %q", s, back)
		}
	})
	if _, ok := literal.Text(nil, []byte("a\xff")); ok {
		t.Error("no UTF-8 is no text")
	}
}

func TestForms(t *testing.T) {
	hex := literal.Style{Hex: true}
	var plain literal.Style
	ok := func(b []byte, ok bool) string {
		if !ok {
			return "refused"
		}
		return string(b)
	}
	for i, c := range []struct{ got, want string }{
		{string(plain.Bytes(nil, []byte{0, 255})), `"AP8="`},
		{string(hex.Bytes(nil, []byte{0, 255})), `"00ff"`},
		{ok(literal.Float(nil, 1e21, 64)), "1e+21"}, {ok(literal.Float(nil, 0.1, 64)), "0.1"}, {ok(literal.Float(nil, float64(float32(0.1)), 32)), "0.1"},
		{ok(literal.Clock(nil, 86399999, 1e3)), `"23:59:59.999000"`}, {ok(literal.Clock(nil, 86400000, 1e3)), "refused"}, {ok(literal.Clock(nil, -1, 1e3)), "refused"},
		{ok(literal.Date(nil, 2932896)), `"9999-12-31"`}, {ok(literal.Date(nil, 2932897)), "refused"}, {ok(literal.Date(nil, -719528)), `"0000-01-01"`}, {ok(literal.Date(nil, -719529)), "refused"},
		{ok(literal.Local(nil, 1<<62, 1)), "refused"}, {ok(literal.Local(nil, -1, 1e9)), `"1969-12-31 23:59:59.999999"`},
		{ok(plain.Seconds(nil, 1, 5000)), `"1970-01-01 00:00:01.000005"`},
		{string(literal.UUID(nil, []byte("0123456789abcdef"))), `"30313233-3435-3637-3839-616263646566"`},
	} {
		if c.got != c.want {
			t.Errorf("%d: %s, want %s", i, c.got, c.want)
		}
	}
}
