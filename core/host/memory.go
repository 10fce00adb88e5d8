package host

import (
	"context"
	"fmt"
	"time"

	"github.com/gx-etl/gx/plugins/protocol"
)

// A plugin may have a memory limit. Its Go runtime is told to keep below it, and the core looks at the process: what a runtime
// cannot hold back, or another language does not know of, ends the plugin before it takes the machine along.

// lookEvery is how often the core looks, often enough for a process that fills memory at 1 GB/s.
const lookEvery = 100 * time.Millisecond

// goMemLimit is the variable for the runtime of a plugin: nine tenths, so that it collects garbage before the limit.
func goMemLimit(limit int64) string { return fmt.Sprintf("GOMEMLIMIT=%d", limit/10*9) }

// watchMemory ends a plugin whose resident memory goes beyond its limit.
func (p *Plugin) watchMemory(ctx context.Context, limit int64) {
	defer p.watch.Done()
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-p.proc.done: // its number may be somebody else's by now
			return
		case <-ctx.Done():
			return
		}
		if used := residentOf(p.proc.ID()); used > limit {
			p.fail(protocol.Faultf(protocol.PluginFailed, "plugin %s (process %s) holds %d MiB of memory, and plugin.memoryMb allows %d",
				p.Name, p.proc.ID(), used>>20, limit>>20).Hint("a larger plugin.memoryMb, or a smaller setting.memory"))
			p.proc.killGroup()
			return
		}
	}
}
