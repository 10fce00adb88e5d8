package wire

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec for every message that is not a Frame
	"google.golang.org/grpc/mem"
)

// Codec sends Frames from and into raw buffers and leaves every other message to gRPC's protobuf codec. It is given to a
// server or a call by option, never registered: go-plugin's own services use the name "proto" too.
var Codec encoding.CodecV2 = codec{encoding.GetCodecV2("proto")}

type codec struct{ proto encoding.CodecV2 }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*Frame); ok {
		return f.Marshal()
	}
	return c.proto.Marshal(v)
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*Frame); ok {
		if err := f.Unmarshal(data); err != nil {
			return fmt.Errorf("decode batch: %w", err)
		}
		return nil
	}
	return c.proto.Unmarshal(data, v)
}

func (codec) Name() string { return "proto" }
