package embedded

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// maxVerify is how many documents a query may read to decide what postings
// cannot.
const maxVerify = 5000

// certainty says how far a set can be trusted. Every set holds at least all
// documents that match.
type certainty int

const (
	exact     certainty = iota
	nearly              // words are there, perhaps not next to each other
	uncertain           // has to be verified
)

// found is what a query evaluates to before verification.
type found struct {
	set     *roaring.Bitmap
	certain certainty
}

func (f found) or(other found) found {
	return found{roaring.Or(f.set, other.set), max(f.certain, other.certain)}
}

func (f found) and(other found) found {
	return found{roaring.And(f.set, other.set), max(f.certain, other.certain)}
}

func nothing() found { return found{set: roaring.New()} }

// resolve returns the documents within the set that match the query.
func (s *snapshot) resolve(q search.Query, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	if q == nil {
		return within, nil
	}
	f, err := s.eval(q)
	if err != nil {
		return nil, err
	}
	return s.settle(q, f, within)
}

// settle turns what was found for a query into what matches it.
func (s *snapshot) settle(q search.Query, f found, within *roaring.Bitmap) (*roaring.Bitmap, error) {
	set := roaring.And(f.set, within)
	if f.certain == exact || set.IsEmpty() {
		return set, nil
	}
	if set.GetCardinality() > maxVerify {
		if f.certain == nearly {
			return set, nil // a phrase of frequent words is answered as these words
		}
		return nil, entity.BadRequest("the query compares a field that is not indexed in more than %d documents; narrow it", maxVerify)
	}
	return s.verify(q, set)
}

func (s *snapshot) verify(q search.Query, set *roaring.Bitmap) (*roaring.Bitmap, error) {
	matcher, err := search.NewMatcher(q)
	if err != nil {
		return nil, err
	}
	kept := roaring.New()
	if s.verified += int(set.GetCardinality()); s.verified > 2*maxVerify {
		return nil, errTooBroad
	}
	for it := set.Iterator(); it.HasNext(); {
		doc := it.Next()
		_, source, found, err := s.load(doc)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		fields, err := search.ReadFields(s.state.ids[doc], source)
		if err != nil {
			return nil, err
		}
		if matcher.Match(fields) {
			kept.Add(doc)
		}
		if err := s.spent(matcher.Effort()); err != nil {
			return nil, err
		}
	}
	s.effort += matcher.Effort()
	return kept, nil
}

// spent refuses a query whose patterns have cost too much, more counted in.
func (s *snapshot) spent(more int) error {
	if s.effort+more > search.MaxEffort {
		return errTooBroad
	}
	return nil
}

func (s *snapshot) eval(q search.Query) (found, error) {
	if err := s.ctx.Err(); err != nil {
		return found{}, err
	}
	switch q := q.(type) {
	case nil, search.MatchAll:
		return found{set: s.state.live}, nil
	case search.Bool:
		return s.evalBool(q)
	case search.QueryString:
		return s.eval(q.Query)
	case search.Nested:
		return s.eval(q.Query)
	case search.Match:
		return s.evalMatch(q)
	case search.MatchPhrase:
		return s.evalPhrase(q)
	case search.MultiMatch:
		return s.evalMulti(q)
	case search.Prefix, search.Wildcard, search.Regexp:
		return s.evalPattern(q)
	}
	return s.evalValue(q)
}

func (s *snapshot) evalValue(q search.Query) (found, error) {
	switch q := q.(type) {
	case search.Term:
		return s.evalTerm(q.Field, q.Value)
	case search.Terms:
		all := nothing()
		for _, value := range q.Values {
			one, err := s.evalTerm(q.Field, value)
			if err != nil {
				return found{}, err
			}
			all.set.Or(one.set)
			all.certain = max(all.certain, one.certain)
		}
		return all, nil
	case search.Exists:
		path, _ := search.BasePath(q.Field)
		return s.present(path)
	case search.Range:
		return s.evalRange(q)
	case search.IDs:
		return s.evalIDs(q.Values)
	case search.Facts:
		return s.evalFacts(q.Any)
	}
	return nothing(), nil
}

func (s *snapshot) evalFacts(facts []string) (found, error) {
	if len(facts) == 1 {
		set, err := s.set(fieldFacts, factKey(facts[0]))
		return found{set: set}, err
	}
	result := nothing()
	for _, fact := range facts {
		set, err := s.set(fieldFacts, factKey(fact))
		if err != nil {
			return found{}, err
		}
		result.set.Or(set)
	}
	return result, nil
}

func (s *snapshot) evalBool(q search.Bool) (found, error) {
	result := found{set: s.state.live}
	for _, child := range slices.Concat(q.Must, q.Filter) {
		f, err := s.eval(child)
		if err != nil {
			return found{}, err
		}
		result = result.and(f)
	}
	if need := q.ShouldNeeded(); need > 0 {
		f, err := s.evalShould(q.Should, need)
		if err != nil {
			return found{}, err
		}
		result = result.and(f)
	}
	for _, child := range q.MustNot {
		f, err := s.eval(child)
		if err != nil {
			return found{}, err
		}
		matched, err := s.settle(child, f, result.set)
		if err != nil {
			return found{}, err
		}
		result.set = roaring.AndNot(result.set, matched)
	}
	return result, nil
}

// evalShould returns the documents that at least need of the clauses match:
// after each clause, sets[i] holds what i+1 clauses or more have matched.
func (s *snapshot) evalShould(clauses []search.Query, need int) (found, error) {
	if need > len(clauses) {
		return nothing(), nil
	}
	sets := make([]*roaring.Bitmap, need)
	for i := range sets {
		sets[i] = roaring.New()
	}
	certain := exact
	for _, child := range clauses {
		f, err := s.eval(child)
		if err != nil {
			return found{}, err
		}
		if f.certain != exact && f.set.GetCardinality() <= maxVerify/2 {
			// Small enough to settle now: joined with others it may not be.
			if f.set, err = s.settle(child, f, s.state.live); err != nil {
				return found{}, err
			}
			f.certain = exact
		}
		certain = max(certain, f.certain)
		for i := need - 1; i > 0; i-- {
			sets[i].Or(roaring.And(sets[i-1], f.set))
		}
		sets[0].Or(f.set)
	}
	return found{sets[need-1], certain}, nil
}

func (s *snapshot) present(path string) (found, error) {
	field, ok := s.state.fields[path]
	if !ok {
		return nothing(), nil
	}
	set, err := s.set(field, presence)
	return found{set: set}, err
}

// tellsApart says whether the words of a group come from this path alone.
func tellsApart(path string) bool {
	switch path {
	case "name", "displayName", "description", "fullyQualifiedName":
		return true
	}
	return false
}

func wordCertainty(path string) certainty {
	if tellsApart(path) {
		return exact
	}
	return uncertain
}

func (s *snapshot) evalTerm(name, text string) (found, error) {
	path, whole := search.BasePath(name)
	switch path {
	case "_id":
		return s.evalIDs([]string{text})
	case "_index":
		set, err := s.set(fieldIndex, search.StringKey(text))
		return found{set: set}, err
	}
	group, kind := search.GroupOf(path)
	if kind == search.FieldWordsOnly && !whole {
		set, err := s.set(uint16(group), search.StringKey(text))
		return found{set, wordCertainty(path)}, err
	}
	return s.whole(path, text)
}

// whole finds documents with a value equal to the text.
func (s *snapshot) whole(path, text string) (found, error) {
	field, ok := s.state.fields[path]
	if !ok || len(text) > search.MaxExact {
		return nothing(), nil
	}
	if !search.Indexed(path) {
		return s.unindexed(path, text)
	}
	result := nothing()
	for _, key := range search.TermKeys(text) {
		set, err := s.set(field, key)
		if err != nil {
			return found{}, err
		}
		result.set.Or(set)
	}
	return result, nil
}

// unindexed narrows a comparison with a field that has no exact values as far
// as the words of the text allow.
func (s *snapshot) unindexed(path, text string) (found, error) {
	result, err := s.present(path)
	result.certain = uncertain
	group, _ := search.GroupOf(path)
	if err != nil || group == search.NoGroup {
		return result, err
	}
	for _, word := range search.Words(text) {
		set, err := s.set(uint16(group), search.StringKey(word))
		if err != nil {
			return found{}, err
		}
		result.set = roaring.And(result.set, set)
	}
	return result, nil
}

func (s *snapshot) evalIDs(texts []string) (found, error) {
	result := nothing()
	wanted := map[entity.ID]bool{}
	for _, text := range texts {
		if id, err := entity.ParseID(text); err == nil {
			wanted[id] = true
		}
	}
	if len(wanted) == 0 {
		return result, nil
	}
	for doc, id := range s.state.ids {
		if wanted[id] {
			result.set.Add(uint32(doc))
		}
	}
	return result, nil
}

func (s *snapshot) evalRange(q search.Range) (found, error) {
	path, _ := search.BasePath(q.Field)
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
	for _, span := range q.Spans() {
		if err := s.union(field, span, nil, result.set); err != nil {
			return found{}, err
		}
	}
	return result, nil
}

// union adds the documents of all terms in the span that accept takes.
func (s *snapshot) union(field uint16, span search.Span, accept func(text string) bool, into *roaring.Bitmap) error {
	return s.scan(field, span, false, func(key string, set func() (*roaring.Bitmap, error)) (bool, error) {
		if accept != nil {
			accepted := accept(key[1:])
			if err := s.spent(0); err != nil || !accepted {
				return true, err
			}
		}
		docs, err := set()
		if err == nil {
			into.Or(docs)
		}
		return true, err
	})
}

// startingWith is the span of the strings that begin with the text.
func startingWith(text string) search.Span {
	key := search.StringKey(text)
	return search.Span{From: key, To: key + "\xff"} // no UTF-8 text holds ff
}

// word finds the documents that have the word, or one close to it, in a group.
func (s *snapshot) word(field uint16, word string, edits int, prefix bool) (*roaring.Bitmap, error) {
	if edits == 0 && !prefix {
		return s.set(field, search.StringKey(word))
	}
	result := roaring.New()
	if prefix {
		if err := s.union(field, startingWith(word), nil, result); err != nil {
			return nil, err
		}
	}
	if edits == 0 {
		return result, nil
	}
	near := func(candidate string) bool { return search.WithinEdits(word, candidate, edits) }
	return result, s.union(field, startingWith(firstOf(word)), near, result)
}

func firstOf(word string) string {
	for i := range word {
		if i > 0 {
			return word[:i]
		}
	}
	return strings.Clone(word)
}
