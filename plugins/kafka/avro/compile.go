// Package avro reads values of Avro schemas into JSON text. It walks the bytes of a value once, writes what is wanted and
// goes over the rest, and makes nothing in between.
package avro

import (
	"fmt"

	"github.com/gx-etl/gx/plugins/kafka/decode"
	"github.com/gx-etl/gx/plugins/kafka/literal"
	"github.com/gx-etl/gx/plugins/kafka/registry"
	"github.com/twmb/avro"
)

type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindBytes
	kindString
	kindFixed
	kindEnum
	kindRecord
	kindArray
	kindMap
	kindUnion
	kindDefault // not in the value: a field that only the reader's schema has
)

// meaning is what a logical type makes of a value.
type meaning uint8

const (
	plain meaning = iota
	decimal
	date
	timeOfDay
	instant // perSecond says of what
	wallClock
	uuid
	duration
)

// op is a place in values of a schema, and what is to be done there.
type op struct {
	kind      kind
	meaning   meaning
	slots     []int // cells that the value fills
	live      bool  // it, or something below it, fills cells
	size      int   // kindFixed, in bytes
	scale     int   // decimal
	perSecond int64 // units of a time
	name      string
	symbols   [][]byte // kindEnum: JSON tokens
	fields    []field  // kindRecord
	branches  []*op    // kindUnion
	item      *op      // of an array or map, where nothing is wanted in particular
	wanted    []element
	bytes     []byte // kindDefault: the value of item
}

type field struct {
	key []byte // "name":
	op  *op
}

// element is a wanted element of an array or map.
type element struct {
	index int
	key   string
	op    *op
}

// Compile makes the Program of an Avro schema. A reader schema, unless nil, gives the fields of records their names, by its
// aliases, and defaults to those that a value lacks; what it does not know stays.
func Compile(style literal.Style, reader *registry.Schema) decode.Compile {
	return func(s *registry.Schema, w *decode.Wanted) (decode.Program, error) {
		c, node, err := parse(s)
		if err != nil {
			return nil, err
		}
		var like *avro.SchemaNode
		if reader != nil {
			if c.reader, like, err = parse(reader); err != nil {
				return nil, fmt.Errorf("the reader schema: %w", err)
			}
		}
		root, err := c.compile(node, w.Tree(), "", like)
		if err != nil {
			return nil, err
		}
		root.mark(map[*op]bool{})
		return &program{root: root, style: style, wanted: w}, nil
	}
}

func parse(s *registry.Schema) (*compiler, *avro.SchemaNode, error) {
	var cache avro.SchemaCache
	for _, p := range s.Parts {
		if _, err := cache.Parse(p.Text); err != nil {
			return nil, nil, fmt.Errorf("the part %q: %w", p.Name, err)
		}
	}
	schema, err := cache.Parse(s.Text)
	if err != nil {
		return nil, nil, err
	}
	c := &compiler{named: map[string]*avro.SchemaNode{}, made: map[place]*op{}}
	node := schema.Root().ExpandReferences()
	c.define(node)
	return c, node, nil
}

// compiler turns a schema into ops. A type that contains itself becomes a circle of them.
type compiler struct {
	named  map[string]*avro.SchemaNode
	made   map[place]*op
	reader *compiler // of the reader's schema, nil without one
}

type place struct {
	name string
	node *decode.Node
	like *avro.SchemaNode
}

func fullName(n *avro.SchemaNode) string {
	if n.Namespace == "" {
		return n.Name
	}
	return n.Namespace + "." + n.Name
}

// define notes the named types in a schema.
func (c *compiler) define(n *avro.SchemaNode) {
	switch n.Type {
	case "record", "error", "enum", "fixed":
		name := fullName(n)
		if c.named[name] != nil {
			return
		}
		c.named[name] = n
	}
	for i := range n.Fields {
		c.define(&n.Fields[i].Type)
	}
	for i := range n.Branches {
		c.define(&n.Branches[i])
	}
	if n.Items != nil {
		c.define(n.Items)
	}
	if n.Values != nil {
		c.define(n.Values)
	}
}

var primitives = map[string]kind{
	"null": kindNull, "boolean": kindBoolean, "int": kindInt, "long": kindLong, "float": kindFloat, "double": kindDouble,
	"bytes": kindBytes, "string": kindString,
}

// compile makes the op of a type. space is the namespace in which names stand, like what the reader's schema has in this
// place, or nil.
func (c *compiler) compile(n *avro.SchemaNode, node *decode.Node, space string, like *avro.SchemaNode) (o *op, err error) {
	if k, ok := primitives[n.Type]; ok {
		o := &op{kind: k, slots: slots(node), name: n.Type}
		o.mean(n)
		return o, nil
	}
	switch n.Type {
	case "array":
		return c.list(&op{kind: kindArray, name: "an array"}, n.Items, node, space, c.like(like, n))
	case "map":
		return c.list(&op{kind: kindMap, name: "a map"}, n.Values, node, space, c.like(like, n))
	case "union":
		o := &op{kind: kindUnion}
		for i := range n.Branches {
			b, err := c.compile(&n.Branches[i], node, space, like)
			if err != nil {
				return nil, err
			}
			o.branches = append(o.branches, b)
		}
		return o, nil
	case "record", "error", "enum", "fixed":
		return c.compileNamed(n, fullName(n), node, like)
	}
	named := c.find(n.Type, space)
	if named == nil {
		return nil, fmt.Errorf("the type %q is not defined", n.Type)
	}
	return c.compileNamed(named, fullName(named), node, like)
}

// find gives the definition of a name that stands in a namespace.
func (c *compiler) find(name, space string) *avro.SchemaNode {
	if n := c.named[space+"."+name]; n != nil {
		return n
	}
	return c.named[name]
}

func slots(n *decode.Node) []int {
	if n == nil {
		return nil
	}
	return n.Slots
}

func (c *compiler) compileNamed(n *avro.SchemaNode, name string, node *decode.Node, like *avro.SchemaNode) (*op, error) {
	like = c.like(like, n)
	at := place{name, node, like}
	if o := c.made[at]; o != nil {
		return o, nil
	}
	o := &op{slots: slots(node), size: n.Size, name: name}
	c.made[at] = o
	switch n.Type {
	case "enum":
		o.kind = kindEnum
		for _, s := range n.Symbols {
			token, _ := literal.Text(nil, []byte(s))
			o.symbols = append(o.symbols, token)
		}
	case "fixed":
		o.kind = kindFixed
		o.mean(n)
	default:
		o.kind = kindRecord
		return o, c.record(o, n, node, like)
	}
	return o, nil
}

func (c *compiler) list(o *op, of *avro.SchemaNode, node *decode.Node, space string, like *avro.SchemaNode) (_ *op, err error) {
	o.slots = slots(node)
	if like != nil && o.kind == kindMap {
		like = like.Values
	} else if like != nil {
		like = like.Items
	}
	if o.item, err = c.compile(of, nil, space, like); err != nil || node == nil {
		return o, err
	}
	edges := node.Items
	if o.kind == kindMap {
		edges = node.Keys
	}
	for _, e := range edges {
		to, err := c.compile(of, e.To, space, like)
		if err != nil {
			return nil, err
		}
		o.wanted = append(o.wanted, element{index: e.Index, key: e.Key, op: to})
	}
	return o, nil
}

// mean settles the logical type. One that does not fit its type has no effect, as the specification demands.
func (o *op) mean(n *avro.SchemaNode) {
	units := map[string]int64{"millis": 1e3, "micros": 1e6, "nanos": 1e9}
	switch l := n.LogicalType; {
	case l == "decimal" && (o.kind == kindBytes || o.kind == kindFixed):
		o.meaning, o.scale = decimal, n.Scale
	case l == "date" && o.kind == kindInt:
		o.meaning = date
	case l == "time-millis" && o.kind == kindInt, l == "time-micros" && o.kind == kindLong:
		o.meaning, o.perSecond = timeOfDay, units[l[len("time-"):]]
	case len(l) > len("timestamp-") && l[:len("timestamp-")] == "timestamp-" && o.kind == kindLong:
		if u := units[l[len("timestamp-"):]]; u != 0 {
			o.meaning, o.perSecond = instant, u
		}
	case len(l) > len("local-timestamp-") && l[:len("local-timestamp-")] == "local-timestamp-" && o.kind == kindLong:
		if u := units[l[len("local-timestamp-"):]]; u != 0 {
			o.meaning, o.perSecond = wallClock, u
		}
	case l == "uuid" && o.kind == kindFixed && o.size == 16:
		o.meaning = uuid
	case l == "duration" && o.kind == kindFixed && o.size == 12:
		o.meaning = duration
	}
}

// mark finds out where cells are filled. In a circle no op below the first visit fills any that the first does not know of:
// only ops of nothing wanted come around.
func (o *op) mark(seen map[*op]bool) bool {
	if seen[o] {
		return o.live
	}
	seen[o] = true
	o.live = len(o.slots) > 0
	for _, f := range o.fields {
		o.live = f.op.mark(seen) || o.live
	}
	for _, b := range o.branches {
		o.live = b.mark(seen) || o.live
	}
	for _, e := range o.wanted {
		o.live = e.op.mark(seen) || o.live
	}
	if o.item != nil {
		o.live = o.item.mark(seen) || o.live
	}
	return o.live
}
