package starrocks

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/gx-etl/gx/plugins/starrocks/encode"
)

// A partial update names its columns once for a whole load, and a column that is named and missing from a document would be
// overwritten with NULL. So documents go by the set of columns that they hold, each set in loads of its own. Two sets are gathered
// side by side; where a key comes again with another set, the load that holds it goes out first, so that later values win.

// sets tells documents of a destination apart by the columns that they hold.
type sets struct {
	columns map[string]int // of the job, by name
	names   []string       // of the job, in order
	keys    []keyForm      // by column
	known   bool           // the table's key columns are among the columns
	merge   int            // the column of merge_condition, without which StarRocks refuses a load; -1: none
	seed    maphash.Seed
	homes   map[uint64]home // by hash of a key
	vague   home            // of the last document whose key may be that of any other
	crowd   int             // of homes, at which those of loads that are gone are forgotten

	set  []byte // a bit for each column of the document at hand
	hash maphash.Hash
	text []byte // of a key value without its quotes
}

// home is where the row of a key went last.
type home struct {
	in   *intake
	load int // which of the intake's loads
}

func (h home) gathers() bool { return h.in != nil && h.in.load != nil && h.in.loads == h.load }

const (
	mostHomes = 1 << 20 // keys that are remembered before those of loads that are gone are looked for
	mostSets  = 100     // sets that gather side by side, each of which holds memory
)

// setsOf is nil when the documents of a target need not be told apart.
func (s *settings) setsOf(t *target, k kind) *sets {
	if !s.props.partial || k != kindDocuments || s.props.columns != nil || s.props.wholeDocuments() != "" || len(t.sources) == 0 {
		return nil
	}
	names := t.sources
	if s.columns == nil && !slices.Contains(names, opColumn) {
		names = append(slices.Clone(names), opColumn)
	}
	out := &sets{columns: map[string]int{}, names: names, keys: make([]keyForm, len(names)), seed: maphash.MakeSeed(), merge: -1,
		homes: map[uint64]home{}, crowd: mostHomes, set: make([]byte, (len(names)+7)/8)}
	merge := s.props.mergeColumn()
	for i, name := range names {
		out.columns[name] = i
		if lower := strings.ToLower(name); t.keys[lower] {
			out.keys[i] = keyFormOf(t.types[lower])
		}
		if strings.EqualFold(name, merge) {
			out.merge = i
		}
	}
	out.known = len(t.keys) > 0
	out.hash.SetSeed(out.seed)
	return out
}

// read looks at a document and leaves its set behind. It answers the hash of the key, and whether another document of the same
// key has the same hash for sure; or why the document cannot update anything.
func (s *sets) read(d *encode.Documents, row int) (key uint64, sure bool, reason string) {
	clear(s.set)
	sure = s.known
	twice := -1
	ok := d.Members(row, func(name, value []byte) {
		i, mine := s.columns[string(name)]
		if !mine {
			return
		}
		again := s.holds(i)
		s.set[i/8] |= 1 << (i % 8)
		if s.keys[i] == noKey {
			return
		}
		if again {
			twice = i
		}
		part, plain := s.part(i, value)
		key += part // in whatever order the document has them
		sure = sure && plain
	})
	switch {
	case !ok:
		return 0, false, "the document is not a JSON object"
	case twice >= 0:
		return 0, false, "the key column " + s.names[twice] + " is there twice, and StarRocks could take either"
	}
	empty := true
	for i, name := range s.names {
		has := s.holds(i)
		empty = empty && !has
		if s.keys[i] != noKey && !has {
			return 0, false, "the key column " + name + " is missing, without which no row can be updated"
		}
	}
	switch {
	case empty:
		return 0, false, "the document holds none of the columns"
	case s.merge >= 0 && !s.holds(s.merge):
		return 0, false, "the column " + s.names[s.merge] + " of merge_condition is missing, by which StarRocks decides whether the row is newer"
	}
	return key, sure, ""
}

// part is what a key column adds to the hash.
func (s *sets) part(column int, value []byte) (part uint64, plain bool) {
	s.text, plain = s.keys[column].plain(s.text[:0], value)
	var number [4]byte
	binary.LittleEndian.PutUint32(number[:], uint32(column))
	s.hash.Reset()
	_, _ = s.hash.Write(number[:])
	_, _ = s.hash.Write(s.text)
	return s.hash.Sum64(), plain
}

func (s *sets) holds(i int) bool { return s.set[i/8]&(1<<(i%8)) != 0 }

// settle notes where a key went. A load that was full is on its way already.
func (s *sets) settle(key uint64, sure bool, own *intake) {
	if own.load == nil {
		return
	}
	if !sure {
		s.vague = home{own, own.loads}
		return
	}
	if len(s.homes) >= s.crowd {
		for k, h := range s.homes {
			if !h.gathers() {
				delete(s.homes, k)
			}
		}
		s.crowd = max(mostHomes, 2*len(s.homes))
	}
	s.homes[key] = home{own, own.loads}
}
