package embedded

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

func (s *snapshot) aggregate(aggs map[string]search.Aggregation, docs *roaring.Bitmap) (map[string]search.AggregationResult, error) {
	if len(aggs) == 0 {
		return nil, nil
	}
	results := make(map[string]search.AggregationResult, len(aggs))
	for name, agg := range aggs {
		result, err := s.aggregateOne(agg, docs)
		if err != nil {
			return nil, err
		}
		result.Kind = agg.Kind
		results[name] = result
	}
	return results, nil
}

func (s *snapshot) aggregateOne(agg search.Aggregation, docs *roaring.Bitmap) (search.AggregationResult, error) {
	switch agg.Kind {
	case search.AggTerms:
		return s.termBuckets(agg, docs)
	case search.AggDateHistogram:
		return s.histogram(agg, docs)
	case search.AggTopHits:
		return s.topHits(agg, docs)
	case search.AggFilters:
		return s.filterBuckets(agg, docs)
	case search.AggFilter, search.AggNested:
		within, err := s.resolve(agg.Filter, docs)
		if err != nil {
			return search.AggregationResult{}, err
		}
		sub, err := s.aggregate(agg.Sub, within)
		return search.AggregationResult{DocCount: int(within.GetCardinality()), Sub: sub}, err
	}
	return s.metric(agg, docs)
}

// group is a bucket before its sub-aggregations are computed.
type group struct {
	key  string
	at   int64
	docs *roaring.Bitmap
}

// eachValue visits the values of a field that documents of the set have.
func (s *snapshot) eachValue(name string, docs *roaring.Bitmap, visit func(key string, with *roaring.Bitmap) error) error {
	path, _ := search.BasePath(name)
	field, known := s.state.fields[path]
	if path == "_index" {
		field, known = fieldIndex, true
	}
	if !known || docs.IsEmpty() {
		return nil
	}
	if !search.Indexed(path) {
		return entity.BadRequest("the field %q cannot be aggregated", entity.Shorten(name, 100))
	}
	return s.scan(field, search.Span{From: "\x01", To: "\x04"}, false, func(key string, set func() (*roaring.Bitmap, error)) (bool, error) {
		with, err := set()
		if err != nil {
			return false, err
		}
		with.And(docs)
		if with.IsEmpty() {
			return true, nil
		}
		return true, visit(key, with)
	})
}

func (s *snapshot) termBuckets(agg search.Aggregation, docs *roaring.Bitmap) (search.AggregationResult, error) {
	var include *search.Pattern
	if agg.Include != "" {
		var err error
		if include, err = search.CompileRegexp(agg.Include); err != nil {
			return search.AggregationResult{}, err
		}
	}
	var groups []group
	err := s.eachValue(agg.Field, docs, func(key string, with *roaring.Bitmap) error {
		if include != nil {
			s.effort += include.Effort(key)
			included := key[0] == byte(search.String) && include.MatchString(key[1:])
			if err := s.spent(0); err != nil || !included {
				return err
			}
		}
		groups = append(groups, group{key: strings.Clone(key), docs: with})
		return nil
	})
	if err != nil {
		return search.AggregationResult{}, err
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		c := cmp.Compare(a.docs.GetCardinality(), b.docs.GetCardinality())
		if agg.ByKey {
			c = cmp.Compare(a.key, b.key)
		}
		if !agg.Asc {
			c = -c
		}
		return c
	})
	size := agg.Size
	if size == 0 {
		size = 10
	}
	result := search.AggregationResult{Buckets: []search.Bucket{}}
	for i, g := range groups {
		if i >= size {
			result.Other += int(g.docs.GetCardinality())
			continue
		}
		path, _ := search.BasePath(agg.Field)
		label, err := s.labelOf(s.fieldNumber(path), g.key)
		if err != nil {
			return search.AggregationResult{}, err
		}
		sub, err := s.aggregate(agg.Sub, g.docs)
		if err != nil {
			return search.AggregationResult{}, err
		}
		result.Buckets = append(result.Buckets, search.Bucket{Key: label, Count: int(g.docs.GetCardinality()), Sub: sub})
	}
	return result, nil
}

func (s *snapshot) fieldNumber(path string) uint16 {
	if path == "_index" {
		return fieldIndex
	}
	return s.state.fields[path]
}

func (s *snapshot) filterBuckets(agg search.Aggregation, docs *roaring.Bitmap) (search.AggregationResult, error) {
	result := search.AggregationResult{Buckets: []search.Bucket{}}
	names := make([]string, 0, len(agg.Filters))
	for name := range agg.Filters {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		within, err := s.resolve(agg.Filters[name], docs)
		if err != nil {
			return result, err
		}
		sub, err := s.aggregate(agg.Sub, within)
		if err != nil {
			return result, err
		}
		result.Buckets = append(result.Buckets, search.Bucket{Key: name, Count: int(within.GetCardinality()), Sub: sub})
	}
	return result, nil
}

func (s *snapshot) histogram(agg search.Aggregation, docs *roaring.Bitmap) (search.AggregationResult, error) {
	byStart := map[int64]*roaring.Bitmap{}
	err := s.eachValue(agg.Field, docs, func(key string, with *roaring.Bitmap) error {
		number, ok := search.KeyValue(key).(float64)
		if !ok {
			return nil
		}
		start := bucketStart(int64(number), agg.Every)
		if byStart[start] == nil {
			if len(byStart) >= search.MaxBuckets {
				return entity.BadRequest("a histogram has at most %d buckets; choose a longer interval", search.MaxBuckets)
			}
			byStart[start] = roaring.New()
		}
		byStart[start].Or(with)
		return nil
	})
	if err != nil {
		return search.AggregationResult{}, err
	}
	groups := make([]group, 0, len(byStart))
	for start, with := range byStart {
		groups = append(groups, group{at: start, docs: with})
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(a.at, b.at) })
	result := search.AggregationResult{Buckets: []search.Bucket{}}
	for _, g := range groups {
		sub, err := s.aggregate(agg.Sub, g.docs)
		if err != nil {
			return result, err
		}
		result.Buckets = append(result.Buckets, search.Bucket{Key: g.at, Count: int(g.docs.GetCardinality()), Sub: sub})
	}
	return result, nil
}

// bucketStart returns the beginning of the interval a time lies in, both in
// milliseconds since 1970.
func bucketStart(at int64, every search.Interval) int64 {
	t := time.UnixMilli(at).UTC()
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch every.Unit {
	case "week":
		return midnight.AddDate(0, 0, -(int(t.Weekday())+6)%7).UnixMilli()
	case "month":
		return midnight.AddDate(0, 0, 1-t.Day()).UnixMilli()
	case "quarter":
		return time.Date(t.Year(), (t.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	case "year":
		return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	}
	width := max(every.Width, 1)
	start := at / width * width
	if at < 0 && start != at {
		start -= width
	}
	return start
}

func (s *snapshot) topHits(agg search.Aggregation, docs *roaring.Bitmap) (search.AggregationResult, error) {
	size := agg.Size
	if size == 0 {
		size = 3
	}
	req := search.Request{Size: min(size, 100), Sort: agg.Sort}
	result := search.AggregationResult{Total: int(docs.GetCardinality())}
	page, err := s.page(req, docs)
	if err != nil {
		return result, err
	}
	if result.Hits, err = s.hits(req, page.rows); err != nil {
		return result, err
	}
	for i := range result.Hits {
		if result.Hits[i].Source, err = agg.Source.Apply(result.Hits[i].Source); err != nil {
			return result, err
		}
	}
	return result, nil
}

func (s *snapshot) metric(agg search.Aggregation, docs *roaring.Bitmap) (search.AggregationResult, error) {
	var count, sum float64
	lowest, highest := math.Inf(1), math.Inf(-1)
	distinct := 0
	err := s.eachValue(agg.Field, docs, func(key string, with *roaring.Bitmap) error {
		distinct++
		if number, ok := search.KeyValue(key).(float64); ok {
			n := float64(with.GetCardinality())
			count += n
			sum += n * number
			lowest, highest = min(lowest, number), max(highest, number)
		}
		return nil
	})
	if err != nil {
		return search.AggregationResult{}, err
	}
	var value float64
	switch agg.Kind {
	case search.AggCardinality:
		value = float64(distinct)
	case search.AggSum:
		value = sum
	case search.AggMin, search.AggMax, search.AggAvg:
		if count == 0 {
			return search.AggregationResult{}, nil
		}
		value = map[search.AggregationKind]float64{search.AggMin: lowest, search.AggMax: highest, search.AggAvg: sum / count}[agg.Kind]
	}
	return search.AggregationResult{Value: &value}, nil
}
