//go:build !linux

package sdk

// dieWithParent has no counterpart here; standard input and the parent's id remain.
func dieWithParent() {}
