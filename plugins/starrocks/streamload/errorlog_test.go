package streamload

import (
	"reflect"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, log string
		want      []Refusal
	}{
		{"nothing", "", nil},
		{"something else", "<html>gone</html>", nil},
		{"one", "Error: NULL value in non-nullable column 'n'. Row: 1\ta\t\\N\n", []Refusal{{"NULL value in non-nullable column 'n'", "1\ta\t\\N"}}},
		{"two, one of several lines", "Error: a. Row: x\ny\nError: b. Row: z", []Refusal{{"a", "x\ny"}, {"b", "z"}}},
		{"no row", "Error: a\nError: b. Row: z\n", []Refusal{{"a", ""}, {"b", "z"}}},
		{"a row that looks like a reason", "Error: a. Row: b. Row: c\n", []Refusal{{"a", "b. Row: c"}}},
		{"control characters in a reason", "Error: a\x1b[31m\x00b. Row: \x01\n", []Refusal{{"a [31m b", "\x01"}}},
	} {
		if got := refusals(tc.log); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func FuzzRefusals(f *testing.F) {
	f.Add("Error: a. Row: x\ny\nError: b. Row: z")
	f.Add("Error: \nError: \n\n. Row: ")
	f.Fuzz(func(t *testing.T, log string) {
		for _, r := range refusals(log) {
			if strings.ContainsAny(r.Reason, "\n\r\x00\x1b") || len(r.Reason) > 310 {
				t.Errorf("reason %q", r.Reason)
			}
			if !strings.Contains(log, r.Row) {
				t.Errorf("row %q is not in the log", r.Row)
			}
		}
	})
}

func TestHideValues(t *testing.T) {
	for in, want := range map[string]string{
		`Value is overflow. column=v, value="no number"`:                                                              `Value is overflow. column=v, value=…`,
		`The field (name = v, pos = 1) is out of range. Type: int(11), Value length: 9, Value: no, number`:            `The field (name = v, pos = 1) is out of range. Type: int(11), Value length: 9, Value: …`,
		`Value 'it's 'so'' is out of range. The type of 'v' is int`:                                                   `Value '…' is out of range. The type of 'v' is int`,
		`Decimal '1234.5' is out of range. The type of 'd' is DECIMAL(3,1)`:                                           `Decimal '…' is out of range. The type of 'd' is DECIMAL(3,1)`,
		`String (length=9) is too long. The max length of 'v' is 8`:                                                   `String (length=9) is too long. The max length of 'v' is 8`,
		`NULL value in non-nullable column 'n'`:                                                                       `NULL value in non-nullable column 'n'`,
		`Target column count: 3 doesn't match source value column count: 2. Column separator: ',', Row delimiter: ''`: `Target column count: 3 doesn't match source value column count: 2. Column separator: ',', Row delimiter: ''`,
	} {
		if got := HideValues(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestPartsHaveLabelsOfTheirOwn(t *testing.T) {
	l := NewLabels(strings.Repeat("a_1", 60), "r_1", 7)
	seen := map[string]bool{}
	for range 20 {
		label := l.Next()
		for n := range 12 {
			part := Part(label, n+1)
			if len(part) > MaxLabel || seen[part] {
				t.Fatalf("%s", part)
			}
			seen[part] = true
		}
		if seen[label] {
			t.Fatal(label)
		}
		seen[label] = true
	}
}
