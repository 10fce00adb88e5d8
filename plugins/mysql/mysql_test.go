package mysql

import (
	"testing"
	"time"

	"github.com/gx-etl/gx/plugins/sqlread"
	"github.com/gx-etl/gx/plugins/sqlread/cut"
)

// What cuts a table, and how a column is asked for; the values of each type are tested in package sqlread.
func TestColumns(t *testing.T) {
	for columnType, want := range map[string]struct {
		kind  sqlread.Kind
		split cut.Kind
		sql   string
	}{
		"bigint(20) unsigned": {sqlread.Uint64, cut.Integer, "`c`"},
		"decimal(10,2)":       {sqlread.Decimal, cut.Decimal, "`c`"},
		"DECIMAL(65,2)":       {sqlread.Text, cut.Decimal, "`c`"},
		"float unsigned":      {sqlread.Float32, cut.None, "(`c` + 0E0)"},
		"double":              {sqlread.Float64, cut.None, "`c`"},
		"timestamp(6)":        {sqlread.DateTime, cut.DateTime, "`c`"},
		"time":                {sqlread.Text, cut.None, "`c`"},
		"char(36)":            {sqlread.Text, cut.Text, "`c`"},
		"enum('x','y')":       {sqlread.Text, cut.None, "`c`"},
		"binary(16)":          {sqlread.Bytes, cut.None, "`c`"},
		"json":                {sqlread.JSON, cut.None, "`c`"},
		"point":               {sqlread.Unreadable, cut.None, "`c`"},
	} {
		got := dialect.Column(columnType)
		if sql := dialect.Select(got, "`c`"); got.Kind != want.kind || got.Split != want.split || sql != want.sql || got.Name != columnType {
			t.Errorf("%s: %+v asked for as %s, want %+v", columnType, got, sql, want)
		}
	}
	if got := dialect.Column("year(4)"); got.Split != cut.Integer || got.Compared != "CAST(%s AS UNSIGNED)" {
		t.Errorf("%+v", got)
	}
	if got := dialect.Session(90*time.Second, false); len(got) != 1 || got[0] != "SET SESSION net_write_timeout = 90" {
		t.Errorf("%q", got)
	}
}
