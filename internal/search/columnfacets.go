package search

import (
	"cmp"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// collector counts aggregations document by document. collect is called with each,
// results once after the last.
func collector(aggs map[string]Aggregation) (collect func(*Fields) error, results func() map[string]AggregationResult, err error) {
	counters := map[string]*counter{}
	for name, agg := range aggs {
		if counters[name], err = newCounter(agg); err != nil {
			return nil, nil, err
		}
	}
	collect = func(f *Fields) error {
		for _, c := range counters {
			if err := c.count(f); err != nil {
				return err
			}
		}
		return nil
	}
	results = func() map[string]AggregationResult {
		if len(counters) == 0 {
			return nil
		}
		all := make(map[string]AggregationResult, len(counters))
		for name, c := range counters {
			all[name] = c.result()
		}
		return all
	}
	return collect, results, nil
}

// counter is one aggregation that is being counted.
type counter struct {
	agg     Aggregation
	include *Pattern
	filters map[string]*Matcher // by bucket; "" for AggFilter
	buckets map[string]*bucketCounter
	total   int
	collect func(*Fields) error
	results func() map[string]AggregationResult
}

// bucketCounter is one bucket of values that compare equal.
type bucketCounter struct {
	key     any
	count   int
	collect func(*Fields) error
	results func() map[string]AggregationResult
}

func newCounter(agg Aggregation) (*counter, error) {
	c := &counter{agg: agg, buckets: map[string]*bucketCounter{}, filters: map[string]*Matcher{}}
	var err error
	if c.collect, c.results, err = collector(agg.Sub); err != nil {
		return nil, err
	}
	switch agg.Kind {
	case AggTerms:
		if agg.Include != "" {
			c.include, err = CompileRegexp(agg.Include)
		}
	case AggFilter, AggNested:
		c.filters[""], err = NewMatcher(agg.Filter)
	case AggFilters:
		for name, filter := range agg.Filters {
			if c.filters[name], err = NewMatcher(filter); err != nil {
				return nil, err
			}
			if _, err := c.bucket(name, name); err != nil {
				return nil, err
			}
		}
	case AggCardinality:
	default:
		return nil, entity.BadRequest("columns are aggregated by terms, cardinality, filter, filters and nested alone")
	}
	return c, err
}

func (c *counter) bucket(key string, shown any) (*bucketCounter, error) {
	if b, ok := c.buckets[key]; ok {
		return b, nil
	}
	if len(c.buckets) >= MaxBuckets {
		return nil, entity.BadRequest("an aggregation of columns has at most %d values; narrow the query", MaxBuckets)
	}
	b := &bucketCounter{key: shown}
	var err error
	if b.collect, b.results, err = collector(c.agg.Sub); err != nil {
		return nil, err
	}
	c.buckets[key] = b
	return b, nil
}

func (c *counter) count(f *Fields) error {
	switch c.agg.Kind {
	case AggFilter, AggNested:
		if !c.filters[""].Match(f) {
			return nil
		}
		c.total++
		return c.collect(f)
	case AggFilters:
		for name, filter := range c.filters {
			if !filter.Match(f) {
				continue
			}
			c.buckets[name].count++
			if err := c.buckets[name].collect(f); err != nil {
				return err
			}
		}
		return nil
	}
	path, _ := BasePath(c.agg.Field)
	if path == "_index" {
		return c.value(Value{Kind: String, Text: columnIndex}, f)
	}
	seen := map[string]bool{}
	for _, v := range f.values[path] {
		if v.Kind == Present || len(v.Text) > MaxExact || seen[v.Key()] {
			continue
		}
		seen[v.Key()] = true
		if err := c.value(v, f); err != nil {
			return err
		}
	}
	return nil
}

func (c *counter) value(v Value, f *Fields) error {
	key := v.Key()
	if c.include != nil && (v.Kind != String || !c.include.MatchString(key[1:])) {
		return nil
	}
	shown := KeyValue(key)
	if v.Kind == String {
		shown = v.Text
	}
	b, err := c.bucket(key, shown)
	if err != nil {
		return err
	}
	b.count++
	return b.collect(f)
}

func (c *counter) result() AggregationResult {
	result := AggregationResult{Kind: c.agg.Kind}
	switch c.agg.Kind {
	case AggCardinality:
		distinct := float64(len(c.buckets))
		result.Value = &distinct
		return result
	case AggFilter, AggNested:
		result.DocCount, result.Sub = c.total, c.results()
		return result
	}
	keys := make([]string, 0, len(c.buckets))
	for key := range c.buckets {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if c.agg.Kind == AggTerms {
		slices.SortStableFunc(keys, c.order)
	}
	size := cmp.Or(c.agg.Size, 10)
	result.Buckets = []Bucket{}
	for i, key := range keys {
		b := c.buckets[key]
		if c.agg.Kind == AggTerms && i >= size {
			result.Other += b.count
			continue
		}
		result.Buckets = append(result.Buckets, Bucket{Key: b.key, Count: b.count, Sub: b.results()})
	}
	return result
}

// order sorts the buckets of terms.
func (c *counter) order(a, b string) int {
	order := cmp.Compare(c.buckets[a].count, c.buckets[b].count)
	if c.agg.ByKey {
		order = cmp.Compare(a, b)
	}
	if !c.agg.Asc {
		return -order
	}
	return order
}
