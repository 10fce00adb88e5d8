package sqlport

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/sqlport/wire"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// narrowing is what FROM t [TEMPORARY] PARTITION (names) TABLET (ids) leaves of a
// table. Nil lists leave all of it.
type narrowing struct {
	partitions []string
	temporary  bool
	tablets    []int64
}

// narrowMark separates a table's name from its narrowing in the one name the
// engine sees. It cannot be typed in a statement that passed the rewriter.
const narrowMark = "\x01"

// tableName is the name under which the engine finds the table narrowed.
func (n narrowing) tableName(table string) string {
	if n.partitions == nil && n.tablets == nil {
		return table
	}
	var b strings.Builder
	b.WriteString(table + narrowMark)
	if n.temporary {
		b.WriteByte('t')
	}
	for i, p := range n.partitions {
		if i > 0 {
			b.WriteByte(',')
		}
		// In hexadecimal: the engine folds names and some bytes end them.
		b.WriteString(hex.EncodeToString([]byte(p)))
	}
	b.WriteString(narrowMark)
	for i, id := range n.tablets {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	return b.String()
}

// splitTableName undoes tableName.
func splitTableName(name string) (string, narrowing, error) {
	var n narrowing
	table, rest, marked := strings.Cut(name, narrowMark)
	if !marked {
		return name, n, nil
	}
	names, ids, _ := strings.Cut(rest, narrowMark)
	names, n.temporary = strings.CutPrefix(names, "t")
	for _, p := range split(names) {
		raw, err := hex.DecodeString(p)
		if err != nil {
			return table, n, fmt.Errorf("partition name %q: %w", p, err)
		}
		n.partitions = append(n.partitions, string(raw))
	}
	for _, p := range split(ids) {
		id, err := strconv.ParseInt(p, 10, 64)
		if err != nil {
			return table, n, fmt.Errorf("tablet id %q: %w", p, err)
		}
		n.tablets = append(n.tablets, id)
	}
	return table, n, nil
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// of narrows a view. A name or id the table does not have is an error.
func (n narrowing) of(s *store.Snapshot) (_ *store.Snapshot, err error) {
	if n.partitions != nil {
		s, err = s.Partitioned(n.partitions, n.temporary)
	}
	if err == nil && n.tablets != nil {
		s, err = s.Tablets(n.tablets)
	}
	return s, narrowError(err)
}

func narrowError(err error) error {
	var part *store.UnknownPartition
	var tablet *store.UnknownTablet
	switch {
	case errors.As(err, &part):
		return wire.Errorf(1735, "HY000", "Getting analyzing error. Detail message: Unknown partition '%s' in table '%s'.", part.Name, part.Table)
	case errors.As(err, &tablet):
		return wire.Errorf(1064, "42000", "Getting analyzing error. Detail message: Invalid tablet: %d.", tablet.ID)
	}
	return err
}

// partitionClause reads [TEMPORARY] PARTITION (names), if it is there.
func partitionClause(c *lex.Cursor) (n narrowing, err error) {
	at := 0
	if c.Peek().Is("temporary") {
		at = 1
	}
	if t := c.After(at); !t.Is("partition") && !t.Is("partitions") || !c.After(at+1).Is("(") {
		return n, nil
	}
	n.temporary = c.Try("temporary")
	c.Next()
	names, err := c.Names()
	for _, t := range names {
		n.partitions = append(n.partitions, t.Text)
	}
	return n, err
}
