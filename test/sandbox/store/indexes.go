package store

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Index is an index of a table. It steers nothing here but what SHOW CREATE TABLE
// and SHOW INDEX say.
type Index struct {
	Name, Column string
	Kind         string // BITMAP, NGRAMBF, GIN or VECTOR
	Properties   map[string]string
	Comment      string
}

// maxIndexName is the longest name of an index, in bytes.
const maxIndexName = 64

// checkIndexes wants checked columns.
func (s *Schema) checkIndexes() error {
	for i := range s.Indexes {
		x := &s.Indexes[i]
		if x.Name == "" {
			return wording("index name cannot be blank.")
		}
		if len(x.Name) > maxIndexName {
			return wording("index name too long, the index name length at most is 64.")
		}
		at := s.Index(x.Column)
		if at < 0 {
			return inWords("%s column does not exist in table. invalid column: %s", x.Kind, x.Column)
		}
		x.Column = s.Columns[at].Name
		for _, other := range s.Indexes[:i] {
			if strings.EqualFold(other.Name, x.Name) {
				return inWords("index `%s` already exist.", x.Name)
			}
			if other.Kind == x.Kind && other.Column == x.Column {
				return inWords("%s index for columns (%s) already exist.", x.Kind, x.Column)
			}
		}
		if err := s.checkIndex(x, &s.Columns[at]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) checkIndex(x *Index, c *Column) error {
	kind, _, _ := strings.Cut(strings.ToUpper(c.Type.String()), "(")
	text := c.Type.Kind == Char || c.Type.Kind == Varchar
	switch x.Kind {
	case "BITMAP":
		switch c.Type.Kind {
		case Float, Double, Binary, JSON, Array, Map, Struct, Bitmap, HLL, Percentile:
			return inWords("%s is not supported in bitmap index. invalid column: %s", kind, c.Name)
		}
		if (s.Model == Aggregate || s.Model == Unique) && !c.Key {
			return inWords("BITMAP index only used in columns of DUP_KEYS/PRIMARY_KEYS table or key columns of UNIQUE_KEYS/AGG_KEYS table. invalid column: %s", c.Name)
		}
	case "NGRAMBF":
		if (s.Model == Aggregate || s.Model == Unique) && !c.Key {
			return wording("Ngram Bloom filter index only used in columns of DUP_KEYS/PRIMARY table or key columns of UNIQUE_KEYS/AGG_KEYS table. invalid column: " + c.Name)
		}
		if !text {
			return inWords("Invalid ngram bloom filter column '%s': unsupported type %s", c.Name, kind)
		}
		if n, ok := x.Properties["gram_num"]; ok {
			if v, err := strconv.Atoi(n); err != nil || v < 1 {
				return wording("Ngram Bloom filter's gram_num should be positive number")
			}
		}
		return checkFPP(x.Properties["bloom_filter_fpp"])
	case "GIN":
		if s.Model != Duplicate && s.Model != Primary {
			return wording("The inverted index can only be build on DUPLICATE/PRIMARY_KEYS table.")
		}
		if !text {
			return wording("The inverted index can only be build on column with type of CHAR/STRING/VARCHAR type.")
		}
		switch p := x.Properties["parser"]; p {
		case "", "none", "standard", "english", "chinese":
		default:
			return inWords("INVERTED index parser: %s is invalid for column: %s of type %s", p, c.Name, kind)
		}
	case "VECTOR":
		if s.Model != Duplicate && s.Model != Primary {
			return wording("The vector index can only build on DUPLICATE or PRIMARY table")
		}
		if c.Nullable {
			return wording("The vector index can only build on non-nullable column")
		}
		if c.Type.Text != "array<float>" {
			return wording("The vector index can only be build on column with type of array<float>.")
		}
		if len(x.Properties) == 0 {
			return wording("You should set index_type at least to add a vector index.")
		}
	default:
		return inWords("Unsupported index type: %s", x.Kind)
	}
	return nil
}

// checkFPP looks at the false positive probability of a bloom filter.
func checkFPP(text string) error {
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return wording("Bloom filter fpp is not Double")
	}
	if v < 0.0001 || v > 0.05 {
		return wording("Bloom filter fpp should in [1.0E-4, 0.05]")
	}
	return nil
}

// AddIndex gives the table an index, at once.
func (t *Table) AddIndex(x Index) error {
	return t.reshape(func(s *Schema) error {
		s.Indexes = append(s.Indexes, x)
		return nil
	})
}

// DropIndex takes an index away.
func (t *Table) DropIndex(name string) error {
	return t.reshape(func(s *Schema) error {
		before := len(s.Indexes)
		s.Indexes = slices.DeleteFunc(s.Indexes, func(x Index) bool { return strings.EqualFold(x.Name, name) })
		if len(s.Indexes) == before {
			return inWords("index %s does not exist", name)
		}
		return nil
	})
}

func (e *encoder) index(x Index) {
	e.string(x.Name)
	e.string(x.Column)
	e.string(x.Kind)
	e.string(x.Comment)
	list(e, slices.Sorted(maps.Keys(x.Properties)), func(k string) {
		e.string(k)
		e.string(x.Properties[k])
	})
}

func (d *decoder) index() Index {
	x := Index{Name: d.string(), Column: d.string(), Kind: d.string(), Comment: d.string()}
	for range d.count(2) {
		if x.Properties == nil {
			x.Properties = map[string]string{}
		}
		k := d.string()
		x.Properties[k] = d.string()
	}
	return x
}
