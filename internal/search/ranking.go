package search

import (
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Ranking is how what is found gets its order. What a text match is worth comes from
// Weights; boosts add a share of the most that the words of the query can be worth,
// so that they decide among equals and do not outweigh where the words stand.
type Ranking struct {
	Weights [Groups]float64
	Terms   []TermBoost
	Values  []ValueBoost
	ByIndex map[string]Ranking // of indexes ranked in another way; they have no ByIndex
}

// TermBoost lifts documents with a value of a field.
type TermBoost struct {
	Field, Value string
	Percent      float64
}

// ValueBoost lifts documents by a number of theirs.
type ValueBoost struct {
	Field    string
	Factor   float64 // percent for each unit of the value, after Modifier
	Modifier string
	Low      float64 // values outside do not count
	High     float64
}

// maxBoost is the most percent that one boost adds.
const maxBoost = 100

// DefaultRanking is the ranking where the settings say nothing.
func DefaultRanking() *Ranking {
	return &Ranking{
		Weights: [Groups]float64{
			GroupName: 10, GroupDisplayName: 8, GroupFQN: 2, GroupPartNames: 3, GroupDescription: 1.5, GroupPartDescriptions: 0.5, GroupOther: 1,
		},
		Terms: []TermBoost{
			{Field: "tier.tagFQN", Value: "Tier.Tier1", Percent: 12},
			{Field: "tier.tagFQN", Value: "Tier.Tier2", Percent: 8},
			{Field: "tier.tagFQN", Value: "Tier.Tier3", Percent: 4},
			{Field: "certification.tagLabel.tagFQN", Value: "Certification.Gold", Percent: 8},
			{Field: "certification.tagLabel.tagFQN", Value: "Certification.Silver", Percent: 5},
			{Field: "certification.tagLabel.tagFQN", Value: "Certification.Bronze", Percent: 3},
		},
		Values: []ValueBoost{
			{Field: "usageSummary.weeklyStats.percentileRank", Factor: 0.12, High: math.Inf(1), Low: math.Inf(-1)},
			{Field: "totalVotes", Factor: 4, Modifier: "log1p", High: math.Inf(1), Low: math.Inf(-1)},
		},
	}
}

// Of returns the ranking of an index.
func (r *Ranking) Of(index string) Ranking {
	if own, ok := r.ByIndex[index]; ok {
		return own
	}
	return *r
}

// Percent is what a value adds.
func (b ValueBoost) Percent(value float64) float64 {
	if value < b.Low || value > b.High {
		return 0
	}
	shaped := modified(b.Modifier, value) * b.Factor
	if math.IsNaN(shaped) || shaped <= 0 {
		return 0
	}
	return min(shaped, maxBoost)
}

func modified(modifier string, value float64) float64 {
	switch modifier {
	case "log":
		return math.Log10(value)
	case "log1p":
		return math.Log10(value + 1)
	case "log2p":
		return math.Log10(value + 2)
	case "ln":
		return math.Log(value)
	case "ln1p":
		return math.Log(value + 1)
	case "ln2p":
		return math.Log(value + 2)
	case "square":
		return value * value
	case "sqrt":
		return math.Sqrt(value)
	case "reciprocal":
		return 1 / value
	}
	return value
}

// IsRanked tells the numbers that documents are lifted by. An index keeps them in
// steps that double, so that a ranking need not look at every value.
func IsRanked(path string) bool {
	switch path {
	case "totalVotes", "usageSummary.dailyStats.count", "usageSummary.dailyStats.percentileRank", "usageSummary.weeklyStats.count",
		"usageSummary.weeklyStats.percentileRank", "usageSummary.monthlyStats.count", "usageSummary.monthlyStats.percentileRank":
		return true
	}
	return false
}

// RankedStep is the step a number falls into; ok is false for what lifts nothing.
func RankedStep(value float64) (step float64, ok bool) {
	if value <= 0 || value > 1e15 {
		return 0, false
	}
	return math.Exp2(math.Floor(math.Log2(value+1)*2)/2) - 1, true
}

// Limits of a ranking in the settings.
const (
	maxAssetRankings = 100
	maxRankedFields  = 200
	maxBoosts        = 50
)

// The part of OpenMetadata's search settings that says how to rank.
type rankingSettings struct {
	Global struct {
		Terms  []termBoostSetting  `json:"termBoosts"`
		Values []valueBoostSetting `json:"fieldValueBoosts"`
	} `json:"globalSettings"`
	Assets   []assetRanking `json:"assetTypeConfigurations"`
	Fallback *assetRanking  `json:"defaultConfiguration"`
}

type assetRanking struct {
	Type   string `json:"assetType"`
	Fields []struct {
		Field string   `json:"field"`
		Boost *float64 `json:"boost"`
	} `json:"searchFields"`
	Terms  []termBoostSetting  `json:"termBoosts"`
	Values []valueBoostSetting `json:"fieldValueBoosts"`
}

type termBoostSetting struct {
	Field string  `json:"field"`
	Value string  `json:"value"`
	Boost float64 `json:"boost"`
}

type valueBoostSetting struct {
	Field     string  `json:"field"`
	Factor    float64 `json:"factor"`
	Modifier  *string `json:"modifier"`
	Condition *struct {
		Range *struct {
			GT  *float64 `json:"gt"`
			GTE *float64 `json:"gte"`
			LT  *float64 `json:"lt"`
			LTE *float64 `json:"lte"`
		} `json:"range"`
	} `json:"condition"`
}

// ParseRanking reads how to rank from search settings. What they leave out is as in
// DefaultRanking.
func (c *Catalog) ParseRanking(settings jsontext.Value) (*Ranking, error) {
	var s rankingSettings
	if err := json.Unmarshal(settings, &s); err != nil {
		return nil, entity.BadRequest("the search settings are not of the form that is expected")
	}
	if len(s.Assets) > maxAssetRankings {
		return nil, entity.BadRequest("at most %d types have a ranking of their own", maxAssetRankings)
	}
	r := DefaultRanking()
	if err := r.boosts(s.Global.Terms, s.Global.Values); err != nil {
		return nil, err
	}
	if s.Fallback != nil {
		if err := r.asset(*s.Fallback); err != nil {
			return nil, err
		}
	}
	for _, asset := range s.Assets {
		index, ok := c.IndexOf(asset.Type)
		if !ok && asset.Type != columnType {
			// Names of groups such as all or dataAsset; their members are ranked as such.
			if _, known := c.byName[asset.Type]; known {
				continue
			}
			return nil, entity.BadRequest("there is no type of entities named %q in assetTypeConfigurations", entity.Shorten(asset.Type, 100))
		}
		own := Ranking{Weights: r.Weights, Terms: r.Terms, Values: r.Values}
		if err := own.asset(asset); err != nil {
			return nil, err
		}
		if r.ByIndex == nil {
			r.ByIndex = map[string]Ranking{}
		}
		r.ByIndex[index] = own
	}
	return r, nil
}

func (r *Ranking) asset(a assetRanking) error {
	if len(a.Fields) > maxRankedFields {
		return entity.BadRequest("a ranking names at most %d fields", maxRankedFields)
	}
	if len(a.Fields) > 0 {
		r.Weights = [Groups]float64{}
	}
	for _, f := range a.Fields {
		boost := 1.0
		if f.Boost != nil {
			boost = *f.Boost
		}
		if boost < 0 || boost > 1000 {
			return entity.BadRequest("the boost of the field %q has to lie between 0 and 1000", entity.Shorten(f.Field, 100))
		}
		path, _ := BasePath(f.Field)
		group, _ := GroupOf(path)
		if group != NoGroup { // others have no words of their own
			r.Weights[group] = max(r.Weights[group], boost)
		}
	}
	return r.boosts(a.Terms, a.Values)
}

// boosts replaces the boosts by those that a setting names, if it names any.
func (r *Ranking) boosts(terms []termBoostSetting, values []valueBoostSetting) error {
	if len(terms)+len(values) > maxBoosts {
		return entity.BadRequest("a ranking has at most %d boosts", maxBoosts)
	}
	if len(terms) > 0 {
		r.Terms = nil
	}
	for _, t := range terms {
		path, _ := BasePath(t.Field)
		if t.Boost < 0 || t.Boost > maxBoost {
			return entity.BadRequest("the boost of %s has to lie between 0 and %d percent", entity.Shorten(t.Field, 100), maxBoost)
		}
		if path == "" || !Indexed(path) || len(t.Value) > MaxExact {
			return entity.BadRequest("the field %q has no values to boost by", entity.Shorten(t.Field, 100))
		}
		r.Terms = append(r.Terms, TermBoost{Field: path, Value: t.Value, Percent: t.Boost})
	}
	if len(values) > 0 {
		r.Values = nil
	}
	for _, v := range values {
		boost, err := v.read()
		if err != nil {
			return err
		}
		r.Values = append(r.Values, boost)
	}
	return nil
}

func (v valueBoostSetting) read() (ValueBoost, error) {
	path, _ := BasePath(v.Field)
	b := ValueBoost{Field: path, Factor: v.Factor}
	if v.Factor < 0 || v.Factor > 1000 {
		return b, entity.BadRequest("the factor of %s has to lie between 0 and 1000", entity.Shorten(v.Field, 100))
	}
	if path == "" || !Indexed(path) {
		return b, entity.BadRequest("the field %q has no numbers to boost by", entity.Shorten(v.Field, 100))
	}
	if v.Modifier != nil {
		b.Modifier = *v.Modifier
	}
	modifiers := []string{"", "none", "log", "log1p", "log2p", "ln", "ln1p", "ln2p", "square", "sqrt", "reciprocal"}
	if !slices.Contains(modifiers, b.Modifier) {
		return b, entity.BadRequest("the modifier of %s has to be one of %s", entity.Shorten(v.Field, 100), strings.Join(modifiers[1:], ", "))
	}
	b.Low, b.High = v.bounds()
	return b, nil
}

// bounds are the least and the greatest value that count.
func (v valueBoostSetting) bounds() (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if v.Condition == nil || v.Condition.Range == nil {
		return low, high
	}
	r := v.Condition.Range
	if r.GTE != nil {
		low = *r.GTE
	}
	if r.GT != nil {
		low = max(low, math.Nextafter(*r.GT, math.Inf(1)))
	}
	if r.LTE != nil {
		high = *r.LTE
	}
	if r.LT != nil {
		high = min(high, math.Nextafter(*r.LT, math.Inf(-1)))
	}
	return low, high
}

// NameWords is a name as its words alone, for names that are, or begin with, what
// was typed however it is spelled: order_items, OrderItems and "order items".
func NameWords(name string) string { return strings.Join(Words(name), " ") }
