package starrocks

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sdk/rows"
)

// partial lets the documents of a batch join loads by their sets of columns.
func (l *lane) partial(ctx context.Context, in *intake, a *arrival, rec arrow.RecordBatch) (dirty []sdk.Dirty, err error) {
	for row := range int(rec.NumRows()) {
		reason := l.badDocument(a.docs, row)
		key, sure := uint64(0), false
		if reason == "" {
			key, sure, reason = in.sets.read(a.docs, row)
		}
		if reason != "" {
			dirty = append(dirty, sdk.Dirty{Sequence: a.sequence, Row: row, Reason: reason, Record: a.docs.Bytes(row)})
			continue
		}
		own, err := l.intakeOfSet(ctx, in)
		if err != nil {
			return nil, err
		}
		if err := l.keepOrder(ctx, in, own, key, sure); err != nil {
			return nil, err
		}
		for next := row; next == row; { // the load before may have been full
			if next, err = l.join(ctx, own, a, row, row+1); err != nil {
				return nil, err
			}
		}
		in.sets.settle(key, sure, own)
	}
	return dirty, nil
}

// intakeOfSet is where documents with the columns of the one at hand gather.
func (l *lane) intakeOfSet(ctx context.Context, in *intake) (*intake, error) {
	own := in.bySet[string(in.sets.set)]
	if own == nil {
		if len(in.bySet) >= mostSets {
			if err := l.forgetSets(ctx, in); err != nil {
				return nil, err
			}
		}
		own = &intake{target: in.target, schema: in.schema, form: in.main}
		var names []string
		for i, name := range in.sets.names {
			if in.sets.holds(i) {
				names = append(names, name)
			}
		}
		own.header = in.main.header.Clone()
		own.header["columns"] = []string{columnsHeader(names)}
		in.bySet[string(in.sets.set)] = own
		l.places = append(l.places, own)
	}
	return own, nil
}

// forgetSets drops the sets that gather nothing, and when all do, the one that has done so for longest.
func (l *lane) forgetSets(ctx context.Context, in *intake) error {
	var oldest *intake
	idle := false
	for _, own := range in.bySet {
		idle = idle || own.load == nil
		if own.load != nil && (oldest == nil || own.load.born.Before(oldest.load.born)) {
			oldest = own
		}
	}
	if !idle {
		if err := l.close(ctx, oldest, whySets); err != nil {
			return err
		}
	}
	for set, own := range in.bySet {
		if own.load == nil {
			delete(in.bySet, set)
			l.places = slices.DeleteFunc(l.places, func(p *intake) bool { return p == own })
		}
	}
	return nil
}

// keepOrder sends on the load that holds an earlier row of the key, or may hold one, when it is another than the row's own.
func (l *lane) keepOrder(ctx context.Context, in, own *intake, key uint64, sure bool) error {
	s := in.sets
	if s.vague.gathers() && s.vague.in != own {
		if err := l.close(ctx, s.vague.in, whyOrder); err != nil {
			return err
		}
	}
	if sure {
		if h := s.homes[key]; h.gathers() && h.in != own {
			return l.close(ctx, h.in, whyOrder)
		}
		return nil
	}
	if !s.known {
		return nil // every load is vague, so there was one at most
	}
	for _, other := range in.bySet {
		if other != own && other.load != nil {
			if err := l.close(ctx, other, whyOrder); err != nil {
				return err
			}
		}
	}
	return nil
}

// unclear finds the columns of a partial update in which a NULL may stand for a member that a document did not have: JSON
// values, but for those of a JSON column.
func (l *lane) unclear(in *intake, rec arrow.RecordBatch) (columns []int) {
	if !l.w.set.props.partial {
		return nil
	}
	for i, f := range rec.Schema().Fields() {
		if rows.IsJSON(f) && rec.Column(i).NullN() > 0 && (i >= len(in.names) || in.target.types[strings.ToLower(in.names[i])] != "json") {
			columns = append(columns, i)
		}
	}
	return columns
}

// lacking is the first of those columns that is NULL in a row; -1: none.
func lacking(rec arrow.RecordBatch, columns []int, row int) int {
	for _, i := range columns {
		if rec.Column(i).IsNull(row) {
			return i
		}
	}
	return -1
}

const lackingReason = "the value is NULL or missing, which rows in columns do not tell apart, and a partial update must not overwrite what is missing; whole documents can be told apart"
