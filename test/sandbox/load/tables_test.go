package load

import (
	"io"

	"github.com/gx-etl/gx/test/sandbox/store"
)

func (b *bench) nullableInt(name string) {
	b.t.Helper()
	b.table(name, store.Schema{Columns: []store.Column{
		{Name: "k", Type: store.Type{Kind: store.Int}},
		{Name: "i", Type: store.Type{Kind: store.Int}, Nullable: true},
	}})
}

func textSchema() store.Schema {
	return store.Schema{Columns: []store.Column{
		{Name: "k", Type: store.Type{Kind: store.Int}},
		{Name: "s", Type: store.Type{Kind: store.Varchar, Length: 100}, Nullable: true},
	}}
}

func (b *bench) text(name string) {
	b.t.Helper()
	b.table(name, textSchema())
}

func (b *bench) keyed(name string, model store.Model, aggs ...string) {
	b.t.Helper()
	s := store.Schema{Columns: conformanceColumns(), Model: model, Keys: []string{"k"}}
	for i, agg := range aggs {
		s.Columns[i+1].Agg = agg
	}
	b.table(name, s)
}

// oddPieces hands data out in pieces of changing odd lengths.
type oddPieces struct {
	data []byte
	n    int
}

func (r *oddPieces) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	r.n = (r.n*7 + 13) % 4093
	n := copy(p[:min(len(p), 1+r.n)], r.data)
	r.data = r.data[n:]
	return n, nil
}
