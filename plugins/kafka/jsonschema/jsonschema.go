// Package jsonschema reads values that serializers of JSON Schema wrote: JSON text behind the id of a schema. Whether a
// value fits its schema is asked on demand only, because that makes Go values of all of it.
package jsonschema

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Compile makes the Program of a schema. With validate, values that do not fit it are refused.
func Compile(validate bool) decode.Compile {
	return func(s *registry.Schema, w *decode.Wanted) (decode.Program, error) {
		p := &program{documents: decode.NewJSON(decode.JSON{}, *w)}
		if !validate {
			return p, nil
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(s.Text))
		if err != nil {
			return nil, err
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft7) // what the serializers take for granted
		c.UseLoader(parts(s.Parts))       // in the place of files and the network
		if err := c.AddResource(home, doc); err != nil {
			return nil, err
		}
		p.schema, err = c.Compile(home)
		return p, err
	}
}

// home is the address of a schema that has none of its own; references are relative to it.
const home = "http://schema.invalid/schema.json"

// parts serves what a schema refers to, by the names that the registry has for it.
type parts []registry.Part

// Load serves jsonschema.URLLoader.
func (ps parts) Load(url string) (any, error) {
	for _, p := range ps {
		if url == p.Name || strings.HasSuffix(url, "/"+strings.TrimPrefix(p.Name, "/")) {
			return jsonschema.UnmarshalJSON(strings.NewReader(p.Text))
		}
	}
	return nil, fmt.Errorf("the registry names no reference for it")
}

type program struct {
	documents decode.Decoder
	schema    *jsonschema.Schema // nil: values are not compared with it
}

// Run serves decode.Program.
func (p *program) Run(value []byte, s *decode.Sheet) error {
	if len(value) == 0 {
		return decode.Refusef("nothing stands behind the schema id")
	}
	if err := p.documents.Open(context.Background(), value); err != nil {
		return err
	}
	if p.schema != nil {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
		if err != nil {
			return decode.Refusef("%s", err)
		}
		if err := p.schema.Validate(v); err != nil {
			return decode.Refusef("does not fit its schema: %s", short(err))
		}
	}
	var row decode.Row
	if !p.documents.Next(&row) {
		s.None()
		return nil
	}
	s.Row(row)
	return nil
}

// short puts what a validator says on one line, without the address of the schema.
func short(err error) string {
	_, rest, found := strings.Cut(err.Error(), "\n")
	if !found {
		return err.Error()
	}
	return strings.Join(strings.Fields(rest), " ")
}
