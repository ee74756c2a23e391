package api

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// text sends a body as plain text, as imports want it.
func (h *harness) text(who caller, method, path, body string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1"+path, strings.NewReader(body))
	check(h.t, err)
	req.Header.Set("Authorization", "Bearer "+who.token)
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	check(h.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	check(h.t, err)
	return answer{t: h.t, what: method + " " + path, status: resp.StatusCode, header: resp.Header, body: raw}
}

// imported is what an import answers, with the rows taken apart at the line ends.
func (h *harness) imported(who caller, path, body string, dryRun bool) csvio.Result {
	h.t.Helper()
	method := "PUT"
	if strings.Contains(path, "/drives/directories/") {
		method = "POST"
	}
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	var result csvio.Result
	h.text(who, method, fmt.Sprintf("%s%sdryRun=%t", path, join, dryRun), body).want(200).into(&result)
	if result.DryRun != dryRun {
		h.t.Errorf("dryRun is %t, want %t", result.DryRun, dryRun)
	}
	return result
}

// counts are the numbers of a result.
func counts(r csvio.Result) string {
	return fmt.Sprintf("%s %d/%d/%d", r.Status, r.Processed, r.Passed, r.Failed)
}

func wantCounts(t *testing.T, r csvio.Result, want string) {
	t.Helper()
	if got := counts(r); got != want {
		t.Fatalf("the import is %s, want %s\n%s%s", got, want, r.AbortReason, r.Rows)
	}
}

// resultLines are the status and details of each row.
func resultLines(r csvio.Result) []string {
	lines := strings.Split(strings.TrimSuffix(r.Rows, "\r\n"), "\r\n")[1:]
	out := make([]string, len(lines))
	for i, line := range lines {
		parts := strings.SplitN(line, ",", 3)
		out[i] = parts[0] + " " + parts[1]
	}
	return out
}

// populate fills a catalog with a bit of everything that can be exported.
func (h *harness) populate() {
	h.t.Helper()
	h.schema()
	h.do("PUT", "/domains", map[string]any{"name": "Sales", "domainType": "Aggregate", "description": "All about sales"}, 200, 201)
	h.do("PUT", "/classifications", map[string]any{"name": "Grade", "description": "d"}, 200, 201)
	h.do("PUT", "/tags", map[string]any{"name": "A.1", "classification": "Grade", "description": "d"}, 200, 201)
	h.do("PUT", "/glossaries", map[string]any{"name": "Words", "description": "Our words"}, 200, 201)
	h.do("PUT", "/glossaryTerms", map[string]any{
		"name": "Customer", "glossary": "Words", "description": "Who buys", "synonyms": []string{"client", "bu;yer"},
		"references": []map[string]any{{"name": "law", "endpoint": "https://example.org/law"}}, "style": map[string]any{"color": "#1f77b4"},
	}, 200, 201)
	h.do("PUT", "/glossaryTerms", map[string]any{
		"name": "Key", "glossary": "Words", "parent": "Words.Customer", "description": "=SUM(A1)", "relatedTerms": []string{"Words.Customer"},
		"reviewers": []map[string]any{{"id": h.nobody.id, "type": "user"}},
	}, 200, 201)
	h.do("PUT", "/tables", map[string]any{
		"name": "ord.ers", "databaseSchema": "shop.db.public", "displayName": "Orders, all", "description": "One \"row\"\r\neach\n",
		"owners": []map[string]any{{"id": h.nobody.id, "type": "user"}}, "domains": []string{"Sales"}, "sourceUrl": "https://example.org/o",
		"tags": []map[string]any{{"tagFQN": "Tier.Tier1", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}},
		"columns": []map[string]any{
			{"name": "id", "dataType": "INT", "description": "+1", "tags": []map[string]any{
				{"tagFQN": `Grade."A.1"`, "source": "Classification", "labelType": "Derived", "state": "Suggested"},
				{"tagFQN": "Words.Customer", "source": "Glossary", "labelType": "Manual", "state": "Confirmed"},
			}},
			{"name": "address", "dataType": "STRUCT", "dataTypeDisplay": "struct<zip.code:varchar>", "children": []map[string]any{
				{"name": "zip.code", "dataType": "VARCHAR", "dataLength": 12, "displayName": "-zip"},
			}},
			{"name": "lines", "dataType": "ARRAY", "arrayDataType": "INT", "dataTypeDisplay": "array<int>"},
		},
	}, 200, 201)
	h.table("shop.db.public", "zz", "a")
	h.do("PUT", "/storedProcedures", map[string]any{
		"name": "tidy", "databaseSchema": "shop.db.public", "storedProcedureCode": map[string]any{"code": "BEGIN; a, b\n END", "language": "SQL"},
	}, 200, 201)
	group := h.do("GET", "/teams/name/Organization", nil, 200).id()
	h.do("PUT", "/teams", map[string]any{"name": "Marketing", "teamType": "Department", "parents": []string{group}, "isJoinable": false}, 200, 201)
	department := h.do("GET", "/teams/name/Marketing", nil, 200).id()
	h.do("PUT", "/teams", map[string]any{"name": "Ads", "teamType": "Group", "parents": []string{department}}, 200, 201)
	ads := h.do("GET", "/teams/name/Ads", nil, 200).id()
	h.do("PUT", "/users", map[string]any{"name": "jane.doe", "email": "jane@example.org", "displayName": "Jane", "teams": []string{ads}}, 200, 201)
	h.do("POST", "/dataQuality/testCases", map[string]any{
		"name": "rows", "entityLink": `<#E::table::shop.db.public."ord.ers">`, "testDefinition": "tableRowCountToBeBetween",
		"parameterValues": []map[string]any{{"name": "minValue", "value": "1"}, {"name": "maxValue", "value": "1;0"}}, "computePassedFailedRowCount": true,
	}, 201)
	h.do("POST", "/dataQuality/testCases", map[string]any{
		"name": "unique", "entityLink": `<#E::table::shop.db.public."ord.ers"::columns::id>`, "testDefinition": "columnValuesToBeUnique", "description": "@all",
	}, 201)
	h.do("PUT", "/services/driveServices", map[string]any{"name": "drive", "serviceType": "GoogleDrive"}, 200, 201)
	h.do("PUT", "/drives/directories", map[string]any{"name": "Reports", "service": "drive"}, 200, 201)
	h.do("PUT", "/drives/directories", map[string]any{"name": "20.24", "service": "drive", "parent": "drive.Reports"}, 200, 201)
}

// files are the calls that export something of what populate makes.
func files() map[string]struct {
	path, param string
	rows        int
} {
	type file = struct {
		path, param string
		rows        int
	}
	return map[string]file{
		"service":           {"/services/databaseServices/name/shop", "", 1},
		"service and below": {"/services/databaseServices/name/shop", "?recursive=true", 10},
		"database":          {"/databases/name/shop.db", "", 1},
		"database below":    {"/databases/name/shop.db", "?recursive=true", 9},
		"schema":            {"/databaseSchemas/name/shop.db.public", "", 2},
		"schema below":      {"/databaseSchemas/name/shop.db.public", "?recursive=true", 8},
		"table":             {"/tables/name/shop.db.public.%22ord.ers%22", "", 4},
		"glossary":          {"/glossaries/name/Words", "", 2},
		"term":              {"/glossaryTerms/name/Words.Customer", "", 1},
		"team":              {"/teams/name/Organization", "", 2},
		"users":             {"/users", "?team=Marketing", 1},
		"test cases":        {"/dataQuality/testCases/name/shop.db.public.%22ord.ers%22", "", 2},
		"suite":             {"/dataQuality/testCases/name/shop.db.public.%22ord.ers%22.testSuite", "", 2},
		"all test cases":    {"/dataQuality/testCases/name/*", "", 2},
		"drive":             {"/services/driveServices/name/drive", "", 1},
		"drive below":       {"/services/driveServices/name/drive", "?recursive=true", 2},
		"directories":       {"/drives/directories", "?name=drive.Reports", 1},
	}
}

func (h *harness) lastSeq() uint64 {
	h.t.Helper()
	var seq uint64
	check(h.t, h.store.View(h.t.Context(), func(r store.Reader) (err error) { seq, err = r.LastSeq(h.t.Context()); return err }))
	return seq
}

// What was exported and is imported as it is changes nothing.
func TestImportOfAnExportChangesNothing(t *testing.T) {
	h := newHarness(t)
	h.populate()
	before := h.lastSeq()
	for name, file := range files() {
		t.Run(name, func(t *testing.T) {
			h := *h
			h.t = t
			got := h.do("GET", file.path+"/export"+file.param, nil, 200)
			if media := got.header.Get("Content-Type"); media != "text/plain; charset=utf-8" {
				t.Errorf("the media type is %q", media)
			}
			for _, dryRun := range []bool{true, false} {
				result := h.imported(h.admin, file.path+"/import"+file.param, string(got.body), dryRun)
				wantCounts(t, result, fmt.Sprintf("success %d/%d/0", file.rows+1, file.rows+1))
				for _, line := range strings.Split(result.Rows, "\r\n") {
					if strings.HasPrefix(line, "success,") && !strings.HasPrefix(line, "success,Entity unchanged,") {
						t.Errorf("the import changed %s", line)
					}
				}
			}
			again := h.do("GET", file.path+"/export"+file.param, nil, 200)
			if diff := cmp.Diff(string(got.body), string(again.body)); diff != "" {
				t.Errorf("the export differs after the import (-before +after):\n%s", diff)
			}
			if after := h.lastSeq(); after != before {
				t.Errorf("the import left %d events", after-before)
			}
		})
	}
}

func TestExportShowsWhatThereIs(t *testing.T) {
	h := newHarness(t)
	h.populate()
	got := string(h.do("GET", "/tables/name/shop.db.public.%22ord.ers%22/export", nil, 200).body)
	want := "column.name*,column.displayName,column.description,column.dataTypeDisplay,column.dataType,column.arrayDataType,column.dataLength,column.tags,column.glossaryTerms\r\n" +
		"id,,'+1,int,INT,,,\"\"\"Grade.\"\"\"\"A.1\"\"\"\"\"\"\",Words.Customer\r\n" +
		"address,,,struct<zip.code:varchar>,STRUCT,,,,\r\n" +
		"\"address.\"\"zip.code\"\"\",'-zip,,,VARCHAR,,12,,\r\n" +
		"lines,,,array<int>,ARRAY,INT,,,\r\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the columns differ (-want +got):\n%s", diff)
	}
	got = string(h.do("GET", "/glossaries/name/Words/export", nil, 200).body)
	want = "parent,name*,displayName,description,synonyms,relatedTerms,references,tags,reviewers,owner,glossaryStatus,color,iconURL,extension\r\n" +
		",Customer,,Who buys,\"client;\"\"bu;yer\"\"\",Words.Customer.Key,law;https://example.org/law,,,,Approved,#1f77b4,,\r\n" +
		"Words.Customer,Key,,'=SUM(A1),,Words.Customer,,,user:somebody,,Draft,,,\r\n"
	if !strings.Contains(got, "'=SUM(A1)") || strings.Count(got, "\r\n") != 3 {
		t.Errorf("the terms are\n%s\nwant something like\n%s", got, want)
	}
	got = string(h.do("GET", "/services/databaseServices/name/shop/export?recursive=true", nil, 200).body)
	header, _, _ := strings.Cut(got, "\r\n")
	if want := "name*,displayName,description,owner,tags,glossaryTerms,tiers,certification,retentionPeriod,sourceUrl,domains,extension,entityType*,fullyQualifiedName," +
		"column.dataTypeDisplay,column.dataType,column.arrayDataType,column.dataLength,storedProcedure.code,storedProcedure.language"; header != want {
		t.Errorf("the headers are\n%s, want\n%s", header, want)
	}
	if !slices.Contains(strings.Split(got, "\r\n"), `address,,,,,,,,,,,,column,"shop.db.public.""ord.ers"".address",struct<zip.code:varchar>,STRUCT,,,,`) {
		t.Errorf("the column address is not among\n%s", got)
	}
}
