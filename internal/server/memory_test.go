package server

import (
	"errors"
	"math"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
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
	}{{"", memoryLimit(memlimit.FromCgroup)}, {"1GiB", before}} {
		t.Setenv("GOMEMLIMIT", tc.given)
		debug.SetMemoryLimit(before)
		tuneMemory()
		if got := debug.SetMemoryLimit(-1); got != tc.want {
			t.Errorf("with GOMEMLIMIT=%q the limit is %d, want %d", tc.given, got, tc.want)
		}
	}
}

func TestTheMemoryLimitFitsTheContainer(t *testing.T) {
	for _, tc := range []struct {
		limit uint64
		err   error
		want  int64
	}{
		{100 << 20, nil, 90 << 20}, {512 << 20, nil, (512 << 20) / 10 * 9}, {4 << 30, nil, softLimit}, {math.MaxUint64, nil, softLimit},
		{0, memlimit.ErrNoLimit, softLimit}, {0, errors.New("no cgroups"), softLimit}, {0, nil, softLimit},
	} {
		if got := memoryLimit(func() (uint64, error) { return tc.limit, tc.err }); got != tc.want {
			t.Errorf("in a container with %d bytes (%v) the limit is %d, want %d", tc.limit, tc.err, got, tc.want)
		}
	}
}
