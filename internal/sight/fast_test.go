//go:build !race && !opensearch

package sight_test

const usersCompared, tablesCompared = 200, 5000
