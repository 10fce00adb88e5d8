package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// encoder writes the parts of a saved store. The first error sticks.
type encoder struct {
	w   *bufio.Writer
	buf []byte
	err error
}

func (e *encoder) raw(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *encoder) uint(v uint64) {
	e.buf = binary.AppendUvarint(e.buf[:0], v)
	e.raw(e.buf)
}

func (e *encoder) int(v int64) {
	e.buf = binary.AppendVarint(e.buf[:0], v)
	e.raw(e.buf)
}

func (e *encoder) bool(v bool) {
	if v {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

func (e *encoder) bytes(b []byte) {
	e.uint(uint64(len(b)))
	e.raw(b)
}

func (e *encoder) string(s string) {
	e.uint(uint64(len(s)))
	if e.err == nil {
		_, e.err = e.w.WriteString(s)
	}
}

func (e *encoder) optional(s *string) {
	e.bool(s != nil)
	if s != nil {
		e.string(*s)
	}
}

func list[T any](e *encoder, items []T, each func(T)) {
	e.uint(uint64(len(items)))
	for _, it := range items {
		each(it)
	}
}

// errDamaged says that bytes are not what an encoder wrote.
var errDamaged = errors.New("the data is damaged")

// decoder reads them back. It never asks for more memory than bytes are left to
// read. The first error sticks, and everything after it reads as zero.
type decoder struct {
	r    *bufio.Reader
	left int64
	err  error
}

func newDecoder(r io.Reader, size int64) *decoder {
	return &decoder{r: bufio.NewReaderSize(io.LimitReader(r, size), 1<<16), left: size}
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errDamaged
	}
}

// ReadByte lets the decoder read its own varints.
func (d *decoder) ReadByte() (byte, error) {
	if d.err != nil {
		return 0, d.err
	}
	b, err := d.r.ReadByte()
	d.left--
	return b, err
}

func (d *decoder) uint() uint64 {
	v, err := binary.ReadUvarint(d)
	if err != nil {
		d.fail()
		return 0
	}
	return v
}

func (d *decoder) int() int64 {
	v, err := binary.ReadVarint(d)
	if err != nil {
		d.fail()
		return 0
	}
	return v
}

func (d *decoder) bool() bool {
	v := d.uint()
	if v > 1 {
		d.fail()
	}
	return v == 1
}

// small reads a number that fits an int of any machine.
func (d *decoder) small() int {
	v := d.int()
	if v < math.MinInt32 || v > math.MaxInt32 {
		d.fail()
		return 0
	}
	return int(v)
}

// count reads the length of a list whose items take at least size bytes each.
func (d *decoder) count(size int64) int {
	n := d.uint()
	if d.err != nil || n > uint64(max(d.left, 0)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) fill(b []byte) {
	if d.err != nil {
		return
	}
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.fail()
	}
	d.left -= int64(len(b))
}

func (d *decoder) bytes() []byte {
	b := make([]byte, d.count(1))
	d.fill(b)
	return b
}

func (d *decoder) string() string { return string(d.bytes()) }

func (d *decoder) optional() *string {
	if !d.bool() {
		return nil
	}
	s := d.string()
	return &s
}

func items[T any](d *decoder, each func() T) []T {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	out := make([]T, 0, min(n, 1024))
	for range n {
		if d.err != nil {
			return nil
		}
		out = append(out, each())
	}
	return out
}

func (e *encoder) vector(v *vector, live []int) {
	nulls := false
	for _, i := range live {
		nulls = nulls || v.isNull(i)
	}
	e.bool(nulls)
	if nulls {
		bits := make([]byte, (len(live)+7)/8)
		for n, i := range live {
			if v.isNull(i) {
				bits[n/8] |= 1 << (n % 8)
			}
		}
		e.raw(bits)
	}
	for _, i := range live {
		switch v.kind {
		case asInts:
			e.int(v.ints[i])
		case asFloats:
			e.buf = binary.LittleEndian.AppendUint64(e.buf[:0], math.Float64bits(v.floats[i]))
			e.raw(e.buf)
		case asWide:
			e.buf = binary.LittleEndian.AppendUint64(e.buf[:0], uint64(v.wides[i].hi))
			e.buf = binary.LittleEndian.AppendUint64(e.buf, v.wides[i].lo)
			e.raw(e.buf)
		default:
			e.uint(uint64(len(v.bytesAt(i))))
		}
	}
	if v.kind == asBytes {
		for _, i := range live {
			e.raw(v.bytesAt(i))
		}
	}
}

// vector reads n values of a column.
func (d *decoder) vector(t *cellType, n int) vector {
	v := vector{kind: t.storage, n: n}
	if d.bool() {
		bits := make([]byte, (n+7)/8)
		d.fill(bits)
		v.nulls = make([]bool, n)
		for i := range v.nulls {
			v.nulls[i] = bits[i/8]&(1<<(i%8)) != 0
		}
	}
	var word [16]byte
	switch v.kind {
	case asInts:
		v.ints = make([]int64, n)
		for i := range v.ints {
			v.ints[i] = d.int()
		}
	case asFloats:
		v.floats = make([]float64, n)
		for i := range v.floats {
			d.fill(word[:8])
			v.floats[i] = math.Float64frombits(binary.LittleEndian.Uint64(word[:8]))
		}
	case asWide:
		v.wides = make([]int128, n)
		for i := range v.wides {
			d.fill(word[:])
			v.wides[i] = int128{hi: int64(binary.LittleEndian.Uint64(word[:8])), lo: binary.LittleEndian.Uint64(word[8:])}
		}
	default:
		v.ends = make([]int, n)
		end := 0
		for i := range v.ends {
			size := d.uint()
			if size > uint64(max(d.left, 0)) || int64(end)+int64(size) > d.left {
				d.fail()
				return v
			}
			end += int(size)
			v.ends[i] = end
		}
		if d.err != nil || int64(end) > d.left {
			d.fail()
			return v
		}
		v.arena = make([]byte, end)
		d.fill(v.arena)
	}
	return v
}
