// Package decodetest serves tests of formats whose schemas stand in a registry: a registry that is not there, and rows as
// text.
package decodetest

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/project"
	"github.com/gx-etl/gx/plugins/kafka/registry"
)

// Row is a row that a value became.
type Row struct {
	Document string
	Cells    []string // NULL where there is none
}

// Text is the row on one line: its cells, or its document.
func (r Row) Text() string {
	if len(r.Cells) > 0 {
		return strings.Join(r.Cells, "|")
	}
	return r.Document
}

// Rows gives the rows of one value.
func Rows(t testing.TB, d decode.Decoder, value []byte) ([]Row, error) {
	t.Helper()
	if err := d.Open(t.Context(), value); err != nil {
		return nil, err
	}
	var out []Row
	var row decode.Row
	for d.Next(&row) {
		r := Row{Document: string(row.Document)}
		for _, c := range row.Cells {
			if c == nil {
				r.Cells = append(r.Cells, "NULL")
			} else {
				r.Cells = append(r.Cells, string(c))
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// Wanted asks for cells by their paths; without any for the whole document.
func Wanted(t testing.TB, paths ...string) decode.Wanted {
	t.Helper()
	w := decode.Wanted{Document: len(paths) == 0}
	for _, text := range paths {
		p, err := project.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		w.Paths = append(w.Paths, p)
	}
	return w
}

// Run compiles a schema and reads one value of it, which has no header yet.
func Run(t testing.TB, compile decode.Compile, schema *registry.Schema, w decode.Wanted, value []byte) ([]Row, error) {
	t.Helper()
	return Rows(t, Decoder(t, compile, schema, w), Frame(1, value))
}

// Decoder makes a Decoder of values whose only schema has the id 1.
func Decoder(t testing.TB, compile decode.Compile, schema *registry.Schema, w decode.Wanted) decode.Decoder {
	t.Helper()
	return decode.NewFramed(Registry(t, map[uint32]*registry.Schema{1: schema}), schema.Type, compile, w)
}

// Frame puts the header of the wire format before a value.
func Frame(id uint32, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), value...)
}

// Registry serves schemas by id, their parts as version 1 of subjects of the parts' names.
func Registry(t testing.TB, schemas map[uint32]*registry.Schema) *registry.Client {
	t.Helper()
	server := httptest.NewServer(Handler(schemas))
	t.Cleanup(server.Close)
	c, err := registry.New(registry.Config{URLs: []string{server.URL}, Option: "valueConverter"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Handler is what Registry serves. The id of a schema is also a subject that has it as its newest.
func Handler(schemas map[uint32]*registry.Schema) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /schemas/types", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`["AVRO"]`)) })
	say := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	absent := func(w http.ResponseWriter, code int) {
		w.WriteHeader(http.StatusNotFound)
		say(w, map[string]any{"error_code": code, "message": "not there"})
	}
	mux.HandleFunc("GET /schemas/ids/{id}", func(w http.ResponseWriter, r *http.Request) {
		var id uint32
		if err := json.Unmarshal([]byte(r.PathValue("id")), &id); err != nil || schemas[id] == nil {
			absent(w, 40403)
			return
		}
		s := schemas[id]
		var refs []map[string]any
		for _, p := range s.Parts {
			refs = append(refs, map[string]any{"name": p.Name, "subject": p.Name, "version": 1})
		}
		say(w, map[string]any{"schema": s.Text, "schemaType": s.Type, "references": refs})
	})
	mux.HandleFunc("GET /subjects/{subject}/versions/1", func(w http.ResponseWriter, r *http.Request) {
		for _, s := range schemas {
			for _, p := range s.Parts {
				if p.Name == r.PathValue("subject") {
					say(w, map[string]any{"schema": p.Text, "version": 1})
					return
				}
			}
		}
		absent(w, 40401)
	})
	mux.HandleFunc("GET /subjects/{id}/versions/latest", func(w http.ResponseWriter, r *http.Request) {
		var id uint32
		if err := json.Unmarshal([]byte(r.PathValue("id")), &id); err != nil || schemas[id] == nil {
			absent(w, 40401)
			return
		}
		say(w, map[string]any{"schema": schemas[id].Text, "schemaType": schemas[id].Type, "id": id})
	})
	return mux
}
