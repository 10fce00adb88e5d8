package wire

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"strings"
)

const nativePassword = "mysql_native_password"

// Capabilities, by their protocol bits.
const (
	capLongPassword     uint32 = 1 << 0
	capFoundRows        uint32 = 1 << 1
	capLongFlag         uint32 = 1 << 2
	capConnectWithDB    uint32 = 1 << 3
	capProtocol41       uint32 = 1 << 9
	capTransactions     uint32 = 1 << 13
	capSecureConnection uint32 = 1 << 15
	capMultiStatements  uint32 = 1 << 16
	capMultiResults     uint32 = 1 << 17
	capPluginAuth       uint32 = 1 << 19
	capConnectAttrs     uint32 = 1 << 20
	capPluginAuthLenEnc uint32 = 1 << 21
	capDeprecateEOF     uint32 = 1 << 24

	serverCaps = capLongPassword | capFoundRows | capLongFlag | capConnectWithDB | capProtocol41 |
		capTransactions | capSecureConnection | capMultiStatements | capMultiResults |
		capPluginAuth | capConnectAttrs | capPluginAuthLenEnc | capDeprecateEOF
)

// newSalt returns 20 random bytes without zero, which ends strings here.
func newSalt() []byte {
	salt := make([]byte, 20)
	rand.Read(salt) // never fails
	for i := range salt {
		salt[i] = salt[i]&0x7f | 1
	}
	return salt
}

func greeting(version string, id uint32, salt []byte) []byte {
	b := append([]byte{10}, version...)
	b = append(b, 0, byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
	b = append(b, salt[:8]...)
	caps, status := serverCaps, statusAutocommit
	b = append(b, 0, byte(caps), byte(caps>>8), byte(CharsetUTF8), byte(status), byte(status>>8),
		byte(caps>>16), byte(caps>>24), 21)
	b = append(b, make([]byte, 10)...)
	b = append(append(b, salt[8:]...), 0)
	return append(append(b, nativePassword...), 0)
}

// login is what a client sends after the greeting.
type login struct {
	caps   uint32
	user   string
	reply  []byte
	db     string
	plugin string
}

func parseLogin(msg []byte) (login, error) {
	f := &fields{b: msg}
	l := login{caps: f.uint32(), plugin: nativePassword}
	f.take(4 + 1 + 23) // packet size, character set, filler
	if f.bad {
		return l, errMalformed
	}
	if l.caps&capProtocol41 == 0 {
		return l, Errorf(1251, "08004", "Client does not support authentication protocol requested by server; consider upgrading MySQL client")
	}
	l.user = f.nulString()
	switch {
	case l.caps&capPluginAuthLenEnc != 0:
		l.reply = append(l.reply, f.lenEncBytes()...)
	case l.caps&capSecureConnection != 0:
		l.reply = append(l.reply, f.take(int(f.uint8()))...)
	default:
		l.reply = append(l.reply, f.nulString()...)
	}
	if l.caps&capConnectWithDB != 0 && len(f.b) > 0 {
		l.db = f.nulString()
	}
	if l.caps&capPluginAuth != 0 && len(f.b) > 0 {
		if name := f.nulString(); name != "" {
			l.plugin = name
		}
	}
	return l, f.err()
}

// scrambleMatches checks a mysql_native_password reply:
// SHA1(password) XOR SHA1(salt + SHA1(SHA1(password))), or nothing when the
// password is empty.
func scrambleMatches(reply, salt []byte, password string) bool {
	if password == "" {
		return len(reply) == 0
	}
	if len(reply) != sha1.Size {
		return false
	}
	twice := stored(password)
	once := sha1.Sum(append(append([]byte(nil), salt...), twice...))
	for i := range once {
		once[i] ^= reply[i]
	}
	again := sha1.Sum(once[:])
	return subtle.ConstantTimeCompare(again[:], twice) == 1
}

// stored is SHA1(SHA1(password)), which a hash spells.
func stored(password string) []byte {
	if digits, ok := strings.CutPrefix(password, "*"); ok && len(digits) == 2*sha1.Size {
		if hash, err := hex.DecodeString(digits); err == nil {
			return hash
		}
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	return twice[:]
}

func accessDenied(user string, from net.Addr, reply []byte) *Error {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		host = from.String()
	}
	using := "NO"
	if len(reply) > 0 {
		using = "YES"
	}
	return Errorf(1045, "28000", "Access denied for user '%s'@'%s' (using password: %s)", user, host, using)
}

// handshake greets the client and checks who it is.
func (c *Conn) handshake() (login, error) {
	salt := newSalt()
	if err := c.send(greeting(c.server.Version, c.ID, salt)); err != nil {
		return login{}, err
	}
	msg, err := c.p.read()
	if err != nil {
		return login{}, err
	}
	l, err := parseLogin(msg)
	if err != nil {
		return l, err
	}
	if l.plugin != nativePassword {
		if l.reply, err = c.switchAuth(salt); err != nil {
			return l, err
		}
	}
	return l, c.check(l.user, l.reply, salt)
}

// switchAuth asks a client that came with another method for the native one.
func (c *Conn) switchAuth(salt []byte) ([]byte, error) {
	ask := append([]byte{0xfe}, nativePassword...)
	ask = append(append(append(ask, 0), salt...), 0)
	if err := c.send(ask); err != nil {
		return nil, err
	}
	msg, err := c.p.read()
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), msg...), nil
}

func (c *Conn) check(user string, reply, salt []byte) error {
	if password, ok := c.server.handler.Password(user); !ok || !scrambleMatches(reply, salt, password) {
		return accessDenied(user, c.net.RemoteAddr(), reply)
	}
	return nil
}
