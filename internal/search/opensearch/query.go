package opensearch

import (
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

func matchAll() object  { return object{"match_all": object{}} }
func matchNone() object { return object{"match_none": object{}} }

// isDocument leaves out what is no document, the position.
func isDocument() object { return object{"exists": object{"field": fieldID}} }

func oneOf(field string, values []string) object {
	switch len(values) {
	case 0:
		return matchNone()
	case 1:
		return object{"term": object{field: values[0]}}
	}
	return object{"terms": object{field: values}}
}

func isTerm(terms ...string) object { return oneOf(fieldTerms, terms) }

func beginsWith(term string) object { return object{"prefix": object{fieldTerms: term}} }

func either(clauses []object) object {
	switch len(clauses) {
	case 0:
		return matchNone()
	case 1:
		return clauses[0]
	}
	return object{"bool": object{"should": clauses, "minimum_should_match": 1}}
}

func every(clauses []object) object {
	switch len(clauses) {
	case 0:
		return matchNone()
	case 1:
		return clauses[0]
	}
	return object{"bool": object{"filter": clauses}}
}

// translate turns a query into the cluster's DSL. What it means is said by search.Matcher.
func translate(q search.Query) (object, error) {
	switch q := q.(type) {
	case nil, search.MatchAll:
		return matchAll(), nil
	case search.Bool:
		return translateBool(q)
	case search.QueryString:
		return translate(q.Query)
	case search.Nested:
		return translate(q.Query)
	case search.Match:
		return matchText(q.Field, q.Text, q.Operator, q.Fuzziness, q.Prefix), nil
	case search.MatchPhrase:
		return matchPhrase(q.Field, q.Text, q.Prefix), nil
	case search.MultiMatch:
		return matchMulti(q), nil
	case search.Prefix, search.Wildcard, search.Regexp:
		return matchPattern(q)
	}
	return translateValue(q), nil
}

func translateBool(q search.Bool) (object, error) {
	list := func(queries []search.Query) ([]object, error) {
		clauses := make([]object, 0, len(queries))
		for _, child := range queries {
			clause, err := translate(child)
			if err != nil {
				return nil, err
			}
			clauses = append(clauses, clause)
		}
		return clauses, nil
	}
	body := object{}
	filter, err := list(slices.Concat(q.Must, q.Filter))
	if err != nil {
		return nil, err
	}
	if len(filter) > 0 {
		body["filter"] = filter
	}
	if not, err := list(q.MustNot); err != nil {
		return nil, err
	} else if len(not) > 0 {
		body["must_not"] = not
	}
	if need := q.ShouldNeeded(); need > len(q.Should) {
		return matchNone(), nil
	} else if need > 0 {
		should, err := list(q.Should)
		if err != nil {
			return nil, err
		}
		body["should"], body["minimum_should_match"] = should, need
	}
	if len(body) == 0 {
		return matchAll(), nil
	}
	return object{"bool": body}, nil
}

func translateValue(q search.Query) object {
	switch q := q.(type) {
	case search.Term:
		return matchTerms(q.Field, []string{q.Value})
	case search.Terms:
		return matchTerms(q.Field, q.Values)
	case search.Exists:
		path, _ := search.BasePath(q.Field)
		return isTerm(presence(path))
	case search.Range:
		return matchRange(q)
	case search.IDs:
		return matchIDs(q.Values)
	case search.Facts:
		terms := make([]string, len(q.Any))
		for i, fact := range q.Any {
			terms[i] = factTerm(fact)
		}
		return oneOf(fieldFacts, terms)
	}
	return matchNone()
}

func matchIDs(texts []string) object {
	ids := make([]string, 0, len(texts))
	for _, text := range texts {
		if id, err := entity.ParseID(text); err == nil {
			ids = append(ids, id.String())
		}
	}
	return oneOf(fieldID, ids)
}

func matchTerms(field string, texts []string) object {
	path, whole := search.BasePath(field)
	if _, kind := search.GroupOf(path); kind == search.FieldWordsOnly && !whole {
		terms := make([]string, len(texts))
		for i, text := range texts {
			terms[i] = word(path, strings.ToLower(text))
		}
		return isTerm(terms...)
	}
	return matchWhole(path, texts)
}

// matchWhole finds values equal to one of the texts.
func matchWhole(path string, texts []string) object {
	switch path {
	case "_id":
		return matchIDs(texts)
	case "_index":
		lower := make([]string, len(texts))
		for i, text := range texts {
			lower[i] = strings.ToLower(text)
		}
		return oneOf(fieldIndex, lower)
	}
	var terms []string
	for _, text := range texts {
		if len(text) > search.MaxExact {
			continue
		}
		for _, key := range search.TermKeys(text) {
			terms = append(terms, exact(path, key))
		}
	}
	return isTerm(terms...)
}

// wholePath tells whether a text query on a field compares whole values.
func wholePath(field string) (path string, whole bool) {
	path, whole = search.BasePath(field)
	_, kind := search.GroupOf(path)
	return path, whole || kind == search.FieldExact
}

func wholeOrBeginning(path, text string, prefix bool) object {
	if path == "_id" || path == "_index" || !prefix {
		return matchWhole(path, []string{text})
	}
	return beginsWith(exact(path, search.StringKey(text)))
}

func matchText(field, text string, op search.Operator, fuzz search.Fuzziness, prefix bool) object {
	path, whole := wholePath(field)
	if whole {
		return wholeOrBeginning(path, text, prefix)
	}
	return matchWords(text, op, fuzz, prefix, []string{path})
}

// matchWords finds the words of a text in any of the paths.
func matchWords(text string, op search.Operator, fuzz search.Fuzziness, prefix bool, paths []string) object {
	words := search.Words(text)
	var clauses []object
	var plain []string
	for i, w := range words {
		edits, begins := fuzz.Edits(w), prefix && i == len(words)-1
		if edits == 0 && !begins && op == search.Or {
			for _, path := range paths {
				plain = append(plain, word(path, w))
			}
			continue
		}
		clauses = append(clauses, matchWord(w, edits, begins, paths))
	}
	if len(plain) > 0 {
		clauses = append(clauses, isTerm(plain...))
	}
	if op == search.And {
		return every(clauses)
	}
	return either(clauses)
}

// matchWord finds a word, or one close to it, in any of the paths.
func matchWord(w string, edits int, prefix bool, paths []string) object {
	var terms []string
	var clauses []object
	for _, path := range paths {
		term := word(path, w)
		if !prefix {
			terms = append(terms, term)
		} else {
			clauses = append(clauses, beginsWith(term))
		}
		if edits > 0 {
			clauses = append(clauses, closeTo(term, len([]rune(term))-len([]rune(w))+1, edits))
		}
	}
	if len(terms) > 0 && edits == 0 {
		clauses = append(clauses, isTerm(terms...))
	}
	return either(clauses)
}

// closeTo finds terms within some edits, whose first characters are the same.
func closeTo(term string, same, edits int) object {
	return object{"fuzzy": object{fieldTerms: object{
		"value": term, "fuzziness": edits, "prefix_length": same, "transpositions": true, "rewrite": "constant_score",
	}}}
}

func matchPhrase(field, text string, prefix bool) object {
	path, whole := wholePath(field)
	if whole {
		return wholeOrBeginning(path, text, prefix)
	}
	return phrase(fieldPhrase, inPath(path, search.Words(text)), prefix)
}

// phraseEnds is how many words the last one of a phrase may stand for.
const phraseEnds = 2000

func phrase(field, words string, prefix bool) object {
	switch {
	case words == "":
		return matchNone()
	case prefix:
		return object{"match_phrase_prefix": object{field: object{"query": words, "max_expansions": phraseEnds}}}
	}
	return object{"match_phrase": object{field: object{"query": words}}}
}

func matchMulti(q search.MultiMatch) object {
	if len(q.Fields) == 0 {
		if q.Phrase {
			return phrase(fieldText, strings.Join(search.Words(q.Text), " "), q.Prefix)
		}
		return matchWords(q.Text, q.Operator, q.Fuzziness, q.Prefix, []string{pathAllWords})
	}
	var clauses []object
	var paths []string
	for _, field := range q.Fields {
		path, whole := wholePath(field.Field)
		switch {
		case whole:
			clauses = append(clauses, wholeOrBeginning(path, q.Text, q.Prefix))
		case q.Phrase:
			clauses = append(clauses, phrase(fieldPhrase, inPath(path, search.Words(q.Text)), q.Prefix))
		default:
			paths = append(paths, path)
		}
	}
	if len(paths) > 0 {
		clauses = append(clauses, matchWords(q.Text, q.Operator, q.Fuzziness, q.Prefix, paths))
	}
	return either(clauses)
}

func matchRange(q search.Range) object {
	path, _ := search.BasePath(q.Field)
	before := escape(path) + "="
	var clauses []object
	for _, span := range q.Spans() {
		if span.From < span.To {
			clauses = append(clauses, object{"range": object{fieldTerms: object{"gte": before + text(span.From), "lt": before + text(span.To)}}})
		}
	}
	return either(clauses)
}

// pattern is a prefix, wildcard or regular expression in the cluster's form.
type pattern struct {
	field  string
	prefix string // all there is, if not empty
	expr   string
	end    string // the expression read from its end, where that is quicker
}

func readPattern(q search.Query) (pattern, error) {
	switch q := q.(type) {
	case search.Prefix:
		return pattern{field: q.Field, prefix: strings.ToLower(q.Value), expr: literal(strings.ToLower(q.Value)) + ".*"}, nil
	case search.Wildcard:
		expr, err := glob(q.Pattern, false)
		if err != nil {
			return pattern{}, err
		}
		p := pattern{field: q.Field, expr: expr}
		if before, after, literal := search.WildcardLiterals(q.Pattern); !literal && len(after) > len(before) {
			p.end, err = glob(q.Pattern, true)
		}
		return p, err
	case search.Regexp:
		expr, err := regular(q.Pattern)
		return pattern{field: q.Field, expr: expr}, err
	}
	return pattern{}, nil
}

// among finds terms that begin with a text and go on as the pattern says.
func (p pattern) among(before string) object {
	if p.prefix != "" {
		return beginsWith(before + p.prefix)
	}
	return expression(literal(before) + p.expr)
}

// maxStates bounds the work of the cluster on one expression.
const maxStates = 4000

func expression(expr string) object {
	return object{"regexp": object{fieldTerms: object{"value": expr, "flags": "EMPTY", "rewrite": "constant_score", "max_determinized_states": maxStates}}}
}

// onValues compares the whole values of a path, from whichever end of them has more literal text.
func (p pattern) onValues(path string) object {
	if p.end != "" && path == "fullyQualifiedName" {
		return expression(literal(pathBackwards+"=") + p.end)
	}
	return p.among(escape(path) + "=s")
}

func matchPattern(q search.Query) (object, error) {
	p, err := readPattern(q)
	if err != nil {
		return nil, err
	}
	if p.field == "" {
		clauses := []object{p.among(word(pathAllWords, ""))}
		for _, path := range []string{"name", "displayName", "fullyQualifiedName"} {
			clauses = append(clauses, p.onValues(path))
		}
		return either(clauses), nil
	}
	path, whole := search.BasePath(p.field)
	_, kind := search.GroupOf(path)
	var clauses []object
	if whole || kind != search.FieldWordsOnly {
		clauses = append(clauses, p.onValues(path))
	}
	if !whole && kind != search.FieldExact {
		clauses = append(clauses, p.among(word(path, "")))
	}
	return either(clauses), nil
}
