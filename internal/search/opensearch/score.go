package opensearch

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// maxScored is how many words of a query count.
const maxScored = 40

// scorer reckons what the text clauses of a query are worth.
type scorer struct {
	rankings []ranked
	parts    []object // clauses of a bool query whose scores add up
	words    []scored
	counted  []object // whose matches are counted
	begins   []begin
	typed    bool // the names were compared with all that was typed
}

// ranked is a ranking with the documents it is for; nil stands for all.
type ranked struct {
	search.Ranking
	docs object
	most float64 // what the words of the query may be worth
}

// scored is a word in a group of text, or the words close to it.
type scored struct {
	group search.Group
	boost float64
	share float64
	query object
	count int // which of the counts tells how often it occurs
}

// begin are the names that begin with what was typed, which has some words.
type begin struct {
	query object
	words int
}

// score returns clauses whose scores add up to what a match is worth; there are none where all are worth the same.
func (e *Engine) score(ctx context.Context, req search.Request) ([]object, error) {
	sc := &scorer{}
	sc.choose(req)
	sc.query(req.Query)
	if len(sc.words) == 0 {
		return sc.parts, nil
	}
	counts, err := e.counts(ctx, append(sc.counted, isDocument()))
	if err != nil {
		return nil, err
	}
	total := float64(counts[len(counts)-1])
	for _, w := range sc.words {
		if count := counts[w.count]; count > 0 {
			sc.word(w, math.Log1p(total/(1+float64(count))))
		}
	}
	sc.boosts()
	return sc.parts, nil
}

// counts asks how many documents each query matches.
func (e *Engine) counts(ctx context.Context, queries []object) ([]int, error) {
	var body strings.Builder
	for _, q := range queries {
		line, err := json.Marshal(object{"size": 0, "track_total_hits": true, "query": q})
		if err != nil {
			return nil, entity.Internal(err)
		}
		body.WriteString("{}\n")
		body.Write(line)
		body.WriteByte('\n')
	}
	answers, err := e.many(ctx, body.String(), len(queries))
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(answers))
	for i, one := range answers {
		counts[i] = one.Hits.Total.Value
	}
	return counts, nil
}

// many sends several searches at once.
func (e *Engine) many(ctx context.Context, body string, wanted int) ([]answer, error) {
	status, raw, err := e.client.send(ctx, http.MethodPost, e.at("/_msearch"), nil, "application/x-ndjson", []byte(body))
	if err != nil {
		return nil, err
	}
	if status >= 300 {
		return nil, refusal(status, raw)
	}
	var result struct {
		Responses []struct {
			answer
			Status int `json:"status"`
			failure
		} `json:"responses"`
	}
	if err := json.Unmarshal(raw, &result); err != nil || len(result.Responses) != wanted {
		return nil, entity.Internal(err)
	}
	answers := make([]answer, wanted)
	for i, one := range result.Responses {
		if one.Status >= 300 {
			one.failure.status = one.Status
			return nil, refused(&one.failure)
		}
		answers[i] = one.answer
	}
	return answers, nil
}

// choose picks the rankings of the indexes that are searched.
func (sc *scorer) choose(req search.Request) {
	all := req.Ranking
	if all == nil {
		all = search.DefaultRanking()
	}
	var own []string
	for index, ranking := range all.ByIndex {
		if len(req.Indexes) == 0 || slices.Contains(req.Indexes, index) {
			own = append(own, index)
			sc.rankings = append(sc.rankings, ranked{Ranking: ranking, docs: oneOf(fieldIndex, []string{index})})
		}
	}
	rest := ranked{Ranking: *all}
	if len(own) > 0 {
		rest.docs = object{"bool": object{"must_not": oneOf(fieldIndex, own)}}
	}
	sc.rankings = append(sc.rankings, rest)
}

func (sc *scorer) query(q search.Query) {
	switch q := q.(type) {
	case search.Bool:
		for _, child := range slices.Concat(q.Must, q.Should) {
			sc.query(child)
		}
	case search.Nested:
		sc.query(q.Query)
	case search.QueryString:
		sc.names(q.Text)
		sc.typed = true
		sc.query(q.Query)
		sc.typed = false
	case search.Match:
		sc.multi(search.MultiMatch{Fields: []search.FieldBoost{{Field: q.Field}}, Text: q.Text, Fuzziness: q.Fuzziness, Prefix: q.Prefix})
	case search.MatchPhrase:
		sc.multi(search.MultiMatch{Fields: []search.FieldBoost{{Field: q.Field}}, Text: q.Text, Prefix: q.Prefix})
	case search.MultiMatch:
		sc.names(q.Text)
		sc.multi(q)
	}
}

// add gives a worth to what a query matches, or to those of its matches that are among some documents.
func (sc *scorer) add(query, among object, worth float64) {
	if worth <= 0 {
		return
	}
	if among != nil {
		query = object{"bool": object{"filter": []object{query, among}}}
	}
	sc.parts = append(sc.parts, object{"constant_score": object{"filter": query, "boost": worth}})
}

// names gives the bonus to names that are, or begin with, the text.
func (sc *scorer) names(typed string) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if sc.typed || typed == "" || len(typed) > search.MaxExact {
		return
	}
	for path, bonus := range map[string]float64{"fullyQualifiedName": search.BonusFQN, "name": search.BonusName, "displayName": search.BonusDisplayName} {
		sc.add(isTerm(exact(path, search.StringKey(typed))), nil, bonus)
	}
	if strings.Contains(typed, ".") {
		sc.add(beginsWith(pathBackwards+"="+backwards("."+typed)), nil, search.BonusFQNEnd)
	}
	words := search.NameWords(typed)
	if words == "" {
		return
	}
	sc.add(isTerm(pathNameWords+"="+words), nil, search.BonusNameWords)
	sc.begins = append(sc.begins, begin{query: beginsWith(pathNameWords + "=" + words), words: min(1+strings.Count(words, " "), search.MaxPrefixWords)})
}

// multi notes the words of a text in the groups of its fields.
func (sc *scorer) multi(q search.MultiMatch) {
	boosts := q.Boosts()
	words := search.Words(q.Text)
	for i, w := range words {
		if len(sc.words) >= maxScored*int(search.Groups) {
			return
		}
		edits, begins := q.Fuzziness.Edits(w), q.Prefix && i == len(words)-1
		near := -1
		if edits > 0 || begins { // they are counted once, in all text: each time is work for the cluster
			near = sc.tally(matchWord(w, edits, begins, []string{pathAllWords}))
		}
		for group, boost := range boosts {
			path := pathOfGroup(group)
			exact := isTerm(word(path, w))
			sc.words = append(sc.words, scored{group: group, boost: boost, share: 1, query: exact, count: sc.tally(exact)})
			if near >= 0 {
				sc.words = append(sc.words, scored{group: group, boost: boost, share: search.NearPenalty, query: matchWord(w, edits, begins, []string{path}), count: near})
			}
		}
	}
}

// tally has the matches of a query counted.
func (sc *scorer) tally(query object) int {
	sc.counted = append(sc.counted, query)
	return len(sc.counted) - 1
}

// word adds what a word is worth in a group, by each ranking.
func (sc *scorer) word(w scored, rarity float64) {
	for i := range sc.rankings {
		r := &sc.rankings[i]
		worth := w.share * w.boost * r.Weights[w.group] * rarity
		sc.add(w.query, r.docs, worth)
		r.most = max(r.most, worth)
	}
}

// boosts adds what documents are worth beside the words: shares of what the best word is.
func (sc *scorer) boosts() {
	for _, r := range sc.rankings {
		if r.most <= 0 {
			continue
		}
		for _, b := range r.Terms {
			sc.add(matchWhole(b.Field, []string{b.Value}), r.docs, r.most*b.Percent/100)
		}
		for _, b := range r.Values {
			sc.valueBoost(r, b)
		}
		for _, b := range sc.begins {
			sc.add(b.query, r.docs, r.most*search.NamePrefix*float64(b.words)/100)
		}
		for words := 1; words < search.LongNames; words++ {
			sc.add(isTerm(pathLength+"="+strconv.Itoa(words)), r.docs, r.most*search.ShortName*float64(search.LongNames-words)/100)
		}
	}
}

// valueBoost adds what the numbers of a field are worth. Those below the least that lifts are left out first: the
// cluster refuses to reckon with less than nothing.
func (sc *scorer) valueBoost(r ranked, b search.ValueBoost) {
	field := fieldNumbers
	low := max(b.Low, leastLifting(b.Modifier))
	if search.IsRanked(b.Field) {
		field, low = fieldSteps, max(low, 0)
	}
	if b.Factor <= 0 || low > b.High {
		return
	}
	modifier := b.Modifier
	if modifier == "" {
		modifier = "none"
	}
	bounds := search.Range{Field: b.Field}
	if !math.IsInf(low, 0) {
		text := strconv.FormatFloat(low, 'f', -1, 64)
		bounds.GT = &text
		if low == b.Low {
			bounds.GT, bounds.GTE = nil, &text
		}
	}
	if !math.IsInf(b.High, 0) {
		text := strconv.FormatFloat(b.High, 'f', -1, 64)
		bounds.LTE = &text
	}
	within := []object{matchRange(bounds)}
	if r.docs != nil {
		within = append(within, r.docs)
	}
	sc.parts = append(sc.parts, object{"function_score": object{
		"query":      object{"bool": object{"filter": within}},
		"functions":  []object{{"field_value_factor": object{"field": field + "." + escape(b.Field), "factor": b.Factor, "modifier": modifier, "missing": math.Max(low, 1)}}},
		"boost_mode": "replace", "max_boost": 100, "boost": r.most / 100,
	}})
}

// leastLifting is the number above which a modifier gives more than nothing.
func leastLifting(modifier string) float64 {
	switch modifier {
	case "log", "ln":
		return 1
	case "log2p", "ln2p":
		return -1
	}
	return 0
}
