package load

import "io"

// oddPieces hands data out in pieces of changing odd lengths.
type oddPieces struct {
	data []byte
	n    int
}

func (r *oddPieces) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	r.n = (r.n*7 + 13) % 4093
	n := copy(p[:min(len(p), 1+r.n)], r.data)
	r.data = r.data[n:]
	return n, nil
}
