package builtin

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"math/bits"
	"net/url"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

func init() {
	register(map[string]*function{
		"md5":               {min: 1, max: 1, result: varchar, eval: func(c *call) any { sum := md5.Sum(c.bytes(0)); return hex.EncodeToString(sum[:]) }},
		"md5sum":            {min: 1, max: -1, nulls: true, result: varchar, eval: md5sum},
		"sha2":              {min: 2, max: 2, result: varchar, eval: sha2},
		"crc32":             {min: 1, max: 1, result: bigint, eval: func(c *call) any { return int64(crc32.ChecksumIEEE(c.bytes(0))) }},
		"hex":               {min: 1, max: 1, result: varchar, eval: hexOf},
		"bin":               {min: 1, max: 1, result: varchar, eval: func(c *call) any { return strconv.FormatUint(uint64(c.whole(0)), 2) }},
		"unhex":             {min: 1, max: 1, result: varchar, eval: unhex},
		"hex_decode_string": {min: 1, max: 1, result: varchar, eval: unhex},
		"hex_decode_binary": {min: 1, max: 1, result: fixed(types.LongBlob), eval: func(c *call) any {
			if s, ok := unhex(c).(string); ok {
				return []byte(s)
			}
			return nil
		}},
		"to_base64":            {min: 1, max: 1, result: varchar, eval: func(c *call) any { return toBase64(c.bytes(0)) }},
		"from_base64":          {min: 1, max: 1, result: varchar, eval: func(c *call) any { return decoded(c.text(0), false) }},
		"base64_decode_string": {min: 1, max: 1, result: varchar, eval: func(c *call) any { return decoded(c.text(0), false) }},
		"base64_decode_binary": {min: 1, max: 1, result: fixed(types.LongBlob), eval: func(c *call) any { return decoded(c.text(0), true) }},
		"to_binary":            {min: 1, max: 2, result: fixed(types.LongBlob), eval: toBinary},
		"from_binary":          {min: 1, max: 2, result: varchar, eval: fromBinary},
		"url_encode":           {min: 1, max: 1, result: varchar, eval: func(c *call) any { return strings.ReplaceAll(url.QueryEscape(c.text(0)), "+", "%20") }},
		"url_decode": {min: 1, max: 1, result: varchar, eval: func(c *call) any {
			s, err := url.QueryUnescape(c.text(0))
			if err != nil {
				return nil
			}
			return s
		}},
		"murmur_hash3_32": {min: 1, max: -1, result: integer, eval: func(c *call) any {
			h := murmurSeed
			for i := range c.args {
				h = murmur32(c.bytes(i), h)
			}
			return int64(int32(h))
		}},
		"uuid": {result: varchar, volatile: true, eval: func(*call) any { return uuid.NewString() }},
		"uuid_numeric": {result: fixed(LargeInt), volatile: true, eval: func(*call) any {
			id := uuid.New()
			return decimal.NewFromBigInt(wrapWide(bigFromBytes(id[:])), 0)
		}},
	})
}

func md5sum(c *call) any {
	h := md5.New()
	for i := range c.args {
		if !c.null(i) {
			h.Write(c.bytes(i))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sha2(c *call) any {
	data := c.bytes(0)
	switch c.whole(1) {
	case 0, 256:
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:])
	case 224:
		sum := sha256.Sum224(data)
		return hex.EncodeToString(sum[:])
	case 384:
		sum := sha512.Sum384(data)
		return hex.EncodeToString(sum[:])
	case 512:
		sum := sha512.Sum512(data)
		return hex.EncodeToString(sum[:])
	}
	return nil
}

func hexOf(c *call) any {
	if n, ok := whole64(c.args[0]); ok {
		return strings.ToUpper(strconv.FormatUint(uint64(n), 16))
	}
	return strings.ToUpper(hex.EncodeToString(c.bytes(0)))
}

// unhex gives the empty text to what is not hexadecimal.
func unhex(c *call) any {
	b, err := hex.DecodeString(c.text(0))
	if err != nil {
		return ""
	}
	return string(b)
}

func toBase64(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return base64.StdEncoding.EncodeToString(b)
}

func decoded(s string, binary bool) any {
	b, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err != nil || s == "":
		return nil
	case binary:
		return b
	}
	return string(b)
}

func format(c *call) string {
	if len(c.args) == 1 {
		return "hex"
	}
	return strings.ToLower(c.text(1))
}

func toBinary(c *call) any {
	s := c.text(0)
	switch format(c) {
	case "hex":
		b, err := hex.DecodeString(s)
		if err != nil {
			return nil
		}
		return b
	case "base64", "encode64":
		return decoded(s, true)
	case "utf8":
		return []byte(s)
	}
	return nil
}

func fromBinary(c *call) any {
	b := c.bytes(0)
	switch format(c) {
	case "hex":
		return strings.ToUpper(hex.EncodeToString(b))
	case "base64", "encode64":
		return toBase64(b)
	case "utf8":
		return string(b)
	}
	return nil
}

const murmurSeed uint32 = 104729

// murmur32 is MurmurHash3 for 32 bits.
func murmur32(b []byte, h uint32) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	length := uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		h ^= bits.RotateLeft32(k*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	var k uint32
	for i := len(b) - 1; i >= 0; i-- {
		k = k<<8 | uint32(b[i])
	}
	if len(b) > 0 {
		h ^= bits.RotateLeft32(k*c1, 15) * c2
	}
	h ^= length
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
