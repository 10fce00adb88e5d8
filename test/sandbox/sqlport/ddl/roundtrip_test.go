package ddl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/gx-etl/gx/test/sandbox/sqlport/ddl"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// TestShowParses: what Show writes, Parse reads back to the same schema.
func TestShowParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := schemaGen(t)
		text := ddl.Show("t", want)
		st, err := parse(text)
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		if got := st.(*ddl.CreateTable).Schema; !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\ngot  %+v\nwant %+v", text, got, want)
		}
	})
}

// nameGen draws names with backquotes, blanks and letters outside ASCII.
func nameGen() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("abcXYZ_09$, `\"'é漢")), 1, 12, -1)
}

func typeGen(t *rapid.T, key bool) store.Type {
	kinds := []store.Kind{store.Boolean, store.TinyInt, store.SmallInt, store.Int, store.BigInt, store.LargeInt, store.Date, store.DateTime,
		store.Char, store.Varchar, store.Decimal}
	if !key {
		kinds = append(kinds, store.Float, store.Double, store.Binary, store.JSON, store.Array, store.Map, store.Struct)
	}
	typ := store.Type{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch typ.Kind {
	case store.Char:
		typ.Length = rapid.IntRange(1, store.MaxChar).Draw(t, "length")
	case store.Varchar, store.Binary:
		typ.Length = rapid.IntRange(1, store.MaxVarchar).Draw(t, "length")
	case store.Decimal:
		typ.Precision = rapid.IntRange(1, 38).Draw(t, "precision")
		typ.Scale = rapid.IntRange(0, typ.Precision).Draw(t, "scale")
	case store.Array:
		typ.Text = rapid.SampledFrom([]string{"array<int(11)>", "array<array<varchar(20)>>", "array<decimal(10, 2)>"}).Draw(t, "type")
	case store.Map:
		typ.Text = rapid.SampledFrom([]string{"map<varchar(65533),double>", "map<int(11),array<date>>"}).Draw(t, "type")
	case store.Struct:
		typ.Text = "struct<`a` int(11), `b c` array<datetime>>"
	}
	return typ
}

func schemaGen(t *rapid.T) store.Schema {
	s := store.Schema{Model: rapid.SampledFrom([]store.Model{store.Duplicate, store.Aggregate, store.Unique, store.Primary}).Draw(t, "model")}
	seen := map[string]bool{}
	nKeys := rapid.IntRange(1, 3).Draw(t, "keys")
	for i := range nKeys + rapid.IntRange(0, 4).Draw(t, "values") {
		name := nameGen().Draw(t, "name")
		if folded := strings.ToLower(name); seen[folded] {
			name = fmt.Sprintf("c%d", i)
		}
		seen[strings.ToLower(name)] = true
		c := store.Column{Name: name, Key: i < nKeys, Type: typeGen(t, i < nKeys), Comment: textGen().Draw(t, "comment")}
		c.Nullable = rapid.Bool().Draw(t, "nullable") && !(s.Model == store.Primary && c.Key)
		if s.Model == store.Aggregate && !c.Key {
			c.Agg = rapid.SampledFrom([]string{"MIN", "MAX", "REPLACE", "REPLACE_IF_NOT_NULL"}).Draw(t, "agg")
			c.Nullable = c.Nullable || c.Agg == "REPLACE_IF_NOT_NULL"
		}
		switch c.Type.Kind {
		case store.Varchar:
			if d := textGen().Draw(t, "default"); d != "" && len(d) <= c.Type.Length {
				c.Default = &d
			} else if call := store.UUID; rapid.Bool().Draw(t, "uuid") {
				c.Default, c.DefaultCall = &call, true
			}
		case store.DateTime:
			if now := "CURRENT_TIMESTAMP"; rapid.Bool().Draw(t, "now") {
				c.Default = &now
			}
		}
		if c.Key {
			s.Keys = append(s.Keys, name)
		}
		s.Columns = append(s.Columns, c)
	}
	if s.Model != store.Duplicate || rapid.Bool().Draw(t, "hashed") {
		s.DistributedBy = append(s.DistributedBy, s.Keys[0])
	}
	s.Buckets = rapid.IntRange(0, 64).Draw(t, "buckets")
	s.Comment = textGen().Draw(t, "comment")
	if rapid.Bool().Draw(t, "properties") {
		s.Properties = map[string]string{"replication_num": "1", textGen().Draw(t, "k") + "x": textGen().Draw(t, "v")}
	}
	if rapid.Bool().Draw(t, "sorted") {
		if s.Properties == nil {
			s.Properties = map[string]string{}
		}
		s.Properties[ddl.SortKeyProperty] = s.Columns[len(s.Columns)-1].Name + "\x00" + s.Columns[0].Name
		if len(s.Columns) == 1 {
			s.Properties[ddl.SortKeyProperty] = s.Columns[0].Name
		}
		if last := s.Columns[len(s.Columns)-1].Type.Kind; s.Model == store.Unique || s.Model == store.Aggregate {
			slices.Reverse(s.Keys)
			s.Properties[ddl.SortKeyProperty] = strings.Join(s.Keys, "\x00")
			slices.Reverse(s.Keys)
		} else if !slices.Contains([]store.Kind{store.Varchar, store.Int, store.DateTime}, last) {
			s.Properties[ddl.SortKeyProperty] = s.Columns[0].Name
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "indexes") {
		x := store.Index{Name: fmt.Sprintf("%s%d", indexNameGen().Draw(t, "index"), i), Column: rapid.SampledFrom(s.Columns).Draw(t, "indexed").Name,
			Kind: rapid.SampledFrom([]string{"BITMAP", "GIN", "NGRAMBF", "VECTOR"}).Draw(t, "index kind"), Comment: textGen().Draw(t, "comment")}
		if x.Kind != "BITMAP" && rapid.Bool().Draw(t, "index properties") {
			x.Properties = map[string]string{"a": textGen().Draw(t, "v"), textGen().Draw(t, "k") + "x": ""}
		}
		s.Indexes = append(s.Indexes, x)
	}
	if s.Model != store.Aggregate && rapid.Bool().Draw(t, "generated") {
		s.Columns = append(s.Columns, store.Column{Name: "generated", Type: store.Type{Kind: store.BigInt}, Nullable: true, Comment: textGen().Draw(t, "comment"),
			Generated: &store.Generation{Expression: "if(`a b` > 1, length(concat(k, ', x)', \"\\\"\")), [1, 2][1])", Mentions: []string{"a b", "k"}}})
	}
	return s
}

// indexNameGen draws names that need no quotes, and some that do.
func indexNameGen() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("abZ_9 `é漢")), 1, 12, -1)
}

// textGen draws what a string literal must survive.
func textGen() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("ab \\\"'`\n\t\r\x00%_é漢;--")), 0, 10, -1)
}

// FuzzParse: whatever the text, the parser ends with a statement or an error that
// names a place; what it accepts, it accepts again as SHOW CREATE TABLE writes it.
func FuzzParse(f *testing.F) {
	f.Add("CREATE TABLE t (k INT NOT NULL, v VARCHAR(8)) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 2 PROPERTIES (\"a\" = \"b\")")
	f.Add("CREATE TABLE t (k INT, d DATE) PARTITION BY RANGE(d, k) (PARTITION p VALUES LESS THAN (\"2024-01-01\", MAXVALUE), PARTITION `a b` VALUES [('x'), (-2)))")
	f.Add("CREATE TABLE t (k INT, d DATE) PARTITION BY LIST(k, d) (PARTITION p VALUES IN ((1, NULL), (2, '\\\"')))")
	f.Add("CREATE TABLE t (`d d` DATETIME, k INT) PARTITION BY time_slice(`d d`, INTERVAL 3 MONTH) (START (\"2024-01-01\") END (\"2024-02-01\") EVERY (INTERVAL 1 WEEK))")
	f.Add("ALTER TABLE d.t ADD COLUMN x INT DEFAULT \"1\" AFTER k, DROP COLUMN y")
	f.Add("ALTER TABLE t REPLACE PARTITION (p) WITH TEMPORARY PARTITION (q) PROPERTIES (\"strict_range\" = \"false\")")
	for _, statement := range corpus(f) {
		f.Add(statement)
	}
	f.Fuzz(func(t *testing.T, src string) {
		st, err := parse(src)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without text")
			}
			return
		}
		c, ok := st.(*ddl.CreateTable)
		if !ok {
			return
		}
		for _, col := range c.Schema.Columns {
			if !utf8.ValidString(col.Name) || strings.ContainsFunc(col.Name, unicode.IsControl) {
				t.Fatalf("accepted the column name %q", col.Name)
			}
		}
		text := ddl.Show(c.Name, c.Schema)
		again, err := parse(text)
		if err != nil {
			t.Fatalf("%q\nshown as\n%s\n%v", src, text, err)
		}
		if got := again.(*ddl.CreateTable).Schema; !reflect.DeepEqual(got, c.Schema) {
			t.Fatalf("%s\ngot  %+v\nwant %+v", text, got, c.Schema)
		}
	})
}

// corpus lists the statements of the golden files of this package and of the MySQL
// port that define something.
func corpus(f *testing.F) []string {
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("../testdata/golden/*.golden")
	if err != nil {
		f.Fatal(err)
	}
	var list []string
	for _, file := range append(files, more...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range strings.Split(string(raw), "\n====\n") {
			statement, _, _ := strings.Cut(c, "\n----\n")
			if upper := strings.ToUpper(statement); strings.Contains(upper, "CREATE ") || strings.Contains(upper, "ALTER TABLE") {
				list = append(list, statement)
			}
		}
	}
	if len(list) < 100 {
		f.Fatalf("only %d statements in %q and %q", len(list), files, more)
	}
	return list
}
