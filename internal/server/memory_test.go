package server

import (
	"runtime/debug"
	"testing"
)

func TestTuneMemoryLeavesTheOperatorsChoice(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	for _, tc := range []struct {
		gogc string
		want int
	}{{"", gcPercent}, {"50", 100}} { // the runtime read GOGC itself, long before
		t.Setenv("GOGC", tc.gogc)
		debug.SetGCPercent(100)
		tuneMemory()
		if got := debug.SetGCPercent(100); got != tc.want {
			t.Errorf("with GOGC=%q the collector is set to %d, want %d", tc.gogc, got, tc.want)
		}
	}
}
