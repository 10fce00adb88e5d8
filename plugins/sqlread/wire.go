package sqlread

import "strings"

// WireType is the type of an expression, whose name is all that the protocol says of it. A computed DECIMAL travels as the
// text of its digits: its precision is not told reliably. binaryIsBytes tells that results without a character set are
// bytes.
func WireType(name string, binaryIsBytes bool) Type {
	t := Type{Name: name, Kind: Text}
	switch base, unsigned := strings.CutPrefix(name, "UNSIGNED "); base {
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "YEAR":
		if t.Kind = Int32; unsigned {
			t.Kind = Int64
		}
	case "BIGINT":
		if t.Kind = Int64; unsigned {
			t.Kind = Uint64
		}
	case "FLOAT":
		t.Kind = Float32
	case "DOUBLE":
		t.Kind = Float64
	case "DATE":
		t.Kind = Date
	case "DATETIME", "TIMESTAMP":
		t.Kind = DateTime
	case "JSON":
		t.Kind = JSON
	case "BIT":
		t.Kind = Bits
	case "BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB":
		if binaryIsBytes {
			t.Kind = Bytes
		}
	case "GEOMETRY", "VECTOR":
		t.Kind = Unreadable
	}
	return t
}
