package server

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap grow to four times what is in use before it is
// collected. What is in use is small next to what requests allocate, and at
// Go's default collecting takes a fifth of the processor under load.
const gcPercent = 300

// tuneMemory sets how memory is collected, unless the operator did with GOGC. A
// limit the operator gives with GOMEMLIMIT holds either way.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// releaseMemory gives back what only the start needed.
func releaseMemory() { debug.FreeOSMemory() }
