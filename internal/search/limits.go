package search

import (
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Limits of a request. Beyond them the answer is an error of KindBadRequest
// that names the limit.
const (
	MaxText         = 4096      // characters of a query text
	MaxFilter       = 256 << 10 // bytes of a query_filter or post_filter
	MaxClauses      = 1024      // nodes of a query tree
	MaxDepth        = 32        // nesting of a query tree
	MaxTerms        = 10_000    // values of one terms clause
	MaxPatterns     = 32        // wildcards, prefixes, regular expressions and fuzzy words of a query
	MaxPattern      = 1024      // characters of one of them
	MaxWords        = 256       // words of one text
	MaxWindow       = 10_000    // from + size
	MaxAggregations = 64
	MaxAggDepth     = 6
	MaxBuckets      = 10_000
)

// WildcardLiterals returns the unescaped text before the first and after the
// last wildcard. literal tells that there is no wildcard at all; before is the
// whole text then.
func WildcardLiterals(pattern string) (before, after string, literal bool) {
	var current strings.Builder
	seen := false
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			current.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*' || r == '?':
			if !seen {
				before = current.String()
			}
			seen = true
			current.Reset()
		default:
			current.WriteRune(r)
		}
	}
	if escaped {
		current.WriteByte('\\')
	}
	if !seen {
		return current.String(), "", true
	}
	return before, current.String(), false
}

// CheckRequest refuses a request beyond the limits. Engines call it first.
func CheckRequest(req Request) error {
	if req.From < 0 || req.Size < 0 {
		return entity.BadRequest("from and size must not be negative")
	}
	if req.From+req.Size > MaxWindow {
		return entity.BadRequest("from + size is at most %d; use search_after to page further", MaxWindow)
	}
	if len(req.After) > 0 && len(req.Sort) == 0 {
		return entity.BadRequest("search_after needs a sort")
	}
	if len(req.Sort) > 8 {
		return entity.BadRequest("at most 8 sort fields are supported")
	}
	budget := budget{}
	for _, q := range []Query{req.Query, req.Filter, req.PostFilter} {
		if err := budget.query(q, 0); err != nil {
			return err
		}
	}
	return budget.aggregations(req.Aggregations, 1)
}

type budget struct{ clauses, patterns, aggs int }

func (b *budget) query(q Query, depth int) error {
	if q == nil {
		return nil
	}
	if b.clauses++; b.clauses > MaxClauses {
		return entity.BadRequest("a query has at most %d clauses", MaxClauses)
	}
	if depth > MaxDepth {
		return entity.BadRequest("a query is nested at most %d deep", MaxDepth)
	}
	switch q := q.(type) {
	case Bool:
		for _, list := range [][]Query{q.Must, q.Filter, q.Should, q.MustNot} {
			for _, child := range list {
				if err := b.query(child, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	case QueryString:
		return b.query(q.Query, depth+1)
	case Nested:
		return b.query(q.Query, depth+1)
	}
	return b.leaf(q)
}

func (b *budget) leaf(q Query) error {
	switch q := q.(type) {
	case Terms:
		if len(q.Values) > MaxTerms {
			return entity.BadRequest("a terms clause has at most %d values", MaxTerms)
		}
	case IDs:
		if len(q.Values) > MaxTerms {
			return entity.BadRequest("an ids clause has at most %d values", MaxTerms)
		}
	case Match:
		return b.text(q.Text, q.Fuzziness != 0 || q.Prefix)
	case MultiMatch:
		return b.text(q.Text, q.Fuzziness != 0 || q.Prefix)
	case MatchPhrase:
		return b.text(q.Text, q.Prefix)
	case Wildcard:
		return b.pattern(q.Pattern, MaxPattern*4)
	case Prefix:
		return b.pattern(q.Value, MaxPattern*4)
	case Regexp:
		return b.pattern(q.Pattern, MaxPattern)
	}
	return nil
}

func (b *budget) text(text string, expands bool) error {
	if len(text) > 4*MaxText {
		return entity.BadRequest("a query text has at most %d characters", MaxText)
	}
	words := len(Words(text))
	if words > MaxWords {
		return entity.BadRequest("a query text has at most %d words", MaxWords)
	}
	if !expands {
		return nil
	}
	if b.patterns += words; b.patterns > MaxPatterns {
		return entity.BadRequest("a query has at most %d patterns and fuzzy words", MaxPatterns)
	}
	return nil
}

func (b *budget) pattern(pattern string, limit int) error {
	if len(pattern) > limit {
		return entity.BadRequest("a pattern has at most %d characters", limit)
	}
	if b.patterns++; b.patterns > MaxPatterns {
		return entity.BadRequest("a query has at most %d patterns and fuzzy words", MaxPatterns)
	}
	return nil
}

func (b *budget) aggregations(aggs map[string]Aggregation, depth int) error {
	if len(aggs) > 0 && depth > MaxAggDepth {
		return entity.BadRequest("aggregations are nested at most %d deep", MaxAggDepth)
	}
	for name, agg := range aggs {
		if b.aggs++; b.aggs > MaxAggregations {
			return entity.BadRequest("a request has at most %d aggregations", MaxAggregations)
		}
		if agg.Size > MaxBuckets || agg.Size < 0 {
			return entity.BadRequest("the size of the aggregation %q is at most %d", entity.Shorten(name, 60), MaxBuckets)
		}
		if err := b.query(agg.Filter, 0); err != nil {
			return err
		}
		for _, filter := range agg.Filters {
			if err := b.query(filter, 0); err != nil {
				return err
			}
		}
		if err := b.aggregations(agg.Sub, depth+1); err != nil {
			return err
		}
	}
	return nil
}
