package embedded

import (
	"math"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// What a match is worth. A word in a group of text counts its weight times its
// rarity; names that are, or begin with, what was typed get a bonus that words
// elsewhere do not outweigh.
const (
	bonusFQN         = 3000
	bonusName        = 2000
	bonusDisplayName = 1500
	bonusNamePrefix  = 300
	nearPenalty      = 0.4 // for a word that is only close to, or begins with, the one asked for
	maxNear          = 64  // such words scored
	maxPrefixNames   = 2000
)

func groupWeight(group uint16) float64 {
	switch search.Group(group) {
	case search.GroupName:
		return 10
	case search.GroupDisplayName:
		return 8
	case search.GroupFQN:
		return 2
	case search.GroupPartNames:
		return 3
	case search.GroupDescription:
		return 1.5
	case search.GroupPartDescriptions:
		return 0.5
	}
	return 1
}

// scorer adds up what the text clauses of a query are worth for each document.
type scorer struct {
	*snapshot
	matched *roaring.Bitmap
	parts   []part
	scores  []float64 // by document number, once of was called
}

func (s *snapshot) score(q search.Query, matched *roaring.Bitmap) (*scorer, error) {
	sc := &scorer{snapshot: s, matched: matched}
	return sc, sc.query(q)
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
	if text == "" || len(text) > search.MaxExact {
		return nil
	}
	for path, bonus := range map[string]float64{"fullyQualifiedName": bonusFQN, "name": bonusName, "displayName": bonusDisplayName} {
		field, ok := sc.state.fields[path]
		if !ok {
			continue
		}
		set, err := sc.set(field, search.StringKey(text))
		if err != nil {
			return err
		}
		sc.add(set, bonus)
	}
	field, ok := sc.state.fields["name"]
	if !ok {
		return nil
	}
	begins := roaring.New()
	left := maxPrefixNames
	err := sc.scan(field, startingWith(text), false, func(_ string, set func() (*roaring.Bitmap, error)) (bool, error) {
		docs, err := set()
		if err == nil {
			begins.Or(docs)
		}
		left--
		return left > 0, err
	})
	if err == nil {
		sc.add(begins, bonusNamePrefix)
	}
	return err
}

// multi scores the words of a text in the groups of its fields.
func (sc *scorer) multi(q search.MultiMatch) error {
	boosts := map[uint16]float64{}
	for _, field := range q.Fields {
		path, _ := search.BasePath(field.Field)
		group, _ := search.GroupOf(path)
		if group == search.NoGroup {
			continue
		}
		boost := field.Boost
		if boost <= 0 {
			boost = 1
		}
		boosts[uint16(group)] = max(boosts[uint16(group)], boost)
	}
	if len(q.Fields) == 0 {
		for group := uint16(1); group < fieldAllWords; group++ {
			boosts[group] = 1
		}
	}
	words := search.Words(q.Text)
	for i, word := range words {
		near, err := sc.nearWords(word, q.Fuzziness.Edits(word), q.Prefix && i == len(words)-1)
		if err != nil {
			return err
		}
		for group, boost := range boosts {
			worth := boost * groupWeight(group)
			if err := sc.word(group, word, worth); err != nil {
				return err
			}
			for _, other := range near {
				if err := sc.word(group, other, worth*nearPenalty); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (sc *scorer) word(group uint16, word string, worth float64) error {
	set, err := sc.set(group, search.StringKey(word))
	if err != nil || set.IsEmpty() {
		return err
	}
	total := float64(sc.state.live.GetCardinality())
	rarity := math.Log1p(total / (1 + float64(set.GetCardinality())))
	sc.add(set, worth*rarity)
	return nil
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
