package wire

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unicode/utf8"
)

// FuzzLogin: any bytes a client may send after the greeting end in a login or an
// error.
func FuzzLogin(f *testing.F) {
	f.Add(loginMessage(loginCaps, "root", nil, "d", nativePassword))
	f.Fuzz(func(t *testing.T, msg []byte) {
		l, err := parseLogin(msg)
		if err != nil {
			return
		}
		if len(l.user) > len(msg) || len(l.reply) > len(msg) || len(l.db) > len(msg) {
			t.Fatalf("parts longer than the message: %+v", l)
		}
	})
}

// FuzzArgs: any parameters of an execution end in as many arguments as the
// statement has, or an error; what is a number reads as one.
func FuzzArgs(f *testing.F) {
	f.Add(uint8(2), []byte{0, 1, 8, 0, 0xfd, 0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 'h', 'i'})
	f.Fuzz(func(t *testing.T, n uint8, body []byte) {
		st := &statement{p: Prepared{Params: int(n)}}
		args, err := st.args(&fields{b: body})
		if err != nil {
			return
		}
		if len(args) != int(n) {
			t.Fatalf("%d arguments for %d parameters", len(args), n)
		}
		for _, a := range args {
			if a.Number && (len(a.Text) == 0 || !utf8.Valid(a.Text)) {
				t.Fatalf("number %q", a.Text)
			}
		}
	})
}

// FuzzPackets: whatever stands in the stream, read ends, and never returns more
// than its limit.
func FuzzPackets(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 'a', 'b', 'c'})
	f.Add([]byte{0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 1 << 10
		p := newPackets(&memConn{r: bytes.NewReader(stream)}, limit)
		for {
			msg, err := p.read()
			if err != nil {
				return
			}
			if len(msg) > limit {
				t.Fatalf("%d bytes over a limit of %d", len(msg), limit)
			}
		}
	})
}

const loginCaps = capProtocol41 | capSecureConnection | capPluginAuth | capPluginAuthLenEnc | capConnectWithDB | capLongPassword

func loginMessage(caps uint32, user string, reply []byte, db, plugin string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, caps)
	b = append(b, 0, 0, 0, 1, byte(CharsetUTF8))
	b = append(b, make([]byte, 23)...)
	b = append(append(b, user...), 0)
	b = appendLenEncString(b, reply)
	if caps&capConnectWithDB != 0 {
		b = append(append(b, db...), 0)
	}
	return append(append(b, plugin...), 0)
}
