package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// share is what part of the machine's processors this process gets when it wants all
// of them: 1 on an idle machine. Latencies are only worth something near 1.
func share() float64 {
	const look = 300 * time.Millisecond
	cores := runtime.GOMAXPROCS(0)
	begun, before := time.Now(), (&process{}).cpu()
	var group sync.WaitGroup
	for range cores {
		group.Go(func() {
			for time.Since(begun) < look { //nolint:revive // spinning is the point
			}
		})
	}
	group.Wait()
	return float64((&process{}).cpu()-before) / float64(time.Since(begun)) / float64(cores)
}

// printShare tells how busy the machine is with other things.
func printShare() {
	fmt.Printf("%-28s %d, of which a process that wants all gets %.0f %%\n", "processors", runtime.GOMAXPROCS(0), 100*share())
}

// clockThread is Linux's clock of the processor time of a thread.
const clockThread = 3

// threadCPU is the processor time that the calling thread has used.
func threadCPU() time.Duration {
	var t syscall.Timespec
	_, _, _ = syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockThread, uintptr(unsafe.Pointer(&t)), 0) // cannot fail with this clock
	return time.Duration(t.Nano())
}

// work is processor time spent in this process.
type work struct {
	ops  int
	cpu  time.Duration   // of the whole process
	each []time.Duration // of each operation, on its own thread
}

// perOp is the processor time of one operation, collecting garbage included.
func (w *work) perOp() time.Duration { return w.cpu / time.Duration(max(w.ops, 1)) }

// onTwoCores is how many operations two cores do in a second.
func (w *work) onTwoCores() float64 { return 2 / w.perOp().Seconds() }

// p99 of the operations' own time, which does not depend on what else runs.
func (w *work) p99() time.Duration {
	slices.Sort(w.each)
	if len(w.each) == 0 {
		return 0
	}
	return w.each[len(w.each)*99/100]
}

// add does operations on all processors of this process, and accounts for them.
func (w *work) add(from, to int, op func(n int) error) error {
	var next atomic.Int64
	next.Store(int64(from))
	var failed atomic.Pointer[error]
	workers := runtime.GOMAXPROCS(0)
	each := make([][]time.Duration, workers)
	for i := range each {
		each[i] = make([]time.Duration, 0, to-from)
	}
	before := (&process{}).cpu()
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			runtime.LockOSThread() // or its clock would be another one's
			defer runtime.UnlockOSThread()
			at := threadCPU()
			for failed.Load() == nil {
				n := int(next.Add(1)) - 1
				if n >= to {
					return
				}
				if err := op(n); err != nil {
					failed.Store(&err)
					return
				}
				now := threadCPU()
				each[i] = append(each[i], now-at)
				at = now
			}
		})
	}
	group.Wait()
	w.cpu += (&process{}).cpu() - before
	w.ops += to - from
	w.each = slices.Concat(append([][]time.Duration{w.each}, each...)...)
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
