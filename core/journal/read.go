package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"regexp"
	"syscall"

	"github.com/gx-etl/gx/plugins/protocol"
)

// A line is a checksum in eight hexadecimal digits, a blank, JSON, and a line break. The checksum covers the one before it
// too, so that a line cannot go missing, come twice or change places.
const sumDigits = 8

var table = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of a line's JSON after a line with the checksum before.
func sum(before uint32, text []byte) uint32 { return crc32.Update(before, table, text) }

func appendLine(dst []byte, before uint32, text []byte) ([]byte, uint32) {
	after := sum(before, text)
	dst = fmt.Appendf(dst, "%08x ", after)
	dst = append(dst, text...)
	return append(dst, '\n'), after
}

// checked is the JSON of a line without its break, and the line's checksum.
func checked(line []byte, before uint32) (text []byte, after uint32, ok bool) {
	if len(line) <= sumDigits || line[sumDigits] != ' ' {
		return nil, 0, false
	}
	var given [4]byte
	if _, err := hex.Decode(given[:], line[:sumDigits]); err != nil {
		return nil, 0, false
	}
	text = line[sumDigits+1:]
	after = sum(before, text)
	stated := uint32(given[0])<<24 | uint32(given[1])<<16 | uint32(given[2])<<8 | uint32(given[3])
	return text, after, stated == after
}

// parsed is what the bytes of a file come to.
type parsed struct {
	state State
	size  int    // bytes that hold: what follows is torn
	sum   uint32 // of the last line
}

// runName is what the core calls a run; names of transactions are made of it.
var runName = regexp.MustCompile(`^[0-9A-Za-z-]{1,40}$`)

// parse reads the bytes of a file. A last line that was not written to its end is left out: nobody has acted on it.
func parse(src []byte) (*parsed, error) {
	out := &parsed{}
	for n := 1; out.size < len(src); n++ {
		line, _, whole := bytes.Cut(src[out.size:], []byte{'\n'})
		text, after, ok := checked(line, out.sum)
		length := len(line) + 1
		if !ok && !whole && n > 1 {
			// A line break that was damaged makes a whole line look torn, and somebody may have acted on that line.
			if _, _, damaged := checked(line[:len(line)-1], out.sum); !damaged {
				return out, nil
			}
		}
		if !ok {
			return nil, fmt.Errorf("line %d is damaged", n)
		}
		if !whole {
			length--
		}
		if err := out.take(n, text); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out.size, out.sum = out.size+length, after
	}
	if out.size == 0 {
		return nil, errors.New("the file is empty")
	}
	return out, nil
}

func (p *parsed) take(n int, text []byte) error {
	if n > 1 {
		var r record
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		return p.state.apply(r)
	}
	h := &p.state.Header
	if err := json.Unmarshal(text, h); err != nil {
		return err
	}
	switch {
	case h.Format != Format:
		return fmt.Errorf("the format is %d, and this gx knows %d", h.Format, Format)
	case !runName.MatchString(h.Run):
		return fmt.Errorf("%q is no name of a run", h.Run)
	}
	p.state.Progress = make([]Progress, len(h.Shards))
	return nil
}

// Load reads what a file says; nil when there is none.
func Load(path string) (*State, error) {
	p, err := load(path)
	if p == nil || err != nil {
		return nil, err
	}
	return &p.state, nil
}

func load(path string) (*parsed, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer func() { _ = f.Close() }()
	src, err := io.ReadAll(f)
	if err != nil {
		return nil, unreadable(path, err)
	}
	p, err := parse(src)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return p, nil
}

func unreadable(path string, err error) error {
	return protocol.Faultf(protocol.Config, "the state file cannot be used: %s: %w", path, err).
		Hint("restore the file, or look at what the target holds and begin anew after gx state reset JOB")
}
