package starrocks

import (
	"context"
	"hash/maphash"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/starrocks/encode"
)

// A partial update names its columns once for a whole load, and a column that is named and missing from a document would be
// overwritten with NULL. So documents go by the set of columns that they hold, each set in loads of its own. Two sets are gathered
// side by side; where a key comes again with another set, the load that holds it goes out first, so that later values win.

// sets tells documents of a destination apart by the columns that they hold.
type sets struct {
	columns map[string]int // of the job, by name
	names   []string       // of the job, in order
	keys    []bool         // by column
	known   bool           // the table's key columns are among the columns
	seed    maphash.Seed
	homes   map[uint64]home // by hash of a key
	crowd   int             // of homes, at which those of loads that are gone are forgotten

	set []byte // a bit for each column of the document at hand
	key maphash.Hash
}

// home is where the row of a key went last.
type home struct {
	in   *intake
	load int // which of the intake's loads
}

func (h home) gathers() bool { return h.in != nil && h.in.load != nil && h.in.loads == h.load }

// mostHomes is how many keys are remembered before those of loads that are gone are looked for.
const mostHomes = 1 << 20

// setsOf is nil when the documents of a target need not be told apart.
func (s *settings) setsOf(t *target, k kind) *sets {
	if !s.props.partial || k != kindDocuments || s.columns == nil || s.props.columns != nil || s.props.pathOfProp["jsonpaths"] != "" || s.props.pathOfProp["json_root"] != "" {
		return nil
	}
	out := &sets{columns: map[string]int{}, names: t.sources, keys: make([]bool, len(t.sources)), seed: maphash.MakeSeed(),
		homes: map[uint64]home{}, crowd: mostHomes, set: make([]byte, (len(t.sources)+7)/8)}
	for i, name := range t.sources {
		out.columns[name] = i
		out.keys[i] = t.keys[strings.ToLower(name)]
	}
	out.known = len(t.keys) > 0
	out.key.SetSeed(out.seed)
	return out
}

// read looks at a document and leaves its set and the hash of its key behind, or says why it cannot update anything.
func (s *sets) read(d *encode.Documents, row int) (key uint64, reason string) {
	clear(s.set)
	s.key.Reset()
	ok := d.Members(row, func(name, value []byte) {
		i, mine := s.columns[string(name)]
		if !mine {
			return
		}
		s.set[i/8] |= 1 << (i % 8)
		if s.keys[i] {
			if n := len(value); n > 1 && value[0] == '"' { // 1 and "1" are one key
				value = value[1 : n-1]
			}
			_, _ = s.key.Write(value)
			_ = s.key.WriteByte(0)
		}
	})
	if !ok {
		return 0, "the document is not a JSON object"
	}
	empty := true
	for i, name := range s.names {
		has := s.holds(i)
		empty = empty && !has
		if s.keys[i] && !has {
			return 0, "the key column " + name + " is missing, without which no row can be updated"
		}
	}
	if empty {
		return 0, "the document holds none of the columns"
	}
	return s.key.Sum64(), ""
}

func (s *sets) holds(i int) bool { return s.set[i/8]&(1<<(i%8)) != 0 }

// partial lets the documents of a batch join loads by their sets of columns.
func (l *lane) partial(ctx context.Context, in *intake, a *arrival, rec arrow.RecordBatch) (dirty []sdk.Dirty, err error) {
	for row := range int(rec.NumRows()) {
		reason := l.badDocument(a.docs, row)
		key := uint64(0)
		if reason == "" {
			key, reason = in.sets.read(a.docs, row)
		}
		if reason != "" {
			dirty = append(dirty, sdk.Dirty{Sequence: a.sequence, Row: row, Reason: reason, Record: a.docs.Bytes(row)})
			continue
		}
		own := l.intakeOfSet(in)
		if err := l.keepOrder(ctx, in, own, key); err != nil {
			return nil, err
		}
		for next := row; next == row; { // the load before may have been full
			if next, err = l.join(ctx, own, a, row, row+1); err != nil {
				return nil, err
			}
		}
		in.sets.settle(key, own)
	}
	return dirty, nil
}

// intakeOfSet is where documents with the columns of the one at hand gather.
func (l *lane) intakeOfSet(in *intake) *intake {
	own := in.bySet[string(in.sets.set)]
	if own == nil {
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
	return own
}

// keepOrder sends on the load that holds an earlier row of the key, when it is another than the row's own. Without the table's
// keys any other load may.
func (l *lane) keepOrder(ctx context.Context, in, own *intake, key uint64) error {
	if !in.sets.known {
		for _, other := range in.bySet {
			if other != own && other.load != nil {
				if err := l.close(ctx, other, whyOrder); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if h := in.sets.homes[key]; h.gathers() && h.in != own {
		return l.close(ctx, h.in, whyOrder)
	}
	return nil
}

// settle notes where a key went. A load that was full is on its way already.
func (s *sets) settle(key uint64, own *intake) {
	if !s.known || own.load == nil {
		return
	}
	if len(s.homes) >= s.crowd {
		for k, h := range s.homes {
			if !h.gathers() {
				delete(s.homes, k)
			}
		}
		s.crowd = max(mostHomes, 2*len(s.homes))
	}
	s.homes[key] = home{own, own.loads}
}
