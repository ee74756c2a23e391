package api

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// systemTruthRoutes answer what clients ask about parts of OpenMetadata that Catalpa
// has in another form, or has not: each says what is true here.
func (a *API) systemTruthRoutes() []Route {
	const base = "/api/v1/system"
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/limits/config", Access: Authenticated, Handle: (*call).getLimits},
		{Method: http.MethodGet, Path: "/api/v1/limits/features/{name}", Access: Authenticated, Handle: (*call).getFeatureLimit},
		{Method: http.MethodGet, Path: base + "/config", Access: Authenticated, Handle: (*call).systemConfig},
		{Method: http.MethodGet, Path: base + "/config/pipeline-service-client", Access: Authenticated, Handle: (*call).pipelineClientConfig},
		{Method: http.MethodGet, Path: base + "/cache/stats", Access: AdminOnly, Handle: (*call).cacheStats},
		{Method: http.MethodGet, Path: base + "/search/nlq", Access: Authenticated, Handle: (*call).hasNLQ},
		{Method: http.MethodGet, Path: base + "/mcp/config", Access: AdminOnly, Handle: (*call).getMCP},
		{Method: http.MethodPut, Path: base + "/mcp/config", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).putMCP},
		{Method: http.MethodPut, Path: base + "/settings/reset/{name}", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).resetSetting},
		{Method: http.MethodPut, Path: base + "/restore/default/email", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).resetMail},
		{Method: http.MethodGet, Path: base + "/settings/customLogicOps", Access: Authenticated, Handle: (*call).customLogicOps},
		{Method: http.MethodGet, Path: base + "/settings/entityRulesSettings/{entityType}", Access: Authenticated, Handle: (*call).entityRules},
		{Method: http.MethodPost, Path: "/api/v1/automations/workflows/trigger/{id}", Access: Authenticated, MaxBody: smallBody, Handle: a.typed("workflow", (*call).triggerWorkflow)},
	}
}

// getLimits: no license bounds what Catalpa holds.
func (c *call) getLimits() error {
	return c.json(http.StatusOK, map[string]any{"enable": false, "limits": map[string]any{}})
}

// getFeatureLimit answers the same of one feature; -1 is no limit.
func (c *call) getFeatureLimit() error {
	name, err := c.param("name")
	if err != nil {
		return err
	}
	if len(name) > entity.MaxName {
		return entity.BadRequest("the name of a feature has at most %d characters", entity.MaxName)
	}
	return c.json(http.StatusOK, map[string]any{"featureLimitStatuses": []any{map[string]any{
		"name": name, "limitReached": false, "limits": map[string]any{"feature": name, "softLimit": -1, "hardLimit": -1},
	}}})
}

func (c *call) systemConfig() error {
	return c.json(http.StatusOK, map[string]string{"clusterName": c.settings.ClusterName, "version": c.wire, "authProvider": c.signOn().Provider})
}

// pipelineClientConfig: there is no service that runs pipelines for Catalpa, so it has
// no address.
func (c *call) pipelineClientConfig() error {
	return c.json(http.StatusOK, map[string]string{"apiEndpoint": ""})
}

// cacheStats: what is remembered lies in the server's own memory.
func (c *call) cacheStats() error {
	return c.json(http.StatusOK, map[string]any{"type": "none", "available": false})
}

// hasNLQ: questions in words of people are not understood.
func (c *call) hasNLQ() error { return c.json(http.StatusOK, false) }

const mcpSetting = "mcpConfiguration"

// getMCP answers how the server for language models is set: it is none, so it is
// switched off.
func (c *call) getMCP() error {
	s, err := c.readSetting(mcpSetting)
	if missing(err) {
		return c.json(http.StatusOK, map[string]any{"mcpServerName": "catalpa", "enabled": false})
	}
	if err != nil {
		return err
	}
	if s.Value, err = c.engine.MaskSetting(s.Value); err != nil {
		return err
	}
	return c.json(http.StatusOK, s.Value)
}

func (c *call) putMCP() error {
	body, err := c.validated("configuration/mcpConfiguration.json")
	if err != nil {
		return err
	}
	var s struct {
		Enabled *bool `json:"enabled"`
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return entity.BadRequest("the configuration cannot be read")
	}
	if s.Enabled == nil || *s.Enabled {
		return entity.BadRequest("Catalpa has no MCP server to switch on: send \"enabled\": false")
	}
	value, err := c.storeSetting(mcpSetting, func(jsontext.Value) (jsontext.Value, error) { return body, nil })
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, value)
}

// resetSetting gives a setting the value that it came with, and answers with it.
func (c *call) resetSetting() error {
	name, err := c.param("name")
	if err != nil {
		return err
	}
	value, err := c.restoreSetting(name)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, value)
}

func (c *call) resetMail() error {
	const name = "emailConfiguration"
	value, err := c.restoreSetting(name)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, setting{Type: name, Value: value})
}

// restoreSetting stores the value that a setting came with. Whoever sends a body wants
// something else.
func (c *call) restoreSetting(name string) (jsontext.Value, error) {
	body, err := c.optionalBody()
	if err == nil && len(body) > 0 && string(body) != "{}" {
		err = entity.BadRequest("a setting is reset without a body")
	}
	if err != nil {
		return nil, err
	}
	var value []byte
	if c.defaults != nil {
		value = c.defaults(name)
	}
	if value == nil {
		return nil, entity.NotFound("default of the setting", name)
	}
	return c.storeSetting(name, func(jsontext.Value) (jsontext.Value, error) { return value, nil })
}

// customLogicOps lists the operators that rules may use beside those of JsonLogic.
func (c *call) customLogicOps() error {
	return c.json(http.StatusOK, []string{"isOwner", "isReviewer"})
}

const entityRulesSetting = "entityRulesSettings"

// entityRules answers the rules about entities of a type: of those that administrators
// stored, the ones about all types and the ones about this.
func (c *call) entityRules() error {
	name, err := c.param("entityType")
	if err != nil {
		return err
	}
	if _, err := c.entityType(name); err != nil {
		return err
	}
	rules := []jsontext.Value{}
	s, err := c.readSetting(entityRulesSetting)
	if missing(err) {
		return c.json(http.StatusOK, rules)
	}
	if err != nil {
		return err
	}
	var stored struct {
		Rules []jsontext.Value `json:"entitySemantics"`
	}
	if err := json.Unmarshal(s.Value, &stored); err != nil {
		return entity.Errorf(entity.KindConflict, "the setting %s cannot be read: its entitySemantics must be a list of rules", entityRulesSetting)
	}
	for _, rule := range stored.Rules {
		var about struct {
			Type    string   `json:"entityType"`
			Ignored []string `json:"ignoredEntities"`
		}
		if json.Unmarshal(rule, &about) != nil || about.Type != "" && about.Type != name || slices.Contains(about.Ignored, name) {
			continue
		}
		rules = append(rules, rule)
	}
	return c.json(http.StatusOK, rules)
}

// triggerWorkflow says that there is nothing that tries connections, to those who may
// ask; so does the line of the route in contract_routes.txt.
func (c *call) triggerWorkflow(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		_, err := c.liveRow(r, t, sel, policy.Trigger)
		return err
	})
	if err != nil {
		return err
	}
	return entity.Errorf(entity.KindNotImplemented,
		"Catalpa has nothing that reaches data sources, so it cannot try a connection: the ingestion client does when a workflow begins")
}
