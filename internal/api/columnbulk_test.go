package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// columnWorld makes tables whose columns share names: id is described in one, tagged in
// another and bare in a third; zip lies inside address.
func (h *harness) columnWorld() {
	h.t.Helper()
	s := h.schema()
	tag := []map[string]any{{"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}}
	for name, columns := range map[string][]map[string]any{
		"one":   {{"name": "id", "dataType": "INT", "description": "The key"}, {"name": "Email", "dataType": "INT"}},
		"two":   {{"name": "id", "dataType": "INT", "description": "The key", "tags": tag}, {"name": "email", "dataType": "INT"}},
		"three": {{"name": "id", "dataType": "INT"}, {"name": "address", "dataType": "STRUCT", "dataTypeDisplay": "struct<zip:int>", "children": []map[string]any{{"name": "zip", "dataType": "INT"}}}},
	} {
		h.do("PUT", "/tables", map[string]any{"name": name, "databaseSchema": s, "columns": columns}, 201)
	}
	h.do("PUT", "/services/databaseServices", map[string]any{"name": "other", "serviceType": "Postgres"}, 201)
	h.do("PUT", "/databases", map[string]any{"name": "db", "service": "other"}, 201)
	h.do("PUT", "/databaseSchemas", map[string]any{"name": "public", "database": "other.db"}, 201)
	h.table("other.db.public", "four", "id", "note")
	h.columnsIndexed()
}

func (h *harness) columnsIndexed() {
	h.t.Helper()
	h.indexed("table", "/tables/name/shop.db.public.one", "/tables/name/shop.db.public.two", "/tables/name/shop.db.public.three", "/tables/name/other.db.public.four")
}

func (h *harness) grid(who caller, query string) (out columnGrid) {
	h.t.Helper()
	h.as(who, "GET", "/columns/grid?"+query, nil).want(200).into(&out)
	return out
}

// gridLines tells of each name how many columns have it, in how many groups.
func gridLines(g columnGrid) []string {
	out := []string{}
	for _, item := range g.Columns {
		out = append(out, fmt.Sprintf("%s %d/%d %s", item.Name, item.Total, len(item.Groups), item.Status))
	}
	return out
}

func TestColumnGrid(t *testing.T) {
	h := newHarness(t)
	h.columnWorld()
	for query, want := range map[string][]string{
		"":                           {"address 1/1 MISSING", "Email 1/1 MISSING", "email 1/1 MISSING", "id 4/3 MISSING", "note 1/1 MISSING"},
		"serviceName=other":          {"id 1/1 MISSING", "note 1/1 MISSING"},
		"serviceTypes=Postgres,Hive": {"id 1/1 MISSING", "note 1/1 MISSING"},
		"schemaName=nowhere":         {},
		"columnNamePattern=MAI":      {"Email 1/1 MISSING", "email 1/1 MISSING"},
		"columnNamePattern=.*":       {},
		"hasConflicts=true":          {"id 4/3 MISSING"},
		"tags=PII.Sensitive":         {"id 4/3 MISSING"},
		"metadataStatus=COMPLETE":    {},
		"columnNamePattern=id&metadataStatus=missing": {"id 4/3 MISSING"},
		"entityTypes=dashboardDataModel":              {},
	} {
		if diff := cmp.Diff(want, gridLines(h.grid(h.admin, query))); diff != "" {
			t.Errorf("grid of %q (-want +got):\n%s", query, diff)
		}
	}
	g := h.grid(h.admin, "columnNamePattern=address")
	if got := g.Columns[0].Groups[0]; len(got.Children) != 1 || got.Children[0].Name != "zip" || got.Occurrences[0].FQN != "shop.db.public.three.address" || got.Occurrences[0].ServiceName != "shop" {
		t.Errorf("group = %+v", got)
	}
	for _, query := range []string{"size=0", "size=2000", "cursor=%25", "metadataStatus=SOME", "hasConflicts=perhaps", "entityTypes=topic", "domainId=x"} {
		h.do("GET", "/columns/grid?"+query, nil, 400)
	}
}

func TestColumnGridPages(t *testing.T) {
	h := newHarness(t)
	h.columnWorld()
	var names []string
	cursor := ""
	for pages := 0; pages < 10; pages++ {
		g := h.grid(h.admin, "size=1&cursor="+url.QueryEscape(cursor))
		for _, item := range g.Columns {
			names = append(names, item.Name)
		}
		if cursor = g.Cursor; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"address", "Email", "email", "id", "note"}, names); diff != "" {
		t.Errorf("names over all pages (-want +got):\n%s", diff)
	}
}

func TestColumnSearchAndExport(t *testing.T) {
	h := newHarness(t)
	h.columnWorld()
	var groups []groupedColumns
	h.do("GET", "/columns/search?columnName=id", nil, 200).into(&groups)
	if len(groups) != 1 || groups[0].Total != 4 || groups[0].Occurrences[0].FQN != "other.db.public.four.id" || groups[0].Occurrences[3].Tags[0].TagFQN != "PII.Sensitive" {
		t.Errorf("columns = %+v", groups)
	}
	h.do("GET", "/columns/search?columnName=zip", nil, 200).into(&groups)
	if len(groups) != 1 || groups[0].Occurrences[0].FQN != "shop.db.public.three.address.zip" {
		t.Errorf("an inner column = %+v", groups)
	}
	h.do("GET", "/columns/search?columnName=EMAIL", nil, 200).into(&groups)
	if len(groups) != 0 {
		t.Errorf("the case of a name counts: %+v", groups)
	}
	h.do("GET", "/columns/search?entityTypes=topic", nil, 400)
	want := "column.name*,column.displayName,column.description,column.tags,column.glossaryTerms\r\nEmail,,,,\r\naddress,,,,\r\nemail,,,,\r\nid,,The key,,\r\nzip,,,,\r\n"
	if diff := cmp.Diff(want, string(h.do("GET", "/columns/export?serviceName=shop", nil, 200).body)); diff != "" {
		t.Errorf("the export (-want +got):\n%s", diff)
	}
}

func TestColumnsAreFilteredByWhatOneMaySee(t *testing.T) {
	h := newHarness(t)
	h.columnWorld()
	h.do("PUT", "/policies", `{"name":"NoTables","enabled":true,"rules":[{"name":"no","resources":["table"],"operations":["All"],"effect":"deny"}]}`, 201)
	h.do("PUT", "/roles", `{"name":"Blind","policies":["NoTables"]}`, 201)
	blind := h.consumer("blind")
	h.do("PATCH", "/users/"+blind.id.String(), `[{"op":"add","path":"/roles/-","value":{"id":"`+h.do("GET", "/roles/name/Blind", nil, 200).id()+`","type":"role"}}]`, 200)
	if g := h.grid(blind, ""); len(g.Columns) != 0 || g.Unique != 0 || g.Occurrences != 0 {
		t.Errorf("grid = %+v", g)
	}
	if got := string(h.as(blind, "GET", "/columns/search", nil).want(200).body); got != "[]" {
		t.Errorf("columns = %s", got)
	}
	const body = `{"columnUpdates":[{"columnFQN":"shop.db.public.one.id","entityType":"table","displayName":"X"}]}`
	h.as(blind, "POST", "/columns/bulk-update-preview", body).want(200).shows("totalColumns", "0")
	var result engine.BulkResult
	h.jobResult(blind, h.as(blind, "POST", "/columns/bulk-update-async", body).want(200)).want(200).into(&result)
	if result.Status != "failure" || result.FailedRequest[0].Status != 403 {
		t.Errorf("the update = %+v", result)
	}
}

func (h *harness) column(table, name string) column {
	h.t.Helper()
	var ent entity.Entity
	h.do("GET", "/tables/name/"+table+"?fields=columns,tags", nil, 200).into(&ent)
	columns, err := columnsOf(&ent)
	check(h.t, err)
	found := findColumn(columns, table+"."+name)
	if found == nil {
		h.t.Fatalf("%s has no column %s", table, name)
	}
	return *found
}

func TestBulkUpdateOfColumns(t *testing.T) {
	h := newHarness(t)
	h.columnWorld()
	run := func(body string) (r engine.BulkResult) {
		t.Helper()
		h.jobResult(h.admin, h.do("POST", "/columns/bulk-update-async", body, 200)).want(200).into(&r)
		return r
	}
	const byName = `{"columnName":"id","serviceName":"shop","displayName":"Key","tags":[]%s}`
	h.do("POST", "/columns/bulk-update-preview", fmt.Sprintf(byName, ""), 200).shows("totalColumns", "3")
	if r := run(fmt.Sprintf(byName, `,"dryRun":true`)); r.NumberOfRowsPassed != 3 || !r.DryRun || h.column("shop.db.public.two", "id").DisplayName != "" {
		t.Errorf("a dry run = %+v", r)
	}
	if r := run(fmt.Sprintf(byName, "")); r.Status != "success" || r.NumberOfRowsPassed != 3 {
		t.Errorf("the update = %+v", r)
	}
	if got := h.column("shop.db.public.two", "id"); got.DisplayName != "Key" || got.Description != "The key" || len(got.Tags) != 0 {
		t.Errorf("column = %+v", got)
	}
	if got := h.column("other.db.public.four", "id"); got.DisplayName != "" {
		t.Errorf("a column of another service = %+v", got)
	}
	r := run(`{"columnUpdates":[{"columnFQN":"shop.db.public.three.address.zip","entityType":"table","description":"Where"},
		{"columnFQN":"shop.db.public.three.id","entityType":"table","tags":[{"tagFQN":"No.Such","source":"Classification","labelType":"Manual","state":"Confirmed"}]},
		{"columnFQN":"shop.db.public.none.id","entityType":"table","description":"x"},{"columnFQN":"short","entityType":"table"},{"columnFQN":"a.b.c.d","entityType":"topic"}]}`)
	if r.Status != "partialSuccess" || r.NumberOfRowsPassed != 1 || r.NumberOfRowsFailed != 4 || h.column("shop.db.public.three", "address.zip").Description != "Where" {
		t.Errorf("the update = %+v", r)
	}
	for _, body := range []string{`{}`, `{"columnUpdates":[]}`, `{"columnName":"id","entityTypes":["topic"]}`, `{"columnName":"id","domainId":"x"}`, `{"columnName":7}`, `[]`, `{"columnName":"id","more":1}`} {
		h.do("POST", "/columns/bulk-update-async", body, 400)
		h.do("POST", "/columns/bulk-update-preview", body, 400)
	}
}

func TestImportOfColumns(t *testing.T) {
	h := newHarness(t)
	h.columnWorld()
	const file = "column.name*,column.displayName,column.description,column.tags,column.glossaryTerms\nid,Key,,PII.None,\nzip,,Where,,\nnone,,x,,\nEmail,,,No.Such,\n,,x,,\nid,twice,,,\nnote,short\n"
	load := func(path string) (r csvio.Result) {
		t.Helper()
		h.text(h.admin, http.MethodPost, path, file).want(200).into(&r)
		return r
	}
	wantCounts(t, load("/columns/import?serviceName=shop"), "partialSuccess 8/3/5")
	if got := h.column("shop.db.public.two", "id"); got.DisplayName != "" {
		t.Errorf("a dry run changed %+v", got)
	}
	r := load("/columns/import?serviceName=shop&dryRun=false")
	wantCounts(t, r, "partialSuccess 8/3/5")
	for _, says := range []string{"3 columns", "there is no such column", "#FIELD_REQUIRED", "twice", "#INVALID_FIELD_COUNT", "No.Such"} {
		if !strings.Contains(r.Rows, says) {
			t.Errorf("the rows do not say %q:\n%s", says, r.Rows)
		}
	}
	if got := h.column("shop.db.public.two", "id"); got.DisplayName != "Key" || got.Description != "The key" || len(got.Tags) != 1 || got.Tags[0].TagFQN != "PII.None" {
		t.Errorf("column = %+v", got)
	}
	h.columnsIndexed()
	var later csvio.Result
	h.jobResult(h.admin, h.text(h.admin, http.MethodPost, "/columns/import-async?serviceName=other", "column.name*,column.description\nnote,A note\n").want(200)).want(200).into(&later)
	wantCounts(t, later, "success 2/2/0")
	if got := h.column("other.db.public.four", "note"); got.Description != "A note" {
		t.Errorf("column = %+v", got)
	}
	wantAborted := func(body string) {
		t.Helper()
		var r csvio.Result
		h.text(h.admin, http.MethodPost, "/columns/import", body).want(200).into(&r)
		if r.Status != "aborted" || r.AbortReason == "" {
			t.Errorf("the import of %q is %+v", body, r)
		}
	}
	wantAborted("name\nx\n")
	wantAborted("\xff")
	h.do("POST", "/columns/import", `{}`, 415)
	h.text(h.admin, http.MethodPost, "/columns/import?entityTypes=topic", file).want(400)
}
