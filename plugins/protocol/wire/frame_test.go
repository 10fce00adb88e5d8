package wire

import (
	"bytes"
	"testing"

	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// cut spreads data over buffers of at most n bytes, as a transport would.
func cut(data []byte, n int) mem.BufferSlice {
	var out mem.BufferSlice
	for len(data) > 0 {
		k := min(n, len(data))
		out = append(out, mem.SliceBuffer(data[:k]))
		data = data[k:]
	}
	return out
}

func draw(t *rapid.T) *v1.Batch {
	b := &v1.Batch{
		Sequence:    rapid.Uint64().Draw(t, "sequence"),
		Shard:       rapid.String().Draw(t, "shard"),
		Position:    rapid.SliceOf(rapid.Byte()).Draw(t, "position"),
		Bytes:       rapid.Uint64().Draw(t, "bytes"),
		Destination: rapid.String().Draw(t, "destination"),
		Filtered:    rapid.Uint64().Draw(t, "filtered"),
		Lag:         rapid.Int64().Draw(t, "lag"),
		EventTime:   rapid.Int64().Draw(t, "eventTime"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "dirty") {
		b.Dirty = append(b.Dirty, &v1.Dirty{Place: rapid.String().Draw(t, "place"), Reason: rapid.String().Draw(t, "reason")})
	}
	if n := rapid.IntRange(0, 300).Draw(t, "rows"); n > 0 {
		b.Rows = uint32(n)
		b.Arrow = rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(t, "arrow")
	}
	return b
}

func header(b *v1.Batch) Header {
	return Header{Sequence: b.Sequence, Shard: b.Shard, Position: b.Position, Rows: b.Rows, Bytes: b.Bytes,
		Destination: b.Destination, Dirty: b.Dirty, Filtered: b.Filtered, Lag: b.Lag, EventTime: b.EventTime}
}

// What the hand-written encoder sends is what generated protobuf code reads.
func TestEncodesAsProtobuf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw(t)
		f := &Frame{Header: header(want)}
		if want.Rows > 0 {
			f.Payload = cut(want.Arrow, 100)
		}
		raw, err := Codec.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		got := new(v1.Batch)
		if err := proto.Unmarshal(raw.Materialize(), got); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(want, got) {
			t.Fatalf("sent %v, arrived %v", want, got)
		}
	})
}

// A received frame may be copied and given another address: what arrives is the batch with the new one, and the first frame
// is as it was.
func TestReaddressedCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := draw(t)
		enc, err := proto.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		var f Frame
		if err := Codec.Unmarshal(cut(enc, rapid.IntRange(1, 64).Draw(t, "piece")), &f); err != nil {
			t.Fatal(err)
		}
		want := proto.CloneOf(sent)
		want.Sequence, want.Shard = rapid.Uint64Min(1).Draw(t, "new sequence"), rapid.StringN(1, 20, -1).Draw(t, "new shard")
		other := f.Copy()
		other.Readdress(want.Sequence, want.Shard)
		for _, c := range []struct {
			f    *Frame
			want *v1.Batch
		}{{other, want}, {&f, sent}} {
			if c.f.Sequence != c.want.Sequence || c.f.Shard != c.want.Shard {
				t.Fatalf("header %v, want %v", c.f.Header, c.want)
			}
			raw, err := Codec.Marshal(c.f)
			if err != nil {
				t.Fatal(err)
			}
			got := new(v1.Batch)
			if err := proto.Unmarshal(raw.Materialize(), got); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(c.want, got) {
				t.Fatalf("want %v, arrived %v", c.want, got)
			}
		}
	})
}

// What generated protobuf code sends is read, however the transport cuts it, and forwarded byte for byte.
func TestDecodesProtobufInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw(t)
		enc, err := proto.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		pieces := cut(enc, rapid.IntRange(1, 64).Draw(t, "piece"))
		var f Frame
		if err := Codec.Unmarshal(pieces, &f); err != nil {
			t.Fatal(err)
		}
		got := &v1.Batch{Sequence: f.Sequence, Shard: f.Shard, Position: f.Position, Rows: f.Rows, Bytes: f.Bytes,
			Destination: f.Destination, Dirty: f.Dirty, Filtered: f.Filtered, Lag: f.Lag, EventTime: f.EventTime}
		if n := f.PayloadLen(); n > 0 {
			got.Arrow = make([]byte, n)
			f.CopyPayload(got.Arrow)
		}
		if !proto.Equal(want, got) {
			t.Fatalf("sent %v, read %v", want, got)
		}
		again, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Materialize(), enc) {
			t.Fatal("forwarding changed the bytes")
		}
	})
}

func FuzzFrame(f *testing.F) {
	good, _ := proto.Marshal(&v1.Batch{Sequence: 7, Shard: "t/0", Position: []byte{1}, Rows: 2, Bytes: 9, Lag: -1,
		Dirty: []*v1.Dirty{{Place: "here"}}, Arrow: []byte("payload")})
	f.Add(good, 3)
	f.Add([]byte{}, 1)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1)
	f.Add([]byte{0x7a, 0xff, 0x7f, 1}, 1)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		if piece < 1 || piece > 1<<16 {
			piece = 16
		}
		var fr Frame
		if err := fr.Unmarshal(cut(data, piece)); err != nil {
			return
		}
		dst := make([]byte, fr.PayloadLen())
		fr.CopyPayload(dst)
		ref := new(v1.Batch)
		if err := proto.Unmarshal(data, ref); err != nil {
			return // generated code also checks UTF-8 and groups
		}
		if ref.Sequence != fr.Sequence || ref.Shard != fr.Shard || ref.Rows != fr.Rows || !bytes.Equal(ref.Arrow, dst) {
			t.Fatalf("read %+v, protobuf reads %v", fr.Header, ref)
		}
	})
}
