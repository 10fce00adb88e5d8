//go:build !linux

package harness

import "syscall"

// diesWithUs has no counterpart here: a server outlives a test binary that was killed.
func diesWithUs() *syscall.SysProcAttr { return nil }
