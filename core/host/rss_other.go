//go:build !linux

package host

// memoryLimits tells whether the resident memory of another process can be seen here.
const memoryLimits = false

func residentOf(string) int64 { return 0 }
