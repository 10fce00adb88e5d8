package ingest

import (
	"slices"
	"testing"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func TestSplitColumns(t *testing.T) {
	for text, want := range map[string][]item{
		"a":                        {{"a", ""}},
		" a , `b c` ,c":            {{"a", ""}, {"b c", ""}, {"c", ""}},
		"a,b=f(a, 'x,y'), c = 'z'": {{"a", ""}, {"b", "f(a, 'x,y')"}, {"c", "'z'"}},
		"`a`=`b`":                  {{"a", "`b`"}},
		"a=if(b=1,',',\"\\\",\")":  {{"a", "if(b=1,',',\"\\\",\")"}},
		"a='it''s, ok',b":          {{"a", "'it''s, ok'"}, {"b", ""}},
		"a=[1,2],b":                {{"a", "[1,2]"}, {"b", ""}},
		"größe,名":                  {{"größe", ""}, {"名", ""}},
		"1a":                       {{"1a", ""}},
	} {
		if got, err := splitColumns(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q gives %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ",", "a,", "a b", "a=", "a=,b", "a=f(b", "a=b)", "`a", "``", "a='x", "a;b", "=1"} {
		if got, err := splitColumns(text); err == nil {
			t.Errorf("%q was taken as %q", text, got)
		}
	}
}

func TestReferences(t *testing.T) {
	for expr, want := range map[string][]string{
		"a":                                      {"a"},
		"upper(b) + 1e5":                         {"b"},
		"case `when` when 'D' then 1 else 0 end": {"case", "when", "when", "then", "else", "end"},
		"date_trunc ('day', d)":                  {"d"},
		"\"text\" || `b``c`":                     {"b`c"},
		"0x1f + x1":                              {"x1"},
		"'unclosed":                              nil,
	} {
		if got := references(expr); !slices.Equal(got, want) {
			t.Errorf("%q refers to %q", expr, got)
		}
	}
}

func TestColumnsHeader(t *testing.T) {
	dup := table(t, store.Duplicate, "k int", "v varchar(8) null", "n int default 7")
	for _, s := range []scenario{
		{name: "order", headers: []string{"columns: n,k,v"}, body: "5\t1\ta\n", want: "1|a|5"},
		{name: "default", headers: []string{"columns: k,v"}, body: "1\ta\n", want: "1|a|7"},
		{name: "extra field", headers: []string{"columns: k,tmp,v"}, body: "1\tx\ta\n", want: "1|a|7"},
		{name: "case of names", headers: []string{"columns: `K`,V"}, body: "1\ta\n", want: "1|a|7"},
		{name: "duplicate", headers: []string{"columns: k,v,K"}, fails: "Duplicate column: K"},
		{name: "duplicate mapping", headers: []string{"columns: a,k=a,k=a"}, fails: "Duplicate column mapping: k"},
		{name: "not in table", headers: []string{"columns: a,zz=a"}, fails: "Mapping column is not in table. column: zz"},
		{name: "no default", headers: []string{"columns: v"}, fails: "Column has no default value. column: k"},
		{name: "expression fills", headers: []string{"columns: a,k=a+1"}, body: "1\n", want: "2|NULL|7"},
		{name: "syntax", headers: []string{"columns: k v"}, fails: "Getting syntax error at line 1, column 3"},
		{name: "unknown reference", headers: []string{"columns: a,k=a,v=upper(c)"}, fails: "unknown reference column, column=v, reference=c"},
		{name: "aggregate", headers: []string{"columns: a,k=sum(a)"}, fails: "Don't support aggregation function in load expression"},
		{name: "constant", headers: []string{"columns: k,v='api'"}, body: "1\n2\n", want: "1|api|7 ; 2|api|7"},
		{name: "only expressions", headers: []string{"columns: v=upper(v)"}, body: "1\ta\t5\n", want: "1|A|5"},
		{name: "expression over field", headers: []string{"columns: k,v,v=upper(v)"}, body: "1\ta\n", want: "1|A|7"},
		{name: "fields reach expressions as text", headers: []string{"columns: k,tmp,v=tag(k)"}, body: "1\tx\n", want: "1|string|7"},
		{name: "null reaches expressions", headers: []string{"columns: k,tmp,v=tag(tmp)"}, body: "1\t\\N\n", want: "1|<nil>|7"},
		{name: "result does not fit", headers: []string{"columns: k,t,n=t"}, body: "1\tx\n", fails: "too many filtered rows",
			log: "NULL value in non-nullable column 'n'"},
		{name: "result too long", headers: []string{"columns: k,v='123456789'"}, body: "1\n", fails: "too many filtered rows",
			log: "String (length=9) is too long. The max length of 'v' is 8"},
		{name: "fraction of a decimal is cut", headers: []string{"columns: k,n=dec('-3.7')"}, body: "1\n", want: "1|NULL|-3"},
		{name: "text with a fraction is no whole number", headers: []string{"columns: k,n='3.7'"}, body: "1\n", fails: "too many filtered rows", log: "NULL value"},
		{name: "fraction is cut", headers: []string{"columns: k,n=3.7"}, body: "1\n", want: "1|NULL|3"},
		{name: "expression fails", headers: []string{"columns: k,n=fail(k)"}, body: "1\n", fails: "too many filtered rows", log: "the expression failed"},
		{name: "empty text beside an expression", headers: []string{"columns: k,v,n=k", "format: json"}, body: `{"k":1,"v":""}`, want: "1||1"},
		{name: "bytes", headers: []string{"columns: k,v=raw(k)"}, body: "1\n", want: "1|1|7"},
		{name: "out of range", headers: []string{"columns: k,n=99999999999"}, body: "1\n", fails: "too many filtered rows", log: "NULL value"},
	} {
		s.tab = dup
		s.run(t)
	}
}

// Strict mode looks at fields that go to their column as they are, also when an
// expression reads them besides, and never at the results of expressions.
func TestStrictModeAndExpressions(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "i int null", "j int null")
	for _, s := range []scenario{
		{name: "lenient", headers: []string{"columns: k,i,j=i"}, body: "1\tx\n", want: "1|NULL|NULL"},
		{name: "read besides", headers: []string{"columns: k,i,j=i", "strict_mode: true"}, body: "1\tx\n", fails: "too many",
			log: "Value 'x' is out of range. The type of 'i' is int"},
		{name: "plain", headers: []string{"columns: k,i,t,j=t", "strict_mode: true"}, body: "1\tx\t2\n", fails: "too many",
			log: "The field (name = i, pos = 1) is out of range. Type: int(11), Value length: 1, Value: x"},
		{name: "result", headers: []string{"columns: k,t,j=t", "strict_mode: true"}, body: "1\tx\n", want: "1|NULL|NULL"},
		{name: "json", headers: []string{"format: json", "where: k > 0", "strict_mode: true"}, body: `{"k":1,"i":"x"}`, fails: "too many",
			log: "Value is overflow. column=i, value=\"x\""},
	} {
		s.tab = tab
		s.run(t)
	}
}

func TestWhere(t *testing.T) {
	tab := table(t, store.Duplicate, "k int", "v varchar(4) null", "n int default 7", "d decimal(4,1) null")
	for _, s := range []scenario{
		{name: "plain", headers: []string{"columns: k", "where: k > 1"}, body: "1\n2\n3\n", want: "2|NULL|7|NULL ; 3|NULL|7|NULL", left: 1},
		{name: "default of a column", headers: []string{"columns: k", "where: n > 6"}, body: "1\n", want: "1|NULL|7|NULL"},
		{name: "after the mapping", headers: []string{"columns: a,k=a+1", "where: k > 2"}, body: "1\n2\n", want: "3|NULL|7|NULL", left: 1},
		{name: "null is not true", headers: []string{"columns: k,v", "where: v = 'a'"}, body: "1\t\\N\n2\ta\n", want: "2|a|7|NULL", left: 1},
		{name: "typed values", headers: []string{"columns: k,n", "where: tag(n) = 'int64'"}, body: "1\t5\n", want: "1|NULL|5|NULL"},
		{name: "all left out", headers: []string{"columns: k", "where: k > 9"}, body: "1\n", fails: "No rows were imported"},
		{name: "temporary name", headers: []string{"columns: k,tmp", "where: tmp > 1"}, fails: "unknown column in where statement. the column 'tmp' in where clause must be in the target table."},
		{name: "no predicate", headers: []string{"columns: k,v", "where: k"}, fails: "where statement is not a valid statement return bool"},
		{name: "before the checks of the table", headers: []string{"columns: k,v", "where: k > 1"}, body: "1\ttoo long\n2\ta\n", want: "2|a|7|NULL", left: 1},
		{name: "before nulls are refused", headers: []string{"columns: k,n", "where: k > 1"}, body: "1\t\\N\n2\t5\n", want: "2|NULL|5|NULL", left: 1},
		{name: "too long is text to it", headers: []string{"columns: k,v", "where: v = 'too long'"}, body: "1\ttoo long\n", fails: "too many filtered rows",
			log: "String (length=8) is too long. The max length of 'v' is 4"},
		{name: "too large a decimal", headers: []string{"columns: k,d", "where: k > 0"}, body: "1\t12345\n", fails: "too many filtered rows",
			log: "Decimal '12345' is out of range. The type of 'd' is DECIMAL(4,1)"},
		{name: "after conversion in strict mode", headers: []string{"columns: k,n", "where: k > 1", "strict_mode: true", "max_filter_ratio: 1"},
			body: "1\tx\n2\t5\n", want: "2|NULL|5|NULL", log: "The field (name = n"},
		{name: "ratio without the unselected", headers: []string{"columns: k", "where: k > 1", "strict_mode: true", "max_filter_ratio: 0.4"},
			body: "1\n1\n2\nx\n", fails: "too many filtered rows"},
		{name: "json", headers: []string{"format: json", "columns: k", "where: k > 1"}, body: `{"k":1}{"k":2}`, want: "2|NULL|7|NULL", left: 1},
		{name: "json key twice", headers: []string{"format: json", "columns: k", "where: k > 0"}, body: `{"k":1,"k":2}`, want: "1|NULL|7|NULL"},
		{name: "json whole part", headers: []string{"format: json", "columns: k,v", "where: k > 0"}, body: `{"k":1.9,"v":true}`, want: "1|1|7|NULL"},
	} {
		s.tab = tab
		s.run(t)
	}
}

func TestOperations(t *testing.T) {
	tab := table(t, store.Primary, "k int", "v varchar(8) null")
	for _, s := range []scenario{
		{name: "field", headers: []string{"columns: k,v,__op"}, body: "1\ta\t0\n2\tb\t0\n1\t\\N\t1\n", want: "2|b"},
		{name: "constant word", headers: []string{"columns: k,v,__op='UPSERT'"}, body: "1\ta\n", want: "1|a"},
		{name: "constant number", headers: []string{"columns: k,v,__op = 1"}, body: "1\ta\n", want: ""},
		{name: "only the constant", headers: []string{"columns: __op='upsert'"}, body: "1\ta\n", want: "1|a"},
		{name: "unknown word", headers: []string{"columns: k,v,__op='drop'"}, fails: "load op type string not supported: drop"},
		{name: "wrong number", headers: []string{"columns: k,v,__op=2.5"}, fails: "const load op type column should only be upsert(0)/delete(1)"},
		{name: "expression", headers: []string{"columns: k,v,op,__op=if(op='D',1,0)"}, body: "1\ta\tI\n2\tb\tI\n2\t\\N\tD\n", want: "1|a"},
		{name: "expression gives no operation", headers: []string{"columns: k,v,op,__op=op"}, body: "1\ta\tx\n", fails: "too many filtered rows",
			log: "Value 'x' is out of range. The type of '__op' is TINYINT"},
		{name: "field is no operation", headers: []string{"columns: k,v,__op"}, body: "1\ta\t2\n", fails: "too many filtered rows", log: "Value '2' is out of range"},
		{name: "json", headers: []string{"format: json"}, body: `{"k":1,"v":"a"}{"k":2,"v":"b","__op":0}{"k":1,"__op":1}`, want: "2|b"},
		{name: "json path", headers: []string{"format: json", `jsonpaths: ["$.k","$.o"]`, "columns: k,__op"}, body: `{"k":1}{"k":2,"o":0}{"k":1,"o":1}`, want: "2|NULL"},
		{name: "json expression", headers: []string{"format: json", "columns: k,v,o,__op=if(o='d',1,0)"}, body: `{"k":1,"v":"a","o":"u"}{"k":1,"o":"d"}{"k":2,"o":"u"}`, want: "2|NULL"},
	} {
		s.tab = tab
		s.run(t)
	}
	dup := table(t, store.Duplicate, "k int")
	scenario{name: "not a primary key table", tab: dup, headers: []string{"columns: k,__op"}, fails: "Unknown column '__op'"}.run(t)
}

func TestPartialAndConditionalUpdate(t *testing.T) {
	tab := table(t, store.Primary, "k int", "v varchar(8) null", "n int default 7", "s varchar(9) null")
	dup := table(t, store.Duplicate, "k int", "v varchar(8) null")
	for _, s := range []scenario{
		{name: "new row", headers: []string{"columns: k,v", "partial_update: true"}, body: "1\ta\n", want: "1|a|7|NULL"},
		{name: "without columns", headers: []string{"partial_update: true"}, fails: "key column k not in partial update columns"},
		{name: "without key", headers: []string{"columns: v", "partial_update: TRUE"}, fails: "key column k not in partial update columns"},
		{name: "not primary", tab: dup, headers: []string{"columns: k", "partial_update: true"}, fails: "Only primary key table support partial update"},
		{name: "unknown mode is row", headers: []string{"columns: k,v", "partial_update: true", "partial_update_mode: COLUMN"}, body: "1\ta\n", want: "1|a|7|NULL"},
		{name: "where sees the columns of the load", headers: []string{"columns: k,v", "partial_update: true", "where: n > 1"}, fails: "the column 'n' in where clause must be"},
		{name: "condition", headers: []string{"merge_condition: n"}, body: "1\ta\t5\t\\N\n1\tb\t4\t\\N\n1\tc\t5\t\\N\n", want: "1|c|5|NULL"},
		{name: "condition not applied to deletes", headers: []string{"merge_condition: n", "columns: k,v,n,s,__op"}, body: "1\ta\t5\t\\N\t0\n1\tb\t4\t\\N\t1\n2\ta\t1\t\\N\t0\n", want: "2|a|1|NULL"},
		{name: "condition on a key", headers: []string{"merge_condition: k"}, fails: "Merge condition column k should not be primary key!"},
		{name: "condition on text", headers: []string{"merge_condition: s"}, fails: "Merge condition column has invalid type"},
		{name: "condition unknown", headers: []string{"merge_condition: x"}, fails: "Merge condition column x does not exist"},
		{name: "condition not written", headers: []string{"merge_condition: n", "partial_update: true", "columns: k,v"}, fails: "Merge condition column n does not exist"},
		{name: "condition with partial update", headers: []string{"merge_condition: n", "partial_update: true", "columns: k,n"}, body: "1\t5\n1\t4\n", want: "1|NULL|5|NULL"},
		{name: "not before 3.1.3", release: "3.1.2", headers: []string{"merge_condition: n", "partial_update: true", "columns: k,n"}, fails: "3.1.3"},
		{name: "condition needs a primary key", tab: dup, headers: []string{"merge_condition: v"}, fails: "Conditional update only support primary key table t"},
	} {
		if s.tab == nil {
			s.tab = tab
		}
		s.run(t)
	}
}
