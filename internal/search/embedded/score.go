package embedded

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// Bounds of what a scorer looks at.
const (
	maxNear        = 64 // words of the dictionary that are close to one that was typed
	maxPrefixNames = 2000
	maxBoostValues = 5000 // different numbers that a boost looks at
)

// scorer adds up what the text clauses of a query are worth for each document.
type scorer struct {
	*snapshot
	matched  *roaring.Bitmap
	rankings []ranked
	parts    []part
	begins   []begin
	typed    bool      // the names were compared with all that was typed
	scores   []float64 // by document number, once of was called
}

// begin are the names that begin with what was typed, which has some words.
type begin struct {
	docs  *roaring.Bitmap
	words int
}

// ranked is a ranking with the documents it is for; nil stands for all.
type ranked struct {
	search.Ranking
	docs *roaring.Bitmap
	most float64 // what the words of the query may be worth
}

func (s *snapshot) score(req search.Request, matched *roaring.Bitmap) (*scorer, error) {
	sc := &scorer{snapshot: s, matched: matched}
	if err := sc.choose(req); err != nil {
		return nil, err
	}
	if err := sc.query(req.Query); err != nil || len(sc.parts) == 0 {
		return sc, err
	}
	return sc, sc.boosts()
}

// choose picks the rankings of the indexes that are searched.
func (sc *scorer) choose(req search.Request) error {
	all := req.Ranking
	if all == nil {
		all = search.DefaultRanking()
	}
	rest := sc.matched
	for index, own := range all.ByIndex {
		if len(req.Indexes) > 0 && !slices.Contains(req.Indexes, index) {
			continue
		}
		set, err := sc.set(fieldIndex, search.StringKey(index))
		if err != nil {
			return err
		}
		if docs := roaring.And(set, sc.matched); !docs.IsEmpty() {
			sc.rankings = append(sc.rankings, ranked{Ranking: own, docs: docs})
			rest = roaring.AndNot(rest, docs)
		}
	}
	if len(sc.rankings) == 0 {
		rest = nil
	}
	if rest == nil || !rest.IsEmpty() {
		sc.rankings = append(sc.rankings, ranked{Ranking: *all, docs: rest})
	}
	return nil
}

// start is what a match scores before its parts: where nothing scores, all are
// worth the same.
func (sc *scorer) start() float64 {
	if len(sc.parts) == 0 {
		return 1
	}
	return 0
}

// of returns the score of one match; the first call computes those of all.
func (sc *scorer) of(doc uint32) float64 {
	if len(sc.parts) == 0 {
		return sc.start()
	}
	if sc.scores == nil {
		sc.scores = make([]float64, sc.state.next)
		for _, p := range sc.sortedParts() {
			for it := roaring.And(p.docs, sc.matched).Iterator(); it.HasNext(); {
				sc.scores[it.Next()] += p.worth
			}
		}
	}
	return sc.scores[doc]
}

func (sc *scorer) query(q search.Query) error {
	switch q := q.(type) {
	case search.Bool:
		for _, list := range [][]search.Query{q.Must, q.Should} {
			for _, child := range list {
				if err := sc.query(child); err != nil {
					return err
				}
			}
		}
	case search.Nested:
		return sc.query(q.Query)
	case search.QueryString:
		if err := sc.names(q.Text); err != nil {
			return err
		}
		sc.typed = true
		defer func() { sc.typed = false }()
		return sc.query(q.Query)
	case search.Match:
		return sc.multi(search.MultiMatch{Fields: []search.FieldBoost{{Field: q.Field}}, Text: q.Text, Fuzziness: q.Fuzziness, Prefix: q.Prefix})
	case search.MatchPhrase:
		return sc.multi(search.MultiMatch{Fields: []search.FieldBoost{{Field: q.Field}}, Text: q.Text, Prefix: q.Prefix})
	case search.MultiMatch:
		if err := sc.names(q.Text); err != nil {
			return err
		}
		return sc.multi(q)
	}
	return nil
}

// add gives a worth to the documents of a set, which must not change any more.
func (sc *scorer) add(set *roaring.Bitmap, worth float64) {
	sc.parts = append(sc.parts, part{docs: set, worth: worth})
}

// names gives the bonus to names that are, or begin with, the text.
func (sc *scorer) names(text string) error {
	text = strings.ToLower(strings.TrimSpace(text))
	if sc.typed || text == "" || len(text) > search.MaxExact {
		return nil
	}
	for _, one := range []struct {
		path  string
		bonus float64
	}{{"fullyQualifiedName", search.BonusFQN}, {"name", search.BonusName}, {"displayName", search.BonusDisplayName}} {
		field, ok := sc.state.fields[one.path]
		if !ok {
			continue
		}
		set, err := sc.set(field, search.StringKey(text))
		if err != nil {
			return err
		}
		sc.add(set, one.bonus)
	}
	if strings.Contains(text, ".") {
		ends, err := sc.within(fieldBackwards, startingBackwards("."+text))
		if err != nil {
			return err
		}
		sc.add(ends, search.BonusFQNEnd)
	}
	words := search.NameWords(text)
	if words == "" {
		return nil
	}
	set, err := sc.set(fieldNameWords, search.StringKey(words))
	if err != nil {
		return err
	}
	sc.add(set, search.BonusNameWords)
	begins, err := sc.within(fieldNameWords, startingWith(words))
	sc.begins = append(sc.begins, begin{docs: begins, words: min(1+strings.Count(words, " "), search.MaxPrefixWords)})
	return err
}

func startingBackwards(text string) search.Span {
	key := backwards(search.StringKey(text))
	return search.Span{From: key, To: key + "\xff"}
}

// within returns the documents with a term in the span, up to a limit of terms.
func (sc *scorer) within(field uint16, span search.Span) (*roaring.Bitmap, error) {
	// Between two writes, the answer is the same.
	key := fmt.Sprintf("\xff\xff%d %s\xff%s", sc.state.next, termKey(field, span.From), termKey(field, span.To))
	if all, known := sc.e.cache.get(key); known {
		return all, nil
	}
	var sets []*roaring.Bitmap
	left := maxPrefixNames
	err := sc.scan(field, span, false, func(_ string, set func() (*roaring.Bitmap, error)) (bool, error) {
		docs, err := set()
		sets = append(sets, docs)
		left--
		return left > 0, err
	})
	if err != nil {
		return nil, err
	}
	all := roaring.FastOr(sets...)
	sc.e.cache.add(key, all)
	return all, nil
}

// multi scores the words of a text in the groups of its fields.
func (sc *scorer) multi(q search.MultiMatch) error {
	boosts := q.Boosts()
	words := search.Words(q.Text)
	for i, word := range words {
		near, err := sc.nearWords(word, q.Fuzziness.Edits(word), q.Prefix && i == len(words)-1)
		if err != nil {
			return err
		}
		if err := sc.word(word, 1, boosts); err != nil {
			return err
		}
		for _, other := range near {
			if err := sc.word(other, search.NearPenalty, boosts); err != nil {
				return err
			}
		}
	}
	return nil
}

// word adds what a word is worth in each group, by each ranking.
func (sc *scorer) word(word string, share float64, boosts map[search.Group]float64) error {
	total := float64(sc.state.live.GetCardinality())
	best := make([]float64, len(sc.rankings))
	for group, boost := range boosts {
		set, err := sc.set(uint16(group), search.StringKey(word))
		if err != nil {
			return err
		}
		if set.IsEmpty() {
			continue
		}
		rarity := math.Log1p(total / (1 + float64(set.GetCardinality())))
		for i, r := range sc.rankings {
			worth := share * boost * r.Weights[group] * rarity
			if worth <= 0 {
				continue
			}
			docs := set
			if r.docs != nil {
				docs = roaring.And(set, r.docs)
			}
			sc.add(docs, worth)
			best[i] = max(best[i], worth)
		}
	}
	for i := range sc.rankings {
		sc.rankings[i].most = max(sc.rankings[i].most, best[i])
	}
	return nil
}

// boosts adds what documents are worth beside the words: shares of what the best word
// is.
func (sc *scorer) boosts() error {
	for _, r := range sc.rankings {
		if r.most <= 0 {
			continue
		}
		for _, b := range r.Terms {
			field, ok := sc.state.fields[b.Field]
			if !ok || b.Percent <= 0 {
				continue
			}
			for _, key := range search.TermKeys(b.Value) {
				set, err := sc.set(field, key)
				if err != nil {
					return err
				}
				sc.boost(r, set, b.Percent)
			}
		}
		for _, b := range r.Values {
			if err := sc.valueBoost(r, b); err != nil {
				return err
			}
		}
		for _, b := range sc.begins {
			sc.boost(r, b.docs, search.NamePrefix*float64(b.words))
		}
		for words := 1; words < search.LongNames; words++ {
			set, err := sc.set(fieldLength, lengthKey(words))
			if err != nil {
				return err
			}
			sc.boost(r, set, search.ShortName*float64(search.LongNames-words))
		}
	}
	return nil
}

func (sc *scorer) boost(r ranked, set *roaring.Bitmap, percent float64) {
	within := sc.matched
	if r.docs != nil {
		within = r.docs
	}
	if docs := roaring.And(set, within); !docs.IsEmpty() {
		sc.add(docs, r.most*percent/100)
	}
}

// valueBoost adds what the numbers of a field are worth.
func (sc *scorer) valueBoost(r ranked, b search.ValueBoost) error {
	path, ok := sc.state.fields[b.Field]
	if !ok {
		return nil
	}
	field, prefix := path, ""
	if search.IsRanked(b.Field) {
		field, prefix = fieldRanked, rankedPrefix(path)
	}
	span := search.Span{From: prefix + "\x02", To: prefix + "\x03"}
	left := maxBoostValues
	return sc.scan(field, span, false, func(key string, set func() (*roaring.Bitmap, error)) (bool, error) {
		left--
		value, _ := search.KeyValue(key[len(prefix):]).(float64)
		percent := b.Percent(value)
		if percent <= 0 {
			return left > 0, nil
		}
		docs, err := set()
		if err == nil {
			sc.boost(r, docs, percent)
		}
		return left > 0, err
	})
}

// nearWords lists other words of the dictionary that a word stands for.
func (sc *scorer) nearWords(word string, edits int, prefix bool) ([]string, error) {
	if edits == 0 && !prefix {
		return nil, nil
	}
	span := startingWith(firstOf(word))
	if edits == 0 {
		span = startingWith(word)
	}
	var near []string
	err := sc.scan(fieldAllWords, span, false, func(key string, _ func() (*roaring.Bitmap, error)) (bool, error) {
		other := key[1:]
		if other != word && (prefix && strings.HasPrefix(other, word) || search.WithinEdits(word, other, edits)) {
			near = append(near, other)
		}
		return len(near) < maxNear, nil
	})
	return near, err
}
