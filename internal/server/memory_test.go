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
		t.Setenv("GOMEMLIMIT", "off")
		debug.SetGCPercent(100)
		tuneMemory()
		if got := debug.SetGCPercent(100); got != tc.want {
			t.Errorf("with GOGC=%q the collector is set to %d, want %d", tc.gogc, got, tc.want)
		}
	}
}

func TestTuneMemorySetsALimitUnlessTheOperatorDid(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	for _, tc := range []struct {
		given string
		want  int64
	}{{"", softLimit}, {"1GiB", before}} {
		t.Setenv("GOMEMLIMIT", tc.given)
		debug.SetMemoryLimit(before)
		tuneMemory()
		if got := debug.SetMemoryLimit(-1); got != tc.want {
			t.Errorf("with GOMEMLIMIT=%q the limit is %d, want %d", tc.given, got, tc.want)
		}
	}
}
