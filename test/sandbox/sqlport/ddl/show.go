package ddl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// Show writes the statement that SHOW CREATE TABLE answers with. Parse reads it
// back to the same schema.
func Show(name string, s store.Schema) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", quoteName(name))
	var lines []string
	for _, c := range s.Columns {
		lines = append(lines, "  "+showColumn(c))
	}
	for _, x := range s.Indexes {
		lines = append(lines, "  "+showIndex(x))
	}
	b.WriteString(strings.Join(lines, ",\n") + "\n")
	fmt.Fprintf(&b, ") ENGINE=OLAP \n%s KEY(%s)\n", keyWord(s.Model), quoteNames(s.Keys))
	if s.Comment != "" {
		fmt.Fprintf(&b, "COMMENT %s\n", quote(s.Comment))
	}
	if s.Partitioning != nil {
		fmt.Fprintf(&b, "PARTITION BY %s\n", s.Partitioning)
	}
	if len(s.DistributedBy) > 0 {
		fmt.Fprintf(&b, "DISTRIBUTED BY HASH(%s)", quoteNames(s.DistributedBy))
	} else {
		b.WriteString("DISTRIBUTED BY RANDOM")
	}
	if s.Buckets > 0 {
		fmt.Fprintf(&b, " BUCKETS %d", s.Buckets)
	}
	b.WriteString(" \n")
	if key := SortKey(s); len(key) > 0 {
		fmt.Fprintf(&b, "ORDER BY(%s)\n", quoteNames(key))
	}
	if props := showProperties(s.Properties); len(props) > 0 {
		fmt.Fprintf(&b, "PROPERTIES (\n%s\n)", strings.Join(props, ",\n"))
	}
	return strings.TrimRight(b.String(), " \n") + ";"
}

func showProperties(list map[string]string) (props []string) {
	for _, k := range slices.Sorted(maps.Keys(list)) {
		if k != SortKeyProperty {
			props = append(props, quote(k)+" = "+quote(list[k]))
		}
	}
	return props
}

func showColumn(c store.Column) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s ", quoteName(c.Name), c.Type)
	if c.Agg != "" {
		b.WriteString(c.Agg + " ")
	}
	if c.Nullable {
		b.WriteString("NULL ")
	} else {
		b.WriteString("NOT NULL ")
	}
	switch {
	case c.Generated != nil:
		b.WriteString("AS " + c.Generated.Expression + " ")
	case c.AutoIncrement:
		b.WriteString("AUTO_INCREMENT ")
	case c.Default == nil:
	case c.DefaultCall:
		b.WriteString("DEFAULT (" + *c.Default + ") ")
	case IsNow(c):
		b.WriteString("DEFAULT CURRENT_TIMESTAMP ")
	default:
		b.WriteString("DEFAULT " + quote(*c.Default) + " ")
	}
	b.WriteString("COMMENT " + quote(c.Comment))
	return b.String()
}

// IsNow reports whether the column defaults to the time of the insert.
func IsNow(c store.Column) bool {
	return c.Type.Kind == store.DateTime && c.Default != nil && *c.Default == "CURRENT_TIMESTAMP"
}

// SortKey returns the columns that rows are ordered by on disk: those of
// ORDER BY, or none.
func SortKey(s store.Schema) []string {
	if s.Properties[SortKeyProperty] == "" {
		return nil
	}
	return strings.Split(s.Properties[SortKeyProperty], "\x00")
}

func keyWord(m store.Model) string {
	return map[store.Model]string{
		store.Duplicate: "DUPLICATE", store.Aggregate: "AGGREGATE", store.Unique: "UNIQUE", store.Primary: "PRIMARY",
	}[m]
}

// bareName quotes a name only where it must be.
func bareName(name string) string {
	toks, err := lex.Scan(name)
	if err != nil || len(toks) != 2 || toks[0].Kind != lex.Word || toks[0].Text != name {
		return quoteName(name)
	}
	return name
}

func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func quoteNames(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quoteName(n)
	}
	return strings.Join(quoted, ", ")
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)

func quote(s string) string { return `"` + quoter.Replace(s) + `"` }
