package starrocks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/protocol"
	"github.com/gx-etl/gx/plugins/sdk"
)

// What dataSaveMode and schemaSaveMode may be, besides what changes nothing.
const (
	saveTruncate   = "truncate"
	saveIfEmpty    = "errorIfNotEmpty"
	saveCreate     = "createIfMissing"
	saveRecreate   = "recreate"
	saveMustBe     = "errorIfMissing"
	saveSchemaNone = "none"
)

// save is what happens to the table before the first load.
type save struct {
	data, schema string
	template     string // with the table's name in it; empty: none
}

// saving: dataSaveMode and schemaSaveMode.
func (p *Params) saving(s *settings, j *judge) {
	s.save = save{data: p.DataSaveMode, schema: p.SchemaSaveMode}
	makes := s.save.schema == saveCreate || s.save.schema == saveRecreate
	for key, asks := range map[string]bool{"dataSaveMode": s.save.data == saveTruncate || s.save.data == saveIfEmpty, "schemaSaveMode": makes || s.save.schema == saveMustBe} {
		switch {
		case !asks:
		case len(s.mysql.addrs) == 0:
			j.wrong(options.CodeMissing, key, "needs the MySQL port of a frontend", "", "give jdbcUrl, such as jdbc:mysql://fe1:9030/")
		case s.table == "":
			j.wrong(options.CodeMissing, key, "is about one table, and table is not given", "", "give table")
		}
	}
	template := strings.TrimRight(strings.TrimSpace(p.CreateTableTemplate), "; \n\t")
	switch {
	case template == "" && s.save.schema == saveCreate:
		j.wrong(options.CodeMissing, "createTableTemplate", "createIfMissing has no statement to make the table with", "", "CREATE TABLE @table (…)")
	case template != "" && !makes:
		j.note(options.CodeIgnored, "createTableTemplate", "has no effect without schemaSaveMode createIfMissing or recreate", "")
	case template != "" && !createsTable(template):
		j.wrong(options.CodeNotAllowed, "createTableTemplate", fmt.Sprintf("%q does not begin as a CREATE TABLE of @table", excerpt(template)), "CREATE TABLE @table (…)", "")
	}
	s.save.template = strings.ReplaceAll(template, tablePlaceholder, qualified(s.database, s.table))
	if s.save.schema == saveRecreate {
		if !p.AllowDestructive {
			j.wrong(options.CodeMissing, "allowDestructive", "recreate drops the table with all its rows", "", `"allowDestructive":true, or --allow-destructive`)
		}
		if s.save.data == saveIfEmpty {
			j.wrong(options.CodeConflict, "dataSaveMode", "errorIfNotEmpty keeps rows that schemaSaveMode recreate drops", "", "leave one of them out")
		}
	} else if p.AllowDestructive && s.save.schema == saveSchemaNone {
		j.note(options.CodeIgnored, "allowDestructive", "has no effect without schemaSaveMode recreate", "")
	}
}

// createsTable tells whether a statement begins as CREATE TABLE [IF NOT EXISTS] @table.
func createsTable(q string) bool {
	words := strings.Fields(q)
	if len(words) > 5 && strings.EqualFold(strings.Join(words[2:5], " "), "if not exists") {
		words = append(words[:2:2], words[5:]...)
	}
	return len(words) > 2 && strings.EqualFold(words[0], "create") && strings.EqualFold(words[1], "table") && strings.HasPrefix(words[2], tablePlaceholder)
}

func qualified(database, table string) string { return quoteName(database) + "." + quoteName(table) }

// makes tells whether the job makes the table when it is not there.
func (s *settings) makes(t *target) bool {
	return s.save.template != "" && (s.save.schema == saveCreate || s.save.schema == saveRecreate) && t.database == s.database && t.table == s.table
}

// save does to the table what the job asks for.
func (w *Writer) save(ctx context.Context, info sdk.StartInfo) (notes []string, err error) {
	sv := &w.set.save
	again := info.Resumed && !w.params.PreSQLOnResume
	name := qualified(w.set.database, w.set.table)
	for key, wipes := range map[string]bool{"dataSaveMode": sv.data == saveTruncate, "schemaSaveMode": sv.schema == saveRecreate} {
		if wipes && again {
			return nil, protocol.Faultf(protocol.Config, "the job goes on where an earlier run stopped, whose rows would be removed").At(key).
				Hint("leave it out to go on, or set preSqlOnResume to begin with an empty table all the same")
		}
	}
	var t *target
	if sv.schema != saveSchemaNone || sv.data == saveIfEmpty {
		if t, err = w.targetOf(ctx, ""); err != nil {
			return nil, err
		}
	}
	if sv.data == saveIfEmpty && !t.absent {
		if info.Resumed {
			notes = append(notes, "dataSaveMode errorIfNotEmpty: not asked, the job goes on where an earlier run stopped")
		} else if err := w.mustBeEmpty(ctx, name); err != nil {
			return nil, err
		}
	}
	switch {
	case sv.schema == saveRecreate && !t.absent:
		if err := w.recreate(ctx, name); err != nil {
			return nil, err
		}
		notes = append(notes, "schemaSaveMode: table "+name+" was made anew")
	case t != nil && t.absent:
		if _, err := w.sql.run(ctx, "createTableTemplate", []string{sv.template}); err != nil {
			return nil, protocol.Faultf(protocol.Refused, "%w; nothing was loaded", err).At("createTableTemplate")
		}
		notes = append(notes, "schemaSaveMode: table "+name+" was made")
	}
	if t != nil && (t.absent || sv.schema == saveRecreate) {
		w.forget()
		if t, err = w.targetOf(ctx, ""); err != nil {
			return nil, err
		}
		if t.absent {
			return nil, protocol.Faultf(protocol.Refused, "createTableTemplate has made no table %s", name).At("createTableTemplate")
		}
	}
	if sv.data == saveTruncate {
		if _, err := w.sql.run(ctx, "dataSaveMode", []string{"TRUNCATE TABLE " + name}); err != nil {
			return nil, protocol.Faultf(protocol.Refused, "%w; nothing was loaded", err).At("dataSaveMode")
		}
		notes = append(notes, "dataSaveMode: table "+name+" was emptied")
	}
	return notes, nil
}

// forget drops what is known of tables.
func (w *Writer) forget() {
	w.asking.Lock()
	defer w.asking.Unlock()
	clear(w.targets)
}

func (w *Writer) mustBeEmpty(ctx context.Context, name string) error {
	rows, err := w.sql.db.QueryContext(ctx, "SELECT 1 FROM "+name+" LIMIT 1")
	if err != nil {
		return protocol.Faultf(protocol.Refused, "cannot see whether %s is empty: %s", name, oneLine(err)).At("dataSaveMode").
			Hint("the user needs the SELECT privilege on the table")
	}
	defer rows.Close()
	holds := rows.Next()
	if err := rows.Err(); err != nil {
		return protocol.Faultf(protocol.Refused, "cannot see whether %s is empty: %s", name, oneLine(err)).At("dataSaveMode")
	}
	if holds {
		return protocol.Faultf(protocol.Refused, "table %s holds rows, and dataSaveMode is errorIfNotEmpty; nothing was loaded", name).At("dataSaveMode").
			Hint("dataSaveMode append adds to them, truncate removes them")
	}
	return nil
}

// recreate makes the table anew. The old one stands aside until the new one is there, and comes back when it cannot be made.
func (w *Writer) recreate(ctx context.Context, name string) error {
	fail := func(err error) error {
		return protocol.Faultf(protocol.Refused, "%w; the table is as it was and nothing was loaded", err).At("schemaSaveMode")
	}
	create := w.set.save.template
	if create == "" {
		var table string
		if err := w.sql.db.QueryRowContext(ctx, "SHOW CREATE TABLE "+name).Scan(&table, &create); err != nil {
			return fail(fmt.Errorf("SHOW CREATE TABLE %s: %s", name, oneLine(err)))
		}
	}
	sum := sha256.Sum256([]byte(w.set.table + "\x00" + w.info.Run))
	aside := "gx_old_" + hex.EncodeToString(sum[:8])
	old := qualified(w.set.database, aside)
	if _, err := w.sql.run(ctx, "schemaSaveMode", []string{"ALTER TABLE " + name + " RENAME " + quoteName(aside)}); err != nil {
		return fail(err)
	}
	if _, err := w.sql.run(ctx, "schemaSaveMode", []string{create}); err != nil {
		if _, again := w.sql.run(ctx, "schemaSaveMode", []string{"ALTER TABLE " + old + " RENAME " + quoteName(w.set.table)}); again != nil {
			return protocol.Faultf(protocol.Refused, "%w; the old table is %s now and could not be renamed again: %s; nothing was loaded", err, old, oneLine(again)).
				At("schemaSaveMode").Hint("rename it by hand")
		}
		return fail(err)
	}
	if _, err := w.sql.run(ctx, "schemaSaveMode", []string{"DROP TABLE " + old + " FORCE"}); err != nil {
		return protocol.Faultf(protocol.Refused, "the new table is there, and the old one, %s, could not be dropped: %w; nothing was loaded", old, err).At("schemaSaveMode").
			Hint("drop it by hand")
	}
	return nil
}
