package api

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// customCase is a custom property with a value that it takes and one that it refuses.
type customCase struct {
	name, kind string
	config     any
	good, bad  any
	cell       string // the bad value as CSV has it
}

// customCases has every type of property that there is.
func customCases(user string) []customCase {
	list := map[string]any{"values": []string{"a", "b"}}
	return []customCase{
		{"text", "string", nil, "plain words", 1, "[1]"},
		{"md", "markdown", nil, "**bold**", 1, "[1]"},
		{"sql", "sqlQuery", nil, "select 1", 1, "[1]"},
		{"int", "integer", nil, 7.0, 1.5, "1.5"},
		{"num", "number", nil, 1.5, "x", "x"},
		{"mail", "email", nil, "ann@example.org", "ann", "ann"},
		{"one", "enum", list, []any{"a"}, []any{"c"}, `["c"]`},
		{"many", "enum", map[string]any{"values": []string{"a", "b"}, "multiSelect": true}, []any{"a", "b"}, []any{"a", "a"}, `["a","a"]`},
		{"day", "date-cp", "dd/MM/yyyy", "31/12/2026", "2026-12-31", "2026-12-31"},
		{"moment", "dateTime-cp", "yyyy-MM-dd HH:mm:ss", "2026-12-31 23:59:59", "2026-12-31", "2026-12-31"},
		{"clock", "time-cp", "HH:mm:ss", "23:59:59", "24:00:00", "24:00:00"},
		{"stamp", "timestamp", nil, 1795477537466.0, -1, "-1"},
		{"span", "timeInterval", nil, map[string]any{"start": 1.0, "end": 2.0}, map[string]any{"start": 2, "end": 1}, `{"start":2,"end":1}`},
		{"wait", "duration", nil, "P1DT12H", "1 day", "1 day"},
		{"link", "hyperlink-cp", nil, map[string]any{"url": "https://example.org/x", "displayText": "x"}, map[string]any{"url": "javascript:alert(1)"}, `{"url":"javascript:alert(1)"}`},
		{"who", "entityReference", []string{"user"}, ref("user", user), "admin", `[1]`},
		{"whom", "entityReferenceList", []string{"user"}, []any{ref("user", user)}, ref("user", user), `[1]`},
		{"grid", "table-cp", map[string]any{"columns": []string{"k", "v"}}, map[string]any{"columns": []any{"k", "v"}, "rows": []any{map[string]any{"k": "1", "v": "2"}}},
			map[string]any{"rows": []any{map[string]any{"z": "1"}}}, `{"rows":[{"z":"1"}]}`},
	}
}

// customTable is a request for a table with values of custom properties.
func customTable(schema, name string, extension map[string]any) map[string]any {
	return map[string]any{"name": name, "databaseSchema": schema, "columns": []any{map[string]any{"name": "id", "dataType": "INT"}}, "extension": extension}
}

// TestCustomValuesByEveryDoor: a value of a custom property means the same, and is
// refused alike, wherever it comes in.
func TestCustomValuesByEveryDoor(t *testing.T) {
	h := newHarness(t)
	h.searchable()
	s := h.schema()
	cases := customCases(h.admin.id.String())
	for _, tc := range cases {
		h.property(tc.name, tc.kind, tc.config).want(200)
	}
	stored := func(name string) map[string]any {
		t.Helper()
		var got struct {
			Extension map[string]any `json:"extension"`
		}
		h.do("GET", "/tables/name/"+url.PathEscape(s+"."+name)+"?fields=extension", nil, 200).into(&got)
		return got.Extension
	}
	whole := map[string]any{}
	for _, tc := range cases {
		whole[tc.name] = tc.good
	}
	h.do("POST", "/tables", customTable(s, "posted", whole), 201)
	h.do("PUT", "/tables", customTable(s, "put", whole), 201)
	h.do("PUT", "/tables", customTable(s, "again", nil), 201)
	h.do("PUT", "/tables", customTable(s, "again", whole), 200)
	if got := h.bulk(h.admin, "/tables/bulk", []any{customTable(s, "bulk", whole)}); got.Status != "success" {
		t.Errorf("bulk = %+v", got)
	}
	patched := h.table(s, "patched", "id")
	h.do("PATCH", "/tables/"+patched, []any{map[string]any{"op": "add", "path": "/extension", "value": whole}}, 200)
	want := stored("posted")
	for _, tc := range cases {
		if want[tc.name] == nil {
			t.Errorf("%s is not kept", tc.name)
		}
	}
	for _, name := range []string{"put", "again", "bulk", "patched"} {
		if diff := cmp.Diff(want, stored(name)); diff != "" {
			t.Errorf("%s (-posted +got):\n%s", name, diff)
		}
	}
	exported := h.do("GET", "/databaseSchemas/name/"+s+"/export", nil, 200)
	h.do("PATCH", "/tables/"+patched, `[{"op":"remove","path":"/extension"}]`, 200)
	if got := h.imported(h.admin, "/databaseSchemas/name/"+s+"/import", string(exported.body), false); got.Status != "success" {
		t.Fatalf("import = %+v", got)
	}
	if diff := cmp.Diff(want, stored("patched")); diff != "" {
		t.Errorf("after the round by CSV (-posted +got):\n%s", diff)
	}
	for _, tc := range cases {
		t.Run(tc.kind+" "+tc.name, func(t *testing.T) { h.refusesEverywhere(t, s, patched, exported.body, tc) })
	}
	if diff := cmp.Diff(want, stored("patched")); diff != "" {
		t.Errorf("what was refused left something (-want +got):\n%s", diff)
	}
}

// refusesEverywhere sends the bad value by every door.
func (h *harness) refusesEverywhere(t *testing.T, schema, id string, exported []byte, tc customCase) {
	t.Helper()
	bad := map[string]any{tc.name: tc.bad}
	for _, method := range []string{"POST", "PUT"} {
		if got := h.as(h.admin, method, "/tables", customTable(schema, "bad", bad)); got.status != 400 {
			t.Errorf("%s answers %d: %s", method, got.status, got.body)
		}
	}
	patch := []any{map[string]any{"op": "add", "path": "/extension/" + tc.name, "value": tc.bad}}
	if got := h.as(h.admin, "PATCH", "/tables/"+id, patch); got.status != 400 {
		t.Errorf("PATCH answers %d: %s", got.status, got.body)
	}
	if got := h.bulk(h.admin, "/tables/bulk", []any{customTable(schema, "bad", bad)}); got.NumberOfRowsFailed != 1 {
		t.Errorf("bulk = %+v", got)
	}
	records, err := csv.NewReader(bytes.NewReader(exported)).ReadAll()
	check(t, err)
	column := slices.Index(records[0], "extension")
	row := slices.IndexFunc(records, func(r []string) bool { return r[0] == "patched" })
	if column < 0 || row < 0 {
		t.Fatalf("the export has no extension or no table: %q", records)
	}
	var cell bytes.Buffer
	w := csv.NewWriter(&cell)
	w.Comma = ';'
	check(t, w.Write([]string{tc.name + ":" + tc.cell}))
	w.Flush()
	records[row][column] = string(bytes.TrimSpace(cell.Bytes()))
	var file bytes.Buffer
	check(t, csv.NewWriter(&file).WriteAll([][]string{records[0], records[row]}))
	for _, dry := range []bool{true, false} {
		if got := h.imported(h.admin, "/databaseSchemas/name/"+schema+"/import", file.String(), dry); got.Failed != 1 {
			t.Errorf("import (dry: %v) of %s = %+v", dry, file.String(), got)
		}
	}
}

// TestNumbersThatNobodyHolds: a number that no client could read is refused.
func TestNumbersThatNobodyHolds(t *testing.T) {
	h := newHarness(t)
	id := h.table(h.schema(), "a", "id")
	for name, kind := range map[string]string{"num": "number", "int": "integer", "stamp": "timestamp"} {
		h.property(name, kind, nil).want(200)
		for _, value := range []string{"1e400", "-1e400"} {
			h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/extension","value":{"`+name+`":`+value+`}}]`, 400)
		}
	}
}

// TestSearchForCustomValues finds tables by the values of their custom properties.
func TestSearchForCustomValues(t *testing.T) {
	h := newHarness(t)
	h.searchable()
	s := h.schema()
	for _, tc := range customCases(h.admin.id.String()) {
		h.property(tc.name, tc.kind, tc.config).want(200)
		h.do("POST", "/tables", customTable(s, "with_"+tc.name, map[string]any{tc.name: tc.good}), 201)
	}
	for filter, want := range map[string]string{
		`{"term":{"extension.text.keyword":"plain words"}}`:               "with_text",
		`{"match":{"extension.text":"words"}}`:                            "with_text",
		`{"term":{"extension.int":7}}`:                                    "with_int",
		`{"range":{"extension.num":{"gt":1,"lt":2}}}`:                     "with_num",
		`{"term":{"extension.many.keyword":"b"}}`:                         "with_many",
		`{"range":{"extension.stamp":{"gte":1795477537466}}}`:             "with_stamp",
		`{"range":{"extension.span.start":{"lte":1}}}`:                    "with_span",
		`{"term":{"extension.who.name.keyword":"admin"}}`:                 "with_who",
		`{"term":{"extension.whom.name.keyword":"admin"}}`:                "with_whom",
		`{"term":{"extension.link.url.keyword":"https://example.org/x"}}`: "with_link",
		`{"term":{"extension.grid.rows.k.keyword":"1"}}`:                  "with_grid",
		`{"exists":{"field":"extension.wait"}}`:                           "with_wait",
	} {
		got := h.as(h.admin, http.MethodGet, "/search/query?index=table&q=*&query_filter="+url.QueryEscape(`{"query":`+filter+`}`), nil).want(200)
		var found struct {
			Hits struct {
				Hits []struct {
					Source struct {
						Name string `json:"name"`
					} `json:"_source"`
				} `json:"hits"`
			} `json:"hits"`
		}
		check(t, json.Unmarshal(got.body, &found))
		if len(found.Hits.Hits) != 1 || found.Hits.Hits[0].Source.Name != want {
			t.Errorf("%s finds %+v, want %s", filter, found.Hits.Hits, want)
		}
	}
}
