package opensearch

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// label puts the spelling of values in the place of their keys, which are in lower case: that of the first document that
// has the value. It is remembered for a while.
func (e *Engine) label(ctx context.Context, results map[string]search.AggregationResult) error {
	var wanted []rawKey
	labels := map[rawKey]string{}
	eachKey(results, func(k rawKey) any {
		if _, known := labels[k]; known {
			return k
		}
		label, ok := e.labels.Get(k.path + "=" + k.key)
		if !ok {
			wanted = append(wanted, k)
			label = k.key
		}
		labels[k] = label
		return k
	})
	if err := e.spell(ctx, wanted, labels); err != nil {
		return err
	}
	eachKey(results, func(k rawKey) any { return labels[k] })
	return nil
}

// eachKey replaces the keys of buckets that are still to be spelled.
func eachKey(results map[string]search.AggregationResult, replace func(rawKey) any) {
	for _, result := range results {
		for i := range result.Buckets {
			if k, ok := result.Buckets[i].Key.(rawKey); ok {
				result.Buckets[i].Key = replace(k)
			}
			eachKey(result.Buckets[i].Sub, replace)
		}
		eachKey(result.Sub, replace)
	}
}

// spell looks up how values are written.
func (e *Engine) spell(ctx context.Context, wanted []rawKey, labels map[rawKey]string) error {
	const together = 500
	for len(wanted) > 0 {
		some := wanted[:min(len(wanted), together)]
		wanted = wanted[len(some):]
		var body strings.Builder
		for _, k := range some {
			line, err := json.Marshal(object{
				"size": 1, "track_total_hits": false, "_source": false, "sort": []any{"_doc"}, "query": isTerm(exact(k.path, search.StringKey(k.key))),
				"docvalue_fields": []any{column(fieldLabels, k.path)},
			})
			if err != nil {
				return entity.Internal(err)
			}
			body.WriteString("{}\n")
			body.Write(line)
			body.WriteByte('\n')
		}
		answers, err := e.many(ctx, body.String(), len(some))
		if err != nil {
			return err
		}
		for i, k := range some {
			for _, one := range answers[i].Hits.Hits {
				for _, label := range one.Fields[column(fieldLabels, k.path)] {
					if strings.ToLower(label) == k.key {
						labels[k] = label
					}
				}
			}
			e.labels.Add(k.path+"="+k.key, labels[k])
		}
	}
	return nil
}
