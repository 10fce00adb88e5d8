package avro

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/twmb/avro"
)

// Check judges a reader schema.
func Check(reader *registry.Schema) error {
	if reader.Type != registry.Avro {
		return fmt.Errorf("it is of type %s", reader.Type)
	}
	_, _, err := parse(reader)
	return err
}

// like finds, in a place of the reader's schema, the type that stands for n there; nil when there is none.
func (c *compiler) like(at, n *avro.SchemaNode) *avro.SchemaNode {
	if at == nil {
		return nil
	}
	switch at.Type {
	case "record", "error", "array", "map":
	case "union":
		var found *avro.SchemaNode
		for i := range at.Branches {
			if m := c.like(&at.Branches[i], n); m != nil && (found == nil || m.Name == n.Name) {
				found = m
			}
		}
		return found
	default:
		return c.reader.named[c.reader.fullNameOf(at.Type, fullName(n))]
	}
	if at.Type != n.Type {
		return nil
	}
	return at
}

// fullNameOf gives the name of the type that a reference means whose namespace is not known: the one that is written, or that
// of the writer, or the first of those with that last part.
func (c *compiler) fullNameOf(written, writer string) string {
	if c.named[written] != nil {
		return written
	}
	if m := c.named[writer]; m != nil && m.Name == written {
		return writer
	}
	for _, name := range slices.Sorted(maps.Keys(c.named)) {
		if c.named[name].Name == written {
			return name
		}
	}
	return ""
}

// record makes the fields of a record: those of the writer under the names that the reader has for them, and those that only
// the reader has and gives a default.
func (c *compiler) record(o *op, n *avro.SchemaNode, node *decode.Node, like *avro.SchemaNode) error {
	names := make([][]string, len(n.Fields))
	for i := range n.Fields {
		names[i] = append([]string{n.Fields[i].Name}, n.Fields[i].Aliases...)
	}
	of := make([]*avro.SchemaNode, len(n.Fields)) // what the reader has for a field
	var added []*avro.SchemaField
	if like != nil {
		for i := range like.Fields {
			f := &like.Fields[i]
			at := slices.IndexFunc(n.Fields, func(w avro.SchemaField) bool { return w.Name == f.Name })
			if at < 0 {
				at = slices.IndexFunc(n.Fields, func(w avro.SchemaField) bool { return slices.Contains(f.Aliases, w.Name) })
			}
			switch {
			case at >= 0:
				of[at] = &f.Type
				names[at] = append([]string{f.Name}, names[at]...)
			case f.HasDefault:
				added = append(added, f)
				names = append(names, append([]string{f.Name}, f.Aliases...))
			}
		}
	}
	members := node.Members(names)
	for i := range n.Fields {
		f, err := c.compile(&n.Fields[i].Type, members[i], n.Namespace, of[i])
		if err != nil {
			return err
		}
		o.fields = append(o.fields, field{key: key(names[i][0]), op: f})
	}
	for i, f := range added {
		d, err := c.absent(f, members[len(n.Fields)+i], like.Namespace)
		if err != nil {
			return err
		}
		o.fields = append(o.fields, field{key: key(f.Name), op: d})
	}
	return nil
}

func key(name string) []byte {
	quoted, _ := literal.Text(nil, []byte(name))
	return append(quoted, ':')
}

// absent makes the op of a field that a value lacks. Its default is kept as a value of its own, so that it is written as any
// other value is.
func (c *compiler) absent(f *avro.SchemaField, node *decode.Node, space string) (*op, error) {
	item, err := c.reader.compile(&f.Type, node, space, nil)
	if err != nil {
		return nil, err
	}
	schema, err := f.Type.Schema()
	if err != nil {
		return nil, fmt.Errorf("the default of %s: %w", f.Name, err)
	}
	bytes, err := schema.Encode(f.Default)
	if err != nil {
		return nil, fmt.Errorf("the default of %s: %w", f.Name, err)
	}
	return &op{kind: kindDefault, item: item, bytes: bytes, name: "a default"}, nil
}
