package store

import (
	"fmt"
	"slices"
	"strings"
)

// PartitionKind says how the rows of a table are parted.
type PartitionKind int

// The kinds of PARTITION BY.
const (
	RangePartitions PartitionKind = iota
	ListPartitions
)

// Partitioning is the PARTITION BY clause of a table.
type Partitioning struct {
	Kind    PartitionKind
	Columns []string
	// Expressions, when not nil, has an expression for each of Columns that stands
	// for the column it is computed from, and nil for each that is a key as it is.
	Expressions []*PartitionExpression
	// Automatic partitions are made by loads, for values no partition takes: of
	// a grain of time for RangePartitions, of one value for ListPartitions.
	Automatic bool
	Grain     Grain
	// Parts are the partitions declared with the table or added by ALTER TABLE,
	// in that order. The ones that loads made are not among them.
	Parts []PartitionDef
}

// Grain is the time span of an automatic partition.
type Grain struct {
	Function string // date_trunc or time_slice, empty without automatic ranges
	Unit     string // minute, hour, day, month, year
	Interval int    // in units; 1 for date_trunc
}

// PartitionExpression is a part of a partition key that is computed.
type PartitionExpression struct {
	Generation
	Type Type // of the values, set before the table is created
}

// Bound is one value of the end of a range.
type Bound struct {
	Text string
	Max  bool // MAXVALUE, whatever the text
}

// PartitionDef declares a partition.
type PartitionDef struct {
	Name string
	// Lower and Upper are the ends of a range, the upper one not part of it.
	// Without Lower (LESS THAN) the range starts where the one before ends.
	Lower, Upper []Bound
	// Values are the rows of values of a list partition; nil is NULL.
	Values [][]*string
	// Tablets of the partition; 0 means those of the table.
	Buckets int
}

// String returns the clause as SHOW CREATE TABLE writes it behind PARTITION BY.
func (p *Partitioning) String() string {
	var cols []string
	for i, c := range p.Columns {
		if e := p.expression(i); e != nil {
			cols = append(cols, e.Expression)
			continue
		}
		cols = append(cols, quoteIdent(c))
	}
	list := strings.Join(cols, ", ")
	var b strings.Builder
	switch {
	case p.Grain.Function == "date_trunc":
		fmt.Fprintf(&b, "date_trunc('%s', %s)", p.Grain.Unit, bareIdent(p.Columns[0]))
	case p.Grain.Function == "time_slice":
		fmt.Fprintf(&b, "time_slice(%s, INTERVAL %d %s)", bareIdent(p.Columns[0]), p.Grain.Interval, strings.ToUpper(p.Grain.Unit))
	case p.Automatic && p.Expressions != nil:
		b.WriteString(list)
	case p.Automatic:
		fmt.Fprintf(&b, "(%s)", list)
	case p.Kind == ListPartitions:
		fmt.Fprintf(&b, "LIST(%s)", list)
	default:
		fmt.Fprintf(&b, "RANGE(%s)", list)
	}
	if len(p.Parts) == 0 {
		if !p.Automatic {
			b.WriteString("\n()")
		}
		return b.String()
	}
	b.WriteString("\n(")
	for i, d := range p.Parts {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("PARTITION " + bareIdent(d.Name) + " VALUES ")
		switch {
		case p.Kind == ListPartitions:
			b.WriteString("IN " + listText(d.Values))
		case d.Lower == nil: // not worked out yet
			b.WriteString("LESS THAN " + boundsText(d.Upper))
		default:
			b.WriteString("[" + boundsText(d.Lower) + ", " + boundsText(d.Upper) + ")")
		}
	}
	b.WriteString(")")
	return b.String()
}

func quoteIdent(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// bareIdent quotes a name only where it must be.
func bareIdent(name string) string {
	for i, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return quoteIdent(name)
		}
	}
	if name == "" {
		return quoteIdent(name)
	}
	return name
}

var textEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "'", `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)

func boundsText(list []Bound) string {
	var out []string
	for _, b := range list {
		if b.Max {
			out = append(out, "MAXVALUE")
		} else {
			out = append(out, `"`+textEscapes.Replace(b.Text)+`"`)
		}
	}
	return "(" + strings.Join(out, ", ") + ")"
}

// listText is the values of a list partition as SHOW PARTITIONS shows them.
func listText(values [][]*string) string {
	var rows []string
	for _, row := range values {
		var cells []string
		for _, v := range row {
			if v == nil {
				cells = append(cells, "NULL")
			} else {
				cells = append(cells, "'"+textEscapes.Replace(*v)+"'")
			}
		}
		if len(cells) == 1 {
			rows = append(rows, cells[0])
		} else {
			rows = append(rows, "("+strings.Join(cells, ", ")+")")
		}
	}
	return "(" + strings.Join(rows, ", ") + ")"
}

// checkPartitioning resolves the columns of PARTITION BY in s, which is a private
// copy, and says what is wrong with the clause. Bounds are checked by newShape.
func (s *Schema) checkPartitioning() error {
	p := s.Partitioning
	if p == nil {
		if _, err := s.readDynamic(); err != nil {
			return err
		}
		if s.Partition != "" {
			return fmt.Errorf("PARTITION BY %s: the clause was not read", s.Partition)
		}
		return nil
	}
	if len(p.Columns) == 0 {
		return wording("No partition columns.")
	}
	for i, name := range p.Columns {
		at := s.Index(name)
		if at < 0 {
			return inWords("Partition column[%s] does not exist in column list", name)
		}
		c := &s.Columns[at]
		p.Columns[i] = c.Name
		e := p.expression(i)
		if e == nil && slices.Contains(p.Columns[:i], c.Name) {
			return inWords("Duplicated partition column %s", name)
		}
		if s.Model != Duplicate && !c.Key {
			return wording("The partition column could not be aggregated column")
		}
		if c.AutoIncrement {
			return inWords("Partition column[%s] could not be an auto increment column", name)
		}
		if e != nil {
			if err := s.checkPartitionExpression(e); err != nil {
				return err
			}
			c = &Column{Name: e.Expression, Type: e.Type}
		}
		if err := p.takes(c); err != nil {
			return err
		}
	}
	if p.Grain.Function != "" && (len(p.Columns) != 1 || p.Kind != RangePartitions) {
		return wording("automatic partition only support single column for range partition.")
	}
	_, err := s.readDynamic()
	return err
}

func (p *Partitioning) expression(i int) *PartitionExpression {
	if i >= len(p.Expressions) {
		return nil
	}
	return p.Expressions[i]
}

// Keys lists the columns of the partition key, and the expressions as they were
// written.
func (p *Partitioning) Keys() []string {
	keys := slices.Clone(p.Columns)
	for i := range keys {
		if e := p.expression(i); e != nil {
			keys[i] = e.Expression
		}
	}
	return keys
}

// checkPartitionExpression wants every column the expression reads to be one a row
// has when its partition is looked for.
func (s *Schema) checkPartitionExpression(e *PartitionExpression) error {
	for _, name := range e.Mentions {
		at := s.Index(name)
		if at < 0 {
			continue // a unit of time, or the compiler said so
		}
		switch c := &s.Columns[at]; {
		case c.Generated != nil:
			return inWords("partitioning by the generated column %s is not supported by this stand-in", c.Name)
		case c.AutoIncrement:
			return inWords("Partition column[%s] could not be an auto increment column", c.Name)
		case s.Model != Duplicate && !c.Key:
			return wording("The partition column could not be aggregated column")
		}
	}
	return nil
}

// mentions says whether an expression of the key reads the named column.
func (p *Partitioning) mentions(name string) bool {
	return slices.ContainsFunc(p.Expressions, func(e *PartitionExpression) bool {
		return e != nil && slices.ContainsFunc(e.Mentions, func(m string) bool { return strings.EqualFold(m, name) })
	})
}

func (p *Partitioning) takes(c *Column) error {
	switch c.Type.Kind {
	case Float, Double, Decimal:
		return inWords("Invalid partition column '%s': invalid data type %s", c.Name, strings.ToUpper(c.Type.String()))
	case JSON, Array, Map, Struct, Binary, Bitmap, HLL, Percentile:
		return inWords("Type[%s] column[%s] cannot be a partition column", strings.ToUpper(c.Type.String()), c.Name)
	case Date, DateTime:
		return nil
	}
	if p.Grain.Function != "" {
		return inWords("partition expr only support DATE or DATETIME column, column '%s' is %s", c.Name, c.Type)
	}
	if p.Kind == RangePartitions && storageOf(c.Type.Kind) == asBytes || p.Kind == RangePartitions && c.Type.Kind == Boolean {
		return inWords("Column[%s] type[%s] cannot be a range partition key.", c.Name, strings.ToUpper(c.Type.String()))
	}
	return nil
}
