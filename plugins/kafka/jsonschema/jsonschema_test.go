package jsonschema_test

import (
	"errors"
	"testing"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/decode/decodetest"
	"github.com/gx-etl/gx/plugins/kafka/jsonschema"
	"github.com/gx-etl/gx/plugins/kafka/registry"
)

const person = `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Person","type":"object",
	"properties":{"name":{"type":"string"},"home":{"$ref":"address.json"}},"required":["name"]}`

const address = `{"type":"object","properties":{"zip":{"type":"integer"}},"additionalProperties":false}`

func TestValuesAreComparedWithTheirSchema(t *testing.T) {
	for _, id := range []string{"", `"$id":"https://example.com/people/person.json",`} {
		schema := &registry.Schema{Type: registry.JSON, Text: person[:1] + id + person[1:], Parts: []registry.Part{{Name: "address.json", Text: address}}}
		for _, c := range []struct{ value, loose, strict string }{
			{`{"name":"Ada","home":{"zip":8001}}`, "Ada", "Ada"},
			{`{"name":7}`, "7", "does not fit its schema: - at '/name': got number, want string"},
			{`{"home":{"zip":1,"x":2}}`, "NULL", "does not fit its schema: - at '': missing property 'name' - at '/home': additional properties 'x' not allowed"},
			{`{"name":`, "invalid JSON: a value is missing (the text ends too early) at byte 8", "invalid JSON: a value is missing (the text ends too early) at byte 8"},
			{``, "nothing stands behind the schema id", "nothing stands behind the schema id"},
			{`[1]`, "not a JSON object but an array at byte 0", "not a JSON object but an array at byte 0"},
		} {
			for _, validate := range []bool{false, true} {
				want := map[bool]string{false: c.loose, true: c.strict}[validate]
				rows, err := decodetest.Run(t, jsonschema.Compile(validate), schema, decodetest.Wanted(t, "name"), []byte(c.value))
				got := ""
				var refused *decode.Refusal
				switch {
				case errors.As(err, &refused):
					got = refused.Reason
				case err != nil:
					t.Fatal(err)
				default:
					got = rows[0].Text()
				}
				if want == "Ada" {
					want = `"Ada"`
				}
				if got != want {
					t.Errorf("%s, validate %t: %s, want %s", c.value, validate, got, want)
				}
			}
		}
	}
}

func TestBrokenSchemas(t *testing.T) {
	for _, text := range []string{`{"type":`, `{"type":7}`, `{"$ref":"elsewhere.json"}`, `{"$ref":"file:///etc/passwd"}`, `{"$ref":"http://localhost/x"}`} {
		if _, err := jsonschema.Compile(true)(&registry.Schema{Text: text}, &decode.Wanted{Document: true}); err == nil {
			t.Errorf("%s is no schema", text)
		}
	}
}
