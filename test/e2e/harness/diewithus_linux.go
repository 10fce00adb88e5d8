package harness

import "syscall"

// diesWithUs makes a server end with the test binary, however that ends.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
