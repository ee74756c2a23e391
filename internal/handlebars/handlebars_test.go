package handlebars

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func values(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	err := json.Unmarshal([]byte(`{"event":{"eventType":"entityUpdated","timestamp":0,"changeDescription":{"fieldsUpdated":[{"name":"columns.id.tags"}]}},
		"entity":{"name":"orders","displayName":"","fullyQualifiedName":"shop.db.orders","rows":12,"open":true,"description":"<b>&{{event}}</b>","href":"https://x.example.org/1",
			"owners":[{"name":"ann","type":"user"},{"name":"data","type":"team"}],"none":[],"map":{"b":2,"a":1}}}`), &v)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRender(t *testing.T) {
	v := values(t)
	for text, want := range map[string]string{
		"plain":                            "plain",
		"{{entity.name}}":                  "orders",
		"{{ entity.missing.deep }}|":       "|",
		"{{entity.description}}":           "&lt;b&gt;&amp;{{event}}&lt;/b&gt;",
		"{{{entity.description}}}":         "<b>&{{event}}</b>",
		"{{&entity.description}}":          "<b>&{{event}}</b>",
		"a {{~entity.name~}} b":            "aordersb",
		"a{{! not shown }}b{{!-- }} --}}c": "abc",
		"{{#if entity.open}}y{{else}}n{{/if}}{{#if entity.none}}y{{else}}n{{/if}}":                                                           "yn",
		"{{#unless entity.none}}u{{/unless}}":                                                                                                "u",
		"{{#if (eq entity.rows 1)}}1{{else if (gt entity.rows 10)}}many{{else}}few{{/if}}":                                                   "many",
		"{{#each entity.owners}}{{@index}}{{name}}{{#unless @last}}, {{/unless}}{{/each}}":                                                   "0ann, 1data",
		"{{#each entity.map}}{{@key}}={{this}};{{/each}}":                                                                                    "a=1;b=2;",
		"{{#each entity.none}}x{{else}}nobody{{/each}}":                                                                                      "nobody",
		"{{#each entity.none}}x{{else if entity.open}}open{{/each}}":                                                                         "open",
		"{{#each entity.owners as |o i|}}{{i}}{{o.name}}{{../entity.rows}} {{/each}}":                                                        "0ann12 1data12 ",
		"{{#with entity.owners.[0]}}{{name}} {{@root.entity.name}}{{/with}}":                                                                 "ann orders",
		"{{or entity.displayName entity.name}}":                                                                                              "orders",
		"{{#if (and entity.open (not entity.none))}}ok{{/if}}":                                                                               "ok",
		"{{length entity.owners}}{{length entity.name}}":                                                                                     "26",
		`{{joinList (pluck entity.owners "name") "/"}}`:                                                                                      "ann/data",
		`{{#each (filter entity.owners type="team")}}{{name}}{{/each}}`:                                                                      "data",
		`{{#each (split entity.fullyQualifiedName ".")}}[{{this}}]{{/each}}`:                                                                 "[shop][db][orders]",
		`{{math entity.rows "+" 1}} {{math entity.rows "/" 0}}`:                                                                              "13 ",
		`{{upper "abc"}}{{lower 'ABC'}}{{camelCaseToTitle "databaseSchema"}}`:                                                                "ABCabcDatabase Schema",
		"{{formatDate event.timestamp}}":                                                                                                     "1970-01-01 00:00:00 UTC",
		`{{#if (hasFieldInChanges event.changeDescription "columns")}}c{{/if}}`:                                                              "c",
		`{{limit entity.name 3}}{{#each (limit entity.owners 1)}}{{name}}{{/each}}`:                                                          "ordann",
		`{{#if (startsWith entity.name "or")}}s{{/if}}{{#if (endsWith entity.name "x")}}e{{/if}}{{#if (contains entity.name "de")}}c{{/if}}`: "sc",
		"{{buildEntityUrl entity}}":                                                                                                          "https://x.example.org/1",
		"{{entity.constructor}}{{entity.__proto__}}":                                                                                         "",
		"{{ne 1 2}} {{lt 1 2}}":                                                                                                              "true true",
	} {
		parsed, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := parsed.Render(v); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"{{": "never closed", "{{entity": "never closed", "{{{entity}}": "never closed", "{{#if a}}": "never closed", "{{/if}}": "closes nothing", "{{else}}": "closes nothing",
		"{{#if a}}{{/each}}": "is closed by", "{{#each a}}{{#if b}}{{/each}}{{/if}}": "is closed by", "{{#if}}{{/if}}": "what it is about", "{{#frob a}}{{/frob}}": "no block",
		"{{> partial}}": "partials", "{{frob a}}": "no helper", "{{eq (frob a) 1}}": "no helper", "{{entity.name x}}": "no helper", `{{eq "a}}`: "never closed", "{{eq (ne 1 2}}": "never closed",
		"{{a[0}}": "never closed", "{{a..b}}{{": "never closed", "{{}}": "missing", "{{#each a as |x}}{{/each}}": "understood", "line\n{{frob a}}": "line 2",
		strings.Repeat("{{#if a}}", 30) + strings.Repeat("{{/if}}", 30): "deep", "{{eq " + strings.Repeat("(eq 1 ", 40) + "1" + strings.Repeat(")", 40) + "}}": "deep",
		strings.Repeat("x", MaxTemplate+1): "longer", "\xff": "UTF-8", strings.Repeat("{{a}}", 11_000): "too many",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v does not say %q", text, err, says)
		}
	}
}

// TestRenderingHasLimits: no template makes much of little.
func TestRenderingHasLimits(t *testing.T) {
	list := make([]any, 1000)
	v := map[string]any{"list": list}
	for _, text := range []string{
		"{{#each list}}{{#each @root.list}}{{#each @root.list}}x{{/each}}{{/each}}{{/each}}",
		"{{#each list}}" + strings.Repeat("y", 1000) + "{{/each}}",
	} {
		parsed, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Render(v); err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

func TestHelpersAreListed(t *testing.T) {
	list := Helpers()
	if len(list) != len(helpers)+4 {
		t.Errorf("%d helpers are listed", len(list))
	}
	for _, h := range list {
		if _, err := Parse(h.Usages[0].Example); err != nil {
			t.Errorf("the example of %s: %v", h.Name, err)
		}
	}
}

// FuzzRender: whatever is parsed is rendered or refused.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{"{{a}}", "{{#each entity.owners as |x i|}}{{x.name}}{{else}}n{{/each}}", "{{#if (eq a 'b')}}{{{a.[0].b}}}{{~else if x~}}{{/if}}", "{{math 1 '+' @index}}{{!-- --~}}", "{{filter a b=1}}{{~{a}~}}", "{{#each a as |}}{{/each}}"} {
		f.Add(seed)
	}
	v := values(f)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text)
		if err != nil {
			return
		}
		if out, err := parsed.Render(v); err == nil && len(out) > maxOutput+(MaxTemplate<<1) {
			t.Errorf("%d bytes of a template of %d", len(out), len(text))
		}
	})
}
