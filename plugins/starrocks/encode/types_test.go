package encode

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"pgregory.net/rapid"
)

// parsed is a batch of one column c from JSON, one value a row.
func parsed(t testing.TB, dt arrow.DataType, values ...string) arrow.RecordBatch {
	t.Helper()
	var b strings.Builder
	for _, v := range values {
		b.WriteString(`{"c":` + v + "}\n")
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: dt, Nullable: true}}, nil)
	rec, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader("["+strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", ",")+"]"))
	if err != nil {
		t.Fatalf("%s: %v", dt, err)
	}
	return rec
}

// written gives the rows of a batch in both forms.
func written(t testing.TB, rec arrow.RecordBatch, treat ...Treatment) (csv, js []string, bad []Bad) {
	t.Helper()
	c, err := NewCSV(rec.Schema(), []string{"c"}, dialectOf(t, `\x01`, `\x02`, "", ""), treat...)
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJSON(rec.Schema(), []string{"c"}, treat...)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []*Encoder{c, j} {
		if err := e.Bind(rec); err != nil {
			t.Fatal(err)
		}
		for row := range int(rec.NumRows()) {
			out, ok := e.Append([]byte("before"), row)
			switch text := strings.TrimPrefix(string(out), "before"); {
			case !ok && text != "":
				t.Errorf("a refused row has left %q", text)
			case !ok:
				bad = append(bad, e.Bad())
			case e == c:
				csv = append(csv, strings.TrimSuffix(text, "\x02"))
			default:
				js = append(js, strings.TrimSuffix(strings.TrimPrefix(text, `{"c":`), "}"))
			}
		}
	}
	return csv, js, bad
}

func TestEveryType(t *testing.T) {
	for _, tc := range []struct {
		dt            arrow.DataType
		in, csv, json string
	}{
		{arrow.Null, `null`, `\N`, `null`},
		{arrow.FixedWidthTypes.Float16, `1.5`, `1.5`, `1.5`},
		{&arrow.Decimal32Type{Precision: 9, Scale: 2}, `"-12.25"`, `-12.25`, `"-12.25"`},
		{&arrow.Decimal64Type{Precision: 18, Scale: 4}, `"0.0001"`, `0.0001`, `"0.0001"`},
		{&arrow.Decimal256Type{Precision: 76, Scale: 9}, `"-1234567890123456789012345678901234567890.000000001"`,
			`-1234567890123456789012345678901234567890.000000001`, `"-1234567890123456789012345678901234567890.000000001"`},
		{arrow.BinaryTypes.LargeString, `"é\t"`, "é\t", `"é\t"`},
		{arrow.BinaryTypes.LargeBinary, `"Z3g="`, `gx`, `"gx"`},
		{arrow.BinaryTypes.StringView, `"a text that is longer than a view"`, `a text that is longer than a view`, `"a text that is longer than a view"`},
		{arrow.BinaryTypes.StringView, `""`, ``, `""`},
		{arrow.BinaryTypes.BinaryView, `"Z3g="`, `gx`, `"gx"`},
		{&arrow.FixedSizeBinaryType{ByteWidth: 2}, `"Z3g="`, `gx`, `"gx"`},
		{arrow.FixedWidthTypes.Date64, `"2024-02-29"`, `2024-02-29`, `"2024-02-29"`},
		{arrow.FixedWidthTypes.Date64, `"1969-12-31"`, `1969-12-31`, `"1969-12-31"`},
		{arrow.FixedWidthTypes.Time32s, `"23:59:59"`, `23:59:59`, `"23:59:59"`},
		{arrow.FixedWidthTypes.Time32ms, `"12:34:56.789"`, `12:34:56.789000`, `"12:34:56.789000"`},
		{arrow.FixedWidthTypes.Time64us, `"12:34:56.000001"`, `12:34:56.000001`, `"12:34:56.000001"`},
		{arrow.FixedWidthTypes.Time64ns, `"00:00:00"`, `00:00:00`, `"00:00:00"`},
		{arrow.ListOf(arrow.PrimitiveTypes.Int32), `[1,null,3]`, `[1,null,3]`, `[1,null,3]`},
		{arrow.ListOf(arrow.PrimitiveTypes.Int32), `[]`, `[]`, `[]`},
		{arrow.LargeListOf(arrow.BinaryTypes.String), `["a\"b","\n"]`, `["a\"b","\n"]`, `["a\"b","\n"]`},
		{arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int16), `[1,2]`, `[1,2]`, `[1,2]`},
		{arrow.ListOf(&arrow.Decimal128Type{Precision: 5, Scale: 2}), `["1.50"]`, `["1.50"]`, `["1.50"]`},
		{arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, arrow.Field{Name: "b\"", Type: arrow.FixedWidthTypes.Boolean, Nullable: true}),
			`{"a":1,"b\"":true}`, `{"a":1,"b\"":true}`, `{"a":1,"b\"":true}`},
		{arrow.StructOf(), `{}`, `{}`, `{}`},
		{arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), `[{"key":"k","value":1},{"key":"l","value":null}]`, `{"k":1,"l":null}`, `{"k":1,"l":null}`},
		{arrow.MapOf(arrow.PrimitiveTypes.Int32, arrow.FixedWidthTypes.Date32), `[{"key":-7,"value":"2024-02-29"}]`, `{"-7":"2024-02-29"}`, `{"-7":"2024-02-29"}`},
		{arrow.ListOf(arrow.ListOf(arrow.StructOf(arrow.Field{Name: "a", Type: arrow.ListOf(arrow.PrimitiveTypes.Int8), Nullable: true}))), `[[{"a":[1]},{"a":null}],null]`,
			`[[{"a":[1]},{"a":null}],null]`, `[[{"a":[1]},{"a":null}],null]`},
	} {
		rec := parsed(t, tc.dt, "null", tc.in, "null", tc.in)
		for _, part := range []arrow.RecordBatch{rec, rec.NewSlice(1, 4)} { // slices have offsets of their own
			csv, js, bad := written(t, part)
			n := len(csv)
			if len(bad) > 0 || n != int(part.NumRows()) || csv[n-1] != tc.csv || js[n-1] != tc.json || csv[n-2] != `\N` || js[n-2] != "null" || csv[n-3] != tc.csv || js[n-3] != tc.json {
				if tc.csv != "" { // one empty text is a blank line
					t.Errorf("%s %s: csv %q, json %q, %+v", tc.dt, tc.in, csv, js, bad)
				}
			}
		}
	}
}

func TestWhatHasNoForm(t *testing.T) {
	for name, rec := range map[string]arrow.RecordBatch{
		"bytes in a list": parsed(t, arrow.ListOf(arrow.BinaryTypes.Binary), `["/w=="]`),
		"NaN in a struct": func() arrow.RecordBatch {
			b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "c", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64)}}, nil))
			l := b.Field(0).(*array.ListBuilder)
			l.Append(true)
			if err := l.ValueBuilder().AppendValueFromString("NaN"); err != nil {
				t.Fatal(err)
			}
			return b.NewRecordBatch()
		}(),
	} {
		if csv, js, bad := written(t, rec); len(bad) != 2 || bad[0].Column != "c" || bad[0].JSON {
			t.Errorf("%s: %q %q %+v", name, csv, js, bad)
		}
	}
	// What only CSV has no form for says so.
	if _, js, bad := written(t, parsed(t, arrow.BinaryTypes.String, `"\\N"`, `"a\u0001b"`, `""`)); len(bad) != 3 || !bad[0].JSON || !bad[1].JSON || !bad[2].JSON || len(js) != 3 {
		t.Errorf("%q %+v", js, bad)
	}
}

func TestBytesAsHex(t *testing.T) {
	csv, js, bad := written(t, parsed(t, arrow.BinaryTypes.Binary, `"AP9cTgEC"`, `null`, `""`), Treatment{Hex: true})
	if len(bad) != 1 || strings.Join(csv, "|") != `00ff5c4e0102|\N` || strings.Join(js, "|") != `"00ff5c4e0102"|null|""` { // one empty text is a blank line
		t.Errorf("%q %q %+v", csv, js, bad)
	}
}

func TestZeroDatesAndZones(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	epoch := &Zero{Text: "1970-01-01 00:00:00"}
	for _, tc := range []struct {
		treat    Treatment
		in, want string
	}{
		{Treatment{Date: true, Zero: epoch}, "0000-00-00", "1970-01-01 00:00:00"},
		{Treatment{Date: true, Zero: epoch}, "0000-00-00 00:00:00", "1970-01-01 00:00:00"},
		{Treatment{Date: true, Zero: epoch}, "0000-00-00T00:00:00.000000", "1970-01-01 00:00:00"},
		{Treatment{Date: true, DateOnly: true, Zero: epoch}, "0000-00-00 00:00:00", "1970-01-01"},
		{Treatment{Date: true, Zero: &Zero{Null: true}}, "0000-00-00", "NULL"},
		{Treatment{Date: true, Zero: &Zero{Refuse: true}}, "0000-00-00", zeroRefused},
		{Treatment{Zero: epoch}, "0000-00-00", "0000-00-00"}, // no date column
		{Treatment{Date: true, Zero: epoch}, "0000-00-00 00:00:01", "0000-00-00 00:00:01"},
		{Treatment{Date: true, Zero: epoch}, "0000-00-001", "0000-00-001"},
		{Treatment{Date: true, Zero: epoch}, "2024-01-01", "2024-01-01"},
		{Treatment{Date: true, Zone: tokyo}, "0000-00-00", "0000-00-00"},
		{Treatment{Date: true, Zone: tokyo}, "2024-02-29T23:30:00Z", "2024-03-01 08:30:00"},
		{Treatment{Date: true, Zone: tokyo}, "2024-02-29 23:30:00.1234567+02:00", "2024-03-01 06:30:00.123456"},
		{Treatment{Date: true, Zone: tokyo}, "2024-02-29 23:30:00 -0230", "2024-03-01 11:00:00"},
		{Treatment{Date: true, DateOnly: true, Zone: tokyo}, "2024-02-29 23:30:00Z", "2024-03-01"},
		{Treatment{Date: true, Zone: tokyo}, "2024-02-29 23:30:00", "2024-02-29 23:30:00"}, // naive
		{Treatment{Date: true, Zone: tokyo}, "2024-02-30T23:30:00Z", "2024-02-30T23:30:00Z"},
		{Treatment{Date: true, Zone: tokyo}, "2024-02-29T23:30:00+99:00", "2024-02-29T23:30:00+99:00"},
		{Treatment{Date: true, Zone: tokyo}, "9999-12-31T23:30:00Z", outOfDates},
		{Treatment{Zone: tokyo}, "2024-02-29T23:30:00Z", "2024-02-29T23:30:00Z"},
	} {
		quoted, _ := json.Marshal(tc.in)
		token := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		token.Append(quoted)
		tokens := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{rows.JSONField("c")}, nil), []arrow.Array{token.NewArray()}, 1)
		for _, rec := range []arrow.RecordBatch{parsed(t, arrow.BinaryTypes.String, string(quoted)), tokens} {
			csv, js, bad := written(t, rec, tc.treat)
			got := ""
			switch {
			case len(bad) == 2:
				got = bad[0].Reason
			case csv[0] == `\N` && js[0] == "null":
				got = "NULL"
			case `"`+csv[0]+`"` == js[0]:
				got = csv[0]
			}
			if got != tc.want {
				t.Errorf("%+v %s: csv %q, json %q, %+v; want %s", tc.treat, tc.in, csv, js, bad, tc.want)
			}
		}
	}
	// Arrow's own instants, and times without a zone.
	stamp := func(zone string) arrow.RecordBatch {
		b := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone})
		b.Append(1_000_001)
		return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "c", Type: b.Type()}}, nil), []arrow.Array{b.NewArray()}, 1)
	}
	for zone, want := range map[string]string{"UTC": "1970-01-01 09:00:01.000001", "America/New_York": "1970-01-01 09:00:01.000001", "": "1970-01-01 00:00:01.000001"} {
		if csv, _, _ := written(t, stamp(zone), Treatment{Zone: tokyo}); csv[0] != want {
			t.Errorf("%s: %s, want %s", zone, csv[0], want)
		}
	}
}

// Offsets in texts against the standard library.
func TestInstantsAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-15*60+1, 15*60-1).Draw(t, "minutes")*60)
		at := time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "seconds"), rapid.Int64Range(0, 999_999).Draw(t, "micros")*1000).In(zone)
		for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.000000-0700", "2006-01-02 15:04:05.999999 -07:00"} {
			sec, micros, ok := instant([]byte(at.Format(form)))
			if !ok || sec != at.Unix() || micros*1000 != int64(at.Nanosecond()) {
				t.Fatalf("%s: %d %d %v", at.Format(form), sec, micros, ok)
			}
		}
	})
}

func FuzzInstant(f *testing.F) {
	for _, s := range []string{"2024-02-29T23:30:00Z", "2024-02-29 23:30:00.1 +0230", "0000-00-00 00:00:00", "2024-02-29 23:30:00."} {
		f.Add([]byte(s))
	}
	tokyo := time.FixedZone("", 9*3600)
	f.Fuzz(func(t *testing.T, s []byte) {
		d := dating{Treatment: Treatment{Date: true, Zero: &Zero{Text: "1970-01-01 00:00:00"}, Zone: tokyo}}
		text, null, reason := d.apply(s)
		if null || (reason == "" && len(text) == 0 && len(s) > 0) {
			t.Errorf("%q: %q %v %s", s, text, null, reason)
		}
	})
}

func TestDecimal256AgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := decimal256.New(rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b"), rapid.Uint64().Draw(t, "c"), rapid.Uint64().Draw(t, "d"))
		if rapid.Bool().Draw(t, "small") {
			n = decimal256.FromI64(rapid.Int64().Draw(t, "number"))
		}
		scale := int32(rapid.IntRange(0, 76).Draw(t, "scale"))
		want := new(big.Rat).SetFrac(n.BigInt(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(int(scale))
		if got := string(appendDecimal256(nil, n, scale)); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}
