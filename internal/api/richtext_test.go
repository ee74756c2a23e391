package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/richtext"
)

// hostileTexts would run something in a reader's browser, each in another way.
var hostileTexts = []string{
	"Orders <script>alert(1)</script>", "<img src=x onerror=alert(1)> orders", "[orders](javascript:alert(1))", "> <a href=\"java\n> script:alert(1)\">orders</a>",
	"<svg/onload=alert(1)>", "`<iframe src=//evil>`", "![x](data:image/svg+xml;base64,PHN2Zz4=)", "[x]: vbscript:x", "<p style=\"width:expression(alert(1))\">x", "<form action=//evil><button>x",
}

// harmlessTexts look like it, and come back byte for byte.
var harmlessTexts = []string{
	"a < b, `List<String>`, Map<String, Object>", "See <https://example.com/a?b=1>, <ann@example.com> and <#E::table::a.b>", "<p>HTML <b>too</b>, &lt;script&gt; &amp; co</p>",
	"```sql\nSELECT a[1](x) FROM t WHERE x<y AND online = 1\n```", "[docs](https://example.com) ![l](data:image/png;base64,iVBORw0KGgo=)\n\n[1]: https://example.com\n> quoted <b>x</b>",
}

// writeText sends a text in by every way there is for one, and returns the addresses at
// which it can be read again.
func writeText(h *harness, n int, text string) []string {
	h.t.Helper()
	name := fmt.Sprintf("t%d", n)
	fqn := "shop.db.public." + name
	table := h.do("POST", "/tables", map[string]any{
		"name": name, "databaseSchema": "shop.db.public", "description": text, "extension": map[string]any{"notes": text},
		"columns": []any{map[string]any{"name": "a", "dataType": "STRUCT", "description": text, "children": []any{map[string]any{"name": "b", "dataType": "INT", "description": text}}}},
	}, 201)
	id := table.id()
	link := "<#E::table::" + fqn + ">"
	column := "<#E::table::" + fqn + "::columns::a.b>"
	h.do("PUT", "/tables", map[string]any{"name": name + "put", "databaseSchema": "shop.db.public", "description": text, "columns": []any{}}, 201)
	h.do("PUT", "/databaseSchemas", map[string]any{"name": name, "database": "shop.db"}, 201)
	schema := h.do("GET", "/databaseSchemas/name/shop.db."+name, nil, 200).id()
	h.do("PATCH", "/databaseSchemas/"+schema, []any{map[string]any{"op": "add", "path": "/description", "value": text}}, 200)
	h.do("PUT", "/tables/bulk", []any{map[string]any{"name": name + "bulk", "databaseSchema": "shop.db.public", "description": text, "columns": []any{}}}, 200)
	h.imported(h.admin, "/databaseSchemas/name/shop.db."+name+"/import", lines("name*,description", `csv,"`+strings.ReplaceAll(text, `"`, `""`)+`"`), false)
	h.do("PUT", "/columns/name/"+fqn+".a?entityType=table", map[string]any{"description": text}, 200)
	h.do("PUT", "/glossaries", map[string]any{"name": name, "description": text}, 201)
	h.do("PUT", "/glossaryTerms", map[string]any{"name": "term", "glossary": name, "description": text}, 201)
	h.do("PUT", "/classifications", map[string]any{"name": name, "description": text}, 201)
	h.do("PUT", "/tags", map[string]any{"name": "tag", "classification": name, "description": text}, 201)
	h.do("PUT", "/domains", map[string]any{"name": name, "domainType": "Aggregate", "description": text}, 201)
	h.do("PUT", "/services/pipelineServices", map[string]any{"name": "flow", "serviceType": "Airflow", "description": text}, 200, 201)
	h.do("PUT", "/pipelines", map[string]any{"name": name, "service": "flow", "tasks": []any{map[string]any{"name": "t", "description": text}}}, 201)
	h.do("PUT", "/policies", map[string]any{"name": name, "rules": []any{map[string]any{
		"name": "r", "description": text, "effect": "allow", "operations": []any{"ViewBasic"}, "resources": []any{"table"},
	}}}, 201)
	property := map[string]any{"name": "p" + name, "description": text, "propertyType": ref("type", h.typeID("string"))}
	h.do("PUT", "/metadata/types/"+h.typeID("topic"), property, 200)
	other := h.table("shop.db.public", name+"other", "a")
	h.do("PUT", "/lineage", map[string]any{"edge": map[string]any{
		"fromEntity": ref("table", id), "toEntity": ref("table", other), "lineageDetails": map[string]any{"description": text},
	}}, 200)

	thread := h.do("POST", "/feed", map[string]any{"message": text, "from": "admin", "about": link}, 201)
	h.do("POST", "/feed/"+thread.id()+"/posts", map[string]any{"message": text, "from": "admin"}, 201)
	patched := h.do("POST", "/feed", map[string]any{"message": "x", "from": "admin", "about": link}, 201)
	h.do("PATCH", "/feed/"+patched.id(), []any{map[string]any{"op": "replace", "path": "/message", "value": text}}, 200)
	h.do("POST", "/feed", map[string]any{"message": text, "from": "admin", "about": link, "type": "Announcement", "announcementDetails": map[string]any{"description": text, "startTime": 1, "endTime": 2}}, 201)
	task := h.task(h.admin, h.admin, "UpdateDescription", column, text)
	h.do("PUT", "/feed/tasks/"+task.at("task.id")+"/resolve", map[string]any{"newValue": text}, 200)
	closed := h.task(h.admin, h.admin, "UpdateDescription", column, text)
	h.do("PUT", "/feed/tasks/"+closed.at("task.id")+"/close", map[string]any{"comment": text}, 200)
	suggestion := h.do("POST", "/suggestions", map[string]any{"type": "SuggestDescription", "description": text, "entityLink": "<#E::table::" + fqn + "::columns::a>"}, 201)
	h.do("PUT", "/suggestions/"+suggestion.id()+"/accept", nil, 200)

	return []string{
		"/tables/" + id + "?fields=*", "/tables/" + id + "/versions", "/tables/name/" + fqn + "put", "/tables/name/" + fqn + "bulk", "/tables/name/shop.db." + name + ".csv",
		"/databaseSchemas/" + schema, "/glossaries/name/" + name, "/glossaryTerms/name/" + name + ".term", "/classifications/name/" + name, "/tags/name/" + name + ".tag", "/domains/name/" + name,
		"/services/pipelineServices/name/flow", "/pipelines/name/flow." + name + "?fields=tasks", "/policies/name/" + name, "/metadata/types/name/topic/customProperties", "/lineage/getLineage?fqn=" + fqn + "&type=table",
		"/feed/" + thread.id(), "/feed/" + patched.id(), "/feed?entityLink=" + url.QueryEscape(link), "/suggestions/" + suggestion.id(),
	}
}

// texts calls see for every string of a JSON value; versions are JSON in strings.
func texts(v any, see func(string)) {
	switch v := v.(type) {
	case string:
		var inner any
		if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &inner) == nil {
			texts(inner, see)
			return
		}
		see(v)
	case []any:
		for _, item := range v {
			texts(item, see)
		}
	case map[string]any:
		for _, member := range v {
			texts(member, see)
		}
	}
}

// textWorld has what texts can be written about.
func textWorld(t *testing.T) *harness {
	h := newHarness(t)
	h.schema()
	h.property("notes", "markdown", nil).want(200)
	return h
}

// TestT49StoredClean writes hostile texts by every way there is and reads them again:
// nothing active comes back, not even once. How pages show them is tested with the
// pages.
func TestT49StoredClean(t *testing.T) {
	h := textWorld(t)
	for n, text := range hostileTexts {
		clean := richtext.Clean(text)
		if clean == text {
			t.Fatalf("%q is not hostile", text)
		}
		for _, path := range writeText(h, n, text) {
			got := h.do("GET", path, nil, 200)
			var doc any
			got.into(&doc)
			shown := false
			texts(doc, func(s string) {
				shown = shown || s == clean
				if strings.Contains(s, text) || richtext.Clean(s) != s {
					t.Errorf("%s holds %q", path, s)
				}
			})
			if !shown {
				t.Errorf("%s does not show %q: %.2000s", path, clean, got.body)
			}
		}
	}
	var events any
	h.do("GET", "/events?entityCreated=*&entityUpdated=*&timestamp=0", nil, 200).into(&events)
	seen := 0
	texts(events, func(s string) {
		seen++
		if richtext.Clean(s) != s {
			t.Errorf("an event holds %q", s)
		}
	})
	if seen < 1000 {
		t.Errorf("the events have only %d texts", seen)
	}
}

// TestT50LegitimateTextsComeBack: clients compare what they read with what they sent.
func TestT50LegitimateTextsComeBack(t *testing.T) {
	h := textWorld(t)
	for n, text := range harmlessTexts {
		for _, path := range writeText(h, n, text) {
			got := h.do("GET", path, nil, 200)
			var doc any
			got.into(&doc)
			shown := false
			texts(doc, func(s string) { shown = shown || s == text })
			if !shown {
				t.Errorf("%s does not have %q: %.2000s", path, text, got.body)
			}
		}
	}
}

// TestT50LinksOfMembers: members that are addresses take none that runs something.
func TestT50LinksOfMembers(t *testing.T) {
	h := newHarness(t)
	h.schema()
	h.do("PUT", "/services/dashboardServices", map[string]any{"name": "boards", "serviceType": "Superset"}, 201)
	for _, address := range []string{"javascript:alert(1)", " JAVASCRIPT:alert(1)", "java\tscript:alert(1)", "vbscript:x", "data:text/html,x", "data:image/svg+xml,x"} {
		h.do("PUT", "/dashboards", map[string]any{"name": "b", "service": "boards", "sourceUrl": address}, 400)
		h.do("PUT", "/classifications", map[string]any{"name": "c", "description": "d", "owners": []any{}}, 200, 201)
		h.do("PUT", "/tags", map[string]any{"name": "t", "classification": "c", "description": "d", "style": map[string]any{"iconURL": address}}, 400)
	}
	h.do("PUT", "/dashboards", map[string]any{"name": "b", "service": "boards", "sourceUrl": "https://boards/b 1"}, 201)
	table := h.table("shop.db.public", "links", "a")
	h.property("home", "hyperlink-cp", nil).want(200)
	value, err := json.Marshal([]any{map[string]any{"op": "add", "path": "/extension", "value": map[string]any{"home": map[string]any{"url": "javascript:alert(1)", "displayText": "x"}}}})
	check(t, err)
	h.do("PATCH", "/tables/"+table, string(value), 400)
}
