package store

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func typeOf(t testing.TB, text string) Type {
	t.Helper()
	typ, err := ParseType(text)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func TestConvert(t *testing.T) {
	const refused = "refused"
	for _, c := range []struct{ typ, text, want string }{
		{"boolean", "TRUE", "1"}, {"boolean", "false", "0"}, {"boolean", "-3", "1"}, {"boolean", "0.0", "0"}, {"boolean", "yes", "NULL"},
		{"tinyint", "127", "127"}, {"tinyint", "128", "NULL"}, {"tinyint", "-128", "-128"}, {"tinyint", "-129", "NULL"},
		{"smallint", "+32767", "32767"}, {"smallint", "32768", "NULL"}, {"smallint", "", "NULL"},
		{"int", " 12 ", "12"}, {"int", "1.5", "NULL"}, {"int", "2147483648", "NULL"}, {"int", "-2147483648", "-2147483648"}, {"int", "--1", "NULL"},
		{"bigint", "9223372036854775807", "9223372036854775807"}, {"bigint", "9223372036854775808", "NULL"},
		{"bigint", "-9223372036854775808", "-9223372036854775808"}, {"bigint", "-9223372036854775809", "NULL"},
		{"bigint", "00000000000000000000000000012", "12"}, {"bigint", "18446744073709551617", "NULL"},
		{"largeint", "170141183460469231731687303715884105727", "170141183460469231731687303715884105727"},
		{"largeint", "170141183460469231731687303715884105728", "NULL"},
		{"largeint", "-170141183460469231731687303715884105728", "-170141183460469231731687303715884105728"},
		{"largeint", "-170141183460469231731687303715884105729", "NULL"},
		{"largeint", "340282366920938463463374607431768211457", "NULL"}, {"largeint", "0", "0"},
		{"float", "1e10", "10000000000"}, {"float", "0.1", "0.1"}, {"float", "1e39", "NULL"}, {"float", "16777217", "16777216"},
		{"double", "0.1", "0.1"}, {"double", "1e400", "NULL"}, {"double", "NaN", "NULL"}, {"double", "inf", "NULL"}, {"double", "0x10", "NULL"},
		{"double", "1e16", "1e+16"}, {"double", "123456789012345", "123456789012345"}, {"double", "0.00001", "1e-05"}, {"double", "1_0", "NULL"},
		{"decimal(10,2)", "1.5", "1.50"}, {"decimal(10,2)", "1.005", "1.01"}, {"decimal(10,2)", "-1.005", "-1.01"}, {"decimal(10,2)", "1.0049", "1.00"},
		{"decimal(10,2)", "99999999.99", "99999999.99"}, {"decimal(10,2)", "99999999.995", refused}, {"decimal(10,2)", "100000000", refused},
		{"decimal(10,2)", "1e2", "100.00"}, {"decimal(10,2)", "125e-3", "0.13"}, {"decimal(10,2)", "1e-50", "0.00"}, {"decimal(10,2)", "", "NULL"},
		{"decimal(10,2)", "1.2.3", "NULL"}, {"decimal(10,2)", "1e", "NULL"}, {"decimal(10,2)", ".", "NULL"}, {"decimal(10,2)", "-.5", "-0.50"},
		{"decimal(10,2)", "0e99999", "0.00"}, {"decimal(10,2)", "-0.001", "0.00"}, {"decimal(10,2)", "0.0000000000000000000000000000000000000000001", "0.00"},
		{"decimal(38,38)", "0.99999999999999999999999999999999999999", "0.99999999999999999999999999999999999999"},
		{"decimal(38,0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
		{"decimal(38,0)", "1e38", refused}, {"decimal(38,0)", "340282366920938463463374607431768211457", refused},
		{"date", "2024-01-02", "2024-01-02"}, {"date", "20240102", "2024-01-02"}, {"date", "24-1-2", "2024-01-02"}, {"date", "240102", "2024-01-02"},
		{"date", "70/1/2", "1970-01-02"}, {"date", "69.1.2", "2069-01-02"}, {"date", "2024-02-29", "2024-02-29"}, {"date", "2023-02-29", "NULL"},
		{"date", "2024-00-01", "NULL"}, {"date", "0000-01-01", "0000-01-01"}, {"date", "9999-12-31", "9999-12-31"}, {"date", "2024-1-32", "NULL"},
		{"date", "2024-01-02 10:00:00", "2024-01-02"}, {"date", "2024-01", "NULL"}, {"date", "", "NULL"}, {"date", "2024-01-02x", "2024-01-02"}, {"date", "x2024-01-02", "NULL"},
		{"date", "0000-02-29", "NULL"}, {"date", "2024-01-02 25:00:00", "NULL"}, {"date", "7-1-2", "0007-01-02"}, {"date", "070-1-2", "0070-01-02"}, {"date", "1.2.3", "2001-02-03"},
		{"date", "12024-01-02", "NULL"}, {"date", "2024 01-02", "NULL"}, {"date", "2024--01//02", "2024-01-02"}, {"date", "20240102T03", "NULL"}, {"date", "2024", "NULL"}, {"date", "1240102", "NULL"},
		{"datetime", "2024-01-02", "2024-01-02 00:00:00"}, {"datetime", "2024-01-02T03:04:05", "2024-01-02 03:04:05"},
		{"datetime", "20240102030405", "2024-01-02 03:04:05"}, {"datetime", "240102030405", "2024-01-02 03:04:05"}, {"datetime", "20240102T03:04:05.5", "NULL"}, {"datetime", "20240102T030405.5", "2024-01-02 03:04:05.500000"},
		{"datetime", "2024-01-02 03:04:05.1", "2024-01-02 03:04:05.100000"}, {"datetime", "2024-01-02 03:04:05.123456", "2024-01-02 03:04:05.123456"},
		{"datetime", "2024-01-02 03:04:05.000", "2024-01-02 03:04:05"}, {"datetime", "2024-01-02 03:04:05.1234567", "2024-01-02 03:04:05.123456"}, {"datetime", "2024-01-02 03:04:05.1234569999", "2024-01-02 03:04:05.123456"},
		{"datetime", "2024-01-02 03:04:05Z", "2024-01-02 03:04:05"}, {"datetime", "2024-01-02 03:04:05+08:00", "2024-01-02 03:04:05"}, {"datetime", "2024-01-02T03:04:05.5Z", "2024-01-02 03:04:05.500000"}, {"datetime", "2024-01-02\t03:04", "2024-01-02 03:04:00"}, {"datetime", "2024-01-02 03 04", "NULL"}, {"datetime", "20240102030405999", "2024-01-02 03:04:05"}, {"datetime", "20240102.5", "2024-01-02 05:00:00"}, {"datetime", "2024-01-02 23:59:60", "NULL"}, {"datetime", "240102T030405", "2024-01-02 03:04:05"}, {"datetime", "2024-01-02 24:00:00", "NULL"},
		{"datetime", "2024/01/02 03.04.05", "2024-01-02 03:04:05"}, {"datetime", " 2024-01-02  03:04 ", "2024-01-02 03:04:00"}, {"datetime", "0000-00-00 00:00:00", "NULL"},
		{"datetime", "20240102030405.25", "2024-01-02 03:04:05.250000"}, {"datetime", "2024-01-02 03:04:05.", "2024-01-02 03:04:05"},
		{"char(3)", "abc", "abc"}, {"char(3)", "abcd", refused}, {"varchar(4)", "éé", "éé"}, {"varchar(4)", "ééx", refused}, {"varchar(4)", "", ""},
		{"varbinary(4)", "AQID", "\x01\x02\x03"}, {"varbinary(4)", "abc", "abc"}, {"varbinary(4)", "abcde", refused},
		{"json", ` {"a" : [1, "x y"]} `, `{"a":[1,"x y"]}`}, {"json", "{a}", "NULL"}, {"json", "1", "1"}, {"json", "", "NULL"},
		{"array<int>", "[1, 2,null]", "[1,2,null]"}, {"array<int>", `["3",4.7,"x",99999999999]`, "[3,4,null,null]"}, {"array<int>", "[]", "[]"}, {"array<int>", "{}", "NULL"},
		{"array<varchar(10)>", `["a ""b"" c"]`, `["a \"b\" c"]`}, {"array<varchar(10)>", `["a\nb", ""]`, `["a\nb",""]`}, {"array<varchar(2)>", `["abc"]`, `[null]`},
		{"array<array<date>>", `[["2024-1-2"],[]]`, `[["2024-01-02"],[]]`}, {"array<decimal(5,2)>", "[1.005]", "[1.01]"}, {"array<json>", `[{"a": 1}]`, `[{"a":1}]`},
		{"array<double>", "[1e2]", "[100]"}, {"array<largeint>", "[12]", "[12]"}, {"array<datetime>", `["20240102"]`, `["2024-01-02 00:00:00"]`}, {"array<boolean>", "[true,0]", "[1,0]"},
		{"map<varchar(5),int>", `{"k": 1}`, `{"k":1}`}, {"map<int,float>", `{"1": 0.5}`, `{1:0.5}`},
		{"struct<f int, g varchar(5)>", `{"g":"x","f":"2","h":0}`, `{"f":2,"g":"x"}`}, {"struct<f int>", `{}`, `{"f":null}`}, {"struct<f int>", `[1]`, `NULL`},
	} {
		typ := typeOf(t, c.typ)
		v, err := Convert(typ, c.text, false)
		got := Format(typ, v)
		if err != nil {
			got = refused
		}
		if got != c.want {
			t.Errorf("%s from %q: %s (%v), want %s", c.typ, c.text, got, err, c.want)
		}
		v, err = Convert(typ, c.text, true)
		if (c.want == "NULL" || c.want == refused) != (err != nil) {
			t.Errorf("%s from %q, strict: %v, %v", c.typ, c.text, v, err)
		}
	}
}

func TestCanonicalValuesPassThroughABatch(t *testing.T) {
	for typ, v := range map[string]any{
		"boolean": int64(1), "tinyint": int64(-5), "bigint": int64(1) << 62, "largeint": new(big.Int).Lsh(big.NewInt(-1), 127),
		"float": float32(0.1), "double": 0.1, "decimal(10,2)": "1.50", "date": "2024-01-02", "datetime": "2024-01-02 03:04:05.600000",
		"char(3)": "abc", "varchar(3)": "", "json": `{"a":1}`, "array<int>": "[1]", "varbinary": []byte{0, 255},
	} {
		tab := oneTable(t, Schema{Columns: []Column{{Name: "c", Type: typeOf(t, typ), Nullable: true}}})
		b := tab.NewBatch(nil)
		for _, val := range []any{v, nil} {
			if err := b.Add([]any{val}, Upsert); err != nil {
				t.Fatalf("%s: %v", typ, err)
			}
		}
		if err := b.Add([]any{struct{}{}}, Upsert); err == nil {
			t.Errorf("%s took a struct", typ)
		}
		if err := tab.Commit(b); err != nil {
			t.Fatal(err)
		}
		got := read(tab)
		if len(got) != 2 || fmt.Sprint(got[0][0]) != fmt.Sprint(v) || fmt.Sprintf("%T", got[0][0]) != fmt.Sprintf("%T", v) || got[1][0] != nil {
			t.Errorf("%s: %v, want %v", typ, got, v)
		}
	}
}

func TestAddChecksRange(t *testing.T) {
	for typ, vals := range map[string][]any{
		"boolean": {int64(2), true}, "tinyint": {int64(128), "1"}, "largeint": {new(big.Int).Lsh(big.NewInt(1), 127), int64(1)},
		"varchar(2)": {"abc", int64(1)}, "varbinary(2)": {[]byte("abc"), "ab"}, "decimal(4,2)": {"100", "x", 1.5}, "date": {"2024-13-01"},
		"double": {nan()}, "json": {"{"}, "int": {nil, int64(1) << 31},
	} {
		tab := oneTable(t, Schema{Columns: []Column{{Name: "c", Type: typeOf(t, typ)}}})
		b := tab.NewBatch(nil)
		for _, v := range vals {
			var refused *RowError
			if err := b.Add([]any{v}, Upsert); !errors.As(err, &refused) {
				t.Errorf("%s took %v: %v", typ, v, err)
			}
		}
		if b.Len() != 0 {
			t.Errorf("%s: %d rows", typ, b.Len())
		}
	}
}

func nan() float64 { z := 0.0; return z / z }

func TestParseType(t *testing.T) {
	for text, want := range map[string]string{
		"INT": "int(11)", "int( 11 )": "int(11)", "bool": "boolean", "String": "varchar(65533)", "varchar": "varchar(1)", "decimal": "decimal(10, 0)",
		"DECIMAL128(20,3)": "decimal(20, 3)", "Array< Array<INT> >": "array<array<int(11)>>", "map<string, bigint>": "map<varchar(65533),bigint(20)>",
		"struct<a int, `b c` array<date>>": "struct<`a` int(11), `b c` array<date>>", "struct<a:int>": "struct<`a` int(11)>", "varbinary": "varbinary",
		"binary(5)": "varbinary(5)", "largeint": "largeint(40)", "char": "char(1)",
	} {
		got, err := ParseType(text)
		if err != nil || got.String() != want {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
			continue
		}
		again, err := ParseType(got.String())
		if err != nil || again != got {
			t.Errorf("%q does not read back: %+v, %v", got, again, err)
		}
	}
	for _, text := range []string{"", "nope", "int(", "int(x)", "array", "array<", "array<int", "array<int,int>", "map<int>", "struct<>", "struct<int>",
		"decimal(39,1)", "decimal(5,6)", "decimal(1,2,3)", "varchar(0)", "varchar(2000000)", "char(256)", "int int", strings.Repeat("array<", 20) + "int" + strings.Repeat(">", 20)} {
		if got, err := ParseType(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}

func TestWideArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *big.Int {
			text := rapid.StringMatching(`-?[0-9]{1,38}`).Draw(t, name)
			v, _ := new(big.Int).SetString(text, 10)
			return v
		}
		a, b := draw("a"), draw("b")
		wa, ok := parseWide([]byte(a.String()))
		if !ok || wa.bigInt().Cmp(a) != 0 || string(wa.appendDecimal(nil, 0)) != a.String() {
			t.Fatalf("%s read as %s", a, wa.bigInt())
		}
		wb, ok := wideFromBig(b)
		if !ok || wb.bigInt().Cmp(b) != 0 || wa.cmp(wb) != a.Cmp(b) {
			t.Fatalf("%s against %s", wa.bigInt(), wb.bigInt())
		}
		sum := new(big.Int).Add(a, b)
		if sum.BitLen() < 127 && wa.add(wb).bigInt().Cmp(sum) != 0 {
			t.Fatalf("%s + %s = %s", a, b, wa.add(wb).bigInt())
		}
	})
}

// A decimal read from text and written again is the rational number of the text,
// rounded half away from zero.
func TestDecimalRounding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{1,12})?(e-?[0-9])?`).Draw(t, "text")
		scale := rapid.IntRange(0, 10).Draw(t, "scale")
		typ := Type{Kind: Decimal, Precision: 38, Scale: scale}
		got, err := Convert(typ, text, true)
		if err != nil {
			t.Fatal(err)
		}
		exact, _ := new(big.Rat).SetString(text)
		want := exact.FloatString(scale)
		if strings.Trim(want, "-0.") == "" {
			want = strings.TrimPrefix(want, "-")
		}
		if got != want {
			t.Fatalf("%s at scale %d: %s, want %s", text, scale, got, want)
		}
	})
}

func TestCivilSortsAsTimeDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() civil {
			c := civil{year: rapid.IntRange(0, 9999).Draw(t, "y"), month: rapid.IntRange(1, 12).Draw(t, "m"), hour: rapid.IntRange(0, 23).Draw(t, "h"),
				minute: rapid.IntRange(0, 59).Draw(t, "mi"), second: rapid.IntRange(0, 59).Draw(t, "s"), micro: rapid.IntRange(0, 999999).Draw(t, "us")}
			c.day = rapid.IntRange(1, daysIn(c.year, c.month)).Draw(t, "d")
			return c
		}
		a, b := draw(), draw()
		at, bt := string(a.appendDateTime(nil)), string(b.appendDateTime(nil))
		if unpack(a.pack()) != a {
			t.Fatalf("%v became %v", a, unpack(a.pack()))
		}
		if got, ok := parseCivil([]byte(at)); !ok || got != a {
			t.Fatalf("%s read as %v", at, got)
		}
		if len(at) == len(bt) && strings.Compare(at, bt) < 0 != (a.pack() < b.pack()) {
			t.Fatalf("%s and %s sort differently", at, bt)
		}
	})
}
