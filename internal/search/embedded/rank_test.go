package embedded

import (
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// drawScorer makes up matches and reasons for them to score.
func drawScorer(t *rapid.T) *scorer {
	const docs = 200
	st := &state{next: docs}
	for i := range docs { // ids that are not in the order of numbers
		st.ids = append(st.ids, entity.ID{byte(i * 37), byte(i)})
	}
	set := func(name string, atLeast int) *roaring.Bitmap {
		return roaring.BitmapOf(rapid.SliceOfN(rapid.Uint32Range(0, docs-1), atLeast, docs).Draw(t, name)...)
	}
	sc := &scorer{snapshot: &snapshot{state: st}, matched: set("matched", 1)}
	for range rapid.IntRange(0, 12).Draw(t, "parts") {
		worth := rapid.SampledFrom([]float64{0.1, 0.3, 0.7, 1.5, 10, 300}).Draw(t, "worth")
		sc.add(set("part", 0), worth)
	}
	return sc
}

// byReading scores and sorts every match.
func byReading(sc *scorer, after *row, want int) page {
	compare := order([]search.Sort{{Field: "_score", Desc: true}})
	var all page
	for it := sc.matched.Iterator(); it.HasNext(); {
		doc := it.Next()
		r := row{doc: doc, id: sc.state.ids[doc], score: sc.of(doc)}
		all.maxScore = max(all.maxScore, r.score)
		if after == nil || compare(r, *after) > 0 {
			all.rows = append(all.rows, r)
		}
	}
	slices.SortFunc(all.rows, compare)
	all.rows = all.rows[:min(want, len(all.rows))]
	return all
}

func TestBestAgreesWithReadingEveryMatch(t *testing.T) {
	ranked := 0
	rapid.Check(t, func(t *rapid.T) {
		sc := drawScorer(t)
		size := rapid.IntRange(1, 40).Draw(t, "size")
		var after *row
		for range 4 { // pages, each after the last row of the one before
			got, ok := sc.best(after, size)
			if !ok {
				return
			}
			ranked++
			want := byReading(sc, after, size)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(page{}, row{}), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("after %v (-every match read +ranked):\n%s", after, diff)
			}
			if len(got.rows) == 0 {
				return
			}
			after = &got.rows[len(got.rows)-1]
		}
	})
	if ranked == 0 {
		t.Error("no case was ranked")
	}
}

func TestBestGivesUpOnTooManyClasses(t *testing.T) {
	const docs = 1 << 11
	sc := &scorer{snapshot: &snapshot{state: &state{next: docs, ids: make([]entity.ID, docs)}}, matched: roaring.New()}
	sc.matched.AddRange(0, docs)
	for bit := range 11 { // every document has parts of its own
		set := roaring.New()
		for doc := range uint32(docs) {
			if doc>>bit&1 == 1 {
				set.Add(doc)
			}
		}
		sc.add(set, 1)
	}
	if _, ok := sc.best(nil, docs); ok {
		t.Error("all classes were taken apart, want to give up")
	}
	if found, ok := sc.best(nil, 1); !ok || len(found.rows) != 1 || found.rows[0].doc != docs-1 {
		t.Errorf("best = %+v, %t, want the last document alone", found, ok)
	}
}
