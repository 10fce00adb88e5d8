package store

import "testing"

func FuzzParseType(f *testing.F) {
	for _, seed := range []string{"int", "decimal(10, 2)", "array<map<string,struct<a int,b `x`>>>", "varchar(", "struct<`a b`:int>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		typ, err := ParseType(text)
		if err != nil {
			return
		}
		again, err := ParseType(typ.String())
		if err != nil || again != typ {
			t.Fatalf("%q spells as %q, which reads as %+v, %v", text, typ, again, err)
		}
	})
}

func FuzzConvert(f *testing.F) {
	types := []string{"boolean", "tinyint", "bigint", "largeint", "float", "double", "decimal(20,4)", "date", "datetime", "varchar(9)", "varbinary(9)",
		"json", "array<array<decimal(5,1)>>", "map<varchar(3),datetime>", "struct<a int, b array<varchar(3)>>"}
	for i, seed := range []string{"1", "-128", "12345678901", "-1e3", "1.5", "2024-01-02T03:04:05.6", "[[1.25]]", `{"a":"2024-1-1"}`, `{"b":["x"],"a":2}`} {
		f.Add(uint8(i), seed)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		typ := typeOf(t, types[int(which)%len(types)])
		loose, looseErr := Convert(typ, text, false)
		strict, strictErr := Convert(typ, text, true)
		if looseErr != nil {
			if strictErr == nil {
				t.Fatalf("%s from %q: only strict mode takes it: %v", typ, text, strict)
			}
			return
		}
		if (loose == nil) != (strictErr != nil) {
			t.Fatalf("%s from %q: %v, but in strict mode %v", typ, text, loose, strictErr)
		}
		if loose == nil || typ.Kind == Binary {
			return
		}
		// What a value prints as reads as the same value.
		printed := Format(typ, loose)
		again, err := Convert(typ, printed, true)
		if err != nil || Format(typ, again) != printed {
			t.Fatalf("%s from %q prints as %q, which reads as %v, %v", typ, text, printed, again, err)
		}
	})
}
