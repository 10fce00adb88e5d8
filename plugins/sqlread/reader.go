package sqlread

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
	"github.com/gx-etl/gx/plugins/sqlread/cut"
	"github.com/gx-etl/gx/plugins/sqlread/sqltext"
)

// Config is the parameter struct of a dialect's reader: Params, and perhaps more.
type Config interface {
	options.Checker
	Shared() (*Params, Extra)
}

// Reader serves sdk.Reader for one dialect.
type Reader struct {
	dialect *Dialect
	config  Config

	settings settings
	pools    []*pool
	outs     []output
	schema   *arrow.Schema
	keys     map[table]*described // the column that cuts each table
}

// New makes a reader whose parameters go into config.
func New(d *Dialect, config Config) *Reader { return &Reader{dialect: d, config: config} }

// Plugin describes a reader for sdk.Serve.
func Plugin(d *Dialect, version, doc string, config func() Config) sdk.Plugin {
	return sdk.Plugin{Name: d.Plugin, Version: version, Doc: doc, Reader: &sdk.ReaderSpec{
		Doc:          doc,
		Capabilities: []string{protocol.CapBatch, protocol.CapColumns},
		New:          func() sdk.Reader { return New(d, config()) },
	}}
}

// Config serves sdk.Reader.
func (r *Reader) Config() any { return r.config }

// Open serves sdk.Reader: it connects, looks tables and columns up, and decides on the types.
func (r *Reader) Open(ctx context.Context, info sdk.OpenInfo) (opened sdk.Opened, err error) {
	params, extra := r.config.Shared()
	s, problems := params.settle("", r.dialect, extra)
	for _, p := range problems {
		if !p.Warning {
			return opened, sdk.Faultf(sdk.Config, "%s", p.String())
		}
	}
	if info.Streaming {
		return opened, sdk.Faultf(sdk.Config, "tables are read once, and a streaming job has no end").Hint("leave setting.mode out, or read the changes from Kafka")
	}
	r.settings, r.keys = s, make(map[table]*described)
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	for i := range r.settings.sources {
		p, err := newPool(&r.settings, &r.settings.sources[i])
		if err != nil {
			return opened, err
		}
		r.pools = append(r.pools, p)
		if err := r.look(ctx, p); err != nil {
			return opened, err
		}
	}
	r.name()
	for _, o := range r.outs {
		opened.Columns = append(opened.Columns, o.name)
	}
	opened.Self, opened.Frozen = sdk.Peer{Plugin: r.dialect.Plugin}, true
	opened.Notes = r.notes(info.Lanes)
	return opened, nil
}

// look learns what one source gives.
func (r *Reader) look(ctx context.Context, p *pool) error {
	session, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	s := &r.settings
	// Judged against the first table or query of all.
	take := func(t table, outs []output) error {
		if err := readable(outs); err != nil {
			return err
		}
		if r.outs == nil {
			r.outs = outs
			return nil
		}
		return sameShape(s.sources[0].firstTable(), r.outs, t, outs)
	}
	ask := func(query string, outs []output) ([]output, error) {
		limited, cancel := context.WithTimeout(ctx, s.metadata)
		defer cancel()
		return p.probe(limited, session.conn, r.dialect, query, outs)
	}
	for i, q := range p.src.queries {
		outs, err := ask(probeQuery(q), nil)
		if err == nil {
			err = take(table{path: fmt.Sprintf("querySql[%d]", i), name: fmt.Sprintf("query %d", i+1)}, outs)
		}
		if err != nil {
			return err
		}
	}
	for i, t := range p.src.tables {
		limited, cancel := context.WithTimeout(ctx, s.metadata)
		columns, err := p.describe(limited, session.conn, r.dialect, t)
		cancel()
		if err != nil {
			return err
		}
		outs, err := s.outputs(t, columns)
		if err != nil {
			return err
		}
		if err := readable(planned(outs)); err != nil {
			return err
		}
		if i == 0 {
			if outs, err = ask(s.selectFrom(outs, t.quoted(), nothing), outs); err != nil {
				return err
			}
		} else {
			for j := range outs {
				if outs[j].column == "" && j < len(r.outs) {
					outs[j].Type = r.outs[j].Type
				}
			}
		}
		if err := take(t, outs); err != nil {
			return err
		}
		if s.splitPk != "" {
			key := find(columns, s.splitPk)
			if key == nil {
				return unknownColumn("splitPk", s.splitPk, t, columns)
			}
			r.keys[t] = key
		}
	}
	return nil
}

// planned are the outputs whose types are known before the server is asked.
func planned(outs []output) (out []output) {
	for _, o := range outs {
		if o.column != "" {
			out = append(out, o)
		}
	}
	return out
}

func (s *source) firstTable() table {
	if len(s.tables) > 0 {
		return s.tables[0]
	}
	return table{name: "query 1"}
}

// name makes the schema. A name that is there twice gets a number: batches have no two columns of one name.
func (r *Reader) name() {
	seen := map[string]bool{}
	fields := make([]arrow.Field, len(r.outs))
	for i := range r.outs {
		o := &r.outs[i]
		name := o.name
		for n := 2; seen[name]; n++ {
			name = fmt.Sprintf("%s_%d", o.name, n)
		}
		seen[name] = true
		o.name = name
		t := o.Type
		if t.Kind == Bytes && r.settings.binary != binaryRaw {
			t.Kind = Text
		}
		fields[i] = t.field(name)
	}
	r.schema = arrow.NewSchema(fields, nil)
}

func (r *Reader) notes(lanes int) (notes []string) {
	if lanes < 2 {
		return nil
	}
	for _, src := range r.settings.sources {
		for _, t := range src.tables {
			if key := r.keys[t]; key != nil && key.cutKind() == cut.None {
				notes = append(notes, fmt.Sprintf("splitPk %s is of type %s, which cannot cut %s: it is read as one shard", key.name, key.Type.Name, t))
			}
		}
	}
	if r.settings.splitPk != "" || r.settings.SplitBy == SplitTablet {
		notes = append(notes, "each shard is a query of its own: what changes while they run may be seen by some of them and not by others")
	}
	return notes
}

// part is what a shard's descriptor says. It holds all that Read needs beside the job's parameters.
type part struct {
	Source int    `json:"source"`
	SQL    string `json:"sql"`
}

// Split serves sdk.Reader.
func (r *Reader) Split(ctx context.Context, want int) (shards []sdk.Shard, err error) {
	tables := 0
	for _, src := range r.settings.sources {
		tables += len(src.tables)
	}
	each := 1
	if want > 1 && tables > 0 {
		each = max((want*r.settings.factor+tables-1)/tables, 1)
	}
	add := func(source int, name, query string) error {
		if len(r.settings.sources) > 1 {
			name = fmt.Sprintf("%s of connection %d", name, source+1)
		}
		descriptor, err := json.Marshal(part{source, query})
		shards = append(shards, sdk.Shard{Name: name, Descriptor: descriptor, Rows: -1})
		return err
	}
	for i, p := range r.pools {
		session, err := p.acquire(ctx)
		if err != nil {
			return nil, err
		}
		defer session.Close()
		for n, q := range p.src.queries {
			if err := add(i, fmt.Sprintf("query %d", n+1), q); err != nil {
				return nil, err
			}
		}
		for _, t := range p.src.tables {
			limited, cancel := context.WithTimeout(ctx, r.settings.metadata)
			queries, err := r.cut(limited, p, session, t, each)
			cancel()
			if err != nil {
				return nil, err
			}
			for n, q := range queries {
				name := t.String()
				if len(queries) > 1 {
					name = fmt.Sprintf("%s, part %d of %d", t, n+1, len(queries))
				}
				if err := add(i, name, q); err != nil {
					return nil, err
				}
			}
		}
	}
	return shards, nil
}

// cut gives the queries of the parts of a table, at most n and one for NULL.
func (r *Reader) cut(ctx context.Context, p *pool, session *session, t table, n int) (queries []string, err error) {
	s := &r.settings
	whole := []string{s.selectFrom(r.outs, t.quoted(), "")}
	if n < 2 {
		return whole, nil
	}
	if s.SplitBy == SplitTablet {
		ids, err := r.dialect.Tablets(ctx, session.conn, t.quoted())
		if err != nil {
			return nil, p.said(err)
		}
		if len(ids) < 2 {
			return whole, nil
		}
		n = min(n, len(ids))
		for i := range n {
			group := ids[i*len(ids)/n : (i+1)*len(ids)/n]
			queries = append(queries, s.selectFrom(r.outs, t.quoted()+" TABLET("+strings.Join(group, ", ")+")", ""))
		}
		return queries, nil
	}
	key := r.keys[t]
	if key == nil || key.cutKind() == cut.None {
		return whole, nil
	}
	low, high, ok, err := p.bounds(ctx, session.conn, s, t, key.name)
	if err != nil || !ok {
		return whole, err
	}
	parts, err := cut.Parts(key.cutKind(), low, high, n, key.nullable)
	if err != nil {
		return nil, sdk.Faultf(sdk.Refused, "%s.%s: %w", t, key.name, err).At("splitPk").Hint("leave splitPk out, or name another column")
	}
	if parts == nil {
		return whole, nil
	}
	compared := sqltext.Name(key.name)
	if key.Compared != "" {
		compared = fmt.Sprintf(key.Compared, compared)
	}
	for _, part := range parts {
		queries = append(queries, s.selectFrom(r.outs, t.quoted(), part.Condition(compared)))
	}
	return queries, nil
}

// Commit serves sdk.Reader. A table keeps no positions: the core knows from them which shards are done.
func (r *Reader) Commit(_ context.Context, positions []sdk.ShardPosition) (lost []string, err error) {
	for _, p := range positions {
		if s := string(p.Position); s != positionBegin && s != positionEnd {
			return nil, sdk.Faultf(sdk.Internal, "%q is no position in a table", p.Position).At(p.Shard)
		}
	}
	return nil, nil
}

// CheckLive serves sdk.LiveChecker: all that Open looks at.
func (r *Reader) CheckLive(ctx context.Context) []options.Problem {
	_, err := r.Open(ctx, sdk.OpenInfo{Lanes: 1})
	r.close()
	if err == nil {
		return nil
	}
	p := options.Problem{Code: string(sdk.Internal), Seen: err.Error()}
	if f := protocol.AsFault(err); f != nil {
		p = options.Problem{Code: string(f.Code), Path: f.Place, Seen: f.What, Try: f.Try}
	}
	return []options.Problem{p}
}

// Close serves sdk.Reader.
func (r *Reader) Close(context.Context) error { r.close(); return nil }

func (r *Reader) close() {
	for _, p := range r.pools {
		p.Close()
	}
	r.pools = nil
}
