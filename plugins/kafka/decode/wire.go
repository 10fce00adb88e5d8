package decode

import "encoding/binary"

// headerSize is the length of what stands before a value in the wire format of Confluent's serializers: a zero byte and
// the id of the schema, four bytes, most significant first.
const headerSize = 5

// WireID gives the schema id of a value in that format.
func WireID(value []byte) (id uint32, ok bool) {
	if len(value) < headerSize || value[0] != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[1:headerSize]), true
}
