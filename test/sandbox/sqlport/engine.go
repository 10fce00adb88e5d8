package sqlport

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
	"github.com/dolthub/go-mysql-server/sql/transform"
	sysvars "github.com/dolthub/go-mysql-server/sql/variables"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// engine plans and runs queries with go-mysql-server. It uses the library's
// analyzer and executor, not its Engine or its server: both of those write
// process-wide variables when they are made, which a second server in the same
// process would do under the feet of the first.
type engine struct {
	analyzer *analyzer.Analyzer
	memory   *sql.MemoryManager
}

// initStatus fills the one process-wide table the library cannot do without.
var initStatus = sync.OnceFunc(sysvars.InitStatusVariables)

func newEngine(s *Server) *engine {
	initStatus()
	a := analyzer.NewBuilder(&provider{server: s}).RemoveAfterAllRule(analyzer.TrackProcessId).Build()
	s.makeSystemDatabases()
	a.Catalog.InfoSchema = s.system[infoSchema]
	return &engine{analyzer: a, memory: sql.NewMemoryManager(sql.ProcessMemory)}
}

// query is a planned statement.
type query struct {
	ctx  *sql.Context
	node sql.Node
	flag *sql.QueryFlags
}

// plan analyzes one SELECT, and takes the snapshots of all its tables while no
// transaction over several tables is becoming visible.
func (e *engine) plan(ctx context.Context, ss *session, text rewritten) (q *query, err error) {
	ss.server.st.View(func() { q, err = e.analyze(ctx, ss, text) })
	return q, err
}

// analyze plans one SELECT. The library reports some errors by panicking.
func (e *engine) analyze(ctx context.Context, ss *session, text rewritten) (q *query, err error) {
	defer catch(&err)
	defer func() {
		if ss.db() == nowhere {
			ss.base.SetCurrentDatabase("")
		}
	}()
	ctx = context.WithValue(ctx, sessionKey{}, ss)
	ctx = builtin.WithEnv(ctx, ss.env())
	sc := sql.NewContext(ctx, sql.WithSession(ss.base), sql.WithMemoryManager(e.memory), sql.WithQuery(text.sql))
	sc.SetQueryTime(ss.server.opts.Clock.Now())
	b := planbuilder.New(sc, e.analyzer.Catalog, nil, ss.dialect(text))
	node, _, _, flags, err := b.Parse(text.sql, nil, false)
	if err != nil {
		return nil, engineError(err)
	}
	if err := ss.mayReadAll(node, false); err != nil {
		return nil, err
	}
	if node, err = e.analyzer.Analyze(sc, node, nil, flags); err != nil {
		return nil, engineError(err)
	}
	return &query{ctx: sc, node: node, flag: flags}, nil
}

// columns describes the result of the query.
func (q *query) columns() []wire.Column {
	schema := q.node.Schema()
	cols := make([]wire.Column, len(schema))
	for i, c := range schema {
		cols[i] = wireColumn(c)
	}
	return cols
}

// tables lists the tables of the store that the query reads.
func (q *query) tables() []*store.Table {
	var list []*store.Table
	_, _, err := transform.NodeWithOpaque(q.node, func(n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		if rt, ok := n.(*plan.ResolvedTable); ok {
			if t, ok := sql.GetUnderlyingTable(rt.Table).(*table); ok {
				list = append(list, t.t)
			}
		}
		return n, transform.SameTree, nil
	})
	if err != nil {
		panic("a walk that changes nothing failed: " + err.Error())
	}
	return list
}

// each calls fn with every row of the result. The row belongs to the engine.
func (e *engine) each(q *query, fn func(sql.Row) error) (err error) {
	defer catch(&err)
	it, err := e.analyzer.ExecBuilder.Build(q.ctx, q.node, nil)
	if err != nil {
		return engineError(err)
	}
	it, _, err = rowexec.FinalizeIters(q.ctx, q.node, q.flag, it)
	if err != nil {
		return engineError(err)
	}
	defer func() {
		if cerr := it.Close(q.ctx); err == nil && cerr != nil {
			err = engineError(cerr)
		}
	}()
	for n := 0; ; n++ {
		if n&1023 == 0 {
			if err := q.ctx.Err(); err != nil {
				return err
			}
		}
		row, err := it.Next(q.ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return engineError(err)
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// write sends the whole result of a query to the client.
func (e *engine) write(q *query, w *wire.Result) error {
	if err := w.Columns(q.columns()); err != nil {
		return err
	}
	if s := asScan(q.node); s != nil {
		if err := s.write(q.ctx, w); err != nil {
			return err
		}
		return w.End()
	}
	enc := texters(q.node.Schema())
	err := e.each(q, func(row sql.Row) error {
		w.BeginRow()
		for i, v := range row {
			if err := enc[i].write(q.ctx, w, v); err != nil {
				return err
			}
		}
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.End()
}

// catch turns a panic of the library into an error of the statement, so that
// one query cannot end the server.
func catch(err *error) {
	if r := recover(); r != nil {
		var we *wire.Error
		if e, ok := r.(error); ok && errors.As(e, &we) {
			*err = we
			return
		}
		*err = wire.Errorf(1105, "HY000", "the query engine failed: %v; simplify the statement (%s)", r, firstFrames(debug.Stack()))
	}
}

// firstFrames keeps of a stack the functions in which the library failed.
func firstFrames(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, "panic(") {
			continue
		}
		var frames []string
		for _, f := range lines[i+1:] {
			if !strings.HasPrefix(f, "\t") && len(frames) < 4 {
				frames = append(frames, f)
			}
		}
		return strings.Join(frames, "; ")
	}
	return ""
}

// engineError gives the library's errors the words of StarRocks.
func engineError(err error) error {
	var unknown *store.UnknownTable
	var noDB *store.UnknownDatabase
	var refused *wire.Error
	var signature *builtin.SignatureError
	var noField *builtin.NoField
	switch {
	case errors.As(err, &noField):
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %v.", noField)
	case errors.As(err, &signature):
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %v.", signature)
	case errors.As(err, &unknown), errors.As(err, &noDB), errors.As(err, &refused):
		return err
	case sql.ErrNoDatabaseSelected.Is(err):
		return errNoDatabase
	case sql.ErrSyntaxError.Is(err):
		return wire.Errorf(1064, "42000", "Getting syntax error. Detail message: %v.", err)
	case sql.ErrColumnNotFound.Is(err), sql.ErrTableColumnNotFound.Is(err):
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: %s cannot be resolved.", columnNamed(err))
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return err
}

// columnNamed is "Column 'x'" for the library's column errors, which quote the
// name with double quotes.
func columnNamed(err error) string {
	text := err.Error()
	if from := strings.IndexByte(text, '"'); from >= 0 {
		if to := strings.IndexByte(text[from+1:], '"'); to >= 0 {
			return "Column '" + text[from+1:from+1+to] + "'"
		}
	}
	return text
}
