package transform

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/plugins/sdk/rows"
	"pgregory.net/rapid"
)

// The edits count characters; this is the same arithmetic over runes, written down plainly.
func TestEditsAgreeWithRunes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.StringN(0, 12, -1).Draw(t, "old")
		runes := []rune(old)
		start, length := rapid.IntRange(0, 14).Draw(t, "start"), rapid.IntRange(0, 14).Draw(t, "length")
		with := rapid.StringN(1, 3, -1).Draw(t, "with")
		check := func(what string, e edit, want string, fails bool) {
			out, reason := e.apply(nil, []byte(old), false)
			if fails != (reason != "") || (!fails && string(out) != want) {
				t.Fatalf("%s: got %q %q, want %q", what, out, reason, want)
			}
		}
		clip := func(n int) int { return min(max(n, 0), len(runes)) }
		check("substr", substr{start, length}, string(runes[clip(start):clip(start+length)]), start > len(runes))
		check("replace", replace{start, length, []byte(with)}, string(runes[:clip(start)])+with+string(runes[clip(start+length):]), start > len(runes))
		filling := []rune(strings.Repeat(with, 14))
		filling = filling[:max(0, length-len(runes))]
		cut := string(runes[:clip(length)])
		check("pad left", pad{true, length, []rune(with)}, string(filling)+cut, false)
		check("pad right", pad{false, length, []rune(with)}, cut+string(filling), false)
	})
}

// Numbers are compared digit by digit as exactly as big numbers are.
func TestDecimalsAgreeWithBig(t *testing.T) {
	number := rapid.StringMatching(`-?[0-9]{0,30}(\.[0-9]{1,12})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		da, okA := decimalOf([]byte(a))
		db, okB := decimalOf([]byte(b))
		x, bigA := new(big.Rat).SetString(a)
		y, bigB := new(big.Rat).SetString(b)
		if okA != bigA || okB != bigB {
			t.Fatalf("%q %v %v, %q %v %v", a, okA, bigA, b, okB, bigB)
		}
		if okA && okB && da.compare(db) != x.Cmp(y) {
			t.Fatalf("%s and %s: %d, want %d", a, b, da.compare(db), x.Cmp(y))
		}
	})
}

// Integers are computed exactly or not at all.
func TestArithmeticAgreesWithBig(t *testing.T) {
	integer := rapid.OneOf(rapid.Int(), rapid.IntRange(-10, 10), rapid.SampledFrom([]int{-1 << 63, 1<<63 - 1, 1 << 62, -1 << 62, 1 << 32}))
	rapid.Check(t, func(t *rapid.T) {
		x, y := integer.Draw(t, "x"), integer.Draw(t, "y")
		for op, f := range map[byte]func(z, x, y *big.Int) *big.Int{'+': (*big.Int).Add, '-': (*big.Int).Sub, '*': (*big.Int).Mul} {
			want := f(new(big.Int), big.NewInt(int64(x)), big.NewInt(int64(y)))
			got, err := compute(op, x, y)
			if want.IsInt64() != (err == nil) || (err == nil && int64(got.(int)) != want.Int64()) {
				t.Fatalf("%d %c %d: got %v %v, want %v", x, op, y, got, err, want)
			}
		}
	})
}

// Decimals are written with all their digits.
func TestDecimalText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := decimal128.New(rapid.SampledFrom([]int64{0, -1, 5, -7}).Draw(t, "high"), rapid.Uint64().Draw(t, "low"))
		scale := int32(rapid.IntRange(0, 38).Draw(t, "scale"))
		var v value
		v.decimal(d, scale)
		if got := string(v.appendText(nil)); got != d.ToString(scale) {
			t.Fatalf("%s, want %s", got, d.ToString(scale))
		}
	})
}

// Whatever is taken out, the rows that are left are those that came, for every type of column.
func TestTakeKeepsRows(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i8", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "bin", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "dec", Type: &arrow.Decimal128Type{Precision: 20, Scale: 3}, Nullable: true},
		{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
		{Name: "large", Type: arrow.BinaryTypes.LargeString, Nullable: true},
		{Name: "time", Type: arrow.FixedWidthTypes.Time64us, Nullable: true},
		{Name: "null", Type: arrow.Null, Nullable: true},
	}, nil)
	rapid.Check(t, func(t *rapid.T) {
		n, offset := rapid.IntRange(1, 40).Draw(t, "rows"), rapid.IntRange(0, 9).Draw(t, "offset")
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range n + offset {
			for _, f := range b.Fields() {
				if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
					f.AppendNull()
					continue
				}
				switch f := f.(type) {
				case *array.BinaryBuilder:
					f.Append([]byte(strings.Repeat("y", i%5)))
				case *array.ListBuilder:
					f.Append(true)
					for k := range i % 3 {
						f.ValueBuilder().(*array.Int32Builder).Append(int32(k))
					}
				case *array.BooleanBuilder:
					f.Append(i%3 == 0)
				case *array.Time64Builder:
					f.Append(arrow.Time64(i))
				case *array.NullBuilder:
					f.AppendNull()
				default:
					if err := f.AppendValueFromString(strconv.Itoa(i)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		rec := b.NewRecordBatch().NewSlice(int64(offset), int64(n+offset))
		keep := rapid.SliceOfNDistinct(rapid.Int32Range(0, int32(n-1)), 1, n, rapid.ID).Draw(t, "keep")
		slices.Sort(keep)
		cols := make([]arrow.Array, rec.NumCols())
		stores := make([]store, len(cols))
		for i := range cols {
			cols[i] = take(&stores[i], rec.Column(i), keep)
		}
		out := array.NewRecordBatch(schema, cols, int64(len(keep)))
		if err := array.ValidateRecordFull(out); err != nil {
			t.Fatal(err)
		}
		for i, row := range keep {
			if !array.RecordEqual(out.NewSlice(int64(i), int64(i)+1), rec.NewSlice(int64(row), int64(row)+1)) {
				t.Fatalf("row %d is %s, want %s", i, rows.Describe(out, i), rows.Describe(rec, int(row)))
			}
		}
	})
}

// A text comes back from its JSON form as it went in.
func TestQuotedTextComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.ToValidUTF8(rapid.String().Draw(t, "s"), "?")
		var v value
		v.token(appendQuoted(nil, []byte(s)))
		if v.kind != null || string(v.bytes) != s {
			t.Fatalf("%q, want %q", v.bytes, s)
		}
	})
}

// The dx_ transformers make no allocation per row: the same few for ten rows as for two thousand. Patterns are left out: the
// memory of regexp comes from a pool, which the race detector empties at random.
func TestNoAllocationPerRow(t *testing.T) {
	batchOf := func(n int) arrow.RecordBatch {
		b := array.NewRecordBuilder(memory.DefaultAllocator, textRows)
		for i := range n {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("customer number %d", i))
		}
		return b.NewRecordBatch()
	}
	r := chainOf(t, `[{"name": "dx_filter", "parameter": {"columnIndex": 0, "paras": ["<", "5"]}},
		{"name": "dx_filter", "parameter": {"columnIndex": 1, "paras": ["=", "customer number 7"]}},
		{"name": "dx_substr", "parameter": {"columnIndex": 1, "paras": ["9", "20"]}},
		{"name": "dx_pad", "parameter": {"columnIndex": 1, "paras": ["l", "30", "."]}},
		{"name": "dx_replace", "parameter": {"columnIndex": 1, "paras": ["0", "2", "no"]}},
		{"name": "dx_digest", "parameter": {"columnIndex": 1, "paras": ["sha1", "toUpperCase"]}}]`).Runner()
	steps := func(n int) float64 {
		rec := batchOf(n)
		if err := r.bind(rec.Schema(), ""); err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(5, func() {
			r.batch.begin(rec)
			for _, w := range r.workers {
				if err := w.run(&r.batch); err != nil {
					t.Fatal(err)
				}
			}
			r.gather()
		})
	}
	many, few := steps(2000), steps(10)
	if many > few+50 {
		t.Errorf("%v allocations for 2000 rows and %v for 10", many, few)
	}
}

// FuzzParameters: whatever a document says is understood or refused, and what is understood runs.
func FuzzParameters(f *testing.F) {
	for _, seed := range [][2]string{
		{"dx_substr", `{"columnIndex": 0, "paras": ["1", "2"]}`}, {"dx_pad", `{"columnName": "s", "paras": ["l", 5, "ab"]}`},
		{"dx_replace", `{"columnIndex": 1, "paras": ["3", "-1", ""]}`}, {"dx_filter", `{"columnIndex": 1, "paras": ["not like", "(a|b)+"]}`},
		{"dx_filter", `{"columnIndex": 0, "paras": [">", "1e400"]}`}, {"dx_digest", `{"columnIndex": 1, "paras": ["md5", "toLowerCase"]}`},
		{"expr", `{"where": "s matches 'a+' and id in 1..3", "set": [{"column": "s", "value": "s[1:] + string(id)"}]}`},
		{"expr", `{"add": [{"column": "x", "value": "let y = id; map(1..3, # * y)", "type": "json"}], "drop": "s"}`},
		{"expr", `{"rename": {"s": "t"}, "where": "$env[\"s\"] ?? true"}`}, {"dx_groovy", `{"code": ""}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, parameter string) {
		if len(parameter) > 2000 || strings.Contains(parameter, "000") { // long loops are the user's own
			return
		}
		specs := parseSpecsLoosely(name, parameter)
		if specs == nil {
			return
		}
		c, problems := Compile(specs, job.Dates{}, false)
		for _, p := range problems {
			if p.Path == "" || p.Seen == "" || !utf8.ValidString(p.Seen) && utf8.ValidString(parameter) {
				t.Fatalf("problem without a place or reason: %+v", p)
			}
		}
		if len(problems) > 0 || c == nil {
			return
		}
		if _, err := apply(t, c.Runner(), recordOf(t, textRows, `{"id": 1, "s": "abc"}`, `{"id": -5, "s": null}`, `{"id": 2, "s": ""}`)); err != nil && !strings.Contains(err.Error(), "transformer[0]") {
			t.Fatalf("%v", err)
		}
	})
}
