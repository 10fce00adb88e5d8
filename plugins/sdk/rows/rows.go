// Package rows builds and reads the payload of a batch: an Arrow IPC stream of one schema and one record batch.
//
// Documents and projected JSON values travel as raw JSON text in binary columns marked with the canonical extension name
// arrow.json, so numbers keep the digits they arrived in. Everything else is an ordinary Arrow column.
package rows

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc/mem"
)

const (
	extensionKey  = "ARROW:extension:name"
	extensionJSON = "arrow.json"
)

// JSONField is a nullable column of raw JSON text.
func JSONField(name string) arrow.Field {
	return arrow.Field{
		Name: name, Type: arrow.BinaryTypes.Binary, Nullable: true,
		Metadata: arrow.MetadataFrom(map[string]string{extensionKey: extensionJSON}),
	}
}

// IsJSON tells whether a column holds raw JSON text.
func IsJSON(f arrow.Field) bool {
	name, ok := f.Metadata.GetValue(extensionKey)
	return ok && name == extensionJSON
}

// documentColumn is the name that marks a schema of whole documents.
const documentColumn = "document"

// DocumentSchema is the schema of rows that are whole JSON documents.
var DocumentSchema = arrow.NewSchema([]arrow.Field{JSONField(documentColumn)}, nil)

// ChangeSchema is DocumentSchema for documents that say in a member what is to be done with them, as protocol.OpColumn tells.
var ChangeSchema = arrow.NewSchema([]arrow.Field{{
	Name: documentColumn, Type: arrow.BinaryTypes.Binary, Nullable: true,
	Metadata: arrow.MetadataFrom(map[string]string{extensionKey: extensionJSON, changesKey: "member"}),
}}, nil)

// changesKey marks documents with operations.
const changesKey = "gx.operations"

// HasOperations tells whether the documents of a schema say what is to be done with them.
func HasOperations(s *arrow.Schema) bool {
	return IsDocuments(s) && s.Field(0).Metadata.FindKey(changesKey) >= 0
}

// IsDocuments tells whether rows of this schema are whole documents.
func IsDocuments(s *arrow.Schema) bool {
	return s.NumFields() == 1 && s.Field(0).Name == documentColumn && IsJSON(s.Field(0))
}

// Encode is the general way to make a payload, for every Arrow type except dictionaries, which would need more than one
// batch. It copies; Builder does not.
func Encode(rec arrow.RecordBatch) (mem.BufferSlice, error) {
	for _, f := range rec.Schema().Fields() {
		if hasDictionary(f.Type) {
			return nil, fmt.Errorf("encode rows: column %q holds a dictionary; send its values instead", f.Name)
		}
	}
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(rec.Schema()))
	if err := w.Write(rec); err != nil {
		return nil, fmt.Errorf("encode rows: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode rows: %w", err)
	}
	return mem.BufferSlice{mem.SliceBuffer(buf.Bytes())}, nil
}

func hasDictionary(dt arrow.DataType) bool {
	switch dt := dt.(type) {
	case *arrow.DictionaryType:
		return true
	case arrow.ExtensionType:
		return hasDictionary(dt.StorageType())
	case arrow.NestedType:
		for _, f := range dt.Fields() {
			if hasDictionary(f.Type) {
				return true
			}
		}
	}
	return false
}

// endOfStream closes an IPC stream: a continuation mark and a length of zero.
var endOfStream = []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}

// schemaMessage is the encapsulated schema, a multiple of 8 bytes long.
func schemaMessage(s *arrow.Schema) ([]byte, error) {
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(s))
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	head, ok := bytes.CutSuffix(buf.Bytes(), endOfStream)
	if !ok || len(head)%8 != 0 {
		return nil, fmt.Errorf("encode schema: unexpected framing of %d bytes", buf.Len())
	}
	return head, nil
}
