package ingest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gx-etl/gx/test/sandbox/expression"
)

// toyCompiler knows a few shapes of expressions, enough to see what a load hands
// to its expressions and takes from them: a name, 'text', a number, upper(x),
// tag(x) (the Go type of the value), x+1, x>y, x=y, fail(x), sum(x), if(c,a,b).
func toyCompiler(inputs []expression.Input, expressions []string) (expression.Program, error) {
	p := &toyProgram{}
	for i, e := range expressions {
		f, err := toyParse(inputs, strings.TrimSpace(e))
		if unknown, ok := err.(*expression.UnknownReference); ok {
			unknown.Index = i
		}
		if err != nil {
			return nil, err
		}
		p.parts = append(p.parts, f)
		p.decimal = append(p.decimal, strings.HasPrefix(e, "dec("))
		p.boolean = append(p.boolean, strings.ContainsAny(e, ">="))
	}
	return p, nil
}

// Decimal implements expression.Typed: what is written dec(x) is DECIMAL.
func (p *toyProgram) Decimal(i int) bool { return p.decimal[i] }

// Boolean implements expression.Typed.
func (p *toyProgram) Boolean(i int) bool { return p.boolean[i] }

type toyPart func(inputs []any) (any, error)

type toyProgram struct {
	parts   []toyPart
	decimal []bool
	boolean []bool
}

func (p *toyProgram) Eval(inputs, out []any) error {
	for i, f := range p.parts {
		var err error
		if out[i], err = f(inputs); err != nil {
			return err
		}
	}
	return nil
}

func toyParse(inputs []expression.Input, e string) (toyPart, error) {
	if strings.HasPrefix(e, "'") {
		text := strings.Trim(e, "'")
		return func([]any) (any, error) { return text, nil }, nil
	}
	if n, err := strconv.ParseInt(e, 10, 64); err == nil {
		return func([]any) (any, error) { return n, nil }, nil
	}
	if f, err := strconv.ParseFloat(e, 64); err == nil {
		return func([]any) (any, error) { return f, nil }, nil
	}
	if name, rest, ok := strings.Cut(e, "("); ok && strings.HasSuffix(rest, ")") {
		return toyCall(inputs, name, strings.TrimSuffix(rest, ")"))
	}
	for _, op := range []string{"+", ">", "="} {
		if left, right, ok := strings.Cut(e, op); ok {
			return toyOperator(inputs, op, left, right)
		}
	}
	name := strings.Trim(e, "`")
	if strings.EqualFold(name, "null") {
		return func([]any) (any, error) { return nil, nil }, nil
	}
	for i, in := range inputs {
		if strings.EqualFold(in.Name, name) {
			return func(inputs []any) (any, error) { return inputs[i], nil }, nil
		}
	}
	return nil, &expression.UnknownReference{Reference: name}
}

func toyCall(inputs []expression.Input, name, args string) (toyPart, error) {
	var parts []toyPart
	for _, a := range strings.Split(args, ",") {
		p, err := toyParse(inputs, strings.TrimSpace(a))
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	of := func(in []any, f func(v any) (any, error)) (any, error) {
		v, err := parts[0](in)
		if err != nil {
			return nil, err
		}
		return f(v)
	}
	switch name {
	case "upper":
		return func(in []any) (any, error) {
			return of(in, func(v any) (any, error) {
				if v == nil {
					return nil, nil
				}
				return strings.ToUpper(fmt.Sprint(v)), nil
			})
		}, nil
	case "tag":
		return func(in []any) (any, error) {
			return of(in, func(v any) (any, error) { return fmt.Sprintf("%T", v), nil })
		}, nil
	case "raw":
		return func(in []any) (any, error) {
			return of(in, func(v any) (any, error) { return []byte(fmt.Sprint(v)), nil })
		}, nil
	case "dec":
		return parts[0], nil
	case "fail":
		return func([]any) (any, error) { return nil, errors.New("the expression failed") }, nil
	case "if":
		if len(parts) != 3 {
			return nil, errors.New("No matching function with signature: if")
		}
		return func(in []any) (any, error) {
			return of(in, func(v any) (any, error) {
				if isTrue(v) {
					return parts[1](in)
				}
				return parts[2](in)
			})
		}, nil
	case "sum":
		return nil, errors.New("Don't support aggregation function in load expression")
	}
	return nil, fmt.Errorf("No matching function with signature: %s", name)
}

func toyOperator(inputs []expression.Input, op, left, right string) (toyPart, error) {
	l, err := toyParse(inputs, strings.TrimSpace(left))
	if err != nil {
		return nil, err
	}
	r, err := toyParse(inputs, strings.TrimSpace(right))
	if err != nil {
		return nil, err
	}
	number := func(v any) (float64, bool) {
		f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		return f, err == nil
	}
	return func(in []any) (any, error) {
		a, err := l(in)
		if err != nil {
			return nil, err
		}
		b, err := r(in)
		if err != nil || a == nil || b == nil {
			return nil, err
		}
		x, okX := number(a)
		y, okY := number(b)
		switch {
		case op == "=" && !(okX && okY):
			return fmt.Sprint(a) == fmt.Sprint(b), nil
		case !okX || !okY:
			return nil, nil
		case op == "+":
			return x + y, nil
		case op == ">" && x > y, op == "=" && x == y:
			return int64(1), nil
		}
		return int64(0), nil
	}, nil
}
