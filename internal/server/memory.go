package server

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// gcPercent lets the heap grow to four times what is in use before it is
// collected. What is in use is small next to what requests allocate, and at
// Go's default collecting takes a fifth of the processor under load.
const gcPercent = 300

// softLimit is where the collector begins to work harder instead, in bytes. What
// is in use stays far below it, as every cache is bounded.
const softLimit = 512 << 20

// tuneMemory sets how memory is collected, unless the operator did with GOGC or
// GOMEMLIMIT.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(memlimit.FromCgroup))
	}
}

// memoryLimit is the soft limit, or less where a container has less: nine tenths of what
// it may use, as not all of that is the collector's to give back.
func memoryLimit(ofContainer func() (uint64, error)) int64 {
	limit, err := ofContainer()
	if err != nil || limit == 0 || limit/10*9 > softLimit { // no container, or a large one
		return softLimit
	}
	return int64(limit / 10 * 9)
}

// releaseMemory gives back what only the start needed.
func releaseMemory() { debug.FreeOSMemory() }
