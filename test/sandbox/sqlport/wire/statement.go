package wire

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// statement is a prepared statement of one connection.
type statement struct {
	p     Prepared
	types []uint16          // of the last execution; a client may send them once only
	long  map[uint16][]byte // parameters sent in pieces before the execution
}

func unknownStatement(where string) *Error {
	return Errorf(1243, "HY000", "Unknown prepared statement handler given to %s", where)
}

func (c *Conn) prepare(ctx context.Context, s Session, text string) error {
	if len(c.prepared) >= maxPrepared {
		return c.sendError(Errorf(1461, "42000", "Can't create more than %d prepared statements on one connection", maxPrepared))
	}
	qctx, done := c.begin(ctx, text)
	defer done()
	p, err := s.Prepare(qctx, text)
	if err != nil {
		return c.sendError(err)
	}
	c.lastStmt++
	if c.prepared == nil {
		c.prepared = map[uint32]*statement{}
	}
	c.prepared[c.lastStmt] = &statement{p: p}

	head := binary.LittleEndian.AppendUint32([]byte{0}, c.lastStmt)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(p.Columns)))
	head = binary.LittleEndian.AppendUint16(head, uint16(p.Params))
	if err := c.p.write(append(head, 0, 0, 0)); err != nil {
		return err
	}
	params := make([]Column, p.Params)
	for i := range params {
		params[i] = Column{Name: "?", Type: TypeVarString, Charset: CharsetBinary}
	}
	for _, list := range [][]Column{params, p.Columns} {
		if len(list) == 0 {
			continue
		}
		for _, col := range list {
			if err := c.p.write(col.definition(nil)); err != nil {
				return err
			}
		}
		if c.caps&capDeprecateEOF == 0 {
			if err := c.p.write([]byte{0xfe, 0, 0, byte(statusAutocommit), 0}); err != nil {
				return err
			}
		}
	}
	return c.p.flush()
}

func (c *Conn) longData(body []byte) {
	f := &fields{b: body}
	st, param := c.prepared[f.uint32()], f.uint16()
	if st == nil || f.bad || int(param) >= st.p.Params || len(st.long[param])+len(f.b) > c.p.limit {
		return
	}
	if st.long == nil {
		st.long = map[uint16][]byte{}
	}
	st.long[param] = append(st.long[param], f.b...)
}

func (c *Conn) execute(ctx context.Context, s Session, body []byte) error {
	f := &fields{b: body}
	st := c.prepared[f.uint32()]
	if st == nil || f.bad {
		return c.sendError(unknownStatement("mysqld_stmt_execute"))
	}
	if cursor := f.uint8(); cursor != 0 {
		return c.sendError(Errorf(1235, "42000", "Cursors are not supported"))
	}
	f.take(4) // iteration count, always 1
	args, err := st.args(f)
	st.long = nil
	if err != nil {
		return c.sendError(err)
	}
	qctx, done := c.begin(ctx, st.p.Text)
	defer done()
	w := c.result(true)
	return c.run(qctx, w, func() error { return s.Execute(qctx, st.p, args, w) })
}

// args reads the parameters of an execution.
func (st *statement) args(f *fields) ([]Arg, error) {
	n := st.p.Params
	if n == 0 {
		return nil, nil
	}
	nulls := f.take((n + 7) / 8)
	if f.uint8() == 1 {
		st.types = make([]uint16, n)
		for i := range st.types {
			st.types[i] = f.uint16()
		}
	}
	if f.bad || len(st.types) != n {
		return nil, Errorf(1210, "HY000", "Incorrect arguments to mysqld_stmt_execute")
	}
	args := make([]Arg, n)
	for i := range args {
		if long, ok := st.long[uint16(i)]; ok {
			args[i] = Arg{Text: long}
			continue
		}
		if nulls[i/8]&(1<<(i%8)) != 0 {
			args[i] = Arg{Null: true}
			continue
		}
		a, err := parseArg(f, byte(st.types[i]), st.types[i]&0x8000 != 0)
		if err != nil {
			return nil, err
		}
		args[i] = a
	}
	return args, f.err()
}

func parseArg(f *fields, typ byte, unsigned bool) (Arg, error) {
	number := func(signed int64, raw uint64) Arg {
		if unsigned {
			return Arg{Number: true, Text: strconv.AppendUint(nil, raw, 10)}
		}
		return Arg{Number: true, Text: strconv.AppendInt(nil, signed, 10)}
	}
	switch typ {
	case TypeNull:
		return Arg{Null: true}, nil
	case TypeTiny:
		v := f.uint8()
		return number(int64(int8(v)), uint64(v)), nil
	case TypeShort, TypeYear:
		v := f.uint16()
		return number(int64(int16(v)), uint64(v)), nil
	case TypeLong, TypeInt24:
		v := f.uint32()
		return number(int64(int32(v)), uint64(v)), nil
	case TypeLongLong:
		v := f.uint64()
		return number(int64(v), v), nil
	case TypeFloat:
		v := math.Float32frombits(f.uint32())
		return Arg{Number: true, Text: strconv.AppendFloat(nil, float64(v), 'e', -1, 32)}, nil
	case TypeDouble:
		v := math.Float64frombits(f.uint64())
		return Arg{Number: true, Text: strconv.AppendFloat(nil, v, 'e', -1, 64)}, nil
	case TypeDate, TypeDateTime, TypeTimestamp:
		return parseDateArg(f)
	case TypeTime:
		return Arg{}, Errorf(1210, "HY000", "Incorrect arguments to mysqld_stmt_execute: TIME parameters are not supported; send text")
	default:
		return Arg{Text: append([]byte(nil), f.lenEncBytes()...)}, nil
	}
}

func parseDateArg(f *fields) (Arg, error) {
	g := &fields{b: f.take(int(f.uint8()))}
	n := len(g.b)
	switch n {
	case 0:
		return Arg{Text: []byte("0000-00-00")}, nil
	case 4, 7, 11:
	default:
		return Arg{}, errMalformed
	}
	text := fmt.Sprintf("%04d-%02d-%02d", g.uint16(), g.uint8(), g.uint8())
	if n >= 7 {
		text += fmt.Sprintf(" %02d:%02d:%02d", g.uint8(), g.uint8(), g.uint8())
	}
	if n == 11 {
		text += fmt.Sprintf(".%06d", g.uint32())
	}
	return Arg{Text: []byte(text)}, nil
}
