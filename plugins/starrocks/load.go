package starrocks

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gx-etl/gx/plugins/starrocks/encode"
	"github.com/gx-etl/gx/plugins/starrocks/streamload"
)

// load is the rows of one Stream Load, in order. Encoded rows are in chunks, in the bytes they are sent as; documents
// stay in the memory of their batches and are joined on their way to the socket. Either way the body can be sent again.
type load struct {
	target *target
	header http.Header
	label  string
	kind   kind
	why    string    // it was closed
	born   time.Time // when its first row joined
	parts  []part
	rows   int
	bytes  int64 // of the body, before compression
	chunks []*chunk
	codec  streamload.Codec
	loose  bool
	bare   bool  // JSON: one object without brackets
	held   int64 // of memory, as last counted
}

// kind is how the rows of a load travel.
type kind uint8

const (
	kindCSV       kind = iota
	kindJSON           // rows as JSON objects
	kindDocuments      // JSON objects as they came
)

// part is a run of rows of one batch without a gap.
type part struct {
	batch *arrival
	row   int // in the batch
	n     int
}

// chunk holds encoded rows.
type chunk struct {
	buf  []byte
	ends []int32 // where each row ends in buf
}

const (
	pieceBytes = 256 << 10 // bodies go out in pieces of this size, at least
	firstBytes = 16 << 10  // a load may stay small when there are many tables
	chunkBytes = pieceBytes + 64<<10
	endBytes   = 4
)

var (
	chunkPool sync.Pool // *chunk with room for chunkBytes
	pieces    = sync.Pool{New: func() any { b := make([]byte, 0, chunkBytes); return &b }}
)

// tail is the chunk for the next row.
func (l *load) tail() (c *chunk) {
	if n := len(l.chunks); n > 0 && len(l.chunks[n-1].buf) < pieceBytes && (n > 1 || len(l.chunks[0].buf) < firstBytes) {
		return l.chunks[n-1]
	}
	if len(l.chunks) == 0 {
		c = &chunk{buf: make([]byte, 0, firstBytes+firstBytes/2)}
	} else if c, _ = chunkPool.Get().(*chunk); c == nil {
		c = &chunk{buf: make([]byte, 0, chunkBytes)}
	}
	l.chunks = append(l.chunks, c)
	return c
}

// free gives the chunks back.
func (l *load) free() {
	for _, c := range l.chunks {
		if n := cap(c.buf); n >= chunkBytes && n <= 2*chunkBytes {
			c.buf, c.ends = c.buf[:0], c.ends[:0]
			chunkPool.Put(c)
		}
	}
	l.chunks = nil
}

// memory is what the chunks take.
func (l *load) memory() (n int64) {
	for _, c := range l.chunks {
		n += int64(cap(c.buf) + endBytes*cap(c.ends))
	}
	return n
}

// size is what the load takes of memory, but for what its batches hold.
func (l *load) size() int64 { return max(l.bytes, l.held) }

// add notes rows row to row+n-1 of a batch as members.
func (l *load) add(b *arrival, row, n int) {
	if l.rows == 0 {
		l.born = time.Now()
	}
	b.pending += n
	l.rows += n
	if k := len(l.parts); k > 0 {
		if p := &l.parts[k-1]; p.batch == b && p.row+p.n == row {
			p.n += n
			return
		}
	}
	l.parts = append(l.parts, part{b, row, n})
}

// finish ends the body. No row may follow.
func (l *load) finish() {
	if l.kind == kindJSON && !l.bare {
		c := l.chunks[len(l.chunks)-1]
		c.buf = append(c.buf, ']')
		l.bytes++
	}
}

// request is the load as streamload sends it.
func (l *load) request() *streamload.Load {
	var body streamload.Body = l
	if l.codec != "" {
		body = streamload.Compressed(l, l.codec)
	}
	return &streamload.Load{Database: l.target.database, Table: l.target.table, Label: l.label, Header: l.header,
		Body: body, Rows: int64(l.rows), Loose: l.loose}
}

// Open serves streamload.Body.
func (l *load) Open() streamload.Chunks {
	if l.kind == kindDocuments {
		return &joiner{parts: l.parts, bare: l.bare}
	}
	return &chunkList{chunks: l.chunks}
}

type chunkList struct{ chunks []*chunk }

func (c *chunkList) Next() ([]byte, error) {
	if len(c.chunks) == 0 {
		return nil, io.EOF
	}
	b := c.chunks[0].buf
	c.chunks = c.chunks[1:]
	return b, nil
}

func (c *chunkList) Close() { c.chunks = nil }

// joiner writes documents as one JSON array, a piece at a time.
type joiner struct {
	parts []part
	at    int // rows of parts[0] that are written
	bare  bool
	begun bool
	ended bool
	buf   *[]byte
}

func (j *joiner) Next() ([]byte, error) {
	if j.ended {
		return nil, io.EOF
	}
	if j.buf == nil {
		j.buf = pieces.Get().(*[]byte)
	}
	b := (*j.buf)[:0]
	if !j.begun && !j.bare {
		b = append(b, '[')
	}
	for len(j.parts) > 0 {
		p := &j.parts[0]
		docs := p.batch.docs
		for ; j.at < p.n; j.at++ {
			if len(b) >= pieceBytes {
				*j.buf = b
				return b, nil
			}
			if j.begun {
				b = append(b, ',')
			}
			j.begun = true
			b = append(b, docs.Bytes(p.row+j.at)...)
		}
		j.parts, j.at = j.parts[1:], 0
	}
	j.ended = true
	if !j.bare {
		b = append(b, ']')
	}
	*j.buf = b
	return b, nil
}

func (j *joiner) Close() {
	j.ended = true
	if j.buf != nil {
		if cap(*j.buf) <= 2*chunkBytes { // a giant document must not stay
			pieces.Put(j.buf)
		}
		j.buf = nil
	}
}

// each calls f with every row: its batch, its number there, and its bytes as they were sent.
func (l *load) each(rowDelimiter []byte, f func(b *arrival, row int, record []byte)) {
	if l.kind == kindDocuments {
		for _, p := range l.parts {
			for i := range p.n {
				f(p.batch, p.row+i, p.batch.docs.Bytes(p.row+i))
			}
		}
		return
	}
	k, within := 0, 0
	for _, c := range l.chunks {
		from := 0
		for _, end := range c.ends {
			record := c.buf[from:end]
			from = int(end)
			if l.kind == kindCSV {
				record = record[:len(record)-len(rowDelimiter)]
			} else if !l.bare {
				record = record[1:]
			}
			f(l.parts[k].batch, l.parts[k].row+within, record)
			if within++; within == l.parts[k].n {
				k, within = k+1, 0
			}
		}
	}
}

// arrival is a batch between its coming and its ack.
type arrival struct {
	sequence uint64
	pending  int  // rows in loads whose outcome is not known
	open     bool // more of its rows may join loads
	docs     *encode.Documents
	memory   int64
	release  func() // of the batch, when docs point into it
}
