//go:build !amd64

package rowcount

func find(data []byte, out []brackets, c *carry) { findPlain(data, out, c) }

func runs(data []byte, d byte) int { return runsPlain(data, d) }

func special(data []byte, out []uint64, chars *[4]byte) { specialPlain(data, out, chars) }
