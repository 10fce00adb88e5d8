package host

import "syscall"

// groupAttr puts a plugin in a process group of its own and asks the kernel to kill it with the core.
func groupAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
