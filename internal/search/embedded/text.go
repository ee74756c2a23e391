package embedded

import (
	"regexp"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// wholePath tells whether a text query on a field compares whole values.
func wholePath(name string) (path string, whole bool) {
	path, whole = search.BasePath(name)
	_, kind := search.GroupOf(path)
	return path, whole || kind == search.FieldExact
}

// words finds documents by the words of a text in any of the groups.
func (s *snapshot) words(q search.MultiMatch, groups []uint16) (*roaring.Bitmap, error) {
	list := search.Words(q.Text)
	var result *roaring.Bitmap
	for i, word := range list {
		one := roaring.New()
		for _, group := range groups {
			set, err := s.word(group, word, q.Fuzziness.Edits(word), q.Prefix && i == len(list)-1)
			if err != nil {
				return nil, err
			}
			one.Or(set)
		}
		switch {
		case result == nil:
			result = one
		case q.Operator == search.And || q.Phrase:
			result.And(one)
		default:
			result.Or(one)
		}
	}
	if result == nil {
		result = roaring.New()
	}
	return result, nil
}

func (s *snapshot) evalMatch(q search.Match) (found, error) {
	path, whole := wholePath(q.Field)
	if whole {
		return s.wholeOrPrefix(path, q.Text, q.Prefix)
	}
	group, _ := search.GroupOf(path)
	multi := search.MultiMatch{Text: q.Text, Operator: q.Operator, Fuzziness: q.Fuzziness, Prefix: q.Prefix}
	set, err := s.words(multi, []uint16{uint16(group)})
	return found{set, wordCertainty(path)}, err
}

func (s *snapshot) wholeOrPrefix(path, text string, prefix bool) (found, error) {
	if path == "_id" || path == "_index" || !prefix {
		return s.evalTerm(path+".keyword", text)
	}
	return s.patternOnValues(path, startingWith(text), nil)
}

func (s *snapshot) evalPhrase(q search.MatchPhrase) (found, error) {
	path, whole := wholePath(q.Field)
	if whole {
		return s.wholeOrPrefix(path, q.Text, q.Prefix)
	}
	group, _ := search.GroupOf(path)
	set, err := s.words(search.MultiMatch{Text: q.Text, Prefix: q.Prefix, Phrase: true}, []uint16{uint16(group)})
	if err != nil {
		return found{}, err
	}
	if len(search.Words(q.Text)) == 1 && tellsApart(path) {
		// One word can still be an undivided run, which a phrase does not see.
		return found{set, nearly}, nil
	}
	return found{set, max(nearly, wordCertainty(path))}, nil
}

func (s *snapshot) evalMulti(q search.MultiMatch) (found, error) {
	if len(q.Fields) == 0 {
		set, err := s.words(q, []uint16{fieldAllWords})
		if q.Phrase {
			return found{set, nearly}, err
		}
		return found{set: set}, err
	}
	result := nothing()
	var groups []uint16
	for _, field := range q.Fields {
		path, whole := wholePath(field.Field)
		if !whole {
			group, _ := search.GroupOf(path)
			groups = append(groups, uint16(group))
			result.certain = max(result.certain, wordCertainty(path))
			continue
		}
		f, err := s.wholeOrPrefix(path, q.Text, q.Prefix)
		if err != nil {
			return found{}, err
		}
		result = result.or(f)
	}
	set, err := s.words(q, groups)
	if err != nil {
		return found{}, err
	}
	if q.Phrase {
		result.certain = max(result.certain, nearly)
	}
	return result.or(found{set: set}), nil
}

// pattern is a prefix, wildcard or regular expression ready for the dictionary.
type pattern struct {
	field   string
	match   *search.Pattern // nil for a prefix
	before  string          // literal text at the beginning
	after   string          // and at the end
	literal bool            // nothing but before
}

func readPattern(q search.Query) (pattern, error) {
	switch q := q.(type) {
	case search.Prefix:
		return pattern{field: q.Field, before: strings.ToLower(q.Value)}, nil
	case search.Wildcard:
		re, err := search.CompileWildcard(q.Pattern)
		if err != nil {
			return pattern{}, err
		}
		before, after, literal := search.WildcardLiterals(q.Pattern)
		return pattern{field: q.Field, match: re, before: strings.ToLower(before), after: strings.ToLower(after), literal: literal}, nil
	case search.Regexp:
		re, err := search.CompileRegexp(q.Pattern)
		if err != nil {
			return pattern{}, err
		}
		bare, err := regexp.Compile("^(?:" + q.Pattern + ")$")
		if err != nil {
			return pattern{}, err
		}
		before, _ := bare.LiteralPrefix()
		return pattern{field: q.Field, match: re, before: literalStart(before)}, nil
	}
	return pattern{}, nil
}

// literalStart keeps the part of a literal whose lower case is all that a
// comparison without case can find.
func literalStart(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= 0x80 || c == 'k' || c == 'K' || c == 's' || c == 'S' { // these fold to letters beyond ASCII
			return strings.ToLower(text[:i])
		}
	}
	return strings.ToLower(text)
}

// accepts returns a function that matches the pattern and counts the effort, nil when
// nothing is left to match.
func (s *snapshot) accepts(p pattern) func(text string) bool {
	if p.match == nil {
		return nil
	}
	return func(text string) bool {
		s.effort += p.match.Effort(text)
		return p.match.MatchString(text)
	}
}

func (s *snapshot) evalPattern(q search.Query) (found, error) {
	p, err := readPattern(q)
	if err != nil {
		return found{}, err
	}
	if p.field == "" {
		return s.patternAnywhere(p)
	}
	path, whole := search.BasePath(p.field)
	group, kind := search.GroupOf(path)
	result := nothing()
	if whole || kind != search.FieldWordsOnly {
		if result, err = s.patternOnPath(path, p); err != nil {
			return found{}, err
		}
	}
	if whole || kind == search.FieldExact {
		return result, nil
	}
	words := found{set: roaring.New(), certain: wordCertainty(path)}
	if err := s.union(uint16(group), startingWith(p.before), s.accepts(p), words.set); err != nil {
		return found{}, err
	}
	return result.or(words), nil
}

func (s *snapshot) patternAnywhere(p pattern) (found, error) {
	result := nothing()
	for _, path := range []string{"name", "displayName", "fullyQualifiedName"} {
		f, err := s.patternOnPath(path, p)
		if err != nil {
			return found{}, err
		}
		result = result.or(f)
	}
	err := s.union(fieldAllWords, startingWith(p.before), s.accepts(p), result.set)
	return result, err
}

// patternOnPath finds documents by whole values, from whichever end of them has
// more literal text.
func (s *snapshot) patternOnPath(path string, p pattern) (found, error) {
	if p.literal {
		return s.patternOnValues(path, startingWith(p.before), s.accepts(p))
	}
	if path != "fullyQualifiedName" || len(p.after) <= len(p.before) {
		return s.patternOnValues(path, startingWith(p.before), s.accepts(p))
	}
	key := backwards(search.StringKey(p.after))
	result := nothing()
	forwards := s.accepts(p)
	accept := func(text string) bool { return forwards(backwards("\x03" + text)[1:]) }
	err := s.union(fieldBackwards, search.Span{From: key, To: key + "\xff"}, accept, result.set)
	return result, err
}

func (s *snapshot) patternOnValues(path string, span search.Span, accept func(string) bool) (found, error) {
	field, ok := s.state.fields[path]
	if !ok {
		return nothing(), nil
	}
	if !search.Indexed(path) {
		result, err := s.present(path)
		result.certain = uncertain
		return result, err
	}
	result := nothing()
	err := s.union(field, span, accept, result.set)
	return result, err
}
