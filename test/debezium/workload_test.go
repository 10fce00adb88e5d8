package debezium

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
)

// key is a primary key as literals; b is empty where it has one column.
type key struct{ a, b string }

func (k key) list() string {
	if k.b == "" {
		return k.a
	}
	return k.a + ", " + k.b
}

// rows are the keys that a table has, in no order.
type rows struct {
	keys []key
	at   map[key]int
}

func (r *rows) has(k key) bool { _, found := r.at[k]; return found }

func (r *rows) add(k key) {
	r.at[k] = len(r.keys)
	r.keys = append(r.keys, k)
}

func (r *rows) drop(k key) {
	i, last := r.at[k], r.keys[len(r.keys)-1]
	r.keys[i], r.at[last] = last, i
	r.keys = r.keys[:len(r.keys)-1]
	delete(r.at, k)
}

// tally counts changes by their kind.
type tally struct{ inserts, updates, deletes, moves, commits, rollbacks int }

// workload makes transactions of random changes of a source's tables, and knows which keys each table has.
type workload struct {
	random *rand.Rand
	source *source
	live   []rows // by table
	pool   [][]key
	undo   []func()
	done   tally
}

func newWorkload(s *source, seed uint64) *workload {
	w := &workload{random: rand.New(rand.NewPCG(seed, 1)), source: s, live: make([]rows, len(s.tables)), pool: make([][]key, len(s.tables))}
	for i := range s.tables {
		t := &s.tables[i]
		w.live[i].at = map[key]int{}
		for range t.distinct {
			k := key{a: t.columns[0].make(w.random)}
			if t.keys > 1 {
				k.b = t.columns[1].make(w.random)
			}
			w.pool[i] = append(w.pool[i], k)
		}
	}
	return w
}

// fill puts n rows into every table.
func (w *workload) fill(ctx context.Context, n int) error {
	var b strings.Builder
	for i := range w.source.tables {
		for range n {
			fresh, found := w.fresh(i)
			if !found {
				break
			}
			b.WriteString(w.insert(i, fresh))
			if b.Len() > 1<<18 {
				if err := w.source.execute(ctx, b.String()); err != nil {
					return err
				}
				b.Reset()
			}
		}
	}
	w.undo, w.done = nil, tally{}
	return w.source.execute(ctx, b.String())
}

// run commits n changes, in transactions of 1 to 300; every tenth transaction is tried and rolled back first.
func (w *workload) run(ctx context.Context, n int) error {
	conn, err := w.source.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for n > 0 {
		size := min(n, []int{1, 1 + w.random.IntN(20), 1 + w.random.IntN(300)}[w.random.IntN(3)])
		if w.random.IntN(10) == 0 {
			before := w.done
			if err := w.transaction(ctx, conn, size, "ROLLBACK"); err != nil {
				return err
			}
			for i := len(w.undo) - 1; i >= 0; i-- {
				w.undo[i]()
			}
			w.done = before
			w.done.rollbacks++
		}
		w.undo = nil
		if err := w.transaction(ctx, conn, size, "COMMIT"); err != nil {
			return err
		}
		w.undo = nil
		w.done.commits++
		n -= size
	}
	return nil
}

func (w *workload) transaction(ctx context.Context, conn *sql.Conn, size int, end string) error {
	w.undo = nil
	var b strings.Builder
	b.WriteString("BEGIN;\n")
	for range size {
		b.WriteString(w.change())
	}
	b.WriteString(end)
	if _, err := conn.ExecContext(ctx, b.String()); err != nil {
		return fmt.Errorf("%w\n%.2000s", err, b.String())
	}
	return nil
}

// change is one statement that changes one row. Where no other key is free, the row is updated instead.
func (w *workload) change() string {
	i := w.random.IntN(len(w.live))
	t, rows := &w.source.tables[i], &w.live[i]
	n, fresh, found := w.random.IntN(100), key{}, false
	if n < 50 || len(rows.keys) == 0 {
		fresh, found = w.fresh(i)
	}
	if found && (n < 35 || len(rows.keys) == 0) {
		return w.insert(i, fresh)
	}
	old := rows.keys[w.random.IntN(len(rows.keys))]
	switch {
	case found:
		w.done.moves++
		w.drop(i, old)
		w.add(i, fresh)
		set := t.columns[0].name + " = " + fresh.a
		if t.keys > 1 {
			set += ", " + t.columns[1].name + " = " + fresh.b
		}
		return w.update(i, old, set)
	case n < 65:
		w.done.deletes++
		w.drop(i, old)
		return "DELETE FROM " + w.source.prefix + t.name + w.where(i, old)
	default:
		w.done.updates++
		return w.update(i, old, "")
	}
}

func (w *workload) insert(i int, fresh key) string {
	w.done.inserts++
	w.add(i, fresh)
	t := &w.source.tables[i]
	values := []string{fresh.list()}
	for _, c := range t.columns[t.keys:] {
		values = append(values, c.make(w.random))
	}
	return "INSERT INTO " + w.source.prefix + t.name + " (" + t.names(0, len(t.columns)) + ") VALUES (" + strings.Join(values, ", ") + ");\n"
}

// update sets what is given, and some of the other columns: at least one where nothing was given.
func (w *workload) update(i int, k key, set string) string {
	t := &w.source.tables[i]
	sets := []string{set}
	if set == "" {
		sets = nil
	}
	rest := t.columns[t.keys:]
	first := w.random.IntN(len(rest))
	for j, c := range rest {
		if set == "" && j == first || w.random.IntN(3) == 0 {
			sets = append(sets, c.name+" = "+c.make(w.random))
		}
	}
	return "UPDATE " + w.source.prefix + t.name + " SET " + strings.Join(sets, ", ") + w.where(i, k)
}

func (w *workload) where(i int, k key) string {
	t := &w.source.tables[i]
	return " WHERE (" + t.names(0, t.keys) + ") = (" + k.list() + ");\n"
}

// fresh finds a key that the table does not have, often one that it had before.
func (w *workload) fresh(i int) (key, bool) {
	for range 100 {
		if k := w.pool[i][w.random.IntN(len(w.pool[i]))]; !w.live[i].has(k) {
			return k, true
		}
	}
	return key{}, false
}

func (w *workload) add(i int, k key) {
	w.live[i].add(k)
	w.undo = append(w.undo, func() { w.live[i].drop(k) })
}

func (w *workload) drop(i int, k key) {
	w.live[i].drop(k)
	w.undo = append(w.undo, func() { w.live[i].add(k) })
}
