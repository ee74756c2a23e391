//go:build race

package sight_test

// Under the race detector the comparison is about interleavings; its full size is
// run without.
const usersCompared, tablesCompared = 30, 800
