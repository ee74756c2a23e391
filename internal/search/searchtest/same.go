package searchtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Same asks two engines that hold the same documents generated questions and wants the same answers: documents in the
// order of a sort, totals, values to go on from, facets, and the kind of a refusal.
func Same(t *testing.T, one, other search.Index, g *Generator, questions int) {
	t.Helper()
	found, empty, refused := 0, 0, 0
	for range questions {
		req := g.Request()
		a, errA := one.Search(context.Background(), req)
		b, errB := other.Search(context.Background(), req)
		if entity.KindOf(errA) != entity.KindOf(errB) || (errA == nil) != (errB == nil) {
			t.Fatalf("%s\nthe first says %v, the second %v", shown(req), errA, errB)
		}
		switch {
		case errA != nil:
			refused++
		case a.Total > 0:
			found++
		default:
			empty++
		}
		if diff := cmp.Diff(comparable(a), comparable(b), cmpopts.EquateEmpty(), cmp.Comparer(near)); diff != "" {
			t.Fatalf("%s\n(-first +second):\n%s", shown(req), diff)
		}
	}
	t.Logf("%d questions found something, %d nothing, %d were refused", found, empty, refused)
	if found < questions/4 || empty == 0 {
		t.Errorf("%d of %d questions found something: that tells little", found, questions)
	}
}

// near takes sums of floating-point numbers in another order for the same.
func near(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }

func shown(req search.Request) string {
	text := func(q search.Query) string { return strings.ReplaceAll(fmt.Sprintf("%#v", q), "search.", "") }
	return fmt.Sprintf("query %s\nfilter %s\nvisible %s\nafterwards %s\nsort %v, from %d, size %d, after %q", text(req.Query), text(req.Filter), text(req.Visible),
		text(req.PostFilter), req.Sort, req.From, req.Size, req.After)
}

// comparable leaves out what engines may answer each in its way: how they score.
func comparable(result search.Result) search.Result {
	result.MaxScore = 0
	for i := range result.Hits {
		result.Hits[i].Score = 0
	}
	for name, agg := range result.Aggregations {
		for i := range agg.Hits {
			agg.Hits[i].Score = 0
		}
		result.Aggregations[name] = agg
	}
	return result
}

// Request makes a random search, with all that a search can have.
func (g *Generator) Request() search.Request {
	req := search.Request{Query: g.Query(2), Size: g.rnd.IntN(60), NoSource: g.rnd.IntN(4) > 0, Highlight: g.rnd.IntN(8) == 0}
	if g.rnd.IntN(3) == 0 {
		req.Query = g.typed()
	}
	if g.rnd.IntN(3) == 0 {
		req.Filter = g.Query(1)
	}
	if g.rnd.IntN(4) == 0 {
		req.PostFilter = g.leaf()
	}
	if g.rnd.IntN(2) == 0 {
		deleted := g.rnd.IntN(4) == 0
		req.Deleted = &deleted
	}
	switch g.rnd.IntN(6) {
	case 0:
		req.Visible = search.Facts{Any: []string{g.fact(), g.fact()}}
	case 1:
		req.Visible = search.Bool{MustNot: []search.Query{search.Facts{Any: []string{g.fact()}}}}
	}
	g.order(&req)
	req.Aggregations = g.facets(2)
	return req
}

func (g *Generator) fact() string { return "owner=" + g.word() }

// typed is a query as people type it.
func (g *Generator) typed() search.Query {
	pieces := []func() string{
		g.word, g.name,
		func() string { return g.word() + "*" },
		func() string { return "*" + g.word()[2:] },
		func() string { return g.word()[:3] + "?" + g.word()[:1] },
		func() string { return `"` + g.word() + " of each" + `"` },
		func() string { w := g.word(); return w[:2] + w[3:] + "~" },
		func() string { return "name:" + g.word() },
		func() string { return "tags.tagFQN:PII." + g.word() },
		func() string { return "service.name:(svc_1 OR svc_2)" },
		func() string { return "-" + g.word() },
		func() string { return "updatedAt:[1700000000000 TO 17" + fmt.Sprint(10+g.rnd.IntN(40)) + "0000000000]" },
		func() string { return "_exists_:displayName" },
		func() string { return "columns.description:" + g.word() },
	}
	var words []string
	for range 1 + g.rnd.IntN(3) {
		words = append(words, pieces[g.rnd.IntN(len(pieces))]())
	}
	text := strings.Join(words, []string{" ", " AND ", " OR ", " NOT "}[g.rnd.IntN(4)])
	q, err := search.ParseQueryString(text, search.QueryStringOptions{Operator: search.Operator(g.rnd.IntN(2)), Prefix: g.rnd.IntN(2) == 0})
	if err != nil {
		return search.MatchNone{}
	}
	return q
}

// order gives a search a sort that tells all documents apart, and a place to go on from.
func (g *Generator) order(req *search.Request) {
	fields := []string{"_id", "name.keyword", "displayName", "updatedAt", "tags.tagFQN", "version", "columns.name", "nowhere"}
	for range 1 + g.rnd.IntN(2) {
		field := fields[g.rnd.IntN(len(fields))]
		if slices.ContainsFunc(req.Sort, func(s search.Sort) bool { return s.Field == field || s.Field == "_id" }) {
			break
		}
		req.Sort = append(req.Sort, search.Sort{Field: field, Desc: g.rnd.IntN(2) == 0})
	}
	if g.rnd.IntN(3) > 0 {
		req.From = g.rnd.IntN(10)
		return
	}
	for _, sort := range req.Sort {
		req.After = append(req.After, g.place(sort.Field))
	}
	if g.rnd.IntN(2) == 0 && req.Sort[len(req.Sort)-1].Field != "_id" {
		req.After = append(req.After, ID(g.rnd.IntN(300)).String())
	}
}

// place is a value that a page comes after.
func (g *Generator) place(field string) string {
	switch field {
	case "_id":
		return ID(g.rnd.IntN(300)).String()
	case "updatedAt":
		return fmt.Sprint(1_700_000_000_000 + int64(g.rnd.IntN(500))*86_400_000)
	case "version":
		return fmt.Sprint(float64(1+g.rnd.IntN(30)) / 10)
	case "tags.tagFQN":
		return []string{"pii." + g.word(), "null", "Tier.Tier2"}[g.rnd.IntN(3)]
	}
	if g.rnd.IntN(5) == 0 {
		return "null"
	}
	return g.word()
}

// facets makes some aggregations.
func (g *Generator) facets(depth int) map[string]search.Aggregation {
	if depth == 0 || g.rnd.IntN(2) == 0 {
		return nil
	}
	aggs := map[string]search.Aggregation{}
	for i := range 1 + g.rnd.IntN(3) {
		agg := search.Aggregation{Kind: search.AggregationKind(g.rnd.IntN(int(search.AggSum) + 1))}
		switch agg.Kind {
		case search.AggTerms, search.AggCardinality:
			agg.Field = []string{"tableType", "service.name.keyword", "tags.tagFQN", "version", "processedLineage", "_index", "owners.name", "nowhere", "columns.dataType"}[g.rnd.IntN(9)]
			agg.Size, agg.ByKey, agg.Asc = g.rnd.IntN(12), g.rnd.IntN(3) == 0, g.rnd.IntN(3) == 0
			if agg.Kind == search.AggTerms && g.rnd.IntN(4) == 0 {
				agg.Include = []string{"pii.*", ".*[aeiou]", "(view|Regular)", "svc_[12]"}[g.rnd.IntN(4)]
			}
		case search.AggDateHistogram:
			agg.Field = "updatedAt"
			agg.Every = []search.Interval{{Unit: "ms", Width: 86_400_000}, {Unit: "week"}, {Unit: "month"}, {Unit: "quarter"}, {Unit: "year"}}[g.rnd.IntN(5)]
		case search.AggTopHits:
			agg.Size, agg.Sort = g.rnd.IntN(5), []search.Sort{{Field: "updatedAt", Desc: true}}
			agg.Source = search.SourceFilter{Include: []string{"name", "service"}}
		case search.AggFilter:
			agg.Filter = g.leaf()
		case search.AggFilters:
			agg.Filters = map[string]search.Query{"one": g.leaf(), "an [other] > one": g.leaf()}
		case search.AggNested:
			agg.Field = "columns"
		case search.AggMin, search.AggMax, search.AggAvg, search.AggSum:
			agg.Field = []string{"updatedAt", "version", "nowhere", "tableType"}[g.rnd.IntN(4)]
		}
		agg.Sub = g.facets(depth - 1)
		aggs[fmt.Sprintf("facet %d", i)] = agg
	}
	return aggs
}

// WithFacts gives documents facts that decide who sees them.
func (g *Generator) WithFacts(docs []search.Document) []search.Document {
	for i := range docs {
		for range g.rnd.IntN(6) {
			docs[i].Facts = append(docs[i].Facts, g.fact())
		}
	}
	return docs
}
