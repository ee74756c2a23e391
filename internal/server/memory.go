package server

import (
	"os"
	"runtime/debug"
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
		debug.SetMemoryLimit(softLimit)
	}
}

// releaseMemory gives back what only the start needed.
func releaseMemory() { debug.FreeOSMemory() }
