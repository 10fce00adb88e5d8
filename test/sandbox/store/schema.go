// Package store keeps the databases, tables and rows of the StarRocks stand-in.
//
// Rows live in partitions, there in typed column vectors, cut in chunks of 65536
// rows. Vectors only ever grow, so a snapshot is a copy of slice headers; replaced
// and removed rows are marked in a bitmap that is copied before it changes once a
// snapshot holds it. What a schema change replaces is one immutable value (layout),
// which batches and snapshots keep.
package store

import (
	"errors"
	"fmt"
	"strings"
)

// Model is the table model, which decides what a commit does with a repeated key.
type Model int

// The four table models of StarRocks.
const (
	Duplicate Model = iota
	Aggregate
	Unique
	Primary
)

// String returns the name information_schema.tables_config uses.
func (m Model) String() string {
	switch m {
	case Duplicate:
		return "DUP_KEYS"
	case Aggregate:
		return "AGG_KEYS"
	case Unique:
		return "UNQ_KEYS"
	case Primary:
		return "PRI_KEYS"
	}
	return fmt.Sprintf("Model(%d)", int(m))
}

// Kind is the family of a column type.
type Kind int

// The column kinds a table can hold.
const (
	Boolean Kind = iota
	TinyInt
	SmallInt
	Int
	BigInt
	LargeInt
	Float
	Double
	Decimal
	Date
	DateTime
	Char
	Varchar
	Binary
	JSON
	Array
	Map
	Struct
	Bitmap
	HLL
	Percentile
)

// Size limits of the types, in bytes unless said otherwise.
const (
	MaxVarchar          = 1048576
	MaxChar             = 255
	MaxJSON             = 16 << 20
	MaxDecimalPrecision = 38 // digits
	StringLength        = 65533
)

// Type is a column type.
type Type struct {
	Kind Kind
	// Length bounds Char, Varchar and Binary values, in bytes; 0 means the
	// largest length the kind allows.
	Length int
	// Precision and Scale belong to Decimal, in decimal digits.
	Precision, Scale int
	// Text is the DDL spelling of Array, Map and Struct, such as
	// "array<int(11)>". The element types are read from it.
	Text string
}

var plainTypeNames = map[Kind]string{
	Boolean: "boolean", TinyInt: "tinyint(4)", SmallInt: "smallint(6)", Int: "int(11)",
	BigInt: "bigint(20)", LargeInt: "largeint(40)", Float: "float", Double: "double",
	Date: "date", DateTime: "datetime", JSON: "json", Bitmap: "bitmap", HLL: "hll", Percentile: "percentile",
}

// String returns the type as SHOW CREATE TABLE spells it.
func (t Type) String() string {
	if name, ok := plainTypeNames[t.Kind]; ok {
		return name
	}
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d, %d)", t.Precision, t.Scale)
	case Char:
		return fmt.Sprintf("char(%d)", t.maxLength())
	case Varchar:
		return fmt.Sprintf("varchar(%d)", t.maxLength())
	case Binary:
		if t.Length == 0 {
			return "varbinary"
		}
		return fmt.Sprintf("varbinary(%d)", t.Length)
	}
	return t.Text
}

func (t Type) maxLength() int {
	if t.Length > 0 {
		return t.Length
	}
	switch t.Kind {
	case Char:
		return 1
	case JSON:
		return MaxJSON
	}
	return MaxVarchar
}

// Column describes one column of a table.
type Column struct {
	Name     string
	Type     Type
	Nullable bool
	// Default is the text of the DEFAULT clause, nil without one. The text
	// CURRENT_TIMESTAMP on a DateTime column is the time of the commit.
	Default *string
	// DefaultCall says that Default is a call of UUID or UUIDNumeric, made anew
	// for every row.
	DefaultCall bool
	// Generated is the expression of a generated column, nil for an ordinary one.
	// Generated columns stand behind the ordinary ones and may be NULL.
	Generated     *Generation
	AutoIncrement bool
	Key           bool
	// Agg is the aggregate function of a value column of the Aggregate model:
	// SUM, MIN, MAX, REPLACE, REPLACE_IF_NOT_NULL, BITMAP_UNION, HLL_UNION or
	// PERCENTILE_UNION.
	Agg     string
	Comment string
}

// Schema describes a table.
type Schema struct {
	Columns       []Column
	Model         Model
	Keys          []string
	DistributedBy []string
	Buckets       int
	// Partitioning is the clause PARTITION BY, nil without one. Partition is its
	// text, which the store writes.
	Partitioning *Partitioning
	Partition    string
	Properties   map[string]string
	Comment      string
	Indexes      []Index

	origin *layout // of the table that gave the schema
}

// Index returns the position of the named column, ignoring case as SQL does, or -1.
func (s *Schema) Index(name string) int {
	for i := range s.Columns {
		if strings.EqualFold(s.Columns[i].Name, name) {
			return i
		}
	}
	return -1
}

// checked returns a private copy of the schema with its key flags set, or says
// what makes it unusable.
func (s Schema) checked() (Schema, error) {
	if len(s.Columns) == 0 {
		return s, errors.New("the table has no columns")
	}
	s = s.clone()
	seen := make(map[string]bool, len(s.Columns))
	for i := range s.Columns {
		c := &s.Columns[i]
		folded := strings.ToLower(c.Name)
		if c.Name == "" || seen[folded] {
			return s, inWords("Duplicate column name '%s'", c.Name)
		}
		if folded == "__op" || folded == "__row" {
			return s, inWords("Column name [%s] is a system reserved name. Please choose a different one.", c.Name)
		}
		seen[folded] = true
		if err := c.Type.check(); err != nil {
			return s, fmt.Errorf("column '%s': %w", c.Name, err)
		}
	}
	if s.Model == Primary || s.Model == Unique || s.Model == Aggregate {
		if len(s.Keys) == 0 {
			return s, fmt.Errorf("a table of model %s needs key columns", s.Model)
		}
	}
	for _, k := range s.Keys {
		i := s.Index(k)
		if i < 0 {
			return s, inWords("Key column(%s) doesn't exist.", k)
		}
		switch s.Columns[i].Type.Kind {
		case Bitmap, HLL, Percentile:
			return s, inWords("Invalid data type of key column '%s': '%s'", k, strings.ToUpper(s.Columns[i].Type.String()))
		}
		s.Columns[i].Key = true
		if s.Model == Primary && s.Columns[i].Nullable {
			s.Columns[i].Nullable = false
		}
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		if err := checkAgg(s.Model, c); err != nil {
			return s, err
		}
		if c.AutoIncrement {
			if c.Type.Kind != BigInt {
				return s, inWords("The AUTO_INCREMENT column must be BIGINT: '%s'", c.Name)
			}
			c.Nullable = false
		}
		if c.Default != nil && unions[c.Type.Kind] != "" {
			return s, inWords("Invalid default value for '%s': %s has none but its empty value", c.Name, c.Type)
		}
		if c.DefaultCall {
			if err := checkCall(c); err != nil {
				return s, err
			}
		}
		if c.Default != nil && !isNow(c) && !c.DefaultCall {
			v, err := Convert(c.Type, *c.Default, true)
			if err == nil {
				err = checkValue(c, v)
			}
			if err != nil {
				return s, fmt.Errorf("Invalid default value for '%s': %w", c.Name, err)
			}
		}
	}
	if err := s.checkGenerated(); err != nil {
		return s, err
	}
	if err := s.checkIndexes(); err != nil {
		return s, err
	}
	return s, s.checkPartitioning()
}

func checkAgg(m Model, c *Column) error {
	if m != Aggregate || c.Key {
		if c.Agg != "" {
			return fmt.Errorf("column '%s' may not have the aggregate function %s", c.Name, c.Agg)
		}
		return nil
	}
	c.Agg = strings.ToUpper(c.Agg)
	switch c.Agg {
	case "BITMAP_UNION", "HLL_UNION", "PERCENTILE_UNION":
		if unions[c.Type.Kind] != c.Agg {
			return inWords("Invalid aggregate function '%s' for '%s'", c.Agg, c.Name)
		}
		return nil
	case "MIN", "MAX":
		if unions[c.Type.Kind] != "" {
			return inWords("Invalid aggregate function '%s' for '%s'", c.Agg, c.Name)
		}
		return nil
	case "REPLACE", "REPLACE_IF_NOT_NULL":
		return nil
	case "SUM":
		switch c.Type.Kind {
		case TinyInt, SmallInt, Int, BigInt, LargeInt, Float, Double, Decimal:
			return nil
		}
		return inWords("Invalid aggregate function 'SUM' for '%s'", c.Name)
	case "":
		return fmt.Errorf("value column '%s' of an aggregate table needs an aggregate function", c.Name)
	}
	return fmt.Errorf("column '%s': aggregate function %s is not supported, use SUM, MIN, MAX, REPLACE, REPLACE_IF_NOT_NULL, BITMAP_UNION, HLL_UNION or PERCENTILE_UNION", c.Name, c.Agg)
}

// unions are the functions of the types that hold sets of values.
var unions = map[Kind]string{Bitmap: "BITMAP_UNION", HLL: "HLL_UNION", Percentile: "PERCENTILE_UNION"}

func (t Type) check() error {
	switch t.Kind {
	case Decimal:
		if t.Precision < 1 || t.Precision > MaxDecimalPrecision {
			return inWords("DECIMAL's precision should range from 1 to %d, got %d", MaxDecimalPrecision, t.Precision)
		}
		if t.Scale < 0 || t.Scale > t.Precision {
			return inWords("DECIMAL(P[,S]) type P must be greater than or equal to the value of S, got (%d,%d)", t.Precision, t.Scale)
		}
	case Char:
		if t.Length > MaxChar {
			return inWords("Char size must be <= %d: %d", MaxChar, t.Length)
		}
	case Varchar, Binary:
		if t.Length > MaxVarchar {
			return inWords("Varchar size must be <= %d: %d", MaxVarchar, t.Length)
		}
	case Array, Map, Struct:
		got, err := ParseType(t.Text)
		if err != nil {
			return err
		}
		if got.Kind != t.Kind {
			return fmt.Errorf("the type text %q does not name the declared kind", t.Text)
		}
	}
	return nil
}

func isNow(c *Column) bool {
	return c.Type.Kind == DateTime && c.Default != nil &&
		(strings.EqualFold(*c.Default, "CURRENT_TIMESTAMP") || strings.EqualFold(*c.Default, "now()"))
}
