package search

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// ParseDSL reads a query in Elasticsearch's DSL: a clause, or an object with a
// clause under "query". Everything the query tree does not have is an error of
// KindBadRequest that says where in the document it stands.
func ParseDSL(document []byte, now time.Time) (Query, error) {
	if len(document) > MaxFilter {
		return nil, entity.BadRequest("a query document has at most %d bytes", MaxFilter)
	}
	if len(bytes.TrimSpace(document)) == 0 {
		return nil, nil
	}
	if err := checkNesting(document); err != nil {
		return nil, err
	}
	r := dslReader{now: now}
	m, err := r.object(document, "")
	if err != nil {
		return nil, err
	}
	if inner, ok := m["query"]; ok && len(m) == 1 {
		return r.clause(inner, "query", 0)
	}
	if len(m) == 0 {
		return nil, nil
	}
	return r.clause(document, "", 0)
}

// checkNesting refuses malformed and deeply nested JSON before anything is
// decoded: each level costs a copy of what is below it.
func checkNesting(document []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(document))
	for {
		if _, err := dec.ReadToken(); err != nil {
			if errors.Is(err, io.EOF) && dec.StackDepth() == 0 {
				return nil
			}
			return entity.BadRequest("the query document is not valid JSON at byte %d", dec.InputOffset())
		}
		if dec.StackDepth() > 6*MaxDepth {
			return entity.BadRequest("the query document is nested too deep")
		}
	}
}

type dslReader struct {
	now     time.Time
	clauses int
}

func dslError(path, format string, args ...any) error {
	if path == "" {
		path = "the top"
	}
	return entity.BadRequest("query document, at %s: %s", entity.Shorten(path, 200), fmt.Sprintf(format, args...))
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (r *dslReader) object(v jsontext.Value, path string) (map[string]jsontext.Value, error) {
	var m map[string]jsontext.Value
	if v.Kind() != '{' || json.Unmarshal(v, &m) != nil {
		return nil, dslError(path, "an object is expected")
	}
	return m, nil
}

// single returns the one member of an object.
func (r *dslReader) single(v jsontext.Value, path string) (string, jsontext.Value, error) {
	m, err := r.object(v, path)
	if err != nil {
		return "", nil, err
	}
	if len(m) != 1 {
		return "", nil, dslError(path, "an object with exactly one member is expected")
	}
	for name, value := range m {
		return name, value, nil
	}
	return "", nil, nil
}

func (r *dslReader) clause(v jsontext.Value, path string, depth int) (Query, error) {
	if r.clauses++; r.clauses > MaxClauses {
		return nil, entity.BadRequest("a query has at most %d clauses", MaxClauses)
	}
	if depth > MaxDepth {
		return nil, entity.BadRequest("a query is nested at most %d deep", MaxDepth)
	}
	name, body, err := r.single(v, path)
	if err != nil {
		return nil, err
	}
	path = join(path, name)
	switch name {
	case "bool":
		return r.boolean(body, path, depth)
	case "nested":
		return r.nested(body, path, depth)
	case "constant_score":
		return r.constantScore(body, path, depth)
	case "match_all":
		return MatchAll{}, nil
	case "match_none":
		return MatchNone{}, nil
	case "multi_match":
		return r.multiMatch(body, path)
	case "query_string", "simple_query_string":
		return r.queryString(body, path)
	case "exists":
		return r.exists(body, path)
	case "ids":
		return r.ids(body, path)
	case "terms":
		return r.terms(body, path)
	}
	return r.fieldClause(name, body, path)
}

// fieldClause reads the clauses of the form {"kind": {"field": value or options}}.
func (r *dslReader) fieldClause(kind string, body jsontext.Value, path string) (Query, error) {
	switch kind {
	case "term", "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "prefix", "wildcard", "regexp", "range", "fuzzy":
	default:
		return nil, dslError(path, "the clause %q is not supported", entity.Shorten(kind, 60))
	}
	field, value, err := r.single(body, path)
	if err != nil {
		return nil, err
	}
	path = join(path, field)
	if kind == "range" {
		return r.span(field, value, path)
	}
	o, err := r.options(value, path, kind)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "term":
		return Term{Field: field, Value: o.text}, nil
	case "match":
		return Match{Field: field, Text: o.text, Operator: o.operator, Fuzziness: o.fuzziness}, nil
	case "match_bool_prefix":
		return Match{Field: field, Text: o.text, Operator: o.operator, Fuzziness: o.fuzziness, Prefix: true}, nil
	case "fuzzy":
		if !o.fuzzySet {
			o.fuzziness = FuzzyAuto
		}
		return Match{Field: field, Text: o.text, Operator: And, Fuzziness: o.fuzziness}, nil
	case "prefix":
		return Prefix{Field: field, Value: o.text}, nil
	case "wildcard":
		return Wildcard{Field: field, Pattern: o.text}, nil
	case "regexp":
		return r.regexp(field, o.text, path)
	}
	return MatchPhrase{Field: field, Text: o.text, Prefix: kind == "match_phrase_prefix"}, nil
}

func (r *dslReader) regexp(field, pattern, path string) (Query, error) {
	if _, err := CompileRegexp(pattern); err != nil {
		return nil, dslError(path, "%s", err.Error())
	}
	return Regexp{Field: field, Pattern: pattern}, nil
}

// options are the members a text clause may have.
type options struct {
	text      string
	operator  Operator
	fuzziness Fuzziness
	fuzzySet  bool
}

func (r *dslReader) options(v jsontext.Value, path, kind string) (options, error) {
	if v.Kind() != '{' {
		text, err := scalar(v, path)
		return options{text: text}, err
	}
	m, err := r.object(v, path)
	if err != nil {
		return options{}, err
	}
	var o options
	found := false
	for name, value := range m {
		at := join(path, name)
		switch name {
		case "value", "query", "wildcard":
			o.text, err = scalar(value, at)
			found = true
		case "operator":
			o.operator, err = readOperator(value, at)
		case "fuzziness":
			o.fuzziness, err = readFuzziness(value, at)
			o.fuzzySet = true
		case "boost", "case_insensitive", "rewrite", "analyzer", "lenient", "zero_terms_query", "max_expansions",
			"prefix_length", "transpositions", "fuzzy_transpositions", "flags", "_name", "slop", "auto_generate_synonyms_phrase_query":
			// These change the score, or what is always so here.
		default:
			err = dslError(at, "the option is not supported")
		}
		if err != nil {
			return options{}, err
		}
	}
	if !found {
		return options{}, dslError(path, "the clause %s needs a value", kind)
	}
	return o, nil
}

// scalar returns the text of a string, number or boolean.
func scalar(v jsontext.Value, path string) (string, error) {
	switch v.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return "", dslError(path, "the string is malformed")
		}
		if len(text) > 4*MaxText {
			return "", dslError(path, "the text has more than %d characters", MaxText)
		}
		return string(text), nil
	case '0', 't', 'f':
		return string(v), nil
	}
	return "", dslError(path, "a string, number or boolean is expected")
}

func readOperator(v jsontext.Value, path string) (Operator, error) {
	text, err := scalar(v, path)
	if err != nil {
		return Or, err
	}
	switch strings.ToLower(text) {
	case "and":
		return And, nil
	case "or":
		return Or, nil
	}
	return Or, dslError(path, "the operator is and, or or")
}

func readFuzziness(v jsontext.Value, path string) (Fuzziness, error) {
	text, err := scalar(v, path)
	if err != nil {
		return 0, err
	}
	if upper := strings.ToUpper(text); upper == "AUTO" || strings.HasPrefix(upper, "AUTO:") {
		return FuzzyAuto, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 2 {
		return 0, dslError(path, "the fuzziness is 0, 1, 2 or AUTO")
	}
	return Fuzziness(n), nil
}

func (r *dslReader) boolean(v jsontext.Value, path string, depth int) (Query, error) {
	m, err := r.object(v, path)
	if err != nil {
		return nil, err
	}
	var q Bool
	for name, value := range m {
		at := join(path, name)
		switch name {
		case "must":
			q.Must, err = r.clauseList(value, at, depth)
		case "filter":
			q.Filter, err = r.clauseList(value, at, depth)
		case "should":
			q.Should, err = r.clauseList(value, at, depth)
		case "must_not":
			q.MustNot, err = r.clauseList(value, at, depth)
		case "boost", "adjust_pure_negative", "_name", "minimum_should_match":
		default:
			err = dslError(at, "the option is not supported")
		}
		if err != nil {
			return nil, err
		}
	}
	if minimum, ok := m["minimum_should_match"]; ok {
		if q.MinShould, err = minimumShould(minimum, len(q.Should), join(path, "minimum_should_match")); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// minimumShould reads a number, possibly counted from the end, or a percentage.
// An explicit zero asks for nothing, which MinShould writes as -1.
func minimumShould(v jsontext.Value, clauses int, path string) (int, error) {
	text, err := scalar(v, path)
	if err != nil {
		return 0, err
	}
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(number)
	if err != nil || n > MaxClauses || n < -MaxClauses {
		return 0, dslError(path, "a number or a percentage is expected")
	}
	missing := n < 0 // told before rounding: -75% of one clause may miss none
	if percent {
		n = n * clauses / 100
	}
	if missing {
		n = max(clauses+n, 0)
	}
	if n == 0 {
		return -1, nil
	}
	return n, nil
}

func (r *dslReader) clauseList(v jsontext.Value, path string, depth int) ([]Query, error) {
	if v.Kind() == '{' {
		m, err := r.object(v, path)
		if err != nil || len(m) == 0 {
			return nil, err
		}
		q, err := r.clause(v, path, depth+1)
		return []Query{q}, err
	}
	var list []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &list) != nil {
		return nil, dslError(path, "a clause or a list of clauses is expected")
	}
	queries := make([]Query, 0, len(list))
	for i, item := range list {
		q, err := r.clause(item, path+"["+strconv.Itoa(i)+"]", depth+1)
		if err != nil {
			return nil, err
		}
		queries = append(queries, q)
	}
	return queries, nil
}
