package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/change"
	"github.com/gx-etl/gx/plugins/sdk"
)

// changes is what a job says of change data.
type changes struct {
	config    change.Config // without what the target says
	table     []string      // what names the destination of a row; none: its topic
	perSecond int64         // timePrecision, 0 when not given
	times     map[string]int64
	decimal   change.Decimal
	scales    map[string]int
}

// changing tells that values are change data.
func (f *format) changing() bool { return slices.Contains(change.Formats, f.kind) }

var precisions = map[string]int64{"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}

// changes reads what is said of change data; where there is none, it has no effect.
func (r *resolver) changes() {
	o, f := r.o, &r.s.format
	if !f.changing() {
		for key, given := range map[string]bool{"tombstones": o.Tombstones != "", "onDelete": o.OnDelete != "", "onTruncate": o.OnTruncate != "",
			"onDdl": o.OnDDL != "", "ignoreUpdateBefore": o.IgnoreUpdateBefore != nil, "timePrecision": o.TimePrecision != "",
			"timePrecisionColumns": len(o.TimePrecisions) > 0, "decimalHandling": o.DecimalHandling != "", "decimalScales": len(o.DecimalScales) > 0} {
			if given {
				r.note(options.CodeIgnored, key, "has no effect: values of "+f.kind+" are no change data")
			}
		}
		if o.TableField != "" {
			r.wrong(options.CodeConflict, "tableField", "values of "+f.kind+" are no change data and do not name a table", strings.Join(change.Formats, ", "), "topic2table of the writer, by topic")
		}
		return
	}
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	ch := &f.changes
	ch.config.Format = f.kind
	ch.config.Tombstones, ch.config.OnDelete = or(o.Tombstones, change.Drop), or(o.OnDelete, change.Fail)
	ch.config.OnTruncate, ch.config.OnDDL = or(o.OnTruncate, change.Fail), or(o.OnDDL, change.Fail)
	ch.config.Before = o.IgnoreUpdateBefore != nil && !*o.IgnoreUpdateBefore
	for key, v := range map[string]string{"onTruncate": o.OnTruncate, "onDdl": o.OnDDL} {
		if v == "apply" {
			r.wrong(options.CodeNotSupported, key, "apply is not available yet: a reader cannot have statements run at the target", "error, ignore", "error, and do the same at the target by hand")
		}
	}
	if ch.config.Tombstones == change.Delete && f.kind != change.DebeziumJSON {
		r.wrong(options.CodeConflict, "tombstones", f.kind+" has no keys that say which row a tombstone deletes", "drop, dirty", "drop")
	}
	if o.TableField != "" {
		ch.table = strings.Split(o.TableField, ".")
		ch.config.Table = ch.table
	}
	if f.kind == change.DebeziumAvro && !f.text.Plain() {
		r.wrong(options.CodeConflict, "encoding", "texts of "+f.kind+" are UTF-8", "", "leave it out")
	}
	r.guesses(ch)
}

// guesses reads what helps with messages without schema.
func (r *resolver) guesses(ch *changes) {
	o, f := r.o, &r.s.format
	ch.perSecond, ch.times, ch.scales = precisions[o.TimePrecision], map[string]int64{}, map[string]int{}
	for name, unit := range o.TimePrecisions {
		n := precisions[unit]
		if n == 0 {
			r.add(options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is no precision", unit), Want: "s, ms, us, ns"}, "timePrecisionColumns", name)
		}
		ch.times[strings.ToLower(name)] = n
	}
	switch o.DecimalHandling {
	case "string":
		ch.decimal = change.DecimalText
	case "precise":
		ch.decimal = change.DecimalBytes
	}
	if o.DecimalHandling != "" && f.kind != change.DebeziumJSON {
		r.note(options.CodeIgnored, "decimalHandling", "has no effect: decimals of "+f.kind+" are always digits")
	}
	for name, text := range o.DecimalScales {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 38 {
			r.add(options.Problem{Code: options.CodeNotAllowed, Seen: fmt.Sprintf("%q is no scale", text), Want: "0 to 38"}, "decimalScales", name)
		}
		ch.scales[strings.ToLower(name)] = n
	}
	if len(o.DecimalScales) > 0 && o.DecimalHandling != "precise" {
		r.note(options.CodeIgnored, "decimalScales", "has no effect without decimalHandling precise")
	}
}

// changeConverter settles the converter of change data, which is always JSON.
func (r *resolver) changeConverter(o *Converter) {
	f := &r.s.format
	idle := func(key, seen string) {
		r.add(options.Problem{Code: options.CodeIgnored, Seen: "has no effect: " + seen, Warning: true}, "valueConverter", key)
	}
	if o.SchemasEnable != nil {
		idle("schemasEnable", "a schema beside the payload is noticed by itself")
	}
	if o.Validate {
		idle("validate", "only values of jsonschema are compared with their schema")
	}
	if f.kind == change.DebeziumAvro {
		r.changeRegistry(o)
	} else if len(o.Registry) > 0 {
		idle("schemaRegistryUrl", f.kind+" has no schemas in a registry")
	}
	if o.ReaderSchema != "" {
		idle("readerSchema", "only avro has reader schemas")
	}
	style := &f.changes.config.Style
	style.Hex = o.Binary == "hex"
	if o.TimeZone != "" {
		zone, err := parseZone(o.TimeZone)
		if err != nil {
			r.add(options.Problem{Code: options.CodeNotAllowed, Seen: err.Error(), Try: "Asia/Shanghai"}, "valueConverter", "timeZone")
		}
		style.Zone = zone
	}
}

// changeRegistry settles where the schemas of debezium-avro are.
func (r *resolver) changeRegistry(o *Converter) {
	c := &r.s.format.value
	if len(o.Registry) == 0 {
		r.add(options.Problem{Code: options.CodeMissing, Seen: change.DebeziumAvro + " needs the address of a schema registry", Try: "http://registry:8081"}, c.option, "schemaRegistryUrl")
		return
	}
	r.registry(o, c)
}

// operations decides whether rows carry their operation, by what the target makes of it, and takes __op from the columns
// that it names.
func (l *layout) operations(peer *sdk.Peer) error {
	c := &l.changes.config
	if n := len(peer.Columns); n > 0 && peer.Columns[n-1] == sdk.OpColumn {
		peer.Columns = peer.Columns[:n-1]
		peer.ColumnTypes = peer.ColumnTypes[:min(n-1, len(peer.ColumnTypes))]
	}
	switch peer.Operations {
	case sdk.OperationsApplied:
		c.Operations = true
	case sdk.OperationsUnknown:
		return sdk.Faultf(sdk.Config, "rows of %s are upserts (__op 0) and deletes (__op 1), and %s", l.kind, peer.NoOperations).At("messageFormat").
			Hint("give the writer jdbcUrl, or tableModel")
	}
	if c.Target = peer.NoOperations; c.Target == "" {
		c.Target = "the target " + peer.Plugin + " has no Primary Key table"
	}
	if len(l.changes.table) > 0 && !peer.WantsDestination {
		return sdk.Faultf(sdk.Config, "rows are to go where their table says, and the writer has a table of its own").At("tableField").Hint("leave table out at the writer, or tableField here")
	}
	return nil
}

// change fits change data to the columns of rows.
func (l *layout) change(peer sdk.Peer) {
	c := &l.changes.config
	c.Wanted, c.Values = l.wanted, nil
	slots := map[string]int{} // of columns by name in lower case; -2: it is filled otherwise
	for i := range l.columns {
		col := &l.columns[i]
		name := strings.ToLower(col.name)
		if slots[name] = -2; col.kind != columnField {
			continue
		}
		slots[name] = len(c.Values)
		v := change.Value{Decimal: l.changes.decimal, Scale: -1}
		if len(peer.ColumnTypes) == len(l.columns) {
			v.Type = peer.ColumnTypes[i]
		}
		if c.Format != change.DebeziumJSON || v.Type != "date" { // Debezium's dates count days, whatever its times count
			v.PerSecond = l.changes.perSecond
		}
		if n, given := l.changes.times[name]; given {
			v.PerSecond = n
		}
		if n, given := l.changes.scales[name]; given {
			v.Scale = n
		}
		c.Values = append(c.Values, v)
	}
	for _, key := range peer.Keys {
		slot, there := slots[strings.ToLower(key)]
		if !there {
			slot = -1
		}
		if slot != -2 && l.columns != nil {
			c.Keys = append(c.Keys, change.Key{Name: key, Slot: slot})
		}
	}
	if c.Operations && l.columns != nil {
		l.columns = append(l.columns, column{name: sdk.OpColumn, kind: columnOp})
	}
}

// unknownColumns says which columns only parameters know; they would have no effect.
func (l *layout) unknownColumns() error {
	for option, names := range map[string][]string{"timePrecisionColumns": slices.Sorted(maps.Keys(l.changes.times)), "decimalScales": slices.Sorted(maps.Keys(l.changes.scales))} {
		for _, name := range names {
			if !slices.ContainsFunc(l.columns, func(c column) bool { return strings.EqualFold(c.name, name) }) {
				return sdk.Faultf(sdk.Config, "no column of the rows is named %s", name).At(option + "." + name).Hint("names are those of the target's columns")
			}
		}
	}
	return nil
}

// changeNotes says what becomes of changes.
func (l *layout) changeNotes() []string {
	c := &l.changes.config
	if !l.changing() {
		return nil
	}
	if c.Operations {
		return []string{"every row carries its operation in __op: 0 is an upsert, 1 a delete"}
	}
	return []string{fmt.Sprintf("%s: rows carry no __op (0 upsert, 1 delete), an update is one more row, and onDelete is %s", c.Target, c.OnDelete)}
}
