package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// memoryLimits tells whether the resident memory of another process can be seen here.
const memoryLimits = true

// residentOf is the resident memory of a process in bytes, 0 when it is gone.
func residentOf(pid string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%s/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
