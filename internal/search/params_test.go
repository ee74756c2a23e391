package search

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func values(t *testing.T, query string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func catalogForTest() *Catalog { return NewCatalog([]string{"table", "query", "user", "team"}) }

func TestQueryCall(t *testing.T) {
	no := false
	call, err := catalogForTest().QueryCall(values(t, `q=&size=100&deleted=false&query_filter={"query":{"bool":{"must":[{"term":{"tableType":"View"}}]}}}`+
		`&index=table_search_index&include_source_fields=schemaDefinition&include_source_fields=fullyQualifiedName`+
		`&sort_field=fullyQualifiedName&sort_order=desc&search_after=svc.a,b,0192d5a0-0000-7000-8000-000000000001`), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := Request{
		Indexes: []string{"table_search_index"}, Query: MatchAll{}, Filter: Bool{Must: []Query{Term{Field: "tableType", Value: "View"}}},
		Deleted: &no, Size: 100, Sort: []Sort{{Field: "fullyQualifiedName", Desc: true}},
		After: []string{"svc.a", "b", "0192d5a0-0000-7000-8000-000000000001"},
	}
	if diff := cmp.Diff(want, call.Request); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"schemaDefinition", "fullyQualifiedName"}, call.Source.Include); diff != "" {
		t.Error(diff)
	}
	call, err = catalogForTest().QueryCall(values(t, "q=x"), time.Time{})
	if err != nil || call.Request.Size != 10 || len(call.Request.Aggregations) == 0 || call.Request.Indexes[0] != "table_search_index" {
		t.Errorf("defaults: %+v, %v", call.Request, err)
	}
}

func TestCallsRefuse(t *testing.T) {
	c := catalogForTest()
	for query, part := range map[string]string{
		"size=x": "size", "from=-1": "from", "deleted=maybe": "deleted", "index=nope": "nope", "sort_order=up": "sort_order",
		"query_filter={": "JSON", `post_filter={"script":{}}`: "script",
	} {
		_, err := c.QueryCall(values(t, query), time.Time{})
		if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", query, err)
		}
	}
	if _, err := c.FieldCall(url.Values{}); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("a field query without a field: %v", err)
	}
	if _, err := c.AggregateBody([]byte(`{"fieldName":"a","nope":1}`), time.Time{}); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("an unknown member: %v", err)
	}
}

func TestOtherCalls(t *testing.T) {
	c := catalogForTest()
	field, err := c.FieldCall(values(t, `fieldName=fullyQualifiedName&fieldValue=*.db.a?b&from=0&size=5&index=table_search_index`))
	if diff := cmp.Diff(Query(Wildcard{Field: "fullyQualifiedName", Pattern: `*.db.a\?b`}), field.Request.Filter); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	agg, err := c.AggregateBody([]byte(`{"fieldName":"owners.name","fieldValue":"a.b","size":3,"index":"table","topHits":{"size":2}}`), time.Time{})
	want := map[string]Aggregation{"owners.name": {
		Kind: AggTerms, Field: "owners.name", Size: 3, Include: `.*a\.b.*`, Sub: map[string]Aggregation{"top": {Kind: AggTopHits, Size: 2}},
	}}
	if diff := cmp.Diff(want, agg.Request.Aggregations); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	suggest, err := c.SuggestCall(values(t, "q=ord&index=table_search_index"))
	if err != nil || suggest.Text != "ord" || suggest.Request.Size != 10 {
		t.Errorf("%+v, %v", suggest, err)
	}
}

func TestRender(t *testing.T) {
	id := entity.NewID()
	hit := Hit{ID: id, Index: "table_search_index", Score: 2, Source: []byte(`{"name":"a","service":{"name":"s","id":1},"tags":[{"tagFQN":"x","style":1}]}`), Sort: []any{"a", id.String()}}
	call := Call{
		Request: Request{Sort: []Sort{{Field: "name"}}, Aggregations: map[string]Aggregation{"t": {}}},
		Source:  SourceFilter{Include: []string{"service.name", "tags.tagFQN"}},
	}
	result := Result{Total: 7, Hits: []Hit{hit}, Aggregations: map[string]AggregationResult{"t": {Kind: AggTerms, Buckets: []Bucket{{Key: "View", Count: 2}}}}}
	raw, err := RenderQuery(call, result, 3*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"took":3,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},` +
		`"hits":{"total":{"value":7,"relation":"eq"},"max_score":null,"hits":[{"_index":"table_search_index","_type":"_doc","_id":"` + id.String() +
		`","_score":null,"_source":{"service":{"name":"s"},"tags":[{"tagFQN":"x"}]},"sort":["a","` + id.String() + `"]}]},` +
		`"aggregations":{"sterms#t":{"buckets":[{"doc_count":2,"key":"View"}],"doc_count_error_upper_bound":0,"sum_other_doc_count":0}}}`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	raw, err = RenderAggregate(call, result, 0)
	if err != nil || !strings.Contains(string(raw), `"suggest":{"buckets":[{`) {
		t.Errorf("%s %v", raw, err)
	}
	raw, err = RenderSuggest(Call{Text: "ord"}, result)
	var suggested struct {
		Suggest map[string][]struct {
			Text    string `json:"text"`
			Options []struct {
				Text string `json:"text"`
				ID   string `json:"_id"`
			} `json:"options"`
		} `json:"suggest"`
	}
	if err != nil || json.Unmarshal(raw, &suggested) != nil {
		t.Fatal(err, string(raw))
	}
	if s := suggested.Suggest["metadata-suggest"]; len(s) != 1 || s[0].Text != "ord" || s[0].Options[0].Text != "a" || s[0].Options[0].ID != id.String() {
		t.Errorf("%s", raw)
	}
}

func TestSourceFilter(t *testing.T) {
	const source = `{"a":1,"b":{"c":2,"d":[{"e":3,"f":4}]},"g":[1]}`
	for _, c := range []struct {
		filter SourceFilter
		want   string
	}{
		{SourceFilter{}, source},
		{SourceFilter{None: true}, ""},
		{SourceFilter{Include: []string{"b"}}, `{"b":{"c":2,"d":[{"e":3,"f":4}]}}`},
		{SourceFilter{Include: []string{"b.d.e", "g"}}, `{"b":{"d":[{"e":3}]},"g":[1]}`},
		{SourceFilter{Include: []string{"b*"}, Exclude: []string{"*.f", "b.c"}}, `{"b":{"d":[{"e":3}]}}`},
		{SourceFilter{Exclude: []string{"b"}}, `{"a":1,"g":[1]}`},
	} {
		got, err := c.filter.Apply([]byte(source))
		if err != nil || string(got) != c.want {
			t.Errorf("%+v: %s, %v; want %s", c.filter, got, err, c.want)
		}
	}
}
