//go:build !linux

package host

import "syscall"

// groupAttr puts a plugin in a process group of its own.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
