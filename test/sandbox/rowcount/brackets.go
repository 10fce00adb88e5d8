package rowcount

// blockSize is how many bytes one word of bits stands for.
const blockSize = 64

// brackets says where the brackets outside strings are in 64 bytes, bit 0 for the
// first of them.
type brackets struct {
	curly  uint64 // {
	square uint64 // [
	closed uint64 // } and ]
}

// carry is what the bytes before leave to those after. The assembly knows its
// layout.
type carry struct {
	inString uint64 // all ones inside a string, else 0
	escaped  uint64 // 1 when an odd run of backslashes reaches up to here
}

const oddBits = 0xaaaaaaaaaaaaaaaa

// Setting the bits of 0x26 makes all four brackets 0x7f, and besides them only
// Y, _, y and DEL: words without any of these are done with quickly.
const (
	bracketBits = 0x26 * ones
	allBrackets = 0x7f * ones
)

// findPlain fills out with the brackets of data, 64 bytes for each.
func findPlain(data []byte, out []brackets, c *carry) {
	for i := range out {
		words := load(data[i*blockSize:])
		var quote, slashes, maybe uint64
		for at, w := range words {
			quote |= zeros(w^'"'*ones) * gather >> 56 << (8 * at)
			slashes |= zeros(w ^ '\\'*ones)
			maybe |= zeros((w | bracketBits) ^ allBrackets)
		}
		if slashes|c.escaped != 0 {
			quote &^= c.escapes(equal(&words, '\\'))
		}
		// Each bit is now the parity of the quotes up to and including its own
		// byte: set from an opening quote to before the closing one.
		inside := quote
		for shift := 1; shift < blockSize; shift *= 2 {
			inside ^= inside << shift
		}
		inside ^= c.inString
		c.inString = uint64(int64(inside) >> 63)
		if maybe == 0 {
			out[i] = brackets{}
			continue
		}
		out[i] = brackets{
			curly:  equal(&words, '{') &^ inside,
			square: equal(&words, '[') &^ inside,
			closed: (equal(&words, '}') | equal(&words, ']')) &^ inside,
		}
	}
}

// escapes marks the bytes behind an odd run of backslashes. The subtraction
// lets a borrow run through each run of backslashes, so that the bit after it
// tells whether the run began at an odd or an even position.
func (c *carry) escapes(slash uint64) uint64 {
	first := slash &^ c.escaped
	ends := ((first<<1 | oddBits) - first) ^ oddBits
	escaped := ends ^ (slash | c.escaped)
	c.escaped = ends & slash >> 63
	return escaped
}
