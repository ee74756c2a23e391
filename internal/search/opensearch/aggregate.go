package opensearch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// mostDistinct is how many different values are counted exactly; beyond, the cluster estimates.
const mostDistinct = 40_000

// named gives names to the cluster that it takes, whatever they are called here: a0, a1, ... in the order of the names.
func named[T any](list map[string]T) []string { return slices.Sorted(maps.Keys(list)) }

func alias(i int) string { return fmt.Sprintf("a%d", i) }

func aggregations(aggs map[string]search.Aggregation) (object, error) {
	body := object{}
	for i, name := range named(aggs) {
		one, err := aggregation(aggs[name])
		if err != nil {
			return nil, err
		}
		if sub := aggs[name].Sub; len(sub) > 0 && takesSub(aggs[name].Kind) {
			if one["aggs"], err = aggregations(sub); err != nil {
				return nil, err
			}
		}
		body[alias(i)] = one
	}
	return body, nil
}

// takesSub tells the kinds that divide documents.
func takesSub(kind search.AggregationKind) bool {
	switch kind {
	case search.AggTerms, search.AggDateHistogram, search.AggFilter, search.AggFilters, search.AggNested:
		return true
	}
	return false
}

func aggregation(agg search.Aggregation) (object, error) {
	switch agg.Kind {
	case search.AggFilter, search.AggNested:
		filter, err := translate(agg.Filter)
		return object{"filter": filter}, err
	case search.AggFilters:
		filters := object{}
		if len(agg.Filters) == 0 {
			return object{"filter": matchNone()}, nil // the cluster wants one at least
		}
		for i, name := range named(agg.Filters) {
			filter, err := translate(agg.Filters[name])
			if err != nil {
				return nil, err
			}
			filters[alias(i)] = filter
		}
		return object{"filters": object{"filters": filters}}, nil
	case search.AggTopHits:
		return topHits(agg)
	}
	path, _ := search.BasePath(agg.Field)
	if path != "_index" && !search.Indexed(path) {
		return nil, entity.BadRequest("the field %q cannot be aggregated", entity.Shorten(agg.Field, 100))
	}
	switch agg.Kind {
	case search.AggTerms:
		return termBuckets(agg, path)
	case search.AggDateHistogram:
		every := object{"field": column(fieldNumbers, path), "min_doc_count": 1}
		if agg.Every.Unit == "ms" || agg.Every.Unit == "" {
			every["fixed_interval"] = fmt.Sprintf("%dms", max(agg.Every.Width, 1))
		} else {
			every["calendar_interval"] = agg.Every.Unit
		}
		return object{"date_histogram": every}, nil
	case search.AggCardinality:
		return object{"cardinality": object{"field": column(fieldValues, path), "precision_threshold": mostDistinct}}, nil
	}
	// Not min or max: on a field that no document has they end what they are within before it has counted anything.
	return object{"stats": object{"field": column(fieldNumbers, path)}}, nil
}

func termBuckets(agg search.Aggregation, path string) (object, error) {
	size := agg.Size
	if size == 0 {
		size = 10
	}
	direction := "desc"
	if agg.Asc {
		direction = "asc"
	}
	order := []object{{"_count": direction}, {"_key": "asc"}}
	if agg.ByKey {
		order = []object{{"_key": direction}}
	}
	body := object{"field": column(fieldValues, path), "size": size, "order": order}
	if agg.Include != "" {
		expr, err := regular(agg.Include)
		if err != nil {
			return nil, err
		}
		body["include"] = "s(" + expr + ")"
		if path == "_index" {
			body["include"] = expr
		}
	}
	return object{"terms": body}, nil
}

// includes are clauses that match nothing, one for each expression that restricts the keys of a facet: the cluster bounds
// the work on expressions in queries, which it reads first, but not on those in facets.
func includes(aggs map[string]search.Aggregation) (never []object) {
	for _, agg := range aggs {
		if agg.Include != "" {
			if expr, err := regular(agg.Include); err == nil {
				never = append(never, expression(literal(pathNothing+"=")+"("+expr+")"))
			}
		}
		never = append(never, includes(agg.Sub)...)
	}
	return never
}

func topHits(agg search.Aggregation) (object, error) {
	size := agg.Size
	if size == 0 {
		size = 3
	}
	sorts := agg.Sort
	if len(sorts) == 0 {
		sorts = []search.Sort{{Field: "_id"}}
	}
	order, err := sortOrder(slices.DeleteFunc(slices.Clone(sorts), func(s search.Sort) bool { return s.Field == "_score" && len(sorts) > 1 }))
	return object{"top_hits": object{"size": min(size, 100), "sort": order, "_source": []string{fieldIndex, fieldSource}}}, err
}

// computed is what the cluster says to an aggregation, or to one of its buckets.
type computed struct {
	Key   any                       `json:"key"`
	Count int                       `json:"doc_count"`
	Other int                       `json:"sum_other_doc_count"`
	Value *float64                  `json:"value"`
	Min   *float64                  `json:"min"`
	Max   *float64                  `json:"max"`
	Avg   *float64                  `json:"avg"`
	Sum   *float64                  `json:"sum"`
	Hits  *found                    `json:"hits"`
	List  jsontext.Value            `json:"buckets"`
	Rest  map[string]jsontext.Value `json:",embed"`
}

// rawKey is a bucket's key whose spelling is still to be looked up.
type rawKey struct{ path, key string }

func (e *Engine) readAggregations(ctx context.Context, aggs map[string]search.Aggregation, raw map[string]jsontext.Value) (map[string]search.AggregationResult, error) {
	if len(aggs) == 0 {
		return nil, nil
	}
	results, err := readAll(aggs, raw)
	if err != nil {
		return nil, err
	}
	return results, e.label(ctx, results)
}

func readAll(aggs map[string]search.Aggregation, raw map[string]jsontext.Value) (map[string]search.AggregationResult, error) {
	if len(aggs) == 0 {
		return nil, nil
	}
	results := make(map[string]search.AggregationResult, len(aggs))
	for i, name := range named(aggs) {
		var said computed
		if err := json.Unmarshal(raw[alias(i)], &said); err != nil {
			return nil, entity.Internal(err)
		}
		result, err := readOne(aggs[name], said)
		if err != nil {
			return nil, err
		}
		result.Kind = aggs[name].Kind
		results[name] = result
	}
	return results, nil
}

func readOne(agg search.Aggregation, said computed) (search.AggregationResult, error) {
	switch agg.Kind {
	case search.AggTerms, search.AggDateHistogram:
		return readBuckets(agg, said)
	case search.AggFilters:
		return readFilters(agg, said)
	case search.AggFilter, search.AggNested:
		sub, err := readAll(agg.Sub, said.Rest)
		return search.AggregationResult{DocCount: said.Count, Sub: sub}, err
	case search.AggTopHits:
		return readTopHits(agg, said)
	}
	value := map[search.AggregationKind]*float64{
		search.AggCardinality: said.Value, search.AggMin: said.Min, search.AggMax: said.Max, search.AggAvg: said.Avg, search.AggSum: said.Sum,
	}[agg.Kind]
	return search.AggregationResult{Value: value}, nil
}

func readBuckets(agg search.Aggregation, said computed) (search.AggregationResult, error) {
	var list []computed
	if err := json.Unmarshal(said.List, &list); err != nil {
		return search.AggregationResult{}, entity.Internal(err)
	}
	if agg.Kind == search.AggDateHistogram && len(list) > search.MaxBuckets {
		return search.AggregationResult{}, entity.BadRequest("a histogram has at most %d buckets; choose a longer interval", search.MaxBuckets)
	}
	result := search.AggregationResult{Buckets: make([]search.Bucket, 0, len(list)), Other: said.Other}
	path, _ := search.BasePath(agg.Field)
	for _, one := range list {
		sub, err := readAll(agg.Sub, one.Rest)
		if err != nil {
			return result, err
		}
		bucket := search.Bucket{Key: one.Key, Count: one.Count, Sub: sub}
		switch given := one.Key.(type) {
		case float64:
			bucket.Key = int64(given)
		case string:
			if path != "_index" {
				bucket.Key = bucketKey(path, given)
			}
		}
		result.Buckets = append(result.Buckets, bucket)
	}
	return result, nil
}

// bucketKey is the value of a term; strings are in lower case, and how they are written has to be looked up.
func bucketKey(path, term string) any {
	if strings.HasPrefix(term, "s") {
		return rawKey{path: path, key: term[1:]}
	}
	return search.KeyValue(key(term))
}

func readFilters(agg search.Aggregation, said computed) (search.AggregationResult, error) {
	result := search.AggregationResult{Buckets: []search.Bucket{}}
	var byName map[string]computed
	if len(agg.Filters) == 0 {
		return result, nil
	}
	if err := json.Unmarshal(said.List, &byName); err != nil {
		return result, entity.Internal(err)
	}
	for i, name := range named(agg.Filters) {
		one := byName[alias(i)]
		sub, err := readAll(agg.Sub, one.Rest)
		if err != nil {
			return result, err
		}
		result.Buckets = append(result.Buckets, search.Bucket{Key: name, Count: one.Count, Sub: sub})
	}
	return result, nil
}

func readTopHits(agg search.Aggregation, said computed) (search.AggregationResult, error) {
	result := search.AggregationResult{}
	if said.Hits == nil {
		return result, nil
	}
	result.Total = said.Hits.Total.Value
	var err error
	if result.Hits, err = readHits(search.Request{Sort: agg.Sort}, said.Hits.Hits, false); err != nil {
		return result, err
	}
	for i := range result.Hits {
		if result.Hits[i].Source, err = agg.Source.Apply(result.Hits[i].Source); err != nil {
			return result, err
		}
	}
	return result, nil
}
