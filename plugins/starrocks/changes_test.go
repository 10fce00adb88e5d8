package starrocks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// keyOf marks the key of a Primary Key table.
func keyOf(model string) string {
	if model == "PRI_KEYS" {
		return " PRI"
	}
	return ""
}

// What the writer tells a reader of change data.
func TestOpenSaysWhatBecomesOfOperations(t *testing.T) {
	f := newFakeCluster(t)
	const applied, none, unknown = v1.Operations_OPERATIONS_APPLIED, v1.Operations_OPERATIONS_UNSPECIFIED, v1.Operations_OPERATIONS_UNKNOWN
	for _, tc := range []struct {
		name, model, more string
		operations        v1.Operations
		why, keys, types  string
		fault             string
	}{
		{name: "primary", model: "PRI_KEYS", operations: applied, keys: "id", types: "bigint,datetime"},
		{name: "columns in another order", model: "PRI_KEYS", more: `"column":["at","ID"]`, operations: applied, keys: "id", types: "datetime,bigint"},
		{name: "a key that no row fills", model: "PRI_KEYS", more: `"column":["at"]`, operations: applied, keys: "id", types: "datetime"},
		{name: "with __op", model: "PRI_KEYS", more: `"column":["id","__op"]`, operations: applied, keys: "id", types: "bigint,"},
		{name: "duplicates", model: "DUP_KEYS", operations: none, why: "table d.t is DUPLICATE KEY", types: "bigint,datetime"},
		{name: "columns without __op", model: "PRI_KEYS", more: `"loadProps":{"columns":"id,at"}`, operations: none, why: "loadProps.columns does not list __op", keys: "id", types: "bigint,datetime"},
		{name: "columns with __op", model: "PRI_KEYS", more: `"loadProps":{"columns":"id,at,__op"}`, operations: applied, keys: "id", types: "bigint,datetime,"},
		{name: "columns that make __op", model: "PRI_KEYS", more: `"loadProps":{"columns":"id,at,__op=0"}`, operations: none, why: "loadProps.columns sets __op by itself", keys: "id", types: "bigint,datetime"},
		{name: "the same model", model: "PRI_KEYS", more: `"tableModel":"primary"`, operations: applied, keys: "id", types: "bigint,datetime"},
		{name: "another model", model: "DUP_KEYS", more: `"tableModel":"primary"`, fault: "tableModel: tableModel is primary, and table d.t is DUPLICATE KEY"},
		{name: "unasked", operations: unknown, why: "the model of table d.t is not known: give jdbcUrl, or tableModel"},
		{name: "unasked, said", more: `"tableModel":"primary"`, operations: applied},
		{name: "unasked, said otherwise", more: `"tableModel":"duplicate"`, operations: none, why: "table d.t is DUPLICATE KEY"},
		{name: "unasked, with __op", more: `"column":["id","__op"]`, operations: applied},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := params(f, tc.more)
			if tc.model != "" {
				p = withSQL(f, newFakeSQL(t, tableResults(tc.model, "id bigint"+keyOf(tc.model), "at datetime")), tc.more)
			}
			s := newSession(t)
			r, err := s.open(p, 64<<20)
			if tc.fault != "" {
				if fault := protocol.AsFault(err); fault == nil || fault.Code != protocol.Config || !strings.HasPrefix(fault.Error(), tc.fault) {
					t.Fatalf("%+v", fault)
				}
				return
			}
			if err != nil {
				t.Fatalf("%+v", protocol.AsFault(err))
			}
			got := fmt.Sprint(r.Self.Operations, r.Self.NoOperations, strings.Join(r.Self.Keys, ","), strings.Join(r.Self.ColumnTypes, ","))
			if want := fmt.Sprint(tc.operations, tc.why, tc.keys, tc.types); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestSeveralTablesTakeOperations(t *testing.T) {
	f := newFakeCluster(t)
	several := func(more string) string {
		return strings.Replace(params(f, more), `"table":"t"`, `"labelPrefix":"x"`, 1)
	}
	for more, want := range map[string]v1.Operations{
		``: v1.Operations_OPERATIONS_APPLIED, `"tableModel":"primary"`: v1.Operations_OPERATIONS_APPLIED,
		`"tableModel":"unique"`: v1.Operations_OPERATIONS_UNSPECIFIED,
	} {
		s := newSession(t)
		if r := s.mustOpen(several(more), 64<<20); r.Self.Operations != want || !r.Self.WantsDestination {
			t.Errorf("%s: %v", more, r.Self)
		}
	}
}

// changeDocuments is a batch of documents with operations.
func changeDocuments(docs ...string) arrow.RecordBatch {
	return array.NewRecordBatch(rows.ChangeSchema, documents(docs...).Columns(), int64(len(docs)))
}

// A document's __op must not get lost on the way: StarRocks would take a delete for an upsert.
func TestDocumentsWithOperations(t *testing.T) {
	for _, tc := range []struct{ name, model, more, columns, fault string }{
		{"all columns", "PRI_KEYS", ``, "", ""},
		{"named columns", "PRI_KEYS", `"column":["id"]`, "`id`,__op", ""},
		{"named columns with __op", "PRI_KEYS", `"column":["id","__op"]`, "`id`,__op", ""},
		{"duplicates", "DUP_KEYS", ``, "", "table: the rows say in __op whether they are an upsert (0) or a delete (1), and table d.t is DUPLICATE KEY, which cannot delete"},
		{"columns without it", "PRI_KEYS", `"loadProps":{"columns":"id"}`, "", "loadProps.columns: the rows say in __op"},
		{"columns with it", "PRI_KEYS", `"loadProps":{"columns":"id,__op"}`, "id,__op", ""},
		{"partial update without it", "PRI_KEYS", `"column":["id"],"loadProps":{"partial_update":true}`, "", "column: the rows say in __op"},
		{"partial update with it", "PRI_KEYS", `"column":["id","__op"],"loadProps":{"partial_update":true}`, "`id`,__op", ""},
		{"columns that make it", "PRI_KEYS", `"loadProps":{"columns":"id,__op=1"}`, "id,__op=1", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFakeCluster(t)
			f.answer = func(l fakeLoad) string { return success(l.label, 1, 0, 0) }
			q := newFakeSQL(t, tableResults(tc.model, "id int"+keyOf(tc.model), "city"))
			s := newSession(t)
			s.mustOpen(withSQL(f, q, tc.more), 64<<20)
			st := s.lane("0")
			st.send(1, "", changeDocuments(`{"id":1,"__op":1}`))
			err := st.finish()
			if tc.fault != "" {
				if fault := protocol.AsFault(err); fault == nil || fault.Code != protocol.Config || !strings.HasPrefix(fault.Error(), tc.fault) || fault.Try == "" {
					t.Fatalf("%+v", fault)
				}
				return
			}
			if err != nil {
				t.Fatalf("%+v", protocol.AsFault(err))
			}
			if loads := f.seen(); len(loads) != 1 || string(loads[0].body) != `[{"id":1,"__op":1}]` || loads[0].header.Get("columns") != tc.columns {
				t.Errorf("%v", loads)
			}
		})
	}
}
