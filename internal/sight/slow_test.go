//go:build race || opensearch

package sight_test

// Under the race detector the comparison is about interleavings, and at OpenSearch each
// question is a call; its full size is
// run without them.
const usersCompared, tablesCompared = 30, 800
