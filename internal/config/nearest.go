package config

import "strings"

// maxCompared bounds the cost of comparing hostile names.
const maxCompared = 64

// closest returns the candidate with the smallest edit distance to name, "" when
// none is near enough to be what was meant.
func closest(name string, candidates []string) string {
	best, limit := "", tolerance(name)+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < limit {
			best, limit = candidate, d
		}
	}
	return best
}

// tolerance is the number of slips that a name of this length may hold.
func tolerance(name string) int {
	return max(1, min(len(name), maxCompared)/3)
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > maxCompared || len(b) > maxCompared {
		if a == b {
			return 0
		}
		return maxCompared
	}
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
