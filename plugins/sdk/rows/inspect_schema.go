package rows

import (
	"github.com/apache/arrow-go/v18/arrow"
	flatbuffers "github.com/google/flatbuffers/go"
)

// inspectSchema judges a schema message before arrow-go makes memory for what it counts. A flatbuffer may use the same
// bytes many times over, so a small one can describe endless columns: everything in it is paid for out of a few times
// its length. The numbers of the tables' fields are those of format/Schema.fbs.
func inspectSchema(meta []byte) (err error) {
	defer recovered(&err)
	msg := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	const headerSchema = 1
	if header := msg.GetByteSlot(6, 0); header != headerSchema || msg.Offset(8) == 0 {
		return malformed("header %d where the schema is due", header)
	}
	left := 4 * int64(len(meta))
	schema := flatbuffers.Table{Bytes: meta, Pos: msg.Indirect(msg.Pos + flatbuffers.UOffsetT(msg.Offset(8)))}
	if schema.GetInt16Slot(4, 0) != 0 {
		return malformed("big-endian data is not part of the protocol")
	}
	if err := spendPairs(msg, 4, &left); err != nil {
		return err
	}
	if err := spendPairs(schema, 2, &left); err != nil {
		return err
	}
	return spendFields(schema, 1, maxDepth, &left)
}

func spend(n int64, left *int64) error {
	if *left -= n; n < 0 || *left < 0 {
		return malformed("a schema that says more than its bytes hold")
	}
	return nil
}

// length is that of the vector in field i of a table, in elements.
func length(t flatbuffers.Table, i flatbuffers.VOffsetT) int64 {
	off := flatbuffers.UOffsetT(t.Offset(4 + 2*i))
	if off == 0 {
		return 0
	}
	return int64(t.VectorLen(off))
}

// element is table k of the vector in field i.
func element(t flatbuffers.Table, i flatbuffers.VOffsetT, k int64) flatbuffers.Table {
	start := t.Vector(flatbuffers.UOffsetT(t.Offset(4 + 2*i)))
	return flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(start + 4*flatbuffers.UOffsetT(k))}
}

// spendPairs pays for a vector of KeyValue: 0 key, 1 value.
func spendPairs(t flatbuffers.Table, i flatbuffers.VOffsetT, left *int64) error {
	n := length(t, i)
	if err := spend(4*n, left); err != nil {
		return err
	}
	for k := range n {
		pair := element(t, i, k)
		if err := spend(length(pair, 0)+length(pair, 1), left); err != nil {
			return err
		}
	}
	return nil
}

// spendFields pays for a vector of Field: 0 name, 2 type_type, 3 type, 4 dictionary, 5 children, 6 custom_metadata.
func spendFields(t flatbuffers.Table, i flatbuffers.VOffsetT, depth int, left *int64) error {
	if depth == 0 {
		return malformed("columns nested too deeply")
	}
	n := length(t, i)
	if err := spend(4*n, left); err != nil {
		return err
	}
	for k := range n {
		f := element(t, i, k)
		if f.Offset(4+2*4) != 0 {
			return malformed("dictionaries are not part of the protocol")
		}
		if err := spend(length(f, 0), left); err != nil {
			return err
		}
		const timestamp, union = 10, 14 // in their field 1: a time zone, the type ids
		if typ := f.GetByteSlot(4+2*2, 0); typ == timestamp || typ == union {
			off := f.Offset(4 + 2*3)
			data := flatbuffers.Table{Bytes: f.Bytes, Pos: f.Indirect(f.Pos + flatbuffers.UOffsetT(off))}
			if err := spend(4*length(data, 1), left); err != nil {
				return err
			}
		}
		if err := spendPairs(f, 6, left); err != nil {
			return err
		}
		if err := spendFields(f, 5, depth-1, left); err != nil {
			return err
		}
	}
	return nil
}

// inspectType judges what arrow-go believes of a type: with a scale beyond its digits a decimal cannot be printed.
func inspectType(dt arrow.DataType) error {
	switch dt := dt.(type) {
	case arrow.DecimalType:
		digits := map[arrow.Type]int32{arrow.DECIMAL32: 9, arrow.DECIMAL64: 18, arrow.DECIMAL128: 38, arrow.DECIMAL256: 76}[dt.ID()]
		if p, s := dt.GetPrecision(), dt.GetScale(); p < 1 || p > digits || s > p || s < -digits {
			return malformed("%s: a precision of 1 to %d digits and a scale of -%d to the precision are allowed", dt, digits, digits)
		}
	case *arrow.FixedSizeBinaryType:
		if dt.ByteWidth < 0 {
			return malformed("values of %d bytes", dt.ByteWidth)
		}
	case arrow.ExtensionType:
		return inspectType(dt.StorageType())
	case arrow.NestedType:
		for _, f := range dt.Fields() {
			if err := inspectType(f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}
