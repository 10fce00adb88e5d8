package debezium

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// form brings a value's text to the one way in which all texts of an equal value are written.
type form func(text string) (string, error)

// number is a decimal number, exactly.
func number(text string) (string, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", fmt.Errorf("%q is no number", text)
	}
	return r.RatString(), nil
}

// instant is a time with a fraction of a second, or with none where it would be zero.
func instant(text string) (string, error) {
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text, nil
}

func floats(bits int) form {
	return func(text string) (string, error) {
		f, err := strconv.ParseFloat(text, bits)
		return strconv.FormatFloat(f, 'g', -1, bits), err
	}
}

var float64s, float32s = floats(64), floats(32)

// document is JSON: blanks and the order of members do not count.
func document(text string) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return "", fmt.Errorf("%q: %w", text, err)
	}
	out, err := json.Marshal(v)
	return string(out), err
}

// contents are a table's rows by their keys, every value in its form; a row is shown as Go would quote it.
func contents(ctx context.Context, db *sql.DB, t *table, query string) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]string{}
	cells, into := make([]sql.NullString, len(t.columns)), make([]any, len(t.columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		shown := make([]string, len(cells))
		for i, c := range cells {
			switch same := t.columns[i].same; {
			case !c.Valid:
				shown[i] = "NULL"
			case same == nil:
				shown[i] = strconv.Quote(c.String)
			default:
				if shown[i], err = same(c.String); err != nil {
					return nil, fmt.Errorf("%s.%s: %w", t.name, t.columns[i].name, err)
				}
				shown[i] = strconv.Quote(shown[i])
			}
		}
		key := strings.Join(shown[:t.keys], ", ")
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("%s: the key %s is there twice", t.name, key)
		}
		out[key] = strings.Join(shown[t.keys:], ", ")
	}
	return out, rows.Err()
}

// differences tells how two contents of a table differ, the first few in full.
func differences(source, target map[string]string) (n int, shown string) {
	var b strings.Builder
	tell := func(key, there, here string) {
		if n++; n <= 5 {
			fmt.Fprintf(&b, "\n%.300s\n  source %.600s\n  target %.600s", key, there, here)
		}
	}
	for key, row := range source {
		switch got, found := target[key]; {
		case !found:
			tell(key, row, "has no such row")
		case got != row:
			tell(key, row, got)
		}
	}
	for key, row := range target {
		if _, found := source[key]; !found {
			tell(key, "has no such row", row)
		}
	}
	return n, b.String()
}
