package streamload

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// MaxLabel is the longest label that StarRocks takes.
const MaxLabel = 128

// Labels makes the labels of one lane of one run: <prefix>-<run>-<lane>-<n>. Two different (prefix, run, lane, n) never
// share a label, whatever characters prefix and run hold.
type Labels struct {
	head string
	n    uint64
}

// NewLabels starts at n = 1. An empty prefix becomes gx.
func NewLabels(prefix, run string, lane int) *Labels {
	if prefix == "" {
		prefix = "gx"
	}
	// run and lane hold no dash and the tail is read from the right, so a prefix may keep its dashes.
	tail := "-" + legal(run, false, 40) + "-" + strconv.Itoa(lane) + "-"
	const digits = 20 + 1 + 6 // of the greatest n, and of the greatest part
	return &Labels{head: legal(prefix, true, MaxLabel-len(tail)-digits) + tail}
}

// Part is the label of part n, counted from 1, of the rows under a label that Next gave. No Next is equal to it, because it
// ends in digits alone.
func Part(label string, n int) string { return label + "_" + strconv.Itoa(n) }

// Next is a label that was not there before.
func (l *Labels) Next() string {
	l.n++
	return l.head + strconv.FormatUint(l.n, 10)
}

// legal maps s to letters, digits, '_' and, when dashes is set, '-', in at most room bytes. When that changes s, a hash
// of s keeps it apart from other texts.
func legal(s string, dashes bool, room int) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', dashes && r == '-':
			return r
		}
		return '_'
	}, s)
	if out == s && len(out) <= room {
		return out
	}
	sum := sha256.Sum256([]byte(s))
	mark := "_" + hex.EncodeToString(sum[:6])
	return out[:min(len(out), room-len(mark))] + mark
}
