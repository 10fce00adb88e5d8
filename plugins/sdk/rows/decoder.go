package rows

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
)

// ErrMalformed is wrapped by every complaint about a payload.
var ErrMalformed = errors.New("malformed Arrow payload")

// Decoder reads the payloads of one stream. It copies nothing, and parses the schema only when it differs from the one
// before. The zero value is ready. Not safe for concurrent use.
type Decoder struct {
	schema []byte // the encapsulated schema that reader was made with
	feed   feed
	reader *ipc.Reader
}

// Decode gives the rows of a payload. The record batch points into payload and must be released before payload is reused.
func (d *Decoder) Decode(payload []byte) (arrow.RecordBatch, error) {
	head, rest, err := cutMessage(payload)
	if err != nil {
		return nil, err
	}
	meta, body, err := splitBatch(rest)
	if err != nil {
		return nil, err
	}
	whole := payload[:len(payload)-len(rest)]
	if d.reader == nil || !bytes.Equal(whole, d.schema) {
		if err := d.reset(whole, head); err != nil {
			return nil, err
		}
	}
	deep, err := inspect(d.reader.Schema(), meta, body)
	if err != nil {
		return nil, err
	}
	d.feed.next = ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body))
	if !d.reader.Next() {
		err := d.reader.Err()
		d.reader = nil
		return nil, malformed("%v", err)
	}
	rec := d.reader.RecordBatch()
	if deep {
		if err := validate(rec); err != nil {
			d.reader = nil
			return nil, err
		}
	}
	rec.Retain()
	return rec, nil
}

func (d *Decoder) reset(whole, head []byte) error {
	if d.reader != nil {
		d.reader.Release()
		d.reader = nil
	}
	if err := inspectSchema(head); err != nil {
		return err
	}
	d.schema = bytes.Clone(whole)
	meta := d.schema[len(whole)-len(head):]
	d.feed.next = ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(nil))
	r, err := ipc.NewReaderFromMessageReader(&d.feed)
	if err != nil {
		return malformed("schema: %v", err)
	}
	for _, f := range r.Schema().Fields() {
		if err := inspectType(f.Type); err != nil {
			r.Release()
			return err
		}
	}
	d.reader = r
	return nil
}

// feed hands the Decoder's messages to arrow-go's reader, one at a time.
type feed struct{ next *ipc.Message }

func (f *feed) Message() (*ipc.Message, error) {
	if f.next == nil {
		return nil, errors.New("no message")
	}
	m := f.next
	f.next = nil
	return m, nil
}

func (f *feed) Retain()  {}
func (f *feed) Release() {}

// cutMessage takes one encapsulated message without a body off data.
func cutMessage(data []byte) (meta, rest []byte, err error) {
	if len(data) < 8 || binary.LittleEndian.Uint32(data) != 0xffffffff {
		return nil, nil, malformed("no continuation mark")
	}
	n := int64(binary.LittleEndian.Uint32(data[4:]))
	if n == 0 || n%8 != 0 || n > int64(len(data)-8) {
		return nil, nil, malformed("metadata of %d bytes in a payload of %d", n, len(data))
	}
	return data[8 : 8+n], data[8+n:], nil
}

// splitBatch cuts what follows the schema into the metadata of a record batch and its body.
func splitBatch(data []byte) (meta, body []byte, err error) {
	meta, body, err = cutMessage(data)
	if err != nil {
		return nil, nil, err
	}
	defer recovered(&err)
	msg := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	n := msg.GetInt64Slot(10, 0)
	if n < 0 || n > int64(len(body)) {
		return nil, nil, malformed("a body of %d bytes, %d present", n, len(body))
	}
	return meta, body[:n], nil
}

// validate lets arrow-go judge every value of every column.
func validate(rec arrow.RecordBatch) (err error) {
	defer recovered(&err)
	if err := array.ValidateRecordFull(rec); err != nil {
		return malformed("%v", err)
	}
	return nil
}
