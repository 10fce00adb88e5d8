package rowcount

import "golang.org/x/sys/cpu"

// quick tells whether the processor, and the system for it, can do what the
// assembly does.
var quick = cpu.X86.HasAVX2 && cpu.X86.HasPCLMULQDQ && cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT

// find fills out with the brackets of data, 64 bytes for each.
func find(data []byte, out []brackets, c *carry) {
	if !quick {
		findPlain(data, out, c)
		return
	}
	if len(out) > 0 {
		_ = data[len(out)*blockSize-1]
		findAVX2(&data[0], len(out), &out[0], c)
	}
}

// runs is runsPlain, whole blocks in assembly.
func runs(data []byte, d byte) int {
	blocks := (len(data) - 1) / blockSize
	if !quick || blocks < 1 {
		return runsPlain(data, d)
	}
	return runsAVX2(&data[1], blocks, d) + runsPlain(data[blocks*blockSize:], d)
}

// special marks in out, 64 bytes for each, which bytes of data are one of four.
func special(data []byte, out []uint64, chars *[4]byte) {
	if !quick {
		specialPlain(data, out, chars)
		return
	}
	if len(out) > 0 {
		_ = data[len(out)*blockSize-1]
		specialAVX2(&data[0], len(out), &out[0], chars)
	}
}

// findAVX2 reads blocks times 64 bytes at p, at least once.
//
//go:noescape
func findAVX2(p *byte, blocks int, out *brackets, c *carry)

// runsAVX2 reads blocks times 64 bytes at p, at least once, and the byte before p.
//
//go:noescape
func runsAVX2(p *byte, blocks int, d byte) int

// specialAVX2 reads blocks times 64 bytes at p, at least once.
//
//go:noescape
func specialAVX2(p *byte, blocks int, out *uint64, chars *[4]byte)
