package usage

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRanks(t *testing.T) {
	for name, tc := range map[string]struct {
		sums map[string][3]int64
		want map[string][3]float64
	}{
		"nobody": {nil, map[string][3]float64{}},
		"alone":  {map[string][3]int64{"a": {5, 5, 5}}, map[string][3]float64{"a": {}}},
		"ties share the rank of the lowest": {
			map[string][3]int64{"a": {1, 0, 9}, "b": {1, 5, 9}, "c": {2, 9, 9}},
			map[string][3]float64{"a": {0, 0, 0}, "b": {0, 50, 0}, "c": {100, 100, 0}},
		},
	} {
		if diff := cmp.Diff(tc.want, ranksOf(tc.sums)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestRanksCountWhoIsBelow compares with the definition: the share of the others
// that have less.
func TestRanksCountWhoIsBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Int64Range(0, 9), 2, 40).Draw(t, "counts")
		sums := map[string][3]int64{}
		for i, n := range counts {
			sums[fmt.Sprint(i)] = [3]int64{n, 2 * n, 10 - n}
		}
		ranks := ranksOf(sums)
		for i, n := range counts {
			less := 0
			for _, other := range counts {
				if other < n {
					less++
				}
			}
			want := 100 * float64(less) / float64(len(counts)-1)
			got := ranks[fmt.Sprint(i)]
			if got[0] != want || got[1] != want {
				t.Fatalf("rank of %d among %v is %v, want %v", n, counts, got, want)
			}
		}
	})
}

// TestJoinsKeepTheirPairs proves that listing joins and reading them back loses
// nothing.
func TestJoinsKeepTheirPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pairs{}
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			column := rapid.SampledFrom([]string{"", "id", "a b"}).Draw(t, "column")
			with := rapid.SampledFrom([]string{"s.d.p.t", "s.d.p.t.c", "s.d.p.u"}).Draw(t, "with")
			p[[2]string{column, with}] += rapid.Int64Range(0, 5).Draw(t, "count")
		}
		joins := p.joins()
		if diff := cmp.Diff(p, joins.pairs()); diff != "" {
			t.Fatalf("pairs (-want +got):\n%s", diff)
		}
		for _, column := range joins.Columns {
			for i := 1; i < len(column.With); i++ {
				if column.With[i-1].Count < column.With[i].Count {
					t.Fatalf("joins of %s are out of order: %v", column.Column, column.With)
				}
			}
		}
	})
}
