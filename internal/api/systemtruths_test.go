package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTruthsOfTheSystem: what OpenMetadata has and Catalpa has not is said to be off.
func TestTruthsOfTheSystem(t *testing.T) {
	h := newHarness(t)
	for path, want := range map[string]string{
		"/limits/config":                             `{"enable":false,"limits":{}}`,
		"/limits/features/bot":                       `{"featureLimitStatuses":[{"limitReached":false,"limits":{"feature":"bot","hardLimit":-1,"softLimit":-1},"name":"bot"}]}`,
		"/system/config":                             `{"authProvider":"basic","clusterName":"test","version":"1.12.14"}`,
		"/system/cache/stats":                        `{"available":false,"type":"none"}`,
		"/system/search/nlq":                         `false`,
		"/system/mcp/config":                         `{"enabled":false,"mcpServerName":"catalpa"}`,
		"/system/settings/customLogicOps":            `["isOwner","isReviewer"]`,
		"/system/config/pipeline-service-client":     `{"apiEndpoint":""}`,
		"/system/settings/entityRulesSettings/table": `[]`,
	} {
		if got := string(h.do("GET", path, nil, 200).body); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	h.do("GET", "/system/settings/entityRulesSettings/nope", nil, 404)
	h.do("GET", "/limits/features/"+strings.Repeat("x", 300), nil, 400)
}

func TestMCPStaysOff(t *testing.T) {
	h := newHarness(t)
	for body, want := range map[string]int{`{"enabled":true}`: 400, `{}`: 400, `{"enabled":"x"}`: 400, `{"nonsense":1}`: 400} {
		h.do("PUT", "/system/mcp/config", body, want)
	}
	h.do("PUT", "/system/mcp/config", `{"enabled":false,"path":"/mcp"}`, 200)
	var got map[string]any
	h.do("GET", "/system/mcp/config", nil, 200).into(&got)
	if diff := cmp.Diff(map[string]any{"enabled": false, "path": "/mcp"}, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestSettingsGoBack(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/system/settings", `{"config_type":"lineageSettings","config_value":{"upstreamDepth":9}}`, 200)
	var got struct {
		Type  string         `json:"config_type"`
		Value map[string]any `json:"config_value"`
	}
	var value map[string]any
	h.do("PUT", "/system/settings/reset/lineageSettings", nil, 200).into(&value)
	if value["upstreamDepth"] == nil || value["upstreamDepth"] == 9.0 {
		t.Errorf("reset to %+v", value)
	}
	h.do("PUT", "/system/settings/reset/lineageSettings", `{"upstreamDepth":9}`, 400)
	h.do("PUT", "/system/settings", `{"config_type":"emailConfiguration","config_value":{"enableSmtpServer":true,"password":"hush"}}`, 200)
	mail := h.do("PUT", "/system/restore/default/email", nil, 200)
	mail.into(&got)
	if got.Value["enableSmtpServer"] != false || strings.Contains(string(mail.body), "hush") {
		t.Errorf("mail is %+v", got)
	}
	h.do("PUT", "/system/settings/reset/nonsense", nil, 404)
}

func TestEntityRulesOfAType(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/system/settings", `{"config_type":"entityRulesSettings","config_value":{"entitySemantics":[
		{"name":"all"},{"name":"tables","entityType":"table"},{"name":"topics","entityType":"topic"},{"name":"most","ignoredEntities":["table"]}]}}`, 200)
	var got []struct {
		Name string `json:"name"`
	}
	h.do("GET", "/system/settings/entityRulesSettings/table", nil, 200).into(&got)
	if len(got) != 2 || got[0].Name != "all" || got[1].Name != "tables" {
		t.Errorf("rules = %+v", got)
	}
	h.do("PUT", "/system/settings", `{"config_type":"entityRulesSettings","config_value":{"entitySemantics":"x"}}`, 200)
	h.do("GET", "/system/settings/entityRulesSettings/table", nil, 409)
}

func TestWorkflowsAreNotTriggered(t *testing.T) {
	h := newHarness(t)
	h.do("POST", "/automations/workflows/trigger/"+anyID, nil, 404)
}
