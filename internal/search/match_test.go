package search

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestMatcher(t *testing.T) {
	id := entity.NewID()
	fields, err := ReadFields(id, []byte(`{"name":"CustomerOrders","displayName":"İstanbul orders","fullyQualifiedName":"pg.shop.CustomerOrders",
		"description":"Paid by the customer. Shipped later","columns":[{"name":"order_id","dataType":"INT"},{"name":"note","description":"free text"}],
		"updatedAt":1700,"deleted":false,"schemaDefinition":"SELECT 1","extension":{"costCenter":"Team Blue"},"empty":[],"tags":[{"tagFQN":"PII.Sensitive"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		query Query
		want  bool
	}{
		"by id":                       {Term{Field: "_id", Value: id.String()}, true},
		"by another id":               {IDs{Values: []string{"x", entity.NewID().String()}}, false},
		"id as text":                  {Match{Field: "_id", Text: id.String()}, true},
		"a list that is empty":        {Exists{Field: "empty"}, false},
		"an object":                   {Exists{Field: "extension"}, true},
		"word of a text field":        {Term{Field: "description", Value: "customer"}, true},
		"whole text field":            {Term{Field: "description.keyword", Value: "customer"}, false},
		"number as text":              {Term{Field: "updatedAt", Value: "1700.0"}, true},
		"boolean as text":             {Terms{Field: "deleted", Values: []string{"FALSE"}}, true},
		"exact field, whole":          {Match{Field: "tags.tagFQN", Text: "pii.sensitive"}, true},
		"exact field, part":           {Match{Field: "tags.tagFQN", Text: "sensitive"}, false},
		"exact field, beginning":      {Match{Field: "tags.tagFQN", Text: "pii.s", Prefix: true}, true},
		"phrase":                      {MatchPhrase{Field: "description", Text: "the CUSTOMER"}, true},
		"phrase with a gap":           {MatchPhrase{Field: "description", Text: "paid customer"}, false},
		"phrase that goes on":         {MatchPhrase{Field: "description", Text: "shipped la", Prefix: true}, true},
		"phrase, words cut off":       {MatchPhrase{Field: "description", Text: "shipped la"}, false},
		"phrase across values":        {MatchPhrase{Field: "columns.name", Text: "id note"}, false},
		"phrase of nothing":           {MatchPhrase{Field: "description", Text: "..."}, false},
		"phrase, exact field":         {MatchPhrase{Field: "fullyQualifiedName", Text: "PG.shop.customerorders"}, true},
		"phrase in any text":          {MultiMatch{Text: "free text", Phrase: true}, true},
		"phrase in no text":           {MultiMatch{Text: "text free", Phrase: true}, false},
		"phrase in given fields":      {MultiMatch{Fields: []FieldBoost{{Field: "name"}, {Field: "extension.costCenter"}}, Text: "team blue", Phrase: true}, true},
		"words in given fields":       {MultiMatch{Fields: []FieldBoost{{Field: "name"}, {Field: "description"}}, Text: "orders shipped", Operator: And}, true},
		"whole value among fields":    {MultiMatch{Fields: []FieldBoost{{Field: "tags.tagFQN"}, {Field: "name"}}, Text: "PII.Sensitive", Operator: And}, true},
		"nothing of it":               {MultiMatch{Fields: []FieldBoost{{Field: "name"}}, Text: "shipped"}, false},
		"glob on words":               {Wildcard{Field: "name", Pattern: "cust*er"}, true},
		"glob on the whole":           {Wildcard{Field: "name.keyword", Pattern: "cust*er"}, false},
		"glob anywhere":               {Wildcard{Pattern: "ship*"}, true},
		"glob on any name":            {Wildcard{Pattern: "*.shop.*"}, true},
		"glob, escaped star":          {Wildcard{Field: "name", Pattern: `customer\*`}, false},
		"glob, letters beyond ASCII":  {Wildcard{Field: "displayName", Pattern: "İstanbul*"}, true},
		"prefix beyond ASCII":         {Prefix{Field: "displayName", Value: "İSTAN"}, true},
		"prefix of a number":          {Prefix{Field: "updatedAt", Value: "17"}, false},
		"regexp takes all of a value": {Regexp{Field: "tags.tagFQN", Pattern: "pii"}, false},
		"regexp":                      {Regexp{Field: "tags.tagFQN", Pattern: "PII[.].+"}, true},
		"range, numbers":              {Range{Field: "updatedAt", GT: ptr("1699.5"), LT: ptr("1700.5")}, true},
		"range, open at the bound":    {Range{Field: "updatedAt", GT: ptr("1700")}, false},
		"range, closed":               {Range{Field: "updatedAt", GTE: ptr("1700"), LTE: ptr("1700")}, true},
		"range, numbers with text":    {Range{Field: "updatedAt", GTE: ptr("a")}, false},
		"range, objects":              {Range{Field: "columns", GTE: ptr("")}, false},
		"should beside must":          {Bool{Must: []Query{MatchAll{}}, Should: []Query{MatchNone{}}}, true},
		"should alone":                {Bool{Should: []Query{MatchNone{}}}, false},
		"none of should needed":       {Bool{Should: []Query{MatchNone{}}, MinShould: -1}, true},
		"more than there are":         {Bool{Should: []Query{MatchAll{}}, MinShould: 2}, false},
		"nested":                      {Nested{Path: "columns", Query: Term{Field: "columns.dataType", Value: "int"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			matcher, err := NewMatcher(c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := matcher.Match(fields); got != c.want {
				t.Errorf("%+v: %t, want %t", c.query, got, c.want)
			}
		})
	}
	for _, q := range []Query{Regexp{Field: "a", Pattern: "("}, Nested{Query: Bool{MustNot: []Query{Regexp{Pattern: "["}}}}} {
		if _, err := NewMatcher(q); entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%+v: %v, want a bad request", q, err)
		}
	}
}

// A glob finds any text put in place of its wildcards, whatever the case, and
// its literal ends are those of the text.
func TestWildcardsFindWhatTheyStandFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pattern, text, first strings.Builder
		wild := false
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			literal := rapid.StringMatching(`[a-zA-Z.*?\\"é注 ]{0,4}`).Draw(t, "literal")
			pattern.WriteString(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(literal))
			text.WriteString(literal)
			if !wild {
				first.WriteString(literal)
			}
			switch rapid.IntRange(0, 2).Draw(t, "then") {
			case 0:
				wild = true
				pattern.WriteByte('*')
				text.WriteString(rapid.String().Draw(t, "any"))
			case 1:
				wild = true
				pattern.WriteByte('?')
				text.WriteRune(rapid.Rune().Draw(t, "one"))
			}
		}
		re, err := CompileWildcard(pattern.String())
		if err != nil || !re.MatchString(text.String()) {
			t.Fatalf("%q does not find %q: %v", pattern.String(), text.String(), err)
		}
		before, after, literal := WildcardLiterals(pattern.String())
		if literal == wild || before != first.String() || !strings.HasSuffix(text.String(), after) {
			t.Fatalf("%q: before %q, after %q, literal %t", pattern.String(), before, after, literal)
		}
	})
}

func TestCheckRequestNamesTheLimit(t *testing.T) {
	patterns := slices.Repeat([]Query{Prefix{Field: "a", Value: "b"}}, MaxPatterns)
	deep := map[string]Aggregation{"x": {Field: "a"}}
	for range MaxAggDepth {
		deep = map[string]Aggregation{"x": {Field: "a", Sub: deep}}
	}
	many := map[string]Aggregation{}
	for i := range MaxAggregations + 1 {
		many[string(rune('a'+i))] = Aggregation{Field: "a"}
	}
	fits := Request{
		Query: Bool{Should: patterns}, From: MaxWindow - 10, Size: 10,
		Filter: Terms{Field: "a", Values: make([]string, MaxTerms)}, PostFilter: Match{Field: "a", Text: strings.Repeat("w ", MaxWords)},
	}
	if err := CheckRequest(fits); err != nil {
		t.Errorf("a request at the limits: %v", err)
	}
	for limit, req := range map[string]Request{
		"at most 10000; use search_after":        {From: 1, Size: MaxWindow},
		"must not be negative":                   {Size: -1},
		"8 sort fields":                          {Sort: make([]Sort, 9)},
		"terms clause has at most 10000":         {PostFilter: Terms{Values: make([]string, MaxTerms+1)}},
		"ids clause has at most 10000":           {Filter: IDs{Values: make([]string, MaxTerms+1)}},
		"at most 1024 clauses":                   {Query: Bool{Should: slices.Repeat([]Query{MatchAll{}}, MaxClauses)}},
		"at most 32 patterns":                    {Query: Bool{Should: patterns}, Filter: Wildcard{Pattern: "x*"}},
		"has at most 32 patterns":                {Query: MultiMatch{Text: strings.Repeat("w ", MaxPatterns+1), Fuzziness: FuzzyAuto}},
		"a query has at most 32 patterns":        {Query: Nested{Query: QueryString{Query: MatchPhrase{Text: strings.Repeat("w ", MaxPatterns+1), Prefix: true}}}},
		"at most 256 words":                      {Query: Match{Text: strings.Repeat("w ", MaxWords+1)}},
		"at most 4096 characters":                {Query: Match{Text: strings.Repeat("w", 4*MaxText+1)}},
		"a pattern has at most 1024":             {Query: Regexp{Pattern: strings.Repeat("x", MaxPattern+1)}},
		"a pattern has at most 4096":             {Query: Wildcard{Pattern: strings.Repeat("x", 4*MaxPattern+1)}},
		"nested at most 6":                       {Aggregations: deep},
		"at most 64 aggregations":                {Aggregations: many},
		`size of the aggregation "x" is at most`: {Aggregations: map[string]Aggregation{"x": {Size: -1}}},
		"an ids clause has at most":              {Aggregations: map[string]Aggregation{"x": {Kind: AggFilters, Filters: map[string]Query{"y": IDs{Values: make([]string, MaxTerms+1)}}}}},
		"a terms clause has at most":             {Aggregations: map[string]Aggregation{"x": {Kind: AggFilter, Filter: Terms{Values: make([]string, MaxTerms+1)}}}},
	} {
		err := CheckRequest(req)
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), limit) {
			t.Errorf("%v, want a bad request that says %q", err, limit)
		}
	}
	_, long := CompileRegexp(strings.Repeat("x", MaxPattern+1))
	_, glob := CompileWildcard(strings.Repeat("x", 4*MaxPattern+1))
	for _, err := range []error{long, glob} {
		if entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%v, want a bad request", err)
		}
	}
}

func TestWalkFieldsStopsAtDamage(t *testing.T) {
	for _, source := range []string{``, `{"a":`, `{"a":[1,}`, `{"a":{"b"}}`} {
		if err := WalkFields([]byte(source), func(string, Value) {}); err == nil {
			t.Errorf("%q was read", source)
		}
	}
	var seen []string
	err := WalkFields([]byte(`{"a":{"b":[1,{"c":true}]},"e":{},"n":null,"huge":1e999}`), func(path string, v Value) { seen = append(seen, path+"="+v.Text) })
	if diff := cmp.Diff([]string{"a=", "a.b=1", "a.b=", "a.b.c=true"}, seen); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
