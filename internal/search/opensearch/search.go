package opensearch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// answer is what the cluster says to a search.
type answer struct {
	TimedOut     bool                      `json:"timed_out"`
	Hits         found                     `json:"hits"`
	Aggregations map[string]jsontext.Value `json:"aggregations"`
	Shards       struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
}

type found struct {
	Total struct {
		Value int `json:"value"`
	} `json:"total"`
	MaxScore *float64 `json:"max_score"`
	Hits     []hit    `json:"hits"`
}

type hit struct {
	ID     string   `json:"_id"`
	Score  *float64 `json:"_score"`
	Source struct {
		Index  string `json:"index"`
		Source string `json:"source"`
	} `json:"_source"`
	Fields map[string][]string `json:"fields"`
	Sort   []any               `json:"sort"`
}

// Search answers a request.
func (e *Engine) Search(ctx context.Context, req search.Request) (search.Result, error) {
	if err := search.CheckRequest(req); err != nil {
		return search.Result{}, err
	}
	if err := e.prepare(ctx); err != nil {
		return search.Result{}, err
	}
	result, err := e.search(ctx, req)
	if entity.KindOf(err) == entity.KindNotFound { // somebody removed the index
		e.vanished()
		err = &entity.Error{Kind: entity.KindUnavailable, Message: "The search index is being built anew; try again in a moment.", Cause: err}
	}
	return result, err
}

func (e *Engine) search(ctx context.Context, req search.Request) (search.Result, error) {
	within, err := restrictions(req)
	if err != nil {
		return search.Result{}, err
	}
	matching := object{"filter": within}
	body := object{"track_total_hits": true, "size": 0, "query": object{"bool": matching}}
	sorts := req.Sort
	if len(sorts) == 0 {
		sorts = []search.Sort{{Field: "_score", Desc: true}}
	}
	scoring := false
	if req.Size > 0 {
		if byScore(sorts) {
			parts, err := e.score(ctx, req)
			if err != nil {
				return search.Result{}, err
			}
			if scoring = len(parts) > 0; scoring {
				matching["should"], matching["minimum_should_match"] = parts, 0
			}
		}
		if err := e.page(ctx, req, sorts, scoring, body); err != nil {
			return search.Result{}, err
		}
	}
	if err := restrict(req, matching, body); err != nil {
		return search.Result{}, err
	}
	said, err := e.ask(ctx, body)
	if err != nil {
		return search.Result{}, err
	}
	result := search.Result{Total: said.Hits.Total.Value}
	if result.Aggregations, err = e.readAggregations(ctx, req.Aggregations, said.Aggregations); err != nil {
		return search.Result{}, err
	}
	if req.Size == 0 || result.Total == 0 {
		return result, nil
	}
	result.MaxScore = 1
	if scoring && said.Hits.MaxScore != nil {
		result.MaxScore = *said.Hits.MaxScore
	}
	result.Hits, err = readHits(req, said.Hits.Hits, scoring)
	return result, err
}

// restrictions are the filters that decide what matches.
func restrictions(req search.Request) ([]object, error) {
	within := []object{isDocument()}
	if len(req.Indexes) > 0 {
		within = []object{oneOf(fieldIndex, req.Indexes)}
	}
	if req.Deleted != nil {
		within = append(within, object{"term": object{fieldDeleted: *req.Deleted}})
	}
	for _, q := range []search.Query{req.Visible, req.Filter, req.Query} {
		if q == nil {
			continue
		}
		clause, err := translate(q)
		if err != nil {
			return nil, err
		}
		within = append(within, clause)
	}
	return within, nil
}

// restrict adds the filter that facets do not see, and the facets.
func restrict(req search.Request, matching, body object) error {
	if never := includes(req.Aggregations); len(never) > 0 {
		matching["must_not"] = never
	}
	if req.PostFilter != nil {
		clause, err := translate(req.PostFilter)
		if err != nil {
			return err
		}
		body["post_filter"] = clause
	}
	if len(req.Aggregations) > 0 {
		aggs, err := aggregations(req.Aggregations)
		if err != nil {
			return err
		}
		body["aggs"] = aggs
	}
	return nil
}

func byScore(sorts []search.Sort) bool {
	return slices.ContainsFunc(sorts, func(s search.Sort) bool { return s.Field == "_score" })
}

// page says which hits are wanted.
func (e *Engine) page(ctx context.Context, req search.Request, sorts []search.Sort, scoring bool, body object) error {
	order, err := sortOrder(sorts)
	if err != nil {
		return err
	}
	body["from"], body["size"], body["sort"], body["track_scores"] = req.From, req.Size, order, scoring
	body["_source"] = []string{fieldIndex}
	if !req.NoSource || req.Highlight {
		body["_source"] = []string{fieldIndex, fieldSource}
	}
	if len(req.After) > 0 {
		if body["search_after"], err = e.after(ctx, req, scoring); err != nil {
			return err
		}
	}
	return nil
}

// ask sends a search.
func (e *Engine) ask(ctx context.Context, body object) (answer, error) {
	limit := fmt.Sprintf("%dms", e.opts.Timeout.Milliseconds())
	query := url.Values{"cancel_after_time_interval": {limit}, "allow_partial_search_results": {"false"}}
	var said answer
	err := e.client.call(ctx, http.MethodPost, e.at("/_search"), query, body, &said)
	if err == nil && (said.TimedOut || said.Shards.Failed > 0) {
		err = entity.BadRequest("the query takes too long; narrow it")
	}
	return said, err
}

// sortOrder is the sort of a page. Ties are broken by id.
func sortOrder(sorts []search.Sort) ([]object, error) {
	var order []object
	for _, sort := range sorts {
		direction := "asc"
		if sort.Desc {
			direction = "desc"
		}
		switch sort.Field {
		case "_score":
			order = append(order, object{"_score": object{"order": direction}})
		case "_id", "_doc":
			order = append(order, object{fieldID: object{"order": direction}})
		default:
			path, _ := search.BasePath(sort.Field)
			if !search.Indexed(path) {
				return nil, entity.BadRequest("the results cannot be sorted by %q", entity.Shorten(path, 100))
			}
			order = append(order, object{column(fieldValues, path): object{"order": direction, "missing": "_last", "unmapped_type": "keyword"}})
		}
	}
	if !search.EndsWithID(sorts) {
		order = append(order, object{fieldID: object{"order": "asc"}})
	}
	return order, nil
}

// column is the field with the values of a path.
func column(field, path string) string {
	if path == "_index" {
		return fieldIndex
	}
	return field + "." + escape(path)
}

// after turns search_after into the cluster's.
func (e *Engine) after(ctx context.Context, req search.Request, scoring bool) ([]any, error) {
	values, id, err := req.Cursor()
	if err != nil {
		return nil, err
	}
	var after []any
	for i, sort := range req.Sort {
		switch {
		case sort.Field == "_score":
			key, ok := search.NumberKeyOf(values[i])
			if !ok {
				return nil, entity.BadRequest("search_after needs a number for _score")
			}
			score := search.KeyValue(key)
			if !scoring {
				score = 0 // what the cluster gives to matches that are worth the same
			}
			after = append(after, score)
		case sort.OfField():
			value, err := e.afterValue(ctx, sort.Field, values[i])
			if err != nil {
				return nil, err
			}
			after = append(after, value)
		default:
			after = append(after, id.String())
		}
	}
	if !search.EndsWithID(req.Sort) {
		after = append(after, id.String())
	}
	return after, nil
}

// afterValue reads a sort value as what the field holds: null for none, a number where there are numbers, text otherwise.
func (e *Engine) afterValue(ctx context.Context, field, given string) (any, error) {
	if given == "null" || given == "None" {
		return nil, nil
	}
	path, _ := search.BasePath(field)
	for _, key := range search.TermKeys(given)[1:] {
		term := text(key)
		before := escape(path) + "=" + term[:1]
		counts, err := e.counts(ctx, []object{{"prefix": object{fieldTerms: before}}})
		if err != nil {
			return nil, err
		}
		if counts[0] > 0 {
			return term, nil
		}
	}
	return text(search.StringKey(given)), nil
}

func readHits(req search.Request, found []hit, scoring bool) ([]search.Hit, error) {
	var marker *search.Highlighter
	if req.Highlight {
		marker = search.NewHighlighter(req.Query)
	}
	hits := make([]search.Hit, 0, len(found))
	for _, one := range found {
		id, err := entity.ParseID(one.ID)
		if err != nil {
			return nil, entity.Internal(err)
		}
		h := search.Hit{ID: id, Index: one.Source.Index, Score: 1}
		if scoring && one.Score != nil {
			h.Score = *one.Score
		}
		h.Sort = sortValues(req.Sort, one, h.Score)
		source := jsontext.Value(one.Source.Source)
		if marker != nil {
			h.Highlight = marker.Mark(source)
		}
		if !req.NoSource {
			h.Source = source
		}
		hits = append(hits, h)
	}
	return hits, nil
}

// sortValues are what search_after takes to go on after a hit.
func sortValues(sorts []search.Sort, one hit, score float64) []any {
	if len(sorts) == 0 {
		return nil
	}
	values := make([]any, 0, len(sorts)+1)
	for i, sort := range sorts {
		switch {
		case sort.Field == "_score":
			values = append(values, score)
		case !sort.OfField():
			values = append(values, one.ID)
		default:
			var value any
			if i < len(one.Sort) {
				if text, ok := one.Sort[i].(string); ok {
					value = search.KeyValue(key(text))
				}
			}
			values = append(values, value)
		}
	}
	if !search.EndsWithID(sorts) {
		values = append(values, one.ID)
	}
	return values
}

// refused is the error of one of several searches.
func refused(f *failure) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return entity.Internal(err)
	}
	return refusal(f.status, raw)
}
