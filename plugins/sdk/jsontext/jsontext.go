// Package jsontext writes texts as JSON strings, for plugins that write JSON value by value. It allocates nothing.
package jsontext

// Append adds s, which is UTF-8, as a JSON string in quotes. What need not be escaped is copied as it is.
func Append(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i, b := range s {
		if !special[b] {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// special are the bytes that JSON wants escaped.
var special = func() (t [256]bool) {
	for b := range 0x20 {
		t[b] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()
