package encode

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"pgregory.net/rapid"
)

func one(t testing.TB, f arrow.Field, a arrow.Array) (csv, js string, bad Bad) {
	t.Helper()
	rec := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{f}, nil), []arrow.Array{a}, int64(a.Len()))
	c, err := NewCSV(rec.Schema(), []string{"c"}, dialectOf(t, `\x01`, `\x02`, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJSON(rec.Schema(), []string{"c"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []*Encoder{c, j} {
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		out, ok := e.Append(nil, 0)
		if !ok {
			return "", "", e.Bad()
		}
		if e == c {
			csv = strings.TrimSuffix(string(out), "\x02")
		} else {
			js = strings.TrimSuffix(strings.TrimPrefix(string(out), `{"c":`), "}")
		}
	}
	return csv, js, Bad{}
}

// value builds an array of one value through Arrow's own text parser where that helps.
func value(t testing.TB, dt arrow.DataType, text string) arrow.Array {
	t.Helper()
	b := array.NewBuilder(memory.DefaultAllocator, dt)
	defer b.Release()
	if err := b.AppendValueFromString(text); err != nil {
		t.Fatal(err)
	}
	return b.NewArray()
}

func TestValues(t *testing.T) {
	stamp := func(u arrow.TimeUnit, zone string) arrow.DataType {
		return &arrow.TimestampType{Unit: u, TimeZone: zone}
	}
	for _, tc := range []struct {
		dt            arrow.DataType
		in, csv, json string
	}{
		{arrow.PrimitiveTypes.Int8, "-128", "-128", "-128"},
		{arrow.PrimitiveTypes.Int16, "32767", "32767", "32767"},
		{arrow.PrimitiveTypes.Int32, "-2147483648", "-2147483648", "-2147483648"},
		{arrow.PrimitiveTypes.Int64, "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
		{arrow.PrimitiveTypes.Uint8, "255", "255", "255"},
		{arrow.PrimitiveTypes.Uint16, "65535", "65535", "65535"},
		{arrow.PrimitiveTypes.Uint32, "4294967295", "4294967295", "4294967295"},
		{arrow.PrimitiveTypes.Uint64, "18446744073709551615", "18446744073709551615", "18446744073709551615"},
		{arrow.PrimitiveTypes.Float32, "0.1", "0.1", "0.1"},
		{arrow.PrimitiveTypes.Float64, "1000000", "1000000", "1000000"},
		{arrow.PrimitiveTypes.Float64, "1e300", "1e+300", "1e+300"},
		{arrow.PrimitiveTypes.Float64, "1e-7", "1e-07", "1e-07"},
		{arrow.PrimitiveTypes.Float64, "-0", "-0", "-0"},
		{arrow.FixedWidthTypes.Boolean, "true", "1", "true"},
		{arrow.FixedWidthTypes.Boolean, "false", "0", "false"},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, "1.5", "1.50", `"1.50"`},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, "-0.05", "-0.05", `"-0.05"`},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, "0", "0.00", `"0.00"`},
		{&arrow.Decimal128Type{Precision: 38, Scale: 0}, "99999999999999999999999999999999999999", "99999999999999999999999999999999999999", `"99999999999999999999999999999999999999"`},
		{arrow.FixedWidthTypes.Date32, "0001-01-01", "0001-01-01", `"0001-01-01"`},
		{arrow.FixedWidthTypes.Date32, "2024-02-29", "2024-02-29", `"2024-02-29"`},
		{arrow.FixedWidthTypes.Date32, "9999-12-31", "9999-12-31", `"9999-12-31"`},
		{stamp(arrow.Second, ""), "1969-12-31 23:59:59", "1969-12-31 23:59:59", `"1969-12-31 23:59:59"`},
		{stamp(arrow.Millisecond, ""), "2024-01-02 03:04:05.100", "2024-01-02 03:04:05.100000", `"2024-01-02 03:04:05.100000"`},
		{stamp(arrow.Microsecond, ""), "1900-01-01 00:00:00.000001", "1900-01-01 00:00:00.000001", `"1900-01-01 00:00:00.000001"`},
		{stamp(arrow.Nanosecond, ""), "2024-01-02 03:04:05.123456789", "2024-01-02 03:04:05.123456", `"2024-01-02 03:04:05.123456"`},
		{stamp(arrow.Second, "Asia/Shanghai"), "2024-01-02T03:04:05Z", "2024-01-02 11:04:05", `"2024-01-02 11:04:05"`},
		{stamp(arrow.Second, "-02:30"), "2024-01-02T03:04:05Z", "2024-01-02 00:34:05", `"2024-01-02 00:34:05"`},
		{arrow.BinaryTypes.String, "é\"\\\n", "é\"\\\n", `"é\"\\\n"`},
		{arrow.BinaryTypes.String, "\x00\x1f\x7f", "\x00\x1f\x7f", "\"\\u0000\\u001f\x7f\""},
	} {
		csv, js, bad := one(t, arrow.Field{Name: "x", Type: tc.dt}, value(t, tc.dt, tc.in))
		if csv != tc.csv || js != tc.json || bad.Reason != "" {
			t.Errorf("%s %s: csv %q json %s %s, want %q %s", tc.dt, tc.in, csv, js, bad.Reason, tc.csv, tc.json)
		}
	}
}

func TestValuesWithoutForm(t *testing.T) {
	f := array.NewFloat64Builder(memory.DefaultAllocator)
	f.Append(math.Inf(1))
	n := array.NewFloat32Builder(memory.DefaultAllocator)
	n.Append(float32(math.NaN()))
	d := array.NewDate32Builder(memory.DefaultAllocator)
	d.Append(pastLastDay)
	old := array.NewDate32Builder(memory.DefaultAllocator)
	old.Append(firstDay - 1)
	ts := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Second})
	ts.Append(math.MaxInt64)
	for _, a := range []arrow.Array{f.NewArray(), n.NewArray(), d.NewArray(), old.NewArray(), ts.NewArray()} {
		if csv, _, bad := one(t, arrow.Field{Name: "x", Type: a.DataType()}, a); bad.Reason == "" || bad.Column != "c" {
			t.Errorf("%s was written as %q", a, csv)
		}
	}
}

func TestUnknownTypeIsNamed(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.ListOf(arrow.FixedWidthTypes.Duration_s)}}, nil)
	if _, err := NewJSON(s, []string{"tags"}); err == nil || !strings.Contains(err.Error(), "tags") || !strings.Contains(err.Error(), "duration") {
		t.Errorf("got %v", err)
	}
	if _, err := NewJSON(s, []string{"a", "b"}); err == nil || !strings.Contains(err.Error(), "rows have 1 columns (x), the table takes 2 (a, b)") {
		t.Errorf("got %v", err)
	}
}

// Numbers, dates and decimals against the standard library.
func TestPlainAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sec := rapid.Int64Range(firstDay*secondsPerDay, pastLastDay*secondsPerDay-1).Draw(t, "seconds")
		nano := rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds") / 1000 * 1000
		at := time.Unix(sec, nano).UTC()
		form := "2006-01-02 15:04:05"
		if nano != 0 {
			form += ".000000"
		}
		if got, reason := appendTimestamp(nil, at.UnixMicro(), arrow.Microsecond, nil); string(got) != at.Format(form) {
			t.Fatalf("%d: %s %s, want %s", at.UnixMicro(), got, reason, at.Format(form))
		}
		if got, _ := appendDate(nil, int64(math.Floor(float64(sec)/secondsPerDay))); string(got) != at.Format("2006-01-02") {
			t.Fatalf("%s, want %s", got, at.Format("2006-01-02"))
		}
		n := decimal128.New(rapid.Int64().Draw(t, "high"), rapid.Uint64().Draw(t, "low"))
		scale := rapid.IntRange(0, 38).Draw(t, "scale")
		want := new(big.Rat).SetFrac(n.BigInt(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
		if n.BigInt().Sign() == 0 {
			want = strings.TrimPrefix(want, "-")
		}
		if got := string(appendDecimal(nil, n, int32(scale))); got != want {
			t.Fatalf("%v scale %d: %s, want %s", n, scale, got, want)
		}
	})
}

func TestDecimalWithNegativeScale(t *testing.T) {
	for in, want := range map[int64]string{0: "0", 7: "7000", -7: "-7000"} {
		if got := string(appendDecimal(nil, decimal128.FromI64(in), -3)); got != want {
			t.Errorf("%d: %s, want %s", in, got, want)
		}
	}
}

// JSON of any texts reads back as the same texts; JSON tokens pass as they are, and as text in CSV.
func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })), 1, 5).Draw(t, "texts")
		row := make([]cell, len(in))
		names := make([]string, len(in))
		for i, s := range in {
			row[i], names[i] = cell{text: s, null: rapid.IntRange(0, 5).Draw(t, "null") == 0}, "c\""+strings.Repeat("x", i)
		}
		rec := texts(names, [][]cell{row})
		e, err := NewJSON(rec.Schema(), names)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		out, ok := e.Append([]byte("before"), 0)
		if !ok {
			for _, c := range row {
				if !c.null && !utf8.ValidString(c.text) {
					return
				}
			}
			t.Fatalf("%q was refused: %+v", row, e.Bad())
		}
		var back map[string]*string
		if err := json.Unmarshal(bytes.TrimPrefix(out, []byte("before")), &back); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		for i, c := range row {
			got := back[names[i]]
			if (got == nil) != c.null || (got != nil && *got != c.text) {
				t.Fatalf("%q arrives as %v", c.text, got)
			}
		}
	})
}

func TestTokens(t *testing.T) {
	for _, tc := range []struct{ token, csv, reason string }{
		{`"New York"`, "New York", ""},
		{`12345678901234567890`, "12345678901234567890", ""},
		{`1e400`, "1e400", ""},
		{`true`, "true", ""},
		{`null`, `\N`, ""},
		{" \"x\"\n", "x", ""},
		{`{"a":1}`, `{"a":1}`, ""},
		{`"a\tb\u00e9\ud83d\ude00\/"`, "a\tbé😀/", ""},
		{`"\\N"`, "", looksNull},
		{`"\N"`, "", "the JSON text is broken"},
		{`"a\u0001"`, "", holdsDelimiter},
		{`"\ud800"`, "", "the JSON text names half of a surrogate pair"},
		{`"\udc00x"`, "", "the JSON text names half of a surrogate pair"},
		{`"\u12"`, "", "the JSON text is broken"},
		{`"a\"`, "", "the JSON text is broken"},
		{`"\x"`, "", "the JSON text is broken"},
		{`"`, "", "the JSON text is broken"},
		{``, "", "the JSON value is empty"},
	} {
		b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		b.AppendString(tc.token)
		csv, js, bad := one(t, rows.JSONField("x"), b.NewArray())
		if csv != tc.csv || bad.Reason != tc.reason {
			t.Errorf("%s: %q %q, want %q %q", tc.token, csv, bad.Reason, tc.csv, tc.reason)
		}
		if tc.reason == "" && js != tc.token {
			t.Errorf("%s travels as %s", tc.token, js)
		}
	}
}

func FuzzUnquote(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u00e9"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\\\/\b\f\n\r\t"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		token = string(trim([]byte(token)))
		got, reason := appendUnquoted(nil, []byte(token))
		var want string
		if !utf8.ValidString(token) || token == "null" || json.Unmarshal([]byte(token), &want) != nil {
			return // the reader vouches for the syntax; only panics count
		}
		if reason != "" {
			if !strings.Contains(want, "\uFFFD") {
				t.Fatalf("%s was refused: %s", token, reason)
			}
			return
		}
		if string(got) != want {
			t.Fatalf("%s: %q, want %q", token, got, want)
		}
	})
}

// Slices of a batch start anywhere, bitmaps included.
func TestSlicedBatch(t *testing.T) {
	ints := array.NewInt64Builder(memory.DefaultAllocator)
	bools := array.NewBooleanBuilder(memory.DefaultAllocator)
	strs := array.NewStringBuilder(memory.DefaultAllocator)
	decs := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 9, Scale: 1})
	for i := range 20 {
		if i%3 == 0 {
			ints.AppendNull()
			bools.AppendNull()
			strs.AppendNull()
			decs.AppendNull()
			continue
		}
		ints.Append(int64(i))
		bools.Append(i%2 == 0)
		strs.Append(strings.Repeat("s", i))
		decs.Append(decimal128.FromI64(int64(i)))
	}
	fields := []arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "s", Type: arrow.BinaryTypes.String}, {Name: "d", Type: decs.Type()}}
	whole := array.NewRecordBatch(arrow.NewSchema(fields, nil), []arrow.Array{ints.NewArray(), bools.NewArray(), strs.NewArray(), decs.NewArray()}, 20)
	names := []string{"i", "b", "s", "d"}
	all, err := NewJSON(whole.Schema(), names)
	if err != nil {
		t.Fatal(err)
	}
	part, _ := NewJSON(whole.Schema(), names)
	if err := all.Bind(whole); err != nil {
		t.Fatal(err)
	}
	for from := range int64(19) {
		if err := part.Bind(whole.NewSlice(from, 20)); err != nil {
			t.Fatal(err)
		}
		for row := range int(20 - from) {
			want, _ := all.Append(nil, int(from)+row)
			got, _ := part.Append(nil, row)
			if string(got) != string(want) {
				t.Fatalf("slice from %d, row %d: %s, want %s", from, row, got, want)
			}
		}
	}
}
