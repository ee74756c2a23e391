package search

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// ParseAggregations reads an object of named aggregations in Elasticsearch's
// DSL. Errors are like those of ParseDSL.
func ParseAggregations(document []byte, now time.Time) (map[string]Aggregation, error) {
	if len(document) > MaxFilter {
		return nil, entity.BadRequest("aggregations have at most %d bytes", MaxFilter)
	}
	if err := checkNesting(document); err != nil {
		return nil, err
	}
	r := dslReader{now: now}
	return r.aggregations(document, "aggs", 1)
}

func (r *dslReader) aggregations(v jsontext.Value, path string, depth int) (map[string]Aggregation, error) {
	if depth > MaxAggDepth {
		return nil, dslError(path, "aggregations are nested at most %d deep", MaxAggDepth)
	}
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	aggs := make(map[string]Aggregation, len(m))
	for name, value := range m {
		agg, err := r.aggregation(value, join(path, name), depth)
		if err != nil {
			return nil, err
		}
		aggs[name] = agg
	}
	return aggs, nil
}

func (r *dslReader) aggregation(v jsontext.Value, path string, depth int) (agg Aggregation, err error) {
	m, err := r.object(v, path)
	if err != nil {
		return agg, err
	}
	for _, name := range []string{"aggs", "aggregations"} {
		if sub, ok := m[name]; ok {
			if agg.Sub, err = r.aggregations(sub, join(path, name), depth+1); err != nil {
				return agg, err
			}
			delete(m, name)
		}
	}
	delete(m, "meta")
	if len(m) != 1 {
		return agg, dslError(path, "exactly one kind of aggregation is expected")
	}
	for kind, body := range m {
		err = r.aggregationKind(&agg, kind, body, join(path, kind))
	}
	return agg, err
}

func (r *dslReader) aggregationKind(agg *Aggregation, kind string, body jsontext.Value, path string) (err error) {
	switch kind {
	case "filter":
		agg.Kind = AggFilter
		agg.Filter, err = r.clause(body, path, 0)
		return err
	case "filters":
		agg.Kind = AggFilters
		return r.namedFilters(agg, body, path)
	case "nested", "reverse_nested":
		agg.Kind = AggNested
		return nil
	case "terms":
		agg.Kind = AggTerms
	case "cardinality":
		agg.Kind = AggCardinality
	case "date_histogram":
		agg.Kind = AggDateHistogram
	case "top_hits":
		agg.Kind = AggTopHits
	case "min":
		agg.Kind = AggMin
	case "max":
		agg.Kind = AggMax
	case "avg":
		agg.Kind = AggAvg
	case "sum":
		agg.Kind = AggSum
	default:
		return dslError(path, "the aggregation %q is not supported", entity.Shorten(kind, 60))
	}
	return r.aggregationOptions(agg, body, path)
}

func (r *dslReader) namedFilters(agg *Aggregation, body jsontext.Value, path string) error {
	m, err := r.object(body, path)
	if err != nil {
		return err
	}
	named, err := r.object(m["filters"], join(path, "filters"))
	if err != nil {
		return err
	}
	agg.Filters = make(map[string]Query, len(named))
	for name, value := range named {
		if agg.Filters[name], err = r.clause(value, join(path, name), 0); err != nil {
			return err
		}
	}
	return nil
}

func (r *dslReader) aggregationOptions(agg *Aggregation, body jsontext.Value, path string) error {
	m, err := r.object(body, path)
	if err != nil {
		return err
	}
	for name, value := range m {
		at := join(path, name)
		switch name {
		case "field":
			agg.Field, err = scalar(value, at)
		case "size":
			err = readSize(agg, value, at)
		case "include":
			if agg.Include, err = scalar(value, at); err == nil {
				_, err = CompileRegexp(agg.Include)
			}
		case "order":
			err = r.bucketOrder(agg, value, at)
		case "calendar_interval", "fixed_interval", "interval":
			err = readInterval(agg, value, at)
		case "sort":
			agg.Sort, err = r.sorts(value, at)
		case "_source":
			agg.Source, err = r.sourceFilter(value, at)
		case "missing", "min_doc_count", "shard_size", "precision_threshold", "format", "time_zone", "show_term_doc_count_error", "from":
		default:
			err = dslError(at, "the option is not supported")
		}
		if err != nil {
			return err
		}
	}
	return checkAggregation(agg, path)
}

func checkAggregation(agg *Aggregation, path string) error {
	if agg.Field == "" && agg.Kind != AggTopHits {
		return dslError(path, "the aggregation needs a field")
	}
	if agg.Kind == AggDateHistogram && agg.Every == (Interval{}) {
		return dslError(path, "the histogram needs an interval")
	}
	return nil
}

func readSize(agg *Aggregation, v jsontext.Value, path string) error {
	text, err := scalar(v, path)
	if err != nil {
		return err
	}
	if agg.Size, err = strconv.Atoi(text); err != nil || agg.Size < 0 || agg.Size > MaxBuckets {
		return dslError(path, "the size is a number from 0 to %d", MaxBuckets)
	}
	return nil
}

func (r *dslReader) bucketOrder(agg *Aggregation, v jsontext.Value, path string) error {
	if v.Kind() == '[' {
		var list []jsontext.Value
		if json.Unmarshal(v, &list) != nil || len(list) == 0 {
			return dslError(path, "a list of orders is expected")
		}
		v = list[0]
	}
	name, value, err := r.single(v, path)
	if err != nil {
		return err
	}
	direction, err := scalar(value, join(path, name))
	if err != nil {
		return err
	}
	agg.Asc = strings.EqualFold(direction, "asc")
	switch name {
	case "_key", "_term":
		agg.ByKey = true
	case "_count":
	default:
		return dslError(path, "buckets are ordered by _count or _key")
	}
	return nil
}

// readInterval reads day, 1d, 12h, month and the like.
func readInterval(agg *Aggregation, v jsontext.Value, path string) error {
	text, err := scalar(v, path)
	if err != nil {
		return err
	}
	switch text {
	case "week", "1w":
		agg.Every = Interval{Unit: "week"}
		return nil
	case "month", "1M":
		agg.Every = Interval{Unit: "month"}
		return nil
	case "quarter", "1q":
		agg.Every = Interval{Unit: "quarter"}
		return nil
	case "year", "1y":
		agg.Every = Interval{Unit: "year"}
		return nil
	case "minute", "hour", "day":
		text = "1" + text[:1]
	}
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	n, err := strconv.ParseInt(text[:digits], 10, 64)
	unit := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[text[digits:]]
	if err != nil || unit == 0 || n < 1 || n > 100_000 {
		return dslError(path, "the interval %q is not supported", entity.Shorten(text, 40))
	}
	agg.Every = Interval{Unit: "ms", Width: n * unit.Milliseconds()}
	return nil
}

// sorts reads a sort: a field, {"field": "desc"}, {"field": {"order": "desc"}},
// or a list of these.
func (r *dslReader) sorts(v jsontext.Value, path string) ([]Sort, error) {
	var list []jsontext.Value
	if v.Kind() != '[' {
		list = []jsontext.Value{v}
	} else if json.Unmarshal(v, &list) != nil {
		return nil, dslError(path, "a list of sort fields is expected")
	}
	sorts := make([]Sort, 0, len(list))
	for _, item := range list {
		if item.Kind() == '"' {
			field, err := scalar(item, path)
			if err != nil {
				return nil, err
			}
			sorts = append(sorts, Sort{Field: field, Desc: field == "_score"})
			continue
		}
		field, value, err := r.single(item, path)
		if err != nil {
			return nil, err
		}
		if value.Kind() == '{' {
			m, err := r.object(value, join(path, field))
			if err != nil {
				return nil, err
			}
			value = m["order"]
		}
		direction, err := scalar(value, join(path, field))
		if err != nil {
			return nil, err
		}
		sorts = append(sorts, Sort{Field: field, Desc: strings.EqualFold(direction, "desc")})
	}
	return sorts, nil
}

func (r *dslReader) sourceFilter(v jsontext.Value, path string) (f SourceFilter, err error) {
	switch v.Kind() {
	case 'f':
		return SourceFilter{None: true}, nil
	case 't':
		return f, nil
	case '"':
		text, err := scalar(v, path)
		return SourceFilter{Include: []string{text}}, err
	case '[':
		f.Include, err = scalars(v, path)
		return f, err
	}
	m, err := r.object(v, path)
	if err != nil {
		return f, err
	}
	if m["includes"] != nil {
		if f.Include, err = scalars(m["includes"], join(path, "includes")); err != nil {
			return f, err
		}
	}
	if m["excludes"] != nil {
		f.Exclude, err = scalars(m["excludes"], join(path, "excludes"))
	}
	return f, err
}

// containing turns what a person typed into an expression over the keys of a
// terms aggregation; one that already is an expression is left alone.
func containing(text string) string {
	if text == "" {
		return ""
	}
	if strings.Contains(text, ".*") {
		if _, err := CompileRegexp(text); err == nil {
			return text
		}
	}
	return ".*" + regexp.QuoteMeta(text) + ".*"
}
