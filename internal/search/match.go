package search

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Matcher decides whether documents match a query by reading them. It is the
// meaning of the query tree: engines use it for what their index cannot answer,
// and tests compare engines with it.
type Matcher struct {
	query    Query
	patterns map[Query]*Pattern
	effort   int
}

// Effort is what matching has cost so far. Beyond MaxEffort no pattern matches any more.
func (m *Matcher) Effort() int { return m.effort }

// accepts returns a function that matches a pattern of the query and counts the effort.
func (m *Matcher) accepts(q Query) func(string) bool {
	p := m.patterns[q]
	return func(text string) bool {
		m.effort += p.Effort(text)
		return m.effort <= MaxEffort && p.MatchString(text)
	}
}

// NewMatcher compiles the patterns of a query.
func NewMatcher(q Query) (*Matcher, error) {
	m := &Matcher{query: q, patterns: map[Query]*Pattern{}}
	if err := m.compile(q); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Matcher) compile(q Query) (err error) {
	switch q := q.(type) {
	case Bool:
		for _, list := range [][]Query{q.Must, q.Filter, q.Should, q.MustNot} {
			for _, child := range list {
				if err := m.compile(child); err != nil {
					return err
				}
			}
		}
	case QueryString:
		return m.compile(q.Query)
	case Nested:
		return m.compile(q.Query)
	case Wildcard:
		m.patterns[q], err = CompileWildcard(q.Pattern)
	case Regexp:
		m.patterns[q], err = CompileRegexp(q.Pattern)
	}
	return err
}

// Fields are the values of one document by path.
type Fields struct {
	id     entity.ID
	values map[string][]Value
	words  map[string]map[string]bool
}

// ReadFields reads a document's source.
func ReadFields(id entity.ID, source jsontext.Value) (*Fields, error) {
	f := &Fields{id: id, values: map[string][]Value{}, words: map[string]map[string]bool{}}
	err := WalkFields(source, func(path string, v Value) { f.values[path] = append(f.values[path], v) })
	return f, err
}

// Values returns the values at a path; objects are among them as Present.
func (f *Fields) Values(path string) []Value { return f.values[path] }

// wordsOf returns the words of a path, of all text when the path is empty.
func (f *Fields) wordsOf(path string) map[string]bool {
	if words, ok := f.words[path]; ok {
		return words
	}
	words := map[string]bool{}
	add := func(values []Value) {
		for _, v := range values {
			if v.Kind == String {
				IndexWords(v.Text, func(word string) { words[word] = true })
			}
		}
	}
	if path != "" {
		add(f.values[path])
	} else {
		for p, values := range f.values {
			if group, _ := GroupOf(p); group != NoGroup {
				add(values)
			}
		}
	}
	f.words[path] = words
	return words
}

// Match tells whether the document matches.
func (m *Matcher) Match(f *Fields) bool { return m.match(m.query, f) }

func (m *Matcher) match(q Query, f *Fields) bool {
	switch q := q.(type) {
	case nil, MatchAll:
		return true
	case Bool:
		return m.matchBool(q, f)
	case QueryString:
		return m.match(q.Query, f)
	case Nested:
		return m.match(q.Query, f)
	case Match:
		return matchText(q, f)
	case MatchPhrase:
		return matchPhrase(q, f)
	case MultiMatch:
		return matchMulti(q, f)
	case Prefix:
		lower := strings.ToLower(q.Value)
		return anySubject(q.Field, f, func(s string) bool { return strings.HasPrefix(s, lower) })
	case Wildcard:
		return anySubject(q.Field, f, m.accepts(q))
	case Regexp:
		return anySubject(q.Field, f, m.accepts(q))
	}
	return matchValue(q, f)
}

// matchValue decides the clauses that compare whole values.
func matchValue(q Query, f *Fields) bool {
	switch q := q.(type) {
	case Term:
		return matchTerms(q.Field, []string{q.Value}, f)
	case Terms:
		return matchTerms(q.Field, q.Values, f)
	case Exists:
		path, _ := BasePath(q.Field)
		return len(f.values[path]) > 0
	case Range:
		return matchRange(q, f)
	case IDs:
		return matchID(q.Values, f)
	}
	return false
}

func (m *Matcher) matchBool(q Bool, f *Fields) bool {
	for _, child := range slices.Concat(q.Must, q.Filter) {
		if !m.match(child, f) {
			return false
		}
	}
	for _, child := range q.MustNot {
		if m.match(child, f) {
			return false
		}
	}
	need := q.ShouldNeeded()
	for _, child := range q.Should {
		if need <= 0 {
			return true
		}
		if m.match(child, f) {
			need--
		}
	}
	return need <= 0
}

// ShouldNeeded returns how many of the Should clauses have to match.
func (q Bool) ShouldNeeded() int {
	if q.MinShould != 0 || len(q.Should) == 0 {
		return max(q.MinShould, 0)
	}
	if len(q.Must)+len(q.Filter) == 0 {
		return 1
	}
	return 0
}

// comparesWhole tells whether a text query on the field compares whole values.
func comparesWhole(field string) (path string, whole bool) {
	path, whole = BasePath(field)
	_, kind := GroupOf(path)
	return path, whole || kind == FieldExact
}

func matchTerms(field string, texts []string, f *Fields) bool {
	path, whole := BasePath(field)
	if path == "_id" {
		return matchID(texts, f)
	}
	_, kind := GroupOf(path)
	for _, text := range texts {
		if kind == FieldWordsOnly && !whole {
			if f.wordsOf(path)[strings.ToLower(text)] {
				return true
			}
			continue
		}
		if hasKey(f.values[path], TermKeys(text)) {
			return true
		}
	}
	return false
}

func hasKey(values []Value, keys []string) bool {
	for _, v := range values {
		if v.Kind != Present && len(v.Text) <= MaxExact && slices.Contains(keys, v.Key()) {
			return true
		}
	}
	return false
}

func matchID(texts []string, f *Fields) bool {
	for _, text := range texts {
		if id, err := entity.ParseID(text); err == nil && id == f.id {
			return true
		}
	}
	return false
}

func matchText(q Match, f *Fields) bool {
	path, whole := comparesWhole(q.Field)
	if whole {
		return matchWhole(path, q.Text, q.Prefix, f)
	}
	return matchWords(Words(q.Text), q.Operator, q.Fuzziness, q.Prefix, []map[string]bool{f.wordsOf(path)})
}

func matchWhole(path, text string, prefix bool, f *Fields) bool {
	if path == "_id" {
		return matchID([]string{text}, f)
	}
	if !prefix {
		return hasKey(f.values[path], TermKeys(text))
	}
	lower := strings.ToLower(text)
	return slices.ContainsFunc(f.values[path], func(v Value) bool {
		return v.Kind == String && strings.HasPrefix(strings.ToLower(v.Text), lower)
	})
}

func matchWords(words []string, op Operator, fuzz Fuzziness, prefix bool, sets []map[string]bool) bool {
	matched := 0
	for i, word := range words {
		if wordInAny(word, fuzz.Edits(word), prefix && i == len(words)-1, sets) {
			matched++
		}
	}
	if op == And {
		return matched > 0 && matched == len(words)
	}
	return matched > 0
}

func wordInAny(word string, edits int, prefix bool, sets []map[string]bool) bool {
	for _, set := range sets {
		if set[word] {
			return true
		}
		if edits == 0 && !prefix {
			continue
		}
		for candidate := range set {
			if prefix && strings.HasPrefix(candidate, word) || WithinEdits(word, candidate, edits) {
				return true
			}
		}
	}
	return false
}

func matchPhrase(q MatchPhrase, f *Fields) bool {
	path, whole := comparesWhole(q.Field)
	if whole {
		return matchWhole(path, q.Text, q.Prefix, f)
	}
	return phraseIn(Words(q.Text), q.Prefix, f.values[path])
}

func phraseIn(phrase []string, prefix bool, values []Value) bool {
	if len(phrase) == 0 {
		return false
	}
	for _, v := range values {
		if v.Kind == String && hasPhrase(Words(v.Text), phrase, prefix) {
			return true
		}
	}
	return false
}

func hasPhrase(words, phrase []string, prefix bool) bool {
	last := len(phrase) - 1
	for start := 0; start+last < len(words); start++ {
		if !slices.Equal(words[start:start+last], phrase[:last]) {
			continue
		}
		end := words[start+last]
		if end == phrase[last] || prefix && strings.HasPrefix(end, phrase[last]) {
			return true
		}
	}
	return false
}

func matchMulti(q MultiMatch, f *Fields) bool {
	words := Words(q.Text)
	if len(q.Fields) == 0 {
		if q.Phrase {
			return f.anyTextPhrase(words, q.Prefix)
		}
		return matchWords(words, q.Operator, q.Fuzziness, q.Prefix, []map[string]bool{f.wordsOf("")})
	}
	var sets []map[string]bool
	for _, field := range q.Fields {
		path, whole := comparesWhole(field.Field)
		switch {
		case whole:
			if matchWhole(path, q.Text, q.Prefix, f) {
				return true
			}
		case q.Phrase:
			if phraseIn(words, q.Prefix, f.values[path]) {
				return true
			}
		default:
			sets = append(sets, f.wordsOf(path))
		}
	}
	return matchWords(words, q.Operator, q.Fuzziness, q.Prefix, sets)
}

func (f *Fields) anyTextPhrase(words []string, prefix bool) bool {
	for path, values := range f.values {
		if group, _ := GroupOf(path); group != NoGroup && phraseIn(words, prefix, values) {
			return true
		}
	}
	return false
}

// anySubject calls accept with what patterns on the field are compared with, in
// lower case: whole values, words, or both.
func anySubject(field string, f *Fields, accept func(string) bool) bool {
	if field == "" {
		for _, path := range wholeNames() {
			if anyString(f.values[path], accept) {
				return true
			}
		}
		return anyWord(f.wordsOf(""), accept)
	}
	path, whole := BasePath(field)
	_, kind := GroupOf(path)
	if (whole || kind != FieldWordsOnly) && anyString(f.values[path], accept) {
		return true
	}
	return !whole && kind != FieldExact && anyWord(f.wordsOf(path), accept)
}

// wholeNames are the fields whose whole values a pattern without a field is
// compared with, besides all words.
func wholeNames() []string { return []string{"name", "displayName", "fullyQualifiedName"} }

func anyString(values []Value, accept func(string) bool) bool {
	for _, v := range values {
		if v.Kind == String && len(v.Text) <= MaxExact && accept(strings.ToLower(v.Text)) {
			return true
		}
	}
	return false
}

func anyWord(words map[string]bool, accept func(string) bool) bool {
	for word := range words {
		if accept(word) {
			return true
		}
	}
	return false
}

func matchRange(q Range, f *Fields) bool {
	path, _ := BasePath(q.Field)
	spans := q.Spans()
	for _, v := range f.values[path] {
		if v.Kind == Present || len(v.Text) > MaxExact {
			continue
		}
		key := v.Key()
		for _, span := range spans {
			if span.Contains(key) {
				return true
			}
		}
	}
	return false
}

// Span is a run of keys from From on and before To.
type Span struct{ From, To string }

// Contains tells whether the key lies in the span.
func (s Span) Contains(key string) bool { return key >= s.From && key < s.To }

// Spans returns the keys within the bounds: strings that compare as text, and
// numbers when every bound is one.
func (q Range) Spans() []Span {
	spans := []Span{q.span(Span{From: "\x03", To: "\x04"}, func(text string) (string, bool) { return StringKey(text), true })}
	number := q.span(Span{From: "\x02", To: "\x03"}, NumberKeyOf)
	return append(spans, number)
}

func (q Range) span(span Span, keyOf func(string) (string, bool)) Span {
	none := Span{}
	raise := func(bound *string, suffix string) bool {
		if bound == nil {
			return true
		}
		key, ok := keyOf(*bound)
		if ok {
			span.From = max(span.From, key+suffix)
		}
		return ok
	}
	lower := func(bound *string, suffix string) bool {
		if bound == nil {
			return true
		}
		key, ok := keyOf(*bound)
		if ok {
			span.To = min(span.To, key+suffix)
		}
		return ok
	}
	if !raise(q.GTE, "") || !raise(q.GT, "\x00") || !lower(q.LT, "") || !lower(q.LTE, "\x00") {
		return none
	}
	return span
}
