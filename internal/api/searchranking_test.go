package api

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// TestSeededRankingIsTheDefault has the settings of a new catalog show by what it
// ranks anyway.
func TestSeededRankingIsTheDefault(t *testing.T) {
	raw, err := os.ReadFile("../seed/data/settings.json")
	check(t, err)
	var settings []struct {
		Type  string         `json:"type"`
		Value jsontext.Value `json:"value"`
	}
	check(t, json.Unmarshal(raw, &settings))
	h := newHarness(t)
	seen := false
	for _, s := range settings {
		if s.Type != searchSetting {
			continue
		}
		seen = true
		h.do("PUT", "/system/settings", `{"config_type":"searchSettings","config_value":`+string(s.Value)+`}`, 200)
		ranking, err := h.api.catalog.ParseRanking(s.Value)
		check(t, err)
		if diff := cmp.Diff(search.DefaultRanking(), ranking); diff != "" {
			t.Errorf("(-default +seeded):\n%s", diff)
		}
	}
	if !seen {
		t.Error("there are no search settings in a new catalog")
	}
}

// rankedTables are tables that a query finds for different reasons.
func (h *harness) rankedTables() (byName, byText string) {
	h.t.Helper()
	s := h.schema()
	byName = h.table(s, "visits_daily", "day")
	byText = h.do("PUT", "/tables", `{"name":"t_17","databaseSchema":"`+s+`","description":"all visits of a daily kind, visits and visits","columns":[{"name":"day","dataType":"DATE"}]}`, 201).id()
	h.indexing()
	return byName, byText
}

func TestRankingFollowsTheSettings(t *testing.T) {
	h := newHarness(t)
	byName, byText := h.rankedTables()
	const byDescription = `{"defaultConfiguration":{"assetType":"default","searchFields":[{"field":"description","boost":50},{"field":"name.ngram","boost":1}]}}`
	first := func(want string) {
		t.Helper()
		h.as(h.nobody, "GET", "/search/query?index=table&q="+url.QueryEscape("daily visit"), nil).want(200).shows("hits.hits.0._id", want, "hits.total.value", "2")
		h.as(h.nobody, "GET", "/search/suggest?index=table&q="+url.QueryEscape("daily visit"), nil).want(200).shows("suggest.metadata-suggest.0.options.0._id", want)
	}
	preview := func(settings, want string) {
		t.Helper()
		h.do("POST", "/search/preview", `{"query":"daily visit","index":"table","size":5,"searchSettings":`+settings+`}`, 200).shows("hits.hits.0._id", want, "hits.total.value", "2")
	}
	first(byName)
	preview(`{}`, byName)
	preview(byDescription, byText)
	first(byName) // a preview changes nothing

	own := `{"assetTypeConfigurations":[{"assetType":"table","searchFields":[{"field":"description","boost":50}]},{"assetType":"topic","searchFields":[{"field":"name","boost":50}]}]}`
	preview(own, byText)
	preview(`{"globalSettings":{"termBoosts":[{"field":"name.keyword","value":"t_17","boost":100}]},"defaultConfiguration":{"assetType":"default","searchFields":[{"field":"name","boost":1},{"field":"description","boost":1}]}}`, byText)
	preview(`{"globalSettings":{"fieldValueBoosts":[{"field":"totalVotes","factor":100,"condition":{"range":{"gte":0,"lt":5}}}]}}`, byName)

	h.do("PUT", "/system/settings", `{"config_type":"searchSettings","config_value":`+byDescription+`}`, 200)
	first(byText)
	h.do("PATCH", "/system/settings/searchSettings", `[{"op":"remove","path":"/defaultConfiguration"}]`, 200)
	first(byName)
}

func TestRankingSettingsAreChecked(t *testing.T) {
	h := newHarness(t)
	h.rankedTables()
	many := strings.Repeat(`{"field":"tier.tagFQN","value":"x","boost":1},`, 60)
	for settings, says := range map[string]string{
		`{"assetTypeConfigurations":[{"assetType":"teapot"}]}`:                                          "teapot",
		`{"defaultConfiguration":{"assetType":"default","searchFields":[{"field":"name","boost":-1}]}}`: "between 0 and 1000",
		`{"globalSettings":{"termBoosts":[{"field":"tier.tagFQN","value":"x","boost":101}]}}`:           "percent",
		`{"globalSettings":{"termBoosts":[` + strings.TrimSuffix(many, ",") + `]}}`:                     "at most 50",
		`{"globalSettings":{"termBoosts":[{"field":"description","value":"x","boost":1}]}}`:             "description",
		`{"globalSettings":{"fieldValueBoosts":[{"field":"totalVotes","factor":-1}]}}`:                  "factor",
		`{"globalSettings":{"fieldValueBoosts":[{"field":"totalVotes","factor":1,"modifier":"cube"}]}}`: "",
		`{"teapot":1}`: "teapot",
		`[]`:           "",
		`{"globalSettings":{"maxResultHits":"many"}}`: "",
	} {
		for _, call := range [][3]string{
			{"PUT", "/system/settings", `{"config_type":"searchSettings","config_value":` + settings + `}`},
			{"POST", "/search/preview", `{"query":"a","index":"table","searchSettings":` + settings + `}`},
		} {
			if got := h.do(call[0], call[1], call[2], 400); !strings.Contains(got.at("message"), says) {
				t.Errorf("%s of %s does not name %q: %s", call[1], settings, says, got.body)
			}
		}
	}
	for _, body := range []string{`{}`, `{"query":"a","index":"teapot","searchSettings":{}}`, `{"query":"a","index":"table","searchSettings":{},"size":-1}`, `{"query":"a","index":"table","searchSettings":{},"queryFilter":"{"}`} {
		h.do("POST", "/search/preview", body, 400)
	}
}

func TestTypingErrorsFindWhatWasMeant(t *testing.T) {
	h := newHarness(t)
	byName, _ := h.rankedTables()
	for _, q := range []string{"vistis_daily", "viists daily", "visits dialy"} {
		for _, path := range []string{"/search/query?index=table&q=", "/search/suggest?index=table&q=", "/search/nlq/query?index=table&q="} {
			if got := h.as(h.nobody, "GET", path+url.QueryEscape(q), nil).want(200); !strings.Contains(string(got.body), byName) {
				t.Errorf("%s%s does not find visits_daily: %s", path, q, got.body)
			}
		}
	}
	// A query means what it says.
	for _, q := range []string{`"vistis_daily"`, "name:vistis_daily", "vistis_daily AND day", "vist?s_daly"} {
		h.as(h.nobody, "GET", "/search/query?index=table&q="+url.QueryEscape(q), nil).want(200).shows("hits.total.value", "0")
	}
	h.as(h.nobody, "GET", "/search/query?index=table&q=visits_daily_18", nil).want(200).shows("hits.total.value", "0")
}
