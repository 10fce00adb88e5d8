package host

import (
	"os"
	"syscall"
	"time"
)

// Usage is what a process has used. CPU is zero until the process has ended, except for the core itself.
type Usage struct {
	User, System time.Duration
	MaxRSS       int64 // bytes
}

func usageOf(st *os.ProcessState) Usage {
	if st == nil {
		return Usage{}
	}
	u := Usage{User: st.UserTime(), System: st.SystemTime()}
	if ru, ok := st.SysUsage().(*syscall.Rusage); ok {
		u.MaxRSS = ru.Maxrss * rssUnit
	}
	return u
}

// SelfUsage is what this process has used so far.
func SelfUsage() Usage {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) != nil {
		return Usage{}
	}
	return Usage{User: time.Duration(ru.Utime.Nano()), System: time.Duration(ru.Stime.Nano()), MaxRSS: ru.Maxrss * rssUnit}
}

const rssUnit = 1024 // Linux counts in KiB
