package ddl_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

var update = flag.Bool("update", false, "rewrite the expected halves of testdata/*.golden")

func parse(src string) (ddl.Statement, error) {
	list, err := lex.Split(src)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, errors.New("not one statement")
	}
	return ddl.Parse(list[0])
}

// TestGolden reads every statement of testdata/*.golden, and compares what SHOW
// CREATE TABLE makes of it, or its error, with what stands below the line of dashes.
func TestGolden(t *testing.T) {
	const line, between = "\n----\n", "\n====\n"
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases := strings.Split(strings.TrimSuffix(string(raw), "\n"), between)
		for i, c := range cases {
			in, want, ok := strings.Cut(c, line)
			if !ok && !*update {
				t.Fatalf("%s: case %d has no line of dashes", file, i+1)
			}
			got := outcome(in)
			if *update {
				cases[i] = in + line + got
				continue
			}
			if got != want {
				t.Errorf("%s, case %d\n%s\ngot:\n%s\nwant:\n%s", file, i+1, in, got, want)
			}
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.Join(cases, between)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func outcome(src string) string {
	st, err := parse(src)
	if err != nil {
		return "error: " + err.Error()
	}
	c, ok := st.(*ddl.CreateTable)
	if !ok {
		return "no table"
	}
	return ddl.Show(c.Name, c.Schema)
}

// TestStoreTakesGolden creates every table the golden files accept: the store's own
// rules may not contradict the translator's.
func TestStoreTakesGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.golden")
	created := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split(string(raw), "\n====\n") {
			in, _, _ := strings.Cut(c, "\n----\n")
			st, err := parse(in)
			table, ok := st.(*ddl.CreateTable)
			if err != nil || !ok {
				continue
			}
			s := store.New(store.Options{})
			if err := s.CreateDatabase("d"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.CreateTable("d", table.Name, table.Schema); err != nil {
				t.Errorf("the store refuses\n%s\n%v", in, err)
			}
			created++
		}
	}
	if created < 10 {
		t.Errorf("only %d tables in the golden files", created)
	}
}

func TestStatements(t *testing.T) {
	for _, c := range []struct {
		src  string
		want ddl.Statement
	}{
		{"CREATE DATABASE d", &ddl.CreateDatabase{Name: "d"}},
		{"create schema if not exists `a b`", &ddl.CreateDatabase{Name: "a b", IfNotExists: true}},
		{`CREATE DATABASE d PROPERTIES ("storage_volume" = "x")`, &ddl.CreateDatabase{Name: "d"}},
		{"DROP DATABASE d", &ddl.DropDatabase{Name: "d"}},
		{"DROP DATABASE IF EXISTS d FORCE", &ddl.DropDatabase{Name: "d", IfExists: true}},
		{"DROP TABLE t", &ddl.DropTable{Name: "t"}},
		{"DROP TABLE IF EXISTS default_catalog.d.`t` FORCE", &ddl.DropTable{DB: "d", Name: "t", IfExists: true}},
		{"TRUNCATE TABLE d.t", &ddl.Truncate{DB: "d", Name: "t"}},
		{"CREATE TABLE IF NOT EXISTS a LIKE d.b", &ddl.CreateTableLike{Name: "a", IfNotExists: true, LikeDB: "d", LikeName: "b"}},
	} {
		got, err := parse(c.src)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", c.src, got, c.want)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		src  string
		want store.Type
	}{
		{"BOOLEAN", store.Type{Kind: store.Boolean}},
		{"tinyint(4)", store.Type{Kind: store.TinyInt}},
		{"SMALLINT(6)", store.Type{Kind: store.SmallInt}},
		{"INT", store.Type{Kind: store.Int}},
		{"INTEGER", store.Type{Kind: store.Int}},
		{"Int(11)", store.Type{Kind: store.Int}},
		{"BIGINT(20)", store.Type{Kind: store.BigInt}},
		{"LARGEINT(40)", store.Type{Kind: store.LargeInt}},
		{"FLOAT", store.Type{Kind: store.Float}},
		{"DOUBLE", store.Type{Kind: store.Double}},
		{"DECIMAL", store.Type{Kind: store.Decimal, Precision: 10}},
		{"DECIMAL(12)", store.Type{Kind: store.Decimal, Precision: 12}},
		{"DECIMAL(38, 38)", store.Type{Kind: store.Decimal, Precision: 38, Scale: 38}},
		{"DECIMALV2", store.Type{Kind: store.Decimal, Precision: 27, Scale: 9}},
		{"DECIMALV3(20,4)", store.Type{Kind: store.Decimal, Precision: 20, Scale: 4}},
		{"DECIMAL32(9,2)", store.Type{Kind: store.Decimal, Precision: 9, Scale: 2}},
		{"DECIMAL64(18,2)", store.Type{Kind: store.Decimal, Precision: 18, Scale: 2}},
		{"DECIMAL128(30,2)", store.Type{Kind: store.Decimal, Precision: 30, Scale: 2}},
		{"DATE", store.Type{Kind: store.Date}},
		{"DATETIME", store.Type{Kind: store.DateTime}},
		{"CHAR", store.Type{Kind: store.Char, Length: 1}},
		{"CHAR(255)", store.Type{Kind: store.Char, Length: 255}},
		{"VARCHAR", store.Type{Kind: store.Varchar, Length: 1}},
		{"VARCHAR(65533)", store.Type{Kind: store.Varchar, Length: 65533}},
		{"VARCHAR(*)", store.Type{Kind: store.Varchar, Length: store.MaxVarchar}},
		{"STRING", store.Type{Kind: store.Varchar, Length: store.StringLength}},
		{"VARBINARY", store.Type{Kind: store.Binary}},
		{"BINARY(16)", store.Type{Kind: store.Binary, Length: 16}},
		{"JSON", store.Type{Kind: store.JSON}},
		{"ARRAY<INT>", store.Type{Kind: store.Array, Text: "array<int(11)>"}},
		{"array<array<varchar(20)>>", store.Type{Kind: store.Array, Text: "array<array<varchar(20)>>"}},
		{"MAP<STRING, DECIMAL(10,2)>", store.Type{Kind: store.Map, Text: "map<varchar(65533),decimal(10, 2)>"}},
		{"STRUCT<a INT, b: ARRAY<DATE>>", store.Type{Kind: store.Struct, Text: "struct<`a` int(11), `b` array<date>>"}},
	} {
		st, err := parse("CREATE TABLE t (k INT, c " + c.src + ")")
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got := st.(*ddl.CreateTable).Schema.Columns[1].Type; got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.src, got, c.want)
		}
	}
}

func TestDefaultKeys(t *testing.T) {
	for _, c := range []struct{ columns, want string }{
		{"a INT, b INT, c INT, d INT", "a b c"},
		{"a INT, b DOUBLE, c INT", "a"},
		{"a INT, b VARCHAR(20), c INT", "a b"},
		{"a LARGEINT, b LARGEINT, c INT", "a b c"},
		{"a LARGEINT, b LARGEINT, c BIGINT", "a b"},
		{"a CHAR(40), b INT", "a"},
		{"a VARCHAR(200), b INT", "a"},
		{"a DATE, b DATETIME, c DECIMAL(38,2), d INT", "a b c"},
		{"a INT, b JSON", "a"},
	} {
		st, err := parse("CREATE TABLE t (" + c.columns + ")")
		if err != nil {
			t.Errorf("%s: %v", c.columns, err)
			continue
		}
		s := st.(*ddl.CreateTable).Schema
		if got := strings.Join(s.Keys, " "); got != c.want || s.Model != store.Duplicate {
			t.Errorf("%s: key %q of model %s, want %q", c.columns, got, s.Model, c.want)
		}
	}
}
