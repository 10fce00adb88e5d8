package rows

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

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
	d.feed.next = ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body))
	if !d.reader.Next() {
		err := d.reader.Err()
		d.reader = nil
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	rec := d.reader.RecordBatch()
	if err := sound(rec); err != nil {
		d.reader = nil
		return nil, err
	}
	rec.Retain()
	return rec, nil
}

func (d *Decoder) reset(whole, head []byte) error {
	if d.reader != nil {
		d.reader.Release()
		d.reader = nil
	}
	d.schema = bytes.Clone(whole)
	meta := d.schema[len(whole)-len(head):]
	d.feed.next = ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(nil))
	r, err := ipc.NewReaderFromMessageReader(&d.feed)
	if err != nil {
		return fmt.Errorf("%w: schema: %v", ErrMalformed, err)
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
		return nil, nil, fmt.Errorf("%w: no continuation mark", ErrMalformed)
	}
	n := int64(binary.LittleEndian.Uint32(data[4:]))
	if n == 0 || n%8 != 0 || n > int64(len(data)-8) {
		return nil, nil, fmt.Errorf("%w: metadata of %d bytes in a payload of %d", ErrMalformed, n, len(data))
	}
	return data[8 : 8+n], data[8+n:], nil
}

func splitBatch(data []byte) (meta, body []byte, err error) {
	meta, body, err = cutMessage(data)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: metadata", ErrMalformed)
		}
	}()
	m := ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(nil))
	n := m.BodyLen()
	if m.Type() != ipc.MessageRecordBatch || n < 0 || n > int64(len(body)) {
		return nil, nil, fmt.Errorf("%w: %s with a body of %d bytes, %d present", ErrMalformed, m.Type(), n, len(body))
	}
	if compressed(meta) {
		return nil, nil, fmt.Errorf("%w: compressed buffers are not part of the protocol", ErrMalformed)
	}
	return meta, body[:n], nil
}

// compressed looks whether a record batch names a codec: its few bytes could claim any size once unpacked.
// Field 2 of the table Message is the header, field 3 of RecordBatch the compression (format/Message.fbs).
func compressed(meta []byte) bool {
	const header, compression = 4 + 2*2, 4 + 2*3
	msg := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	off := flatbuffers.UOffsetT(msg.Offset(header))
	if off == 0 {
		return false
	}
	batch := flatbuffers.Table{Bytes: meta, Pos: msg.Indirect(msg.Pos + off)}
	return batch.Offset(compression) != 0
}

// sound verifies what arrow-go leaves to trust: that the offsets of every variable-length column rise within its data.
func sound(rec arrow.RecordBatch) error {
	for i, col := range rec.Columns() {
		var offsets []int32
		var size int
		switch c := col.(type) {
		case *array.Binary:
			offsets, size = c.ValueOffsets(), bufferLen(c.Data())
		case *array.String:
			bufs := c.Data().Buffers()
			if c.Len() == 0 {
				continue
			}
			offsets = arrow.Int32Traits.CastFromBytes(bufs[1].Bytes())[c.Offset() : c.Offset()+c.Len()+1]
			size = bufferLen(c.Data())
		default:
			continue
		}
		last := int32(0)
		for _, o := range offsets {
			if o < last {
				return fmt.Errorf("%w: column %d: offsets fall", ErrMalformed, i)
			}
			last = o
		}
		if int(last) > size {
			return fmt.Errorf("%w: column %d: values end at %d of %d bytes", ErrMalformed, i, last, size)
		}
	}
	return nil
}

func bufferLen(d arrow.ArrayData) int {
	if b := d.Buffers(); len(b) > 2 && b[2] != nil {
		return b[2].Len()
	}
	return 0
}
