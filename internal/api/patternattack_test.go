//go:build !race

package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestT71ExpensivePatterns: wherever a pattern goes in, one that backtracking would never
// finish is answered, and one that is too large is refused. Nothing runs into the time
// of a request.
func TestT71ExpensivePatterns(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	for i := range 5 {
		name := fmt.Sprintf("%s%d!", strings.Repeat("a", 120), i)
		h.indexed("table", "/tables/"+h.table(s, name, strings.Repeat("a", 100)+"!", "b"))
	}
	wide, fqn := h.wideTable()
	x := h.attacked()
	h.api.limits.Timeout = 20 * time.Second
	patterns := []string{
		`(a+)+$`, `(a*)*$`, `(a|aa)+$`, `(a|a)*b`, `(.*a){20}b`, `(x+x+)+y`, `((a+)+)+$`, strings.Repeat("a?", 400) + strings.Repeat("a", 200), `(.*)*(.*)*(.*)*[0-9]{9}`,
		strings.Repeat("(a+)+", 200) + "$", `(a{1,30}){30}b`, strings.Repeat("*a", 1500), strings.Repeat("?*", 1500), strings.Repeat("(a+)+$", 1700), strings.Repeat(`.{0,999}`, 120), strings.Repeat("(", 4000), strings.Repeat("[a-", 3000),
		strings.Repeat(`\`, 4001), strings.Repeat("/a/ ", 1000), strings.Repeat("a~ ", 1000), strings.Repeat(`"a b"~9 `, 400), strings.Repeat("a OR (", 600), strings.Repeat("NOT ", 1000),
	}
	clause := func(kind, field, pattern string) string {
		return fmt.Sprintf(`{"query":{"%s":{"%s":{"value":%q}}}}`, kind, field, pattern)
	}
	for _, pattern := range patterns {
		q, slashes := url.QueryEscape(pattern), url.QueryEscape("/"+strings.ReplaceAll(pattern, "/", `\/`)+"/")
		paths := []string{
			"/search/query?index=table&q=" + q, "/search/query?index=table&q=" + slashes, "/search/query?index=table&q=name:" + slashes, "/search/query?index=table&q=description:" + q,
			"/search/fieldQuery?index=table&fieldName=name&fieldValue=" + q, "/search/suggest?index=table&q=" + q, "/search/aggregate?index=table&field=name.keyword&value=" + q,
			"/search/aggregate?index=table&field=name.keyword&value=" + q + ".*", "/tables/" + wide + "/columns/search?q=" + q, "/tables/name/" + esc(fqn) + "/columns/search?q=" + q,
			"/dataQuality/testCases/search/list?q=" + q, "/dataQuality/testSuites/search/list?q=" + q,
		}
		for _, kind := range []string{"regexp", "wildcard", "prefix", "match", "fuzzy"} {
			for _, field := range []string{"name", "name.keyword", "description", "sourceUrl.keyword"} {
				paths = append(paths, "/search/query?index=table&q=&query_filter="+url.QueryEscape(clause(kind, field, pattern)))
			}
		}
		paths = append(paths, "/search/query?index=table&q=&post_filter="+url.QueryEscape(fmt.Sprintf(`{"query":{"query_string":{"query":%q,"fields":["name","description"]}}}`, pattern)))
		for _, path := range paths {
			x.refused(h.as(h.nobody, "GET", path, nil), 200, 400)
		}
		x.refused(h.as(h.nobody, "POST", "/search/aggregate", map[string]any{"index": "table", "fieldName": "name.keyword", "fieldValue": pattern + ".*", "query": pattern}), 200, 400)
	}
	for _, path := range []string{
		"/search/query?index=table&q=name:" + url.QueryEscape("/"+strings.Repeat(".{0,999}", 100)+"/"), "/search/query?index=table&query_filter=" + url.QueryEscape(clause("regexp", "name", strings.Repeat("a", 10_000))),
	} {
		x.refused(h.as(h.nobody, "GET", path, nil), 400)
	}
	x.over()
}

// TestT71PatternsOfTagsAreData: what recognizes personal data is for the client that
// profiles; the server keeps its patterns and compares nothing with them.
func TestT71PatternsOfTagsAreData(t *testing.T) {
	h := newHarness(t)
	h.api.limits.Timeout = 20 * time.Second
	h.do("POST", "/classifications", `{"name":"Kinds","description":"d"}`, 201)
	for i, pattern := range []string{`(a+)+$`, strings.Repeat("(a+)+", 2000) + "$", "(", `(?<!x)\1`} {
		tag := map[string]any{"name": fmt.Sprintf("k%d", i), "classification": "Kinds", "description": strings.Repeat("a", 10_000) + "!", "recognizers": []map[string]any{{
			"name": "r", "enabled": true, "recognizerConfig": map[string]any{"type": "pattern", "regexFlags": map[string]any{}, "supportedLanguage": "en", "patterns": []map[string]any{{"name": "p", "regex": pattern, "score": 0.5}}},
		}}}
		h.do("POST", "/tags", tag, 201)
		got := h.do("GET", fmt.Sprintf("/tags/name/Kinds.k%d", i), nil, 200)
		if regex := got.at("recognizers.0.recognizerConfig.patterns.0.regex"); regex != pattern {
			t.Errorf("%.60q is kept as %.60q", pattern, regex)
		}
	}
}
