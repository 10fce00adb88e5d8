package main

import (
	"fmt"
	"strconv"
	"time"
)

// form is how the rows of a body are written, and the headers that say so.
type form struct {
	name    string
	headers string // of a load, each line ended
	open    string
	between string
	closing string
	row     func(r *order, b []byte) []byte
}

var forms = []form{
	{name: "csv", between: "\n", closing: "\n", row: (*order).csv},
	{name: "ndjson", headers: "format: json\r\n", between: "\n", closing: "\n", row: (*order).json},
	{name: "array", headers: "format: json\r\nstrip_outer_array: true\r\n", open: "[", between: ",", closing: "]", row: (*order).json},
}

func formOf(name string) (*form, error) {
	for i := range forms {
		if forms[i].name == name {
			return &forms[i], nil
		}
	}
	return nil, fmt.Errorf("no form %q", name)
}

// body writes so many rows.
func (f *form) body(rows int) []byte {
	b := append(make([]byte, 0, 160*rows+2), f.open...)
	for i := range rows {
		if i > 0 {
			b = append(b, f.between...)
		}
		r := orderOf(i)
		b = f.row(&r, b)
	}
	return append(b, f.closing...)
}

// order is one row of the tables that the stand-in is measured with.
type order struct {
	line  int
	id    int64
	name  []byte
	cents int64
	made  time.Time
	ratio float64
}

var first = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// orderOf gives the same row for the same line.
func orderOf(line int) order {
	mixed := uint64(line+1) * 0x9e3779b97f4a7c15 // spread over all bits
	return order{
		line:  line,
		id:    int64(mixed >> 20),
		name:  fmt.Appendf(nil, "customer %d of street %d", mixed>>44, mixed>>54),
		cents: int64(mixed >> 40),
		made:  first.Add(time.Duration(mixed>>36) * time.Second),
		ratio: float64(mixed>>48) / 1024,
	}
}

func (r *order) csv(b []byte) []byte {
	b = append(strconv.AppendInt(b, int64(r.line), 10), '\t')
	b = append(strconv.AppendInt(b, r.id, 10), '\t')
	b = append(append(b, r.name...), '\t')
	b = append(r.price(b), '\t')
	b = append(r.made.AppendFormat(b, time.DateTime), '\t')
	return strconv.AppendFloat(b, r.ratio, 'g', -1, 64)
}

func (r *order) json(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"line":`...), int64(r.line), 10)
	b = strconv.AppendInt(append(b, `,"id":`...), r.id, 10)
	b = append(append(b, `,"name":"`...), r.name...)
	b = r.price(append(b, `","price":"`...))
	b = r.made.AppendFormat(append(b, `","made":"`...), time.DateTime)
	b = strconv.AppendFloat(append(b, `","ratio":`...), r.ratio, 'g', -1, 64)
	return append(b, '}')
}

func (r *order) price(b []byte) []byte {
	b = append(strconv.AppendInt(b, r.cents/100, 10), '.')
	return append(b, byte('0'+r.cents/10%10), byte('0'+r.cents%10))
}
