package sqlread_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sqlread"
)

// two answers for the tables d.t and d.u, which may differ.
func two(t, u func(string) result) func(string) result {
	return func(query string) result {
		if strings.Contains(query, "'u'") || strings.Contains(query, "`u`") {
			return u(query)
		}
		return t(query)
	}
}

func TestTablesOfOneShape(t *testing.T) {
	id, text, sum := wire{name: "id", typ: tLong}, wire{name: "s", typ: tVarString}, wire{name: "id + 1", typ: tLong}
	plain := table([]wire{id, text}, []string{"int", "varchar(10)"})
	for name, c := range map[string]struct {
		column       string
		first, other func(string) result
		want         []string // of the fault; nil: none
	}{
		"longer texts":            {`["*"]`, plain, table([]wire{{name: "ID", typ: tLong}, text}, []string{"int(11)", "varchar(20)"}), nil},
		"another type":            {`["*"]`, plain, table([]wire{id, {name: "s", typ: tLong}}, []string{"int", "int"}), []string{"column 2", "s varchar(10) in d.t", "s int in d.u"}},
		"another scale":           {`["id"]`, table([]wire{id}, []string{"decimal(9,2)"}), table([]wire{id}, []string{"decimal(9,3)"}), []string{"column 1"}},
		"another order":           {`["*"]`, plain, table([]wire{text, id}, []string{"varchar(10)", "int"}), []string{"column 1"}},
		"one more":                {`["*"]`, plain, table([]wire{id, text, sum}, []string{"int", "varchar(10)", "int"}), []string{"d.t has 2 columns, d.u has 3"}},
		"one more, not asked for": {`["id", "s", "id + 1"]`, table([]wire{id, text, sum}, []string{"int", "text", "int"}), table([]wire{id, text, sum, sum}, []string{"int", "text", "int", "int"}), nil},
		"one less":                {`["s"]`, table([]wire{text}, []string{"text"}), table([]wire{id}, []string{"int"}), []string{"d.u has no column s"}},
	} {
		_, _, err := opened(t, mysqlReader, newFake(t, two(c.first, c.other)), 1, `, "table": ["t", "u"], "column": `+c.column)
		if (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range c.want {
			if err != nil && (!strings.Contains(err.Error(), w) || protocol.AsFault(err).Code != sdk.Config) {
				t.Errorf("%s: %v\nwant %s", name, err, w)
			}
		}
	}
}

// A batch has no two columns of one name; a key that cannot cut is said.
func TestNamesAndNotes(t *testing.T) {
	f := newFake(t, table([]wire{{name: "x", typ: tDouble}, {name: "x", typ: tDouble}, {name: "x_2", typ: tDouble}}, []string{"double", "double", "double"}))
	_, o, err := opened(t, mysqlReader, f, 4, `, "table": "t", "column": ["x", "X", "x + 1 AS x_2"], "splitPk": "x"`)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.Columns, []string{"x", "x_2", "x_2_2"}) {
		t.Errorf("columns %q", o.Columns)
	}
	if len(o.Notes) != 2 || !strings.Contains(o.Notes[0], "splitPk x is of type double, which cannot cut d.t") {
		t.Errorf("notes %q", o.Notes)
	}
}

func TestStreamingIsRefused(t *testing.T) {
	r := mysqlReader.Reader.New()
	v, _ := options.Parse([]byte(`{` + place + `, "table": "t", "column": ["*"]}`))
	if problems := options.Decode(v, "", r.Config()); options.Failed(problems) {
		t.Fatal(problems)
	}
	if _, err := r.Open(t.Context(), sdk.OpenInfo{Streaming: true}); protocol.AsFault(err) == nil || protocol.AsFault(err).Code != sdk.Config {
		t.Errorf("%v", err)
	}
}

func TestCheckLive(t *testing.T) {
	f := newFake(t, table(oneColumn, integers))
	r, _, err := opened(t, starrocksReader, f, 1, `, "table": "t", "column": ["id"]`)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.CheckLive(t.Context()); got != nil {
		t.Errorf("%v", got)
	}
	f.answer = table(nil, nil)
	if got := r.CheckLive(t.Context()); len(got) != 1 || got[0].Path != "table" || got[0].Code != string(sdk.NotFound) {
		t.Errorf("%v", got)
	}
}

func TestPositions(t *testing.T) {
	r := sqlread.New(nil, nil)
	if lost, err := r.Commit(t.Context(), []sdk.ShardPosition{{Shard: "s", Position: []byte("end")}, {Shard: "u", Position: []byte("begin")}}); err != nil || lost != nil {
		t.Errorf("%q, %v", lost, err)
	}
	if _, err := r.Commit(t.Context(), []sdk.ShardPosition{{Shard: "s", Position: []byte("7")}}); protocol.AsFault(err) == nil {
		t.Errorf("%v", err)
	}
}
