package searchtest

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Figures tell how well a ranking does over some queries.
type Figures struct {
	Queries int
	NDCG    float64 // normalized discounted cumulative gain of the first ten
	RR      float64 // mean of one divided by the place of what was meant
}

// leastRelevance is what a ranking has to reach, for each kind of query and for all.
func leastRelevance() map[string]Figures {
	return map[string]Figures{
		"all": {NDCG: 0.93, RR: 0.93}, "exact name": {NDCG: 0.9, RR: 0.99}, "full name": {NDCG: 0.99, RR: 0.99}, "standing": {NDCG: 0.97, RR: 0.97},
		"prefix": {NDCG: 0.9, RR: 0.9}, "spelling": {NDCG: 0.9, RR: 0.9}, "typing error": {NDCG: 0.9, RR: 0.9}, "plural": {NDCG: 0.9, RR: 0.9},
		"display name": {NDCG: 0.97, RR: 0.97}, "column": {NDCG: 0.95, RR: 0.95}, "description": {NDCG: 0.95, RR: 0.95},
		"diacritics": {NDCG: 0.95, RR: 0.95}, "chinese, japanese, korean": {NDCG: 0.95, RR: 0.95},
	}
}

// Relevance asks an index that is empty what people ask, and compares the order of
// the answers with judgements. It returns the figures by kind of query.
func Relevance(t *testing.T, index search.Index) map[string]Figures {
	t.Helper()
	s := newShop()
	for chunk := range slices.Chunk(s.docs, 500) {
		apply(t, index, search.Batch{Upserts: chunk, Position: 1})
	}
	if len(s.queries) < 150 {
		t.Fatalf("there are %d queries, too few to tell", len(s.queries))
	}
	catalog := search.NewCatalog([]string{"table", "dashboard", "topic", "glossaryTerm", "metric"})
	figures := map[string]Figures{}
	for _, q := range s.queries {
		values := url.Values{"q": {q.text}, "index": {"all"}}
		call, err := catalog.QueryCall(values, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		found := answers(t, index, call)
		gain, place := judge(found, q.grades)
		if place != 1 {
			t.Logf("%s: %q has what was meant at place %d; first is %s", q.kind, q.text, place, firstName(found))
		}
		for _, kind := range []string{q.kind, "all"} {
			f := figures[kind]
			f.Queries++
			f.NDCG += gain
			if place > 0 {
				f.RR += 1 / float64(place)
			}
			figures[kind] = f
		}
		sameFirst(t, index, catalog, q, found)
	}
	for kind, f := range figures {
		f.NDCG, f.RR = f.NDCG/float64(f.Queries), f.RR/float64(f.Queries)
		figures[kind] = f
	}
	least := leastRelevance()
	for _, kind := range slices.Sorted(maps.Keys(figures)) {
		f := figures[kind]
		t.Logf("| %s | %d | %.3f | %.3f |", kind, f.Queries, f.NDCG, f.RR)
		if want, ok := least[kind]; !ok || f.NDCG < want.NDCG || f.RR < want.RR {
			t.Errorf("%s: nDCG@10 %.3f and reciprocal rank %.3f, want at least %.2f and %.2f", kind, f.NDCG, f.RR, want.NDCG, want.RR)
		}
	}
	return figures
}

// answers runs a call as the API does: with wider readings where nothing is found.
func answers(t *testing.T, index search.Index, call search.Call) []search.Hit {
	t.Helper()
	result := find(t, index, call.Request)
	for _, wider := range call.Relaxed {
		if result.Total > 0 {
			break
		}
		call.Request.Query = wider
		result = find(t, index, call.Request)
	}
	return result.Hits
}

// sameFirst wants suggestions to begin with what a search for a name begins with.
func sameFirst(t *testing.T, index search.Index, catalog *search.Catalog, q judged, found []search.Hit) {
	t.Helper()
	switch q.kind {
	case "exact name", "standing", "full name", "prefix":
	default:
		return
	}
	call, err := catalog.SuggestCall(url.Values{"q": {q.text}, "index": {"all"}})
	if err != nil {
		t.Fatal(err)
	}
	suggested := answers(t, index, call)
	if len(suggested) == 0 || len(found) == 0 || suggested[0].ID != found[0].ID {
		t.Errorf("%q suggests %s first and finds %s first", q.text, firstName(suggested), firstName(found))
	}
}

func firstName(hits []search.Hit) string {
	if len(hits) == 0 {
		return "nothing"
	}
	f, err := search.ReadFields(hits[0].ID, hits[0].Source)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s (%.1f)", f.Values("fullyQualifiedName")[0].Text, hits[0].Score)
}

// judge returns the normalized gain of the first ten hits and the place of the first
// that was meant, 0 if it is not among them.
func judge(hits []search.Hit, grades map[entity.ID]int) (gain float64, place int) {
	worth := func(grade, at int) float64 { return (math.Exp2(float64(grade)) - 1) / math.Log2(float64(at)+2) }
	most := 0
	var ideal []int
	for _, grade := range grades {
		ideal = append(ideal, grade)
		most = max(most, grade)
	}
	slices.SortFunc(ideal, func(a, b int) int { return b - a })
	for at, hit := range hits[:min(len(hits), 10)] {
		grade := grades[hit.ID]
		gain += worth(grade, at)
		if grade == most && place == 0 {
			place = at + 1
		}
	}
	best := 0.0
	for at, grade := range ideal[:min(len(ideal), 10)] {
		best += worth(grade, at)
	}
	return gain / best, place
}

// Table writes figures as the documentation shows them.
func Table(figures map[string]Figures) string {
	var b strings.Builder
	b.WriteString("| kind of query | queries | nDCG@10 | reciprocal rank |\n|---|---|---|---|\n")
	for _, kind := range slices.Sorted(maps.Keys(figures)) {
		f := figures[kind]
		fmt.Fprintf(&b, "| %s | %d | %.2f | %.2f |\n", kind, f.Queries, f.NDCG, f.RR)
	}
	return b.String()
}
