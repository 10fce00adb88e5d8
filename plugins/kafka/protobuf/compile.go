// Package protobuf reads values of Protocol Buffers into JSON text, straight from their bytes by the descriptors of their
// schema: names as the schema has them, numbers with all their digits, enums by name.
package protobuf

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// form is how a message is written.
type form uint8

const (
	object      form = iota // its fields
	transparent             // as the one field that is set: wrappers, Struct, Value, ListValue
	timestamp
	duration
)

var forms = map[protoreflect.FullName]form{
	"google.protobuf.Timestamp": timestamp, "google.protobuf.Duration": duration,
	"google.protobuf.Struct": transparent, "google.protobuf.Value": transparent, "google.protobuf.ListValue": transparent,
	"google.protobuf.DoubleValue": transparent, "google.protobuf.FloatValue": transparent, "google.protobuf.Int64Value": transparent,
	"google.protobuf.UInt64Value": transparent, "google.protobuf.Int32Value": transparent, "google.protobuf.UInt32Value": transparent,
	"google.protobuf.BoolValue": transparent, "google.protobuf.StringValue": transparent, "google.protobuf.BytesValue": transparent,
}

// message is a type of messages, and what is to be done with one of them.
type message struct {
	form   form
	fields []field
	small  [64]int16 // number of a field to its place plus one
	large  map[int32]int16
	live   bool // it, or something in it, fills cells
}

func (m *message) field(number int32) int {
	if number < int32(len(m.small)) {
		return int(m.small[number]) - 1
	}
	return int(m.large[number]) - 1
}

// field is one field of a message. One that holds many has an op for its elements, and for those wanted in particular.
type field struct {
	key      []byte // "name":
	slots    []int
	kind     protoreflect.Kind
	repeated bool
	keys     *op    // of a map
	presence bool   // whether it is set is told from what it holds
	oneof    int    // -1: of none
	absent   []byte // what it is when it is not there, nil: bytes
	bytes    []byte
	op       *op
	wanted   []element
	live     bool
}

// element is a wanted element of a list or map.
type element struct {
	index int
	key   string // as JSON
	op    *op
}

// op is a single value: of a field, or of an element of one.
type op struct {
	kind    protoreflect.Kind
	slots   []int
	message *message
	names   map[int32][]byte // of an enum, as JSON
	null    bool             // the enum NullValue
	live    bool
}

// Compile makes the Program of a Protobuf schema.
func Compile(style literal.Style) decode.Compile {
	return func(s *registry.Schema, w *decode.Wanted) (decode.Program, error) {
		file, err := parse(s)
		if err != nil {
			return nil, err
		}
		return &program{file: file, style: style, wanted: w, roots: map[string]*message{}}, nil
	}
}

// main is the name under which a schema is compiled; parts have the names by which it imports them.
const main = "gx/schema.proto"

func parse(s *registry.Schema) (protoreflect.FileDescriptor, error) {
	texts := map[string]string{main: s.Text}
	for _, p := range s.Parts {
		texts[p.Name] = p.Text
	}
	c := protocompile.Compiler{MaxParallelism: 1, Resolver: protocompile.WithStandardImports(protocompile.ResolverFunc(
		func(name string) (protocompile.SearchResult, error) {
			text, ok := texts[name]
			if !ok {
				return protocompile.SearchResult{}, protoregistry.NotFound
			}
			if d := descriptor(text); d != nil {
				d.Name = &name
				return protocompile.SearchResult{Proto: d}, nil
			}
			return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
		},
	))}
	files, err := c.Compile(context.Background(), main)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), main+":"))
	}
	return files[0], nil
}

// descriptor reads a schema that is a descriptor in base64, as some serializers register it and some registries keep it; nil: it
// is text.
func descriptor(text string) *descriptorpb.FileDescriptorProto {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil
	}
	d := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(raw, d); err != nil {
		return nil
	}
	for _, m := range d.MessageType {
		nameFields(m)
	}
	return d
}

// nameFields gives fields the JSON names that compilers give them, where a descriptor was made without a compiler.
func nameFields(m *descriptorpb.DescriptorProto) {
	for _, f := range m.Field {
		if f.GetJsonName() != "" {
			continue
		}
		name, upper := []byte(nil), false
		for _, c := range []byte(f.GetName()) {
			switch {
			case c == '_':
				upper = true
				continue
			case upper && c >= 'a' && c <= 'z':
				c -= 'a' - 'A'
			}
			name, upper = append(name, c), false
		}
		f.JsonName = proto.String(string(name))
	}
	for _, inner := range m.NestedType {
		nameFields(inner)
	}
}

// compiler turns descriptors into messages. A type that contains itself becomes a circle of them.
type compiler struct{ made map[place]*message }

type place struct {
	name protoreflect.FullName
	node *decode.Node
}

func slots(n *decode.Node) []int {
	if n == nil {
		return nil
	}
	return n.Slots
}

// below is what is wanted below a node, nil when that is nothing.
func below(n *decode.Node) *decode.Node {
	if n == nil || len(n.Keys)+len(n.Items) == 0 {
		return nil
	}
	inner := *n
	inner.Slots = nil
	return &inner
}

func (c *compiler) message(d protoreflect.MessageDescriptor, node *decode.Node) *message {
	at := place{d.FullName(), node}
	if m := c.made[at]; m != nil {
		return m
	}
	m := &message{form: forms[d.FullName()], large: map[int32]int16{}}
	c.made[at] = m
	fs := d.Fields()
	names := make([][]string, fs.Len())
	for i := range names {
		names[i] = []string{string(fs.Get(i).Name()), fs.Get(i).JSONName()}
	}
	members := node.Members(names)
	for i := range fs.Len() {
		of := members[i]
		if m.form == transparent {
			of = node
		}
		m.fields = append(m.fields, c.field(fs.Get(i), of))
		if n := int32(fs.Get(i).Number()); n < int32(len(m.small)) {
			m.small[n] = int16(i + 1)
		} else {
			m.large[n] = int16(i + 1)
		}
	}
	return m
}

func (c *compiler) field(d protoreflect.FieldDescriptor, node *decode.Node) field {
	key, _ := literal.Text(nil, []byte(d.Name()))
	f := field{key: append(key, ':'), slots: slots(node), kind: d.Kind(), presence: d.HasPresence(), oneof: -1}
	if o := d.ContainingOneof(); o != nil && !o.IsSynthetic() {
		f.oneof = o.Index()
	}
	switch {
	case d.IsMap():
		f.keys = c.op(d.MapKey(), nil)
		f.op = c.op(d.MapValue(), nil)
		if node != nil {
			for _, e := range node.Keys {
				key, _ := literal.Text(nil, []byte(e.Key))
				f.wanted = append(f.wanted, element{key: string(key), op: c.op(d.MapValue(), e.To)})
			}
		}
	case d.IsList():
		f.repeated = true
		f.op = c.op(d, nil)
		if node != nil {
			for _, e := range node.Items {
				f.wanted = append(f.wanted, element{index: e.Index, op: c.op(d, e.To)})
			}
		}
	default:
		f.op = c.op(d, below(node))
		f.absent = f.op.absent(d)
		if f.absent == nil {
			f.bytes = d.Default().Bytes()
		}
	}
	return f
}

func (c *compiler) op(d protoreflect.FieldDescriptor, node *decode.Node) *op {
	o := &op{kind: d.Kind(), slots: slots(node)}
	if m := d.Message(); m != nil && !d.IsMap() {
		o.message = c.message(m, below(node))
	}
	if e := d.Enum(); e != nil {
		o.null = e.FullName() == "google.protobuf.NullValue"
		o.names = map[int32][]byte{}
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			if _, taken := o.names[int32(v.Number())]; !taken { // an alias
				o.names[int32(v.Number())], _ = literal.Text(nil, []byte(v.Name()))
			}
		}
	}
	return o
}

// absent is what a field is that a message does not have: its default, or null. Nil: bytes, whose form is the user's choice.
func (o *op) absent(d protoreflect.FieldDescriptor) []byte {
	if d.HasPresence() && !d.HasDefault() {
		return []byte("null")
	}
	v := d.Default()
	var p program
	var s decode.Sheet
	p.sheet = &s
	switch d.Kind() {
	case protoreflect.EnumKind:
		p.enum(o, int32(v.Enum()))
	case protoreflect.StringKind:
		p.text([]byte(v.String()))
	case protoreflect.BytesKind:
		return nil
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		if _, ok := literal.Float(nil, v.Float(), 64); !ok {
			return []byte("null")
		}
		s.Text, _ = literal.Float(nil, v.Float(), map[bool]int{true: 32, false: 64}[d.Kind() == protoreflect.FloatKind])
	default:
		s.Text = fmt.Append(nil, v.Interface())
	}
	return s.Text
}

// mark finds out where cells are filled.
func (m *message) mark(seen map[*message]bool) bool {
	if seen[m] {
		return m.live
	}
	seen[m] = true
	for i := range m.fields {
		f := &m.fields[i]
		f.live = len(f.slots) > 0
		f.live = f.op.mark(seen) || f.live
		for _, e := range f.wanted {
			f.live = e.op.mark(seen) || f.live
		}
		m.live = m.live || f.live
	}
	return m.live
}

func (o *op) mark(seen map[*message]bool) bool {
	o.live = len(o.slots) > 0
	if o.message != nil {
		o.live = o.message.mark(seen) || o.live
	}
	return o.live
}
