package sqlport

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/gx-etl/gx/test/sandbox/sqlport/builtin"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// flagUnsigned is the column flag of the protocol.
const flagUnsigned = 32

// wireColumn says to the client what a column of a result is. Types and lengths
// are those StarRocks sends; a LARGEINT is a STRING, for MySQL has nothing as wide.
func wireColumn(c *sql.Column) wire.Column {
	w := wire.Column{Name: c.Name, Table: c.Source, DB: c.DatabaseSource, Charset: wire.CharsetBinary}
	set := func(typ byte, length uint32, decimals byte) wire.Column {
		w.Type, w.Length, w.Decimals = typ, length, decimals
		return w
	}
	text := func(typ byte, length uint32) wire.Column {
		w.Charset = wire.CharsetUTF8
		return set(typ, length, 0)
	}
	if d, ok := c.Type.(sql.DecimalType); ok {
		if builtin.IsLargeInt(d) {
			return text(wire.TypeString, 40)
		}
		return set(wire.TypeNewDecimal, uint32(d.Precision())+2, d.Scale())
	}
	switch c.Type {
	case types.LongText:
		return text(wire.TypeVarString, 3*store.StringLength)
	case types.Text:
		return text(wire.TypeString, 3*store.MaxChar)
	}
	if types.IsUnsigned(c.Type) {
		w.Flags = flagUnsigned
	}
	switch c.Type.Type() {
	case sqltypes.Int8, sqltypes.Uint8:
		if types.IsBoolean(c.Type) {
			return set(wire.TypeTiny, 1, 0)
		}
		return set(wire.TypeTiny, 4, 0)
	case sqltypes.Int16, sqltypes.Uint16:
		return set(wire.TypeShort, 6, 0)
	case sqltypes.Int24, sqltypes.Uint24, sqltypes.Int32, sqltypes.Uint32:
		return set(wire.TypeLong, 11, 0)
	case sqltypes.Int64, sqltypes.Uint64, sqltypes.Year:
		return set(wire.TypeLongLong, 20, 0)
	case sqltypes.Float32:
		return set(wire.TypeFloat, 12, 31)
	case sqltypes.Float64:
		return set(wire.TypeDouble, 22, 31)
	case sqltypes.Date:
		return set(wire.TypeDate, 10, 0)
	case sqltypes.Datetime, sqltypes.Timestamp:
		return set(wire.TypeDateTime, 26, 0)
	case sqltypes.Null:
		return set(wire.TypeTiny, 1, 0)
	case sqltypes.Blob, sqltypes.Binary, sqltypes.VarBinary:
		return set(wire.TypeString, store.MaxVarchar, 0)
	case sqltypes.VarChar:
		return text(wire.TypeVarString, 3*store.StringLength)
	}
	return text(wire.TypeString, 3*store.StringLength)
}

// texter gives the text of engine values of one column. A value may have another
// Go type than its column suggests, for the engine is lax about it.
type texter struct {
	typ    sql.Type
	number bool
	sketch bool
	keys   bool // quote the keys of maps
}

// texters makes one texter per column of a result.
func texters(schema sql.Schema) []texter {
	list := make([]texter, len(schema))
	for i, c := range schema {
		list[i] = texter{typ: c.Type, number: types.IsNumber(c.Type), sketch: isSketch(c.Type)}
	}
	return list
}

// storers is texters for values that go into a table: sketches keep their bytes, and
// maps are JSON, whatever their keys.
func storers(schema sql.Schema) []texter {
	list := texters(schema)
	for i := range list {
		list[i].sketch = false
		list[i].keys = builtin.HoldsMap(list[i].typ)
	}
	return list
}

// write adds a value to the row of w.
func (t *texter) write(ctx *sql.Context, w *wire.Result, v any) error {
	if t.sketch {
		w.Null()
		return nil
	}
	switch v := v.(type) {
	case nil:
		w.Null()
	case int64:
		w.Int(v)
	case int32:
		w.Int(int64(v))
	case string:
		w.String(v)
	case []byte:
		w.Bytes(v)
	default:
		text, null, err := t.text(ctx, v)
		if err != nil {
			return err
		}
		if null {
			w.Null()
		} else {
			w.String(text)
		}
	}
	return nil
}

// text is a value as the protocol shows it.
func (t *texter) text(ctx *sql.Context, v any) (text string, null bool, err error) {
	if v, err = sql.UnwrapAny(ctx, v); err != nil {
		return "", false, engineError(err)
	}
	if v == nil || t.sketch {
		return "", true, nil
	}
	if raw, ok := v.([]byte); ok && isSketch(t.typ) {
		return string(raw), false, nil
	}
	if text, ok := builtin.Text(t.typ, v); ok {
		if t.keys {
			text = builtin.QuoteKeys(text)
		}
		return text, false, nil
	}
	val, err := t.typ.SQL(ctx, nil, v)
	if err != nil {
		return "", false, engineError(err)
	}
	return string(val.ToBytes()), val.IsNull(), nil
}

// isSketch says that a column is a BITMAP, an HLL or a PERCENTILE: the protocol
// shows NULL for them, functions read them.
func isSketch(t sql.Type) bool {
	return t == builtin.Bitmap || t == builtin.HLL || t == builtin.Percentile
}
