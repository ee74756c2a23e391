package search

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The shape of Elasticsearch's answers, as far as clients read it.
type answer struct {
	Took         int64          `json:"took"`
	TimedOut     bool           `json:"timed_out"`
	Shards       shards         `json:"_shards"`
	Hits         answerHits     `json:"hits"`
	Aggregations map[string]any `json:"aggregations,omitzero"`
}

type shards struct {
	Total      int `json:"total"`
	Successful int `json:"successful"`
	Skipped    int `json:"skipped"`
	Failed     int `json:"failed"`
}

type answerHits struct {
	Total    total       `json:"total"`
	MaxScore *float64    `json:"max_score"`
	Hits     []answerHit `json:"hits"`
}

type total struct {
	Value    int    `json:"value"`
	Relation string `json:"relation"`
}

type answerHit struct {
	Index     string              `json:"_index"`
	Type      string              `json:"_type"`
	ID        string              `json:"_id"`
	Score     *float64            `json:"_score"`
	Source    jsontext.Value      `json:"_source,omitzero"`
	Highlight map[string][]string `json:"highlight,omitzero"`
	Sort      []any               `json:"sort,omitzero"`
}

// RenderQuery writes the answer to a query, field query or aggregation.
func RenderQuery(call Call, result Result, took time.Duration) (jsontext.Value, error) {
	hits, err := renderHits(result, call.Source, len(call.Request.Sort) > 0 && call.Request.Sort[0].Field != "_score")
	if err != nil {
		return nil, err
	}
	a := answer{Took: took.Milliseconds(), Shards: shards{Total: 1, Successful: 1}, Hits: hits}
	if a.Aggregations, err = renderAggregations(result.Aggregations); err != nil {
		return nil, err
	}
	return json.Marshal(a, json.Deterministic(true))
}

// RenderAggregate writes the answer to /search/aggregate. The buckets also stand
// under "suggest", where the Python client looks for them.
func RenderAggregate(call Call, result Result, took time.Duration) (jsontext.Value, error) {
	rendered, err := renderAggregations(result.Aggregations)
	if err != nil {
		return nil, err
	}
	for name := range call.Request.Aggregations {
		if one, ok := rendered[typedName(name, result.Aggregations[name])]; ok {
			rendered["suggest"] = one
		}
	}
	hits, err := renderHits(result, call.Source, false)
	if err != nil {
		return nil, err
	}
	a := answer{Took: took.Milliseconds(), Shards: shards{Total: 1, Successful: 1}, Hits: hits, Aggregations: rendered}
	return json.Marshal(a, json.Deterministic(true))
}

func renderHits(result Result, filter SourceFilter, unscored bool) (answerHits, error) {
	hits := answerHits{Total: total{Value: result.Total, Relation: "eq"}, Hits: make([]answerHit, 0, len(result.Hits))}
	if result.AtLeast {
		hits.Total.Relation = "gte"
	}
	if len(result.Hits) > 0 && !unscored {
		hits.MaxScore = &result.MaxScore
	}
	for _, h := range result.Hits {
		source, err := filter.Apply(h.Source)
		if err != nil {
			return hits, err
		}
		hit := answerHit{Index: h.Index, Type: "_doc", ID: h.ID.String(), Source: source, Highlight: h.Highlight, Sort: h.Sort}
		if !unscored {
			score := h.Score
			hit.Score = &score
		}
		hits.Hits = append(hits.Hits, hit)
	}
	return hits, nil
}

// typedName puts the kind of an aggregation before its name, as Elasticsearch
// does for typed clients.
func typedName(name string, result AggregationResult) string {
	kind := map[AggregationKind]string{
		AggTerms: "sterms", AggCardinality: "cardinality", AggDateHistogram: "date_histogram", AggTopHits: "top_hits",
		AggFilter: "filter", AggFilters: "filters", AggNested: "nested", AggMin: "min", AggMax: "max", AggAvg: "avg", AggSum: "sum",
	}[result.Kind]
	if result.Kind == AggTerms && len(result.Buckets) > 0 {
		switch result.Buckets[0].Key.(type) {
		case float64:
			kind = "dterms"
		case bool:
			kind = "lterms"
		}
	}
	return kind + "#" + name
}

func renderAggregations(results map[string]AggregationResult) (map[string]any, error) {
	if len(results) == 0 {
		return nil, nil
	}
	rendered := make(map[string]any, len(results))
	for name, result := range results {
		one, err := renderAggregation(result)
		if err != nil {
			return nil, err
		}
		rendered[typedName(name, result)] = one
	}
	return rendered, nil
}

func renderAggregation(result AggregationResult) (map[string]any, error) {
	switch result.Kind {
	case AggTerms:
		buckets, err := renderBuckets(result.Buckets, false)
		return map[string]any{"doc_count_error_upper_bound": 0, "sum_other_doc_count": result.Other, "buckets": buckets}, err
	case AggDateHistogram:
		buckets, err := renderBuckets(result.Buckets, true)
		return map[string]any{"buckets": buckets}, err
	case AggFilters:
		named := make(map[string]any, len(result.Buckets))
		for _, bucket := range result.Buckets {
			one, err := renderSub(bucket.Count, bucket.Sub)
			if err != nil {
				return nil, err
			}
			if key, ok := bucket.Key.(string); ok {
				named[key] = one
			}
		}
		return map[string]any{"buckets": named}, nil
	case AggTopHits:
		hits, err := renderHits(Result{Total: result.Total, Hits: result.Hits, MaxScore: 1}, SourceFilter{}, false)
		return map[string]any{"hits": hits}, err
	case AggFilter, AggNested:
		return renderSub(result.DocCount, result.Sub)
	}
	return map[string]any{"value": result.Value}, nil
}

func renderSub(count int, sub map[string]AggregationResult) (map[string]any, error) {
	rendered, err := renderAggregations(sub)
	if rendered == nil {
		rendered = map[string]any{}
	}
	rendered["doc_count"] = count
	return rendered, err
}

func renderBuckets(buckets []Bucket, dates bool) ([]any, error) {
	list := make([]any, 0, len(buckets))
	for _, bucket := range buckets {
		one, err := renderSub(bucket.Count, bucket.Sub)
		if err != nil {
			return nil, err
		}
		one["key"] = bucket.Key
		switch key := bucket.Key.(type) {
		case int64:
			if dates {
				one["key_as_string"] = time.UnixMilli(key).UTC().Format("2006-01-02T15:04:05.000Z")
			}
		case bool:
			one["key"], one["key_as_string"] = map[bool]int{true: 1}[key], map[bool]string{true: "true", false: "false"}[key]
		}
		list = append(list, one)
	}
	return list, nil
}

// RenderSuggest writes the answer to a suggestion.
func RenderSuggest(call Call, result Result) (jsontext.Value, error) {
	options := make([]map[string]any, 0, len(result.Hits))
	for _, hit := range result.Hits {
		source, err := call.Source.Apply(hit.Source)
		if err != nil {
			return nil, err
		}
		var shown struct {
			Name    string `json:"name"`
			Deleted bool   `json:"deleted"`
		}
		if err := json.Unmarshal(hit.Source, &shown); err != nil {
			return nil, err
		}
		option := map[string]any{
			"text": shown.Name, "_index": hit.Index, "_type": "_doc", "_id": hit.ID.String(), "_score": hit.Score,
			"contexts": map[string]any{"deleted": []string{map[bool]string{true: "true", false: "false"}[shown.Deleted]}},
		}
		if source != nil {
			option["_source"] = source
		}
		options = append(options, option)
	}
	return json.Marshal(map[string]any{"suggest": map[string]any{"metadata-suggest": []any{map[string]any{
		"text": call.Text, "offset": 0, "length": len([]rune(strings.TrimSpace(call.Text))), "options": options,
	}}}}, json.Deterministic(true))
}
