package store

import (
	"slices"
	"strings"
	"time"
)

// ColumnChange is one clause of an ALTER TABLE that changes columns.
type ColumnChange interface{ change(*plannedSchema) error }

// AddColumn adds a column: FIRST, AFTER another one, or behind the last.
type AddColumn struct {
	Column Column
	First  bool
	After  string
}

// DropColumn removes a column.
type DropColumn struct{ Name string }

// ModifyColumn changes type, nullability, default, comment or place of a column.
// The type may only become wider.
type ModifyColumn struct {
	Column Column
	First  bool
	After  string
}

// AlterState is the state of a schema change as SHOW ALTER TABLE COLUMN names it.
type AlterState string

// The states of a schema change.
const (
	AlterPending   AlterState = "PENDING"
	AlterRunning   AlterState = "RUNNING"
	AlterFinished  AlterState = "FINISHED"
	AlterCancelled AlterState = "CANCELLED"
)

// AlterJob describes a schema change.
type AlterJob struct {
	ID, TxnID         int64
	Table             string
	TableID           int64
	Created, Finished time.Time // Finished is zero while the job is under way
	State             AlterState
	Message           string
	Timeout           time.Duration
}

const alterTimeout = 24 * time.Hour

// alterJob is a schema change. The table's lock guards finished, state and message.
type alterJob struct {
	id, txn  int64
	created  time.Time
	takes    time.Duration
	plan     *plannedSchema
	finished time.Time
	state    AlterState
	message  string
}

// defaultAlterTakes keeps a schema change asynchronous, as it is on a server.
const defaultAlterTakes = 20 * time.Millisecond

// SetAlterTakes sets how long a schema change that rewrites tablets takes: 0 means
// 20 ms. Adding and dropping value columns rewrites nothing from release 3.3 on
// unless the table's property fast_schema_evolution is false, and takes no time.
func (s *Store) SetAlterTakes(d time.Duration) { s.alterTakes.Store(int64(d)) }

// NotNormal reports a table that another ALTER is changing.
type NotNormal struct {
	Table string
	old   bool
}

func (e *NotNormal) Error() string {
	if e.old {
		return "Table[" + e.Table + "]'s state is not NORMAL. Do not allow doing ALTER ops"
	}
	return "A schema change operation is in progress on the table \"" + e.Table + "\". Please wait until the current operation completes. " +
		"To check the status of the operation, see SHOW ALTER TABLE COLUMN. Table[" + e.Table + "]'s state is not NORMAL. Do not allow doing ALTER ops"
}

// normal says whether the table can be altered. It wants the lock.
func (t *Table) normal() error {
	if t.dropped {
		return &UnknownTable{Database: t.DB(), Table: t.Name()}
	}
	if t.job.Load() != nil {
		return &NotNormal{Table: t.Name(), old: !t.store.release.AtLeast(3, 3)}
	}
	return nil
}

// AlterColumns starts a schema change, which goes on after the call. Errors: a
// *NotNormal, or what is wrong with the change.
func (t *Table) AlterColumns(changes ...ColumnChange) error {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.normal(); err != nil {
		return err
	}
	plan := t.planChange(changes)
	for _, c := range changes {
		if err := c.change(plan); err != nil {
			return err
		}
	}
	if err := plan.finish(); err != nil {
		return err
	}
	j := &alterJob{id: t.store.nextID.Add(1), txn: t.store.nextID.Add(1), created: t.store.now(), plan: plan, state: AlterPending}
	if !plan.fast {
		if j.takes = time.Duration(t.store.alterTakes.Load()); j.takes == 0 {
			j.takes = defaultAlterTakes
		}
	}
	t.jobs = append(t.jobs, j)
	if j.takes == 0 {
		t.finishJob(j)
	} else {
		t.job.Store(j)
	}
	return nil
}

// advance ends the schema change that is due by now. Everything that looks at a
// table's columns calls it first, so that no goroutine has to.
func (t *Table) advance() {
	t.rolling()
	j := t.job.Load()
	if j == nil || t.store.now().Sub(j.created) < j.takes {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.job.Load() == j {
		t.finishJob(j)
		t.job.Store(nil)
	}
}

func (t *Table) finishJob(j *alterJob) {
	j.plan.apply(t)
	j.plan = nil
	j.finished, j.state = j.created.Add(j.takes), AlterFinished
}

// CancelAlter ends the schema change under way without effect. The error says
// that there is none.
func (t *Table) CancelAlter() error {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.job.Load()
	if j == nil {
		return inWords("Table[%s] is not under SCHEMA_CHANGE.", t.Name())
	}
	j.plan = nil
	j.finished, j.state, j.message = t.store.now(), AlterCancelled, "user cancelled"
	t.job.Store(nil)
	return nil
}

// AlterJobs lists the schema changes of the table, oldest first.
func (t *Table) AlterJobs() []AlterJob {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.store.now()
	list := make([]AlterJob, len(t.jobs))
	for i, j := range t.jobs {
		list[i] = AlterJob{ID: j.id, TxnID: j.txn, Table: t.Name(), TableID: t.id, Created: j.created, Finished: j.finished,
			State: j.state, Message: j.message, Timeout: alterTimeout}
		if j.state == AlterPending && now.Sub(j.created) >= j.takes/4 {
			list[i].State = AlterRunning
		}
	}
	return list
}

// RenameColumn gives a column another name, at once.
func (t *Table) RenameColumn(from, to string) error {
	return t.reshape(func(s *Schema) error {
		at := s.Index(from)
		if at < 0 {
			return inWords("Column %s does not exist", from)
		}
		if other := s.Index(to); other >= 0 && other != at {
			return inWords("Column name[%s] is already used", to)
		}
		from = s.Columns[at].Name
		if g := s.generatedFrom(from); g != "" {
			return inWords("renaming column %s is not supported by this stand-in while generated column %s reads it", from, g)
		}
		s.Columns[at].Name = to
		swap := func(list []string) {
			for i := range list {
				if strings.EqualFold(list[i], from) {
					list[i] = to
				}
			}
		}
		swap(s.Keys)
		swap(s.DistributedBy)
		if s.Partitioning != nil {
			if s.Partitioning.mentions(from) {
				return inWords("renaming column %s is not supported by this stand-in while the partition key reads it", from)
			}
			swap(s.Partitioning.Columns)
		}
		for i := range s.Indexes {
			if strings.EqualFold(s.Indexes[i].Column, from) {
				s.Indexes[i].Column = to
			}
		}
		if key := s.Properties[SortKeyProperty]; key != "" {
			list := strings.Split(key, "\x00")
			swap(list)
			s.Properties[SortKeyProperty] = strings.Join(list, "\x00")
		}
		return nil
	})
}

// SortKeyProperty keeps the columns of ORDER BY, parted by zero bytes, among the
// properties of a schema.
const SortKeyProperty = "sort_key"

// SetProperties changes properties of the table.
func (t *Table) SetProperties(props map[string]string) error {
	return t.reshape(func(s *Schema) error {
		if s.Properties == nil {
			s.Properties = map[string]string{}
		}
		for k, v := range props {
			s.Properties[k] = v
		}
		return nil
	})
}

// SetComment changes the comment of the table.
func (t *Table) SetComment(text string) error {
	return t.reshape(func(s *Schema) error {
		s.Comment = text
		return nil
	})
}

// reshape replaces the schema by one whose columns hold the same values.
func (t *Table) reshape(edit func(*Schema) error) error {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.normal(); err != nil {
		return err
	}
	old := t.layout.Load()
	s := old.schema.clone()
	if err := edit(&s); err != nil {
		return err
	}
	if s.Partitioning != nil {
		s.Partition = s.Partitioning.String()
	}
	checked, err := s.checked()
	if err != nil {
		return err
	}
	t.install(t.store.newLayout(checked, slices.Clone(old.ids)))
	t.rollAt.Store(0)
	return nil
}

// rename gives the table another name in its database, and with it the partition
// of a table without PARTITION BY.
func (t *Table) rename(to string) error {
	t.advance()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.normal(); err != nil {
		return err
	}
	t.named.Store(&naming{t.DB(), to})
	if t.router == nil {
		for _, p := range t.partitions {
			p.name = to
		}
	}
	return nil
}
