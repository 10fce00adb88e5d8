package sqlport

import (
	"fmt"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/shopspring/decimal"

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
		if d.Precision() == largeIntDigits && d.Scale() == 0 {
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
	typ      sql.Type
	dateOnly bool
	scale    int32 // of a decimal; -1 otherwise
	number   bool
}

// texters makes one texter per column of a result.
func texters(schema sql.Schema) []texter {
	list := make([]texter, len(schema))
	for i, c := range schema {
		list[i] = texter{typ: c.Type, dateOnly: types.IsDateType(c.Type), scale: -1, number: types.IsNumber(c.Type)}
		if d, ok := c.Type.(sql.DecimalType); ok {
			list[i].scale = int32(d.Scale())
		}
	}
	return list
}

// write adds a value to the row of w.
func (t *texter) write(ctx *sql.Context, w *wire.Result, v any) error {
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
	switch v := v.(type) {
	case nil:
		return "", true, nil
	case int, int8, int16, int32, int64, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v), false, nil
	case bool:
		if v {
			return "1", false, nil
		}
		return "0", false, nil
	case float32:
		return store.Format(store.Type{Kind: store.Float}, v), false, nil
	case float64:
		return store.Format(store.Type{Kind: store.Double}, v), false, nil
	case string:
		return v, false, nil
	case []byte:
		return string(v), false, nil
	case decimal.Decimal:
		return decimalText(v, t.scale), false, nil
	case time.Time:
		return momentText(v, t.dateOnly), false, nil
	}
	val, err := t.typ.SQL(ctx, nil, v)
	if err != nil {
		return "", false, engineError(err)
	}
	return string(val.ToBytes()), val.IsNull(), nil
}

// decimalText keeps the scale a value has. Scales past the engine's types come
// from columns and are exact; below that, a longer fraction than the type's is
// the rest of a division.
func decimalText(v decimal.Decimal, scale int32) string {
	digits := max(-v.Exponent(), 0)
	if scale >= 0 && scale < engineScale && digits > scale {
		digits = scale
	}
	return v.StringFixed(digits)
}

func momentText(t time.Time, dateOnly bool) string {
	if dateOnly {
		return fmt.Sprintf("%04d-%02d-%02d", t.Year(), t.Month(), t.Day())
	}
	text := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second())
	if micro := t.Nanosecond() / 1000; micro != 0 {
		text += fmt.Sprintf(".%06d", micro)
	}
	return text
}
