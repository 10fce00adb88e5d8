package ingest

import (
	"fmt"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/store"
)

// plan resolves the request against the table, in the order of the real planner:
// where fields go, and a batch to put the rows in.
func (q *Request) plan(t *store.Table) (*rowSink, error) {
	schema := t.Schema()
	if err := q.checkModel(&schema); err != nil {
		return nil, err
	}
	m, err := q.mapColumns(&schema)
	if err != nil {
		return nil, err
	}
	b := t.NewBatchFor(schema, m.columns)
	s := &rowSink{q: q, batch: b, mapping: m, strict: q.strict}
	if m.computed, err = q.compute(&schema, m); err != nil {
		return nil, err
	}
	switch {
	case q.partial && q.byColumn:
		b.SetPartialUpdateColumns()
	case q.partial:
		b.SetPartialUpdate()
	}
	if q.negative {
		if err := b.SetNegative(); err != nil {
			return nil, err
		}
	}
	if q.partitions != nil {
		if err := b.SetPartitions(q.partitions, q.temporary); err != nil {
			return nil, err
		}
	}
	if q.merge == "" {
		return s, nil
	}
	return s, q.setMerge(t, b, m, &schema)
}

func (q *Request) checkModel(schema *store.Schema) error {
	primary := schema.Model == store.Primary
	switch {
	case q.negative && primary:
		return inWords("Primary key table does not support negative load")
	case q.partial && !primary:
		return inWords("Only primary key table support partial update")
	}
	named := map[string]bool{}
	for _, it := range q.columns {
		named[strings.ToLower(it.name)] = true
	}
	for i := range schema.Columns {
		c := &schema.Columns[i]
		switch {
		case q.partial && c.Key && !named[strings.ToLower(c.Name)]:
			return fmt.Errorf("key column %s not in partial update columns", c.Name)
		case q.negative && !c.Key && c.Agg != "SUM":
			// Spelled as the server spells it.
			return inWords("Column is not SUM AggreateType. column:%s", c.Name)
		}
	}
	return nil
}

func (q *Request) setMerge(t *store.Table, b *store.Batch, m *mapping, schema *store.Schema) error {
	if schema.Model != store.Primary {
		return inWords("Conditional update only support primary key table %s", t.Name())
	}
	// The combination came with 3.1.3.
	if q.partial && !q.options.Release.AtLeastPatch(3, 1, 3) {
		return inWords("Conditional update does not support partial update before StarRocks 3.1.3")
	}
	at := schema.Index(q.merge)
	given := at >= 0 && !q.partial
	for _, c := range m.columns {
		given = given || c == at
	}
	if at < 0 || !given {
		return inWords("Merge condition column %s does not exist. If you are doing partial update with condition update, please check condition column is in the given update columns. Otherwise please check condition column is in table %s", q.merge, t.Name())
	}
	if schema.Columns[at].Key {
		return inWords("Merge condition column %s should not be primary key!", q.merge)
	}
	switch schema.Columns[at].Type.Kind {
	case store.Char, store.Varchar, store.Binary, store.JSON, store.Bitmap, store.HLL, store.Percentile:
		return inWords("Merge condition column has invalid type maybe bitmap/hll/percentile/json/varchar!")
	}
	for _, c := range m.columns {
		if c == at {
			b.SetMergeCondition(at)
			return nil
		}
	}
	return fmt.Errorf("merge_condition: the column %s is in the table but not in the columns of the load, which this stand-in needs", q.merge)
}
