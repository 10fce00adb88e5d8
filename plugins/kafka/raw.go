package kafka

import (
	"encoding/binary"
	"slices"

	"github.com/IBM/sarama"
	"github.com/gx-etl/gx/job/options"
	"github.com/gx-etl/gx/plugins/kafka/compose"
	"github.com/gx-etl/gx/plugins/sdk"
)

// kafkaWriter is the plugin that makes messages of them again.
const kafkaWriter = "kafka-writer"

// raw settles messageFormat raw, which looks into nothing: keys, values and headers travel as the bytes that they are, and
// there are no fields.
func (r *resolver) raw() {
	f := &r.s.format
	if !f.raw {
		return
	}
	for i := range r.s.columns {
		if r.s.columns[i].kind == columnField {
			r.problems = append(r.problems, options.Problem{Code: options.CodeConflict, Path: options.At(options.Join(r.path, "column"), i),
				Seen: "messageFormat raw looks into no message, so it has no field " + r.s.columns[i].name, Want: attributeNames, Try: `"messageFormat": "json"`})
		}
	}
	if f.key.kind != "" {
		r.add(options.Problem{Code: options.CodeConflict, Seen: "messageFormat raw takes keys as bytes", Try: "leave it out"}, "keyConverter", "type")
	}
	if f.keyType == "string" {
		f.keyType = "bytearray"
	}
	if f.valueType == "string" {
		f.valueType = "bytearray"
	}
}

// rawColumns completes the columns for messageFormat raw. A Kafka writer gets headers in the encoding of records, in which
// nothing of them is lost, and when the job names no columns it gets every part of a message. Any other target is to be
// told which parts it gets.
func (s *settings) rawColumns(target string) error {
	if !s.format.raw {
		return nil
	}
	if target == kafkaWriter {
		if s.columns == nil {
			s.format.keyType, s.format.valueType = "bytearray", "bytearray"
			for _, name := range []string{compose.KeyColumn, compose.ValueColumn, compose.HeadersColumn, compose.TimestampColumn, compose.PartitionColumn} {
				s.columns = append(s.columns, column{name: name, kind: attributes[name]})
			}
		}
		s.columns = slices.Clone(s.columns)
		for i := range s.columns {
			if s.columns[i].kind == columnHeaders {
				s.columns[i].kind = columnRecordHeaders
			}
		}
		return nil
	}
	if s.columns == nil {
		return sdk.Faultf(sdk.Config, "messageFormat raw gives whole messages, which %s cannot take", target).At("messageFormat").
			Hint(`"column": ["__key__", "__value__"], or another messageFormat; whole messages go to a Kafka writer with messageFormat raw`)
	}
	return nil
}

// appendRecordHeaders writes headers as they stand in a record.
func appendRecordHeaders(dst []byte, headers []*sarama.RecordHeader) []byte {
	dst = binary.AppendVarint(dst, int64(len(headers)))
	for _, h := range headers {
		dst = compose.AppendHeader(dst, h.Key, h.Value)
	}
	return dst
}
