package keystore

import (
	"crypto/sha1"
	"crypto/subtle"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

var jksMagic = []byte{0xfe, 0xed, 0xfe, 0xed}

// store is what stands in a JKS file; certificates are DER.
type store struct {
	trusted [][]byte
	keys    []protectedKey
}

type protectedKey struct {
	alias     string
	protected []byte // an EncryptedPrivateKeyInfo
	chain     [][]byte
}

// parseJKS reads a Java key store. With a password the digest at the end is verified. The layout is the one in
// sun.security.provider.JavaKeyStore.
func parseJKS(b []byte, password string) (*store, error) {
	const digestLen = sha1.Size
	if len(b) < 12+digestLen {
		return nil, errors.New("the store is cut short")
	}
	if password != "" {
		h := sha1.New()
		h.Write(javaPassword(password))
		h.Write([]byte("Mighty Aphrodite"))
		h.Write(b[:len(b)-digestLen])
		if subtle.ConstantTimeCompare(h.Sum(nil), b[len(b)-digestLen:]) != 1 {
			return nil, ErrPassword
		}
	}
	r := fields{b: b[4 : len(b)-digestLen]}
	version, count := r.u32(), r.u32()
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("version %d of the store is not known", version)
	}
	certificate := func() []byte {
		if version == 2 {
			r.take(int(r.u16())) // its type, X.509
		}
		return r.take(int(r.u32()))
	}
	s := new(store)
	for range count {
		tag := r.u32()
		alias := string(r.take(int(r.u16())))
		r.take(8) // time
		switch tag {
		case 1:
			key := protectedKey{alias: alias, protected: r.take(int(r.u32()))}
			for range r.u32() {
				der := certificate()
				if r.bad {
					break
				}
				key.chain = append(key.chain, der)
			}
			s.keys = append(s.keys, key)
		case 2:
			s.trusted = append(s.trusted, certificate())
		default:
			r.bad = true
		}
		if r.bad {
			return nil, errors.New("the store is damaged")
		}
	}
	return s, nil
}

// javaKeyProtector marks keys that are protected in the way of JKS.
var javaKeyProtector = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}

// unprotect opens a private key of a JKS store: a salt of 20 bytes, the key under a stream of SHA-1 digests of password
// and digest, and a digest of password and key.
func unprotect(protected []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if rest, err := asn1.Unmarshal(protected, &info); err != nil || len(rest) > 0 || len(info.Data) < 2*sha1.Size {
		return nil, errors.New("it is damaged")
	}
	if !info.Algorithm.Algorithm.Equal(javaKeyProtector) {
		return nil, fmt.Errorf("it is protected by %v, which is not the way of JKS", info.Algorithm.Algorithm)
	}
	secret := javaPassword(password)
	digest := func(parts ...[]byte) []byte {
		h := sha1.New()
		h.Write(secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	stream, body, check := info.Data[:sha1.Size], info.Data[sha1.Size:len(info.Data)-sha1.Size], info.Data[len(info.Data)-sha1.Size:]
	key := make([]byte, len(body))
	for at := 0; at < len(body); at += sha1.Size {
		stream = digest(stream)
		subtle.XORBytes(key[at:], body[at:], stream)
	}
	if subtle.ConstantTimeCompare(digest(key), check) != 1 {
		return nil, errors.New("ssl.key.password does not fit")
	}
	return key, nil
}

// javaPassword is a password as Java's stores digest it: UTF-16, high byte first.
func javaPassword(password string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(password)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

// fields reads big-endian fields; after the first that is not there, bad is set and everything is empty.
type fields struct {
	b   []byte
	bad bool
}

func (r *fields) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *fields) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *fields) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}
