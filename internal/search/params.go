package search

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Call is a request together with how its answer is shown.
type Call struct {
	Request Request
	Source  SourceFilter
	Text    string // what was typed
	// Relaxed are queries to try in turn where nothing is found.
	Relaxed []Query
}

// relaxed are wider readings of plain words: with typing errors, and, where there are
// several, any of them. Whoever writes a query gets what it says.
func relaxed(text string) []Query {
	words := strings.Fields(text)
	if len(Words(text)) == 0 || len(Words(text)) > MaxPatterns || strings.ContainsAny(text, `:"*?~()[]{}/\+!^&|<>`) {
		return nil
	}
	for _, word := range words {
		if word == "AND" || word == "OR" || word == "NOT" || word[0] == '-' {
			return nil
		}
	}
	near := MultiMatch{Text: text, Operator: And, Fuzziness: FuzzyAuto, Prefix: true}
	queries := []Query{QueryString{Text: text, Query: near}}
	if len(words) > 1 {
		near.Operator = Or
		queries = append(queries, QueryString{Text: text, Query: near})
	}
	return queries
}

const (
	defaultIndex = "table_search_index"
	defaultSize  = 10
)

// params reads HTTP query parameters; the first error stays.
type params struct {
	values url.Values
	err    error
}

func (p *params) fail(format string, args ...any) {
	if p.err == nil {
		p.err = entity.BadRequest(format, args...)
	}
}

func (p *params) number(name string, fallback int) int {
	text := strings.TrimSpace(p.values.Get(name))
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		p.fail("%s has to be a number that is not negative", name)
	}
	return n
}

func (p *params) flag(name string, fallback bool) bool {
	switch text := strings.ToLower(strings.TrimSpace(p.values.Get(name))); text {
	case "":
		return fallback
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	p.fail("%s has to be true or false", name)
	return fallback
}

func (p *params) indexes(c *Catalog) []string {
	name := strings.Join(p.values["index"], ",")
	if strings.TrimSpace(name) == "" {
		name = defaultIndex
	}
	indexes, err := c.Resolve(name)
	if err != nil && p.err == nil {
		p.err = err
	}
	return indexes
}

func (p *params) filter(name string, now time.Time) Query {
	q, err := ParseDSL([]byte(p.values.Get(name)), now)
	if err != nil && p.err == nil {
		p.err = err
	}
	return q
}

// text reads the q parameter: a query text, or a query in JSON.
func (p *params) text(text string, now time.Time) Query {
	var q Query
	var err error
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		q, err = ParseDSL([]byte(text), now)
	} else {
		q, err = ParseQueryString(text, QueryStringOptions{Operator: And, Prefix: true})
	}
	if err != nil && p.err == nil {
		p.err = err
	}
	return q
}

func (p *params) source() SourceFilter {
	return SourceFilter{
		None:    !p.flag("fetch_source", true),
		Include: splitLists(p.values["include_source_fields"]),
		Exclude: splitLists(p.values["exclude_source_fields"]),
	}
}

// splitLists reads a parameter that may be repeated or hold a list.
func splitLists(values []string) []string {
	var list []string
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
	}
	return list
}

func (p *params) sort() []Sort {
	field := strings.TrimSpace(p.values.Get("sort_field"))
	order := strings.ToLower(strings.TrimSpace(p.values.Get("sort_order")))
	if order != "" && order != "asc" && order != "desc" {
		p.fail("sort_order has to be asc or desc")
	}
	if field == "" || field == "_score" {
		if order != "asc" && p.values.Get("search_after") == "" {
			return nil
		}
		field = "_score"
	}
	return []Sort{{Field: field, Desc: order != "asc"}}
}

// after reads search_after: repeated, separated by commas, or a JSON list.
func (p *params) after() []string {
	values := p.values["search_after"]
	if len(values) > 1 {
		return values
	}
	if len(values) == 0 || values[0] == "" {
		return nil
	}
	if strings.HasPrefix(values[0], "[") {
		var list []any
		if json.Unmarshal([]byte(values[0]), &list) == nil {
			texts := make([]string, len(list))
			for i, item := range list {
				texts[i] = sortText(item)
			}
			return texts
		}
	}
	return strings.Split(values[0], ",")
}

func sortText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	}
	return "null"
}

// facets are the aggregations of a search by people.
func facets() map[string]Aggregation {
	aggs := map[string]Aggregation{}
	for _, field := range []string{
		"entityType", "serviceType", "service.displayName.keyword", "tier.tagFQN", "tags.tagFQN",
		"owners.displayName.keyword", "domains.displayName.keyword", "tableType",
		"database.displayName.keyword", "databaseSchema.displayName.keyword", "dataProducts.displayName.keyword", "certification.tagLabel.tagFQN",
	} {
		aggs[field] = Aggregation{Kind: AggTerms, Field: field, Size: 100}
	}
	return aggs
}

// QueryCall reads the parameters of GET /search/query.
func (c *Catalog) QueryCall(values url.Values, now time.Time) (Call, error) {
	p := &params{values: values}
	text := values.Get("q")
	deleted := p.flag("deleted", false)
	call := Call{Source: p.source(), Text: text, Request: Request{
		Indexes:    p.indexes(c),
		Query:      p.text(text, now),
		Filter:     p.filter("query_filter", now),
		PostFilter: p.filter("post_filter", now),
		Deleted:    &deleted,
		From:       p.number("from", 0),
		Size:       p.number("size", defaultSize),
		Sort:       p.sort(),
		After:      p.after(),
		Highlight:  strings.TrimSpace(text) != "",
	}}
	call.Request.NoSource = call.Source.None
	call.Relaxed = relaxed(text)
	if p.flag("include_aggregations", true) && len(call.Request.After) == 0 {
		call.Request.Aggregations = facets()
	}
	return call, p.err
}

// NLQCall reads the parameters of GET /search/nlq/query. A sentence is searched for
// its words, any of them: nothing here understands it.
func (c *Catalog) NLQCall(values url.Values, now time.Time) (Call, error) {
	call, err := c.QueryCall(values, now)
	text := strings.TrimSpace(values.Get("q"))
	if err != nil || text == "" || strings.HasPrefix(text, "{") {
		return call, err
	}
	if words := tellingWords(text); words != "" {
		call.Request.Query = QueryString{Text: text, Query: MultiMatch{Text: words, Operator: Or}}
		call.Relaxed = nil
		if len(Words(words)) <= MaxPatterns {
			call.Relaxed = []Query{MultiMatch{Text: words, Operator: Or, Fuzziness: FuzzyAuto}}
		}
	}
	return call, nil
}

// tellingWords leaves out of a question what only makes it a sentence; a text of
// nothing else stays as it is.
func tellingWords(text string) string {
	const empty = ` a all an and any are as at by can could contain contains containing data do does find for from get give has have how i
 in is it list me my of on or our please search show that the their them there these this those to us was we were what when where which who
 whose with would you asset assets called named about `
	var kept []string
	for word := range strings.FieldsSeq(text) {
		bare := strings.ToLower(strings.Trim(word, ".,;:!?\"'()"))
		if bare != "" && !strings.Contains(strings.ReplaceAll(empty, "\n", " "), " "+bare+" ") {
			kept = append(kept, word)
		}
	}
	if len(Words(strings.Join(kept, " "))) == 0 {
		kept = []string{text}
	}
	if len(Words(strings.Join(kept, " "))) == 0 {
		return ""
	}
	return strings.Join(kept, " ")
}

// CountsCall reads the parameters of GET /search/entityTypeCounts.
func (c *Catalog) CountsCall(values url.Values, now time.Time) (Call, error) {
	values = maps.Clone(values)
	if strings.TrimSpace(values.Get("index")) == "" {
		values.Set("index", "dataAsset")
	}
	for _, name := range []string{"size", "from", "sort_field", "search_after"} {
		values.Del(name)
	}
	call, err := c.QueryCall(values, now)
	// The counts are those of what the query shows, so that the filter that follows
	// aggregations elsewhere counts here.
	req := &call.Request
	if req.PostFilter != nil {
		req.Filter, req.PostFilter = Bool{Filter: compact(req.Filter, req.PostFilter)}, nil
	}
	req.Size, req.Highlight = 0, false
	req.Aggregations = map[string]Aggregation{"entityType": {Kind: AggTerms, Field: "entityType", Size: 1000}}
	return call, err
}

func compact(queries ...Query) []Query {
	return slices.DeleteFunc(queries, func(q Query) bool { return q == nil })
}

// FieldCall reads the parameters of GET /search/fieldQuery. Only * is a
// wildcard: names may hold a question mark.
func (c *Catalog) FieldCall(values url.Values) (Call, error) {
	p := &params{values: values}
	field, value := strings.TrimSpace(values.Get("fieldName")), values.Get("fieldValue")
	if field == "" {
		p.fail("fieldName is missing")
	}
	if len(value) > 4*MaxText {
		p.fail("fieldValue has at most %d characters", MaxText)
	}
	var q Query = Term{Field: field, Value: value}
	if strings.Contains(value, "*") {
		q = Wildcard{Field: field, Pattern: strings.NewReplacer(`\`, `\\`, `?`, `\?`).Replace(value)}
	}
	deleted := p.flag("deleted", false)
	call := Call{Source: p.source(), Request: Request{
		Indexes: p.indexes(c), Filter: q, Deleted: &deleted,
		From: p.number("from", 0), Size: p.number("size", defaultSize),
	}}
	call.Request.NoSource = call.Source.None
	return call, p.err
}

// SourceURLCall reads the parameters of GET /search/sourceUrl.
func (c *Catalog) SourceURLCall(values url.Values) (Call, error) {
	p := &params{values: values}
	address := values.Get("sourceUrl")
	if address == "" {
		p.fail("sourceUrl is missing")
	}
	deleted := false
	return Call{Request: Request{
		Filter: Term{Field: "sourceUrl", Value: address}, Deleted: &deleted,
		From: p.number("from", 0), Size: p.number("size", defaultSize),
	}}, p.err
}

// SuggestCall reads the parameters of GET /search/suggest.
func (c *Catalog) SuggestCall(values url.Values) (Call, error) {
	p := &params{values: values}
	text := strings.TrimSpace(values.Get("q"))
	if len(text) > 4*MaxText {
		p.fail("a query text has at most %d characters", MaxText)
	}
	deleted := p.flag("deleted", false)
	call := Call{Source: p.source(), Text: text, Request: Request{
		Indexes: p.indexes(c), Query: suggestion(values.Get("field"), text), Deleted: &deleted, Size: p.number("size", defaultSize),
	}}
	if call.Request.Query == nil { // what a search for it would find first
		call.Request.Query, call.Relaxed = p.text(text, time.Time{}), relaxed(text)
	}
	return call, p.err
}

// suggestion is the query of a field that has a completion of its own, nil for others.
func suggestion(field, text string) Query {
	if text == "" {
		return MatchNone{}
	}
	words := MultiMatch{Text: text, Operator: And, Prefix: true}
	switch field {
	case "column_suggest", "columns.name.keyword":
		words.Fields = []FieldBoost{{Field: "columnNames"}}
		return words
	case "service_suggest":
		return Prefix{Field: "service.name", Value: text}
	case "schema_suggest":
		return Prefix{Field: "databaseSchema.name", Value: text}
	case "database_suggest":
		return Prefix{Field: "database.name", Value: text}
	}
	return nil
}

// AggregateCall reads the parameters of GET /search/aggregate.
func (c *Catalog) AggregateCall(values url.Values, now time.Time) (Call, error) {
	p := &params{values: values}
	deleted := p.flag("deleted", false)
	return p.aggregate(c, aggregateRequest{
		Query: values.Get("q"), FieldName: values.Get("field"), FieldValue: values.Get("value"),
		Size: p.number("size", defaultSize), Deleted: deleted, SourceFields: splitLists(values["sourceFields"]),
	}, now)
}

// aggregateRequest is the body of POST /search/aggregate.
type aggregateRequest struct {
	Query        string   `json:"query"`
	Index        string   `json:"index"`
	FieldName    string   `json:"fieldName"`
	FieldValue   string   `json:"fieldValue"`
	Deleted      bool     `json:"deleted"`
	Size         int      `json:"size"`
	SourceFields []string `json:"sourceFields"`
	TopHits      *struct {
		Size      int    `json:"size"`
		SortField string `json:"sortField"`
		SortOrder string `json:"sortOrder"`
	} `json:"topHits"`
}

// AggregateBody reads the body of POST /search/aggregate.
func (c *Catalog) AggregateBody(body []byte, now time.Time) (Call, error) {
	request := aggregateRequest{Size: defaultSize}
	if err := json.Unmarshal(body, &request, json.RejectUnknownMembers(true)); err != nil {
		return Call{}, entity.BadRequest("the body is not a valid aggregation request")
	}
	p := &params{values: url.Values{"index": {request.Index}}}
	return p.aggregate(c, request, now)
}

func (p *params) aggregate(c *Catalog, request aggregateRequest, now time.Time) (Call, error) {
	if request.FieldName == "" {
		p.fail("the name of the field is missing")
	}
	agg := Aggregation{Kind: AggTerms, Field: request.FieldName, Size: max(request.Size, 1), Include: containing(request.FieldValue)}
	if request.TopHits != nil || len(request.SourceFields) > 0 {
		top := Aggregation{Kind: AggTopHits, Size: 1, Source: SourceFilter{Include: request.SourceFields}}
		if request.TopHits != nil {
			top.Size = max(request.TopHits.Size, 1)
			if field := request.TopHits.SortField; field != "" {
				top.Sort = []Sort{{Field: field, Desc: strings.EqualFold(request.TopHits.SortOrder, "desc")}}
			}
		}
		agg.Sub = map[string]Aggregation{"top": top}
	}
	return Call{Request: Request{
		Indexes: p.indexes(c), Query: p.text(request.Query, now), Deleted: &request.Deleted,
		Aggregations: map[string]Aggregation{request.FieldName: agg},
	}}, p.err
}
