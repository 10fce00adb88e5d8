package transform

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// edit makes one text of another. Positions and lengths count characters (Unicode code points).
type edit interface {
	// apply adds the new text to dst, which is empty. nil means NULL; a reason means that the row is dirty.
	apply(dst, old []byte, null bool) (out []byte, reason string)
}

// skip finds where the text begins after n characters, and how many there were of them before its end.
func skip(s []byte, n int) (at, skipped int) {
	for skipped < n && at < len(s) {
		_, size := utf8.DecodeRune(s[at:])
		at += size
		skipped++
	}
	return at, skipped
}

func beyond(start, length int) string {
	return fmt.Sprintf("it starts at character %d of a value of %d", start, length)
}

// some makes sure that an empty text is not taken for NULL.
func some(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// substr keeps length characters from start on. NULL stays NULL.
type substr struct{ start, length int }

func (e substr) apply(dst, old []byte, null bool) ([]byte, string) {
	if null {
		return nil, ""
	}
	at, n := skip(old, e.start)
	if n < e.start {
		return nil, beyond(e.start, n)
	}
	size, _ := skip(old[at:], e.length)
	return some(append(dst, old[at:at+size]...)), ""
}

// pad fills up to length characters with the characters of with, again and again, and cuts what is longer on the right. NULL
// counts as the empty text.
type pad struct {
	left   bool
	length int
	with   []rune
}

func (e pad) apply(dst, old []byte, _ bool) ([]byte, string) {
	at, n := skip(old, e.length)
	if !e.left {
		dst = append(dst, old[:at]...)
	}
	for i := range e.length - n {
		dst = utf8.AppendRune(dst, e.with[i%len(e.with)])
	}
	if e.left {
		dst = append(dst, old[:at]...)
	}
	return some(dst), ""
}

// replace puts with in the place of length characters from start on. A negative length repeats characters before start, as
// DataX does. NULL stays NULL.
type replace struct {
	start, length int
	with          []byte
}

func (e replace) apply(dst, old []byte, null bool) ([]byte, string) {
	if null {
		return nil, ""
	}
	at, n := skip(old, e.start)
	if n < e.start {
		return nil, beyond(e.start, n)
	}
	dst = append(append(dst, old[:at]...), e.with...)
	rest, _ := skip(old, e.start+e.length)
	return some(append(dst, old[rest:]...)), ""
}

// digest is the checksum of the value in hexadecimal digits. NULL counts as the empty text.
type digest struct{ sha1, upper bool }

func (e digest) apply(dst, old []byte, _ bool) ([]byte, string) {
	if e.sha1 {
		sum := sha1.Sum(old)
		dst = hex.AppendEncode(dst, sum[:])
	} else {
		sum := md5.Sum(old)
		dst = hex.AppendEncode(dst, sum[:])
	}
	for i, c := range dst {
		if e.upper && c >= 'a' {
			dst[i] = c - 'a' + 'A'
		}
	}
	return dst, ""
}
