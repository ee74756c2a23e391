package search

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func (r *dslReader) nested(v jsontext.Value, path string, depth int) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	var q Nested
	for name, value := range m {
		at := join(path, name)
		switch name {
		case "path":
			q.Path, err = scalar(value, at)
		case "query":
			q.Query, err = r.clause(value, at, depth+1)
		case "score_mode", "boost", "ignore_unmapped":
		default:
			err = dslError(at, "the option is not supported")
		}
		if err != nil {
			return nil, err
		}
	}
	if q.Query == nil {
		return nil, dslError(path, "the clause nested needs a query")
	}
	return q, nil
}

func (r *dslReader) constantScore(v jsontext.Value, path string, depth int) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	filter, ok := m["filter"]
	if !ok {
		return nil, dslError(path, "the clause constant_score needs a filter")
	}
	q, err := r.clause(filter, join(path, "filter"), depth+1)
	return Bool{Filter: []Query{q}}, err
}

func (r *dslReader) exists(v jsontext.Value, path string) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	field, err := scalar(m["field"], join(path, "field"))
	return Exists{Field: field}, err
}

func (r *dslReader) ids(v jsontext.Value, path string) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	values, err := scalars(m["values"], join(path, "values"))
	return IDs{Values: values}, err
}

func scalars(v jsontext.Value, path string) ([]string, error) {
	var list []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &list) != nil {
		return nil, dslError(path, "a list of values is expected")
	}
	if len(list) > MaxTerms {
		return nil, dslError(path, "the list has more than %d values", MaxTerms)
	}
	values := make([]string, len(list))
	for i, item := range list {
		text, err := scalar(item, path+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return nil, err
		}
		values[i] = text
	}
	return values, nil
}

func (r *dslReader) terms(v jsontext.Value, path string) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	delete(m, "boost")
	if len(m) != 1 {
		return nil, dslError(path, "the clause terms needs exactly one field")
	}
	var q Terms
	for field, list := range m {
		q.Field = field
		q.Values, err = scalars(list, join(path, field))
	}
	return q, err
}

func (r *dslReader) span(field string, v jsontext.Value, path string) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	q := Range{Field: field}
	for name, value := range m {
		at := join(path, name)
		var bound **string
		switch name {
		case "gt":
			bound = &q.GT
		case "gte", "from":
			bound = &q.GTE
		case "lt":
			bound = &q.LT
		case "lte", "to":
			bound = &q.LTE
		case "format", "time_zone", "boost", "relation":
			continue
		default:
			return nil, dslError(at, "the option is not supported")
		}
		if value.Kind() == 'n' {
			continue
		}
		text, err := scalar(value, at)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(text, "now") {
			if text, err = dateMath(text, r.now, at); err != nil {
				return nil, err
			}
		}
		*bound = &text
	}
	return q, nil
}

// dateMath reads now, now-7d and the like as milliseconds since 1970. Rounding
// (now/d) is to the beginning of the unit.
func dateMath(text string, now time.Time, path string) (string, error) {
	rest := strings.TrimPrefix(text, "now")
	t := now.UTC()
	for rest != "" {
		op := rest[0]
		rest = rest[1:]
		n := 1
		if op != '/' {
			digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
			parsed, err := strconv.Atoi(rest[:digits])
			if err != nil || parsed > 1_000_000 {
				return "", dslError(path, "%q is not a date such as now-7d", entity.Shorten(text, 60))
			}
			n, rest = parsed, rest[digits:]
		}
		if rest == "" || strings.IndexByte("+-/", op) < 0 {
			return "", dslError(path, "%q is not a date such as now-7d", entity.Shorten(text, 60))
		}
		unit := rest[0]
		rest = rest[1:]
		if op == '-' {
			n = -n
		}
		var ok bool
		if op == '/' {
			t, ok = roundDown(t, unit)
		} else {
			t, ok = addUnits(t, n, unit)
		}
		if !ok {
			return "", dslError(path, "%q is not a date such as now-7d", entity.Shorten(text, 60))
		}
	}
	return strconv.FormatInt(t.UnixMilli(), 10), nil
}

func addUnits(t time.Time, n int, unit byte) (time.Time, bool) {
	switch unit {
	case 'y':
		return t.AddDate(n, 0, 0), true
	case 'M':
		return t.AddDate(0, n, 0), true
	case 'w':
		return t.AddDate(0, 0, 7*n), true
	case 'd':
		return t.AddDate(0, 0, n), true
	case 'h', 'H':
		return t.Add(time.Duration(n) * time.Hour), true
	case 'm':
		return t.Add(time.Duration(n) * time.Minute), true
	case 's':
		return t.Add(time.Duration(n) * time.Second), true
	}
	return t, false
}

func roundDown(t time.Time, unit byte) (time.Time, bool) {
	switch unit {
	case 'y':
		return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC), true
	case 'M':
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC), true
	case 'w':
		day := t.Truncate(24 * time.Hour)
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7), true
	case 'd':
		return t.Truncate(24 * time.Hour), true
	case 'h', 'H':
		return t.Truncate(time.Hour), true
	case 'm':
		return t.Truncate(time.Minute), true
	case 's':
		return t.Truncate(time.Second), true
	}
	return t, false
}

// readFields reads a list of fields with boosts: "name^10". A field that ends
// in * stands for all text, which the empty list means.
func readFields(v jsontext.Value, path string) ([]FieldBoost, error) {
	if v == nil {
		return nil, nil
	}
	names, err := scalars(v, path)
	if err != nil {
		return nil, err
	}
	fields := make([]FieldBoost, 0, len(names))
	for _, name := range names {
		field, boost, boosted := strings.Cut(name, "^")
		f := FieldBoost{Field: field}
		if boosted {
			if f.Boost, err = strconv.ParseFloat(boost, 64); err != nil || !(f.Boost > 0 && f.Boost < 1e6) {
				return nil, dslError(path, "%q has a malformed boost", entity.Shorten(name, 60))
			}
		}
		if field == "*" {
			return nil, nil
		}
		if strings.Contains(field, "*") {
			return nil, dslError(path, "field names with wildcards are not supported: %q", entity.Shorten(name, 60))
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func (r *dslReader) multiMatch(v jsontext.Value, path string) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	var q MultiMatch
	for name, value := range m {
		at := join(path, name)
		switch name {
		case "query":
			q.Text, err = scalar(value, at)
		case "fields":
			q.Fields, err = readFields(value, at)
		case "operator":
			q.Operator, err = readOperator(value, at)
		case "fuzziness":
			q.Fuzziness, err = readFuzziness(value, at)
		case "type":
			err = readMatchType(&q, value, at)
		case "boost", "lenient", "tie_breaker", "analyzer", "max_expansions", "prefix_length", "slop", "zero_terms_query":
		default:
			err = dslError(at, "the option is not supported")
		}
		if err != nil {
			return nil, err
		}
	}
	if m["query"] == nil {
		return nil, dslError(path, "the clause multi_match needs a query")
	}
	return q, nil
}

func readMatchType(q *MultiMatch, v jsontext.Value, path string) error {
	text, err := scalar(v, path)
	if err != nil {
		return err
	}
	switch text {
	case "best_fields", "most_fields", "cross_fields":
	case "phrase":
		q.Phrase = true
	case "phrase_prefix":
		q.Phrase, q.Prefix = true, true
	case "bool_prefix":
		q.Prefix = true
	default:
		return dslError(path, "the type %q is not supported", entity.Shorten(text, 60))
	}
	return nil
}

func (r *dslReader) queryString(v jsontext.Value, path string) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	var text string
	var o QueryStringOptions
	for name, value := range m {
		at := join(path, name)
		switch name {
		case "query":
			text, err = scalar(value, at)
		case "fields":
			o.Fields, err = readFields(value, at)
		case "default_field":
			var field string
			if field, err = scalar(value, at); err == nil && field != "*" {
				o.Fields = []FieldBoost{{Field: field}}
			}
		case "default_operator":
			o.Operator, err = readOperator(value, at)
		case "fuzziness":
			o.Fuzziness, err = readFuzziness(value, at)
		case "analyze_wildcard", "boost", "lenient", "type", "tie_breaker", "allow_leading_wildcard", "analyzer",
			"fuzzy_prefix_length", "fuzzy_max_expansions", "fuzzy_transpositions", "phrase_slop", "minimum_should_match", "escape", "flags":
		default:
			err = dslError(at, "the option is not supported")
		}
		if err != nil {
			return nil, err
		}
	}
	if m["query"] == nil {
		return nil, dslError(path, "the clause query_string needs a query")
	}
	q, err := ParseQueryString(text, o)
	if err != nil {
		return nil, dslError(path, "%s", err.Error())
	}
	return q, nil
}
