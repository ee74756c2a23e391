//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// mcpEntity is something that tools make, read, change and delete.
type mcpEntity struct {
	one, many string // as the tools' names have it
	path      string // of the API's collection, for what no tool makes
	body      map[string]any
	name      string // that it is found by
}

// refusedTools are tools that ask for what OpenMetadata's API does not have, or not
// in this way, each with the status of the answer. All that change something by PUT
// at an id, which is all but update_table, are refused, too.
var refusedTools = map[string]string{
	"delete_lineage":               "405",
	"create_executable_test_suite": "405",
	"delete_report":                "405",
	"add_usage_data":               "404",
	"get_entity_usage_summary":     "404",
	"test_service_connection":      "404",
	"list_test_case_results":       "404",
	"validate_policy":              "404",
	"get_event_subscription":       "404",
	"search_aggregate":             "400",
}

func refusal(tool string) string {
	if strings.HasPrefix(tool, "update_") && tool != "update_table" {
		return "405"
	}
	return refusedTools[tool]
}

// reportID is the id that a report comes with.
const reportID = "11111111-2222-4333-8444-555555555555"

// absentID is the id of what could not be made, since its route is not built.
const absentID = "00000000-0000-4000-8000-000000000000"

// TestMCPTools calls every tool there is.
func TestMCPTools(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	c.rec.allowListed()
	admin := c.admin()
	type body = map[string]any
	for _, made := range []struct {
		path string
		body body
	}{
		{"/services/pipelineServices", body{"name": "mcp_runs", "serviceType": "Airflow"}},
		{"/services/storageServices", body{"name": "mcp_store", "serviceType": "S3"}},
		{"/services/mlmodelServices", body{"name": "mcp_ml", "serviceType": "Mlflow"}},
		{"/users", body{"name": "mcp-bot", "email": "mcp-bot@example.com", "isBot": true, "authenticationMechanism": body{"authType": "JWT", "config": body{"JWTTokenExpiry": "7"}}}},
	} {
		admin.send(http.MethodPut, made.path, made.body, nil, http.StatusCreated)
	}
	column := []body{{"name": "id", "dataType": "INT"}}
	rules := []body{{"name": "look", "resources": []string{"all"}, "operations": []string{"ViewAll"}, "effect": "allow"}}
	entities := []mcpEntity{
		{one: "database_service", many: "database_services", body: body{"name": "mcp", "serviceType": "Postgres"}, name: "mcp"},
		{one: "dashboard_service", many: "dashboard_services", body: body{"name": "mcp_bi", "serviceType": "Superset"}, name: "mcp_bi"},
		{one: "messaging_service", many: "messaging_services", body: body{"name": "mcp_broker", "serviceType": "Kafka"}, name: "mcp_broker"},
		{one: "database", many: "databases", body: body{"name": "shop", "service": "mcp"}, name: "mcp.shop"},
		{one: "schema", many: "schemas", body: body{"name": "sales", "database": "mcp.shop"}, name: "mcp.shop.sales"},
		{one: "table", many: "tables", body: body{"name": "orders", "databaseSchema": "mcp.shop.sales", "columns": column}, name: "mcp.shop.sales.orders"},
		{one: "chart", many: "charts", body: body{"name": "revenue", "service": "mcp_bi"}, name: "mcp_bi.revenue"},
		{one: "dashboard", many: "dashboards", body: body{"name": "board", "service": "mcp_bi"}, name: "mcp_bi.board"},
		{one: "pipeline", many: "pipelines", body: body{"name": "nightly", "service": "mcp_runs"}, name: "mcp_runs.nightly"},
		{one: "topic", many: "topics", body: body{"name": "events", "service": "mcp_broker", "partitions": 1}, name: "mcp_broker.events"},
		{one: "metric", many: "metrics", body: body{"name": "mcp_revenue"}, name: "mcp_revenue"},
		{one: "container", many: "containers", body: body{"name": "bucket", "service": "mcp_store"}, name: "mcp_store.bucket"},
		{one: "ml_model", many: "ml_models", body: body{"name": "churn", "service": "mcp_ml", "algorithm": "forest"}, name: "mcp_ml.churn"},
		{one: "report", many: "reports", body: body{"name": "monthly"}, name: "monthly"},
		{one: "user", many: "users", body: body{"name": "mcp_ada", "email": "mcp_ada@example.com"}, name: "mcp_ada"},
		{one: "team", many: "teams", body: body{"name": "mcp_team", "teamType": "Group"}, name: "mcp_team"},
		{one: "classification", many: "classifications", body: body{"name": "McpLevel", "description": "How much"}, name: "McpLevel"},
		{one: "tag_category", many: "tag_categories", body: body{"name": "McpKind", "description": "Which"}, name: "McpKind"},
		{one: "tag", many: "tags", body: body{"name": "High", "classification": "McpLevel", "description": "Much"}, name: "McpLevel.High"},
		{one: "glossary", many: "glossaries", body: body{"name": "mcp_words", "description": "Words"}, name: "mcp_words"},
		{one: "glossary_term", many: "glossary_terms", path: "/glossaryTerms", body: body{"name": "customer", "glossary": "mcp_words", "description": "Pays"}, name: "mcp_words.customer"},
		{one: "bot", many: "bots", body: body{"name": "mcp-bot", "botUser": "mcp-bot"}, name: "mcp-bot"},
		{one: "event_subscription", many: "event_subscriptions", body: body{
			"name": "mcp_alert", "alertType": "Notification", "resources": []string{"all"}, "enabled": false,
			"destinations": []body{{"category": "External", "type": "Webhook", "config": body{"endpoint": "https://hooks.example.com/x"}}},
		}, name: "mcp_alert"},
		{one: "test_case", many: "test_cases", body: body{
			"name": "rows", "entityLink": "<#E::table::mcp.shop.sales.orders>", "testDefinition": "tableRowCountToBeBetween",
			"parameterValues": []body{{"name": "minValue", "value": "1"}},
		}, name: "mcp.shop.sales.orders.rows"},
		{one: "policy", many: "policies", body: body{"name": "mcp_policy", "rules": rules}, name: "mcp_policy"},
		{one: "role", many: "roles", body: body{"name": "mcp_role", "policies": []string{"mcp_policy"}}, name: "mcp_role"},
		{one: "domain", many: "domains", body: body{"name": "mcp_domain", "domainType": "Aggregate", "description": "Selling"}, name: "mcp_domain"},
		{one: "data_product", many: "data_products", body: body{"name": "mcp_product", "domains": []string{"mcp_domain"}, "description": "Orders"}, name: "mcp_product"},
	}

	tools := startMCPTools(t, c, admin.token)
	ids := map[string]string{}
	for _, e := range entities {
		t.Run("make "+e.one, func(t *testing.T) {
			if e.path != "" {
				var made named
				admin.send(http.MethodPost, e.path, e.body, &made, http.StatusCreated)
				ids[e.one] = made.ID
				return
			}
			if e.one == "report" { // it is sent whole, with references
				e.body["id"], e.body["service"] = reportID, body{"id": ids["dashboard_service"], "type": "dashboardService"}
			}
			answer := tools.call(t, "create_"+e.one, e.body, "", "")
			ids[e.one] = between(answer, "'id': '", "'")
			if strings.Contains(answer, "HTTP 501") {
				ids[e.one] = absentID
			} else if ids[e.one] == "" {
				t.Errorf("no id in %s", clip([]byte(answer)))
			}
		})
	}
	for _, e := range entities {
		t.Run("read "+e.one, func(t *testing.T) {
			for _, tool := range []string{"list_" + e.many, "get_" + e.one, "get_" + e.one + "_by_name"} {
				if !tools.has(tool) {
					continue
				}
				answer := tools.call(t, tool, map[string]any{"limit": 1000}, ids[e.one], e.name)
				if refusal(tool) == "" && ids[e.one] != absentID && !strings.Contains(answer, e.name) {
					t.Errorf("%s does not show %s: %s", tool, e.name, clip([]byte(answer)))
				}
			}
			if tool := "update_" + e.one; tools.has(tool) {
				tools.call(t, tool, e.body, ids[e.one], e.name)
			}
		})
	}
	t.Run("the rest", func(t *testing.T) { callOtherTools(t, tools, ids, admin) })
	slices.Reverse(entities)
	for _, e := range entities {
		t.Run("delete "+e.one, func(t *testing.T) {
			if tool := "delete_" + e.one; tools.has(tool) {
				tools.call(t, tool, map[string]any{"hard_delete": true, "recursive": true}, ids[e.one], e.name)
				if answer := tools.call(t, "get_"+e.one, nil, ids[e.one], e.name); refusal(tool) == "" && !strings.Contains(answer, "HTTP 404") {
					t.Errorf("it is there still: %s", clip([]byte(answer)))
				}
			}
		})
	}
	for name := range tools.schemas {
		if !tools.called[name] {
			t.Errorf("%s was not called", name)
		}
	}
}

// callOtherTools calls what is no life of an entity.
func callOtherTools(t *testing.T, tools *mcpTools, ids map[string]string, admin *api) {
	type body = map[string]any
	admin.send(http.MethodPost, "/tables", body{"name": "totals", "databaseSchema": "mcp.shop.sales", "columns": []body{{"name": "id", "dataType": "INT"}}}, nil, http.StatusCreated)
	totals := admin.entity("tables", "mcp.shop.sales.totals")
	admin.send(http.MethodPut, "/usage/table/"+ids["table"], body{"date": time.Now().UTC().Format(time.DateOnly), "count": 41}, nil, http.StatusOK, http.StatusCreated)
	now := time.Now().UnixMilli()
	admin.send(http.MethodPost, "/dataQuality/testCases/testCaseResults/mcp.shop.sales.orders.rows",
		body{"timestamp": now, "testCaseStatus": "Failed", "result": "no rows at all"}, nil, http.StatusOK, http.StatusCreated)
	var alert struct {
		Destinations []struct{ ID string }
	}
	admin.get("/events/subscriptions/name/mcp_alert", &alert)
	destination := body{"category": "External", "type": "Webhook", "config": body{"endpoint": "http://127.0.0.1:9/x"}}
	for _, call := range []struct {
		tool      string
		arguments body
		want      string
	}{
		{"add_lineage", body{"lineage_data": body{"edge": body{"fromEntity": body{"id": ids["table"], "type": "table"}, "toEntity": body{"id": totals.ID, "type": "table"}}}}, ""},
		{"get_lineage", body{"entity_id": ids["table"]}, totals.ID},
		{"get_lineage_by_name", body{"entity_fqn": "mcp.shop.sales.totals"}, ids["table"]},
		{"delete_lineage", body{"source_fqn": "mcp.shop.sales.orders", "target_fqn": "mcp.shop.sales.totals"}, ""},
		{"get_usage_by_entity", body{"entity_type": "table", "entity_id": ids["table"]}, "'count': 41"},
		{"add_usage_data", body{"usage_data": body{"count": 1}}, ""},
		{"get_entity_usage_summary", body{"entity_type": "table"}, ""},
		{"search_entities", body{"q": "orders", "index": "table_search_index"}, ids["table"]},
		{"suggest_entities", body{"q": "ord", "index": "table_search_index"}, "suggest"},
		{"search_aggregate", body{"q": "orders", "index": "table_search_index", "facets": "owner"}, ""},
		{"search_field_query", body{"field_name": "fullyQualifiedName", "field_value": "mcp.shop.sales.orders", "index": "table_search_index"}, ids["table"]},
		{"list_events", body{"limit": 5}, "data"},
		{"test_service_connection", body{"connection_data": body{"connectionType": "Postgres"}}, ""},
		{"test_event_destination", body{"destination_data": body{"destinations": []body{destination}}}, ""},
		{"get_failed_events", body{"subscription_id": ids["event_subscription"]}, ""},
		{"get_subscription_status", body{"subscription_name": "mcp_alert", "destination_id": alert.Destinations[0].ID}, ""},
		{"list_test_case_results", body{"fqn": "mcp.shop.sales.orders.rows", "start_ts": now - 1000, "end_ts": now + 1000}, "no rows at all"},
		{"get_test_case_results_by_name", body{"fqn": "mcp.shop.sales.orders.rows", "start_ts": now - 1000, "end_ts": now + 1000}, "no rows at all"},
		{"list_test_suites", body{"limit": 100}, "mcp.shop.sales.orders.testSuite"},
		{"get_test_suite_by_name", body{"name": "mcp.shop.sales.orders.testSuite"}, "mcp.shop.sales.orders.testSuite"},
		{"create_basic_test_suite", body{"test_suite_data": body{"name": "mcp.shop.sales.totals.testSuite", "basicEntityReference": "mcp.shop.sales.totals"}}, "mcp.shop.sales.totals"},
		{"create_executable_test_suite", body{"test_suite_data": body{"name": "mcp.shop.sales.totals.testSuite", "executableEntityReference": "mcp.shop.sales.totals"}}, ""},
		{"get_test_suite_execution_summary", body{}, "failed"},
		{"get_data_quality_report", body{"q": "", "aggregation_query": "bucketName=entityType:aggType=terms:field=entityType", "index": "testCase"}, ""},
		{"validate_policy", body{"policy_data": body{"condition": "isOwner()"}}, ""},
		{"list_policy_resources", body{}, "glossaryTerm"},
	} {
		answer := tools.callWith(t, call.tool, call.arguments)
		if refusal(call.tool) == "" && !strings.Contains(answer, call.want) {
			t.Errorf("%s does not say %q: %s", call.tool, call.want, clip([]byte(answer)))
		}
	}
	suite := admin.entity("dataQuality/testSuites", "mcp.shop.sales.totals.testSuite")
	for _, tool := range []string{"get_test_suite", "update_test_suite", "delete_test_suite"} {
		tools.call(t, tool, body{"name": suite.Name}, suite.ID, suite.Name)
	}
}

// mcpTools calls tools of an MCP server by their schemas.
type mcpTools struct {
	session *mcpSession
	schemas map[string]map[string]string // kinds of arguments by tool
	called  map[string]bool
}

func startMCPTools(t *testing.T, c *catalpa, token string) *mcpTools {
	t.Helper()
	tools := &mcpTools{session: startMCP(t, c, token), schemas: map[string]map[string]string{}, called: map[string]bool{}}
	var listed struct {
		Tools []struct {
			Name        string
			InputSchema struct {
				Properties map[string]struct{ Type string }
			}
		}
	}
	if err := json.Unmarshal(tools.session.call("tools/list", map[string]any{}), &listed); err != nil {
		t.Fatal(err)
	}
	for _, tool := range listed.Tools {
		tools.schemas[tool.Name] = map[string]string{}
		for name, property := range tool.InputSchema.Properties {
			tools.schemas[tool.Name][name] = property.Type
		}
	}
	return tools
}

func (m *mcpTools) has(tool string) bool { return m.schemas[tool] != nil }

// call fills in the arguments that a tool has: of an object the values, else id and
// name where they belong, and of the values those that are arguments themselves.
func (m *mcpTools) call(t *testing.T, tool string, values map[string]any, id, name string) string {
	t.Helper()
	arguments := map[string]any{}
	for argument, kind := range m.schemas[tool] {
		value, given := values[argument]
		switch {
		case kind == "object":
			arguments[argument] = values
		case kind == "array":
			arguments[argument] = []patchOp{{"add", "/description", "Changed by a tool"}}
		case strings.HasSuffix(argument, "_id") && kind == "string":
			arguments[argument] = id
		case argument == "fqn" || strings.HasSuffix(argument, "name") && kind == "string":
			arguments[argument] = name
		case given:
			arguments[argument] = value
		}
	}
	return m.callWith(t, tool, arguments)
}

func (m *mcpTools) callWith(t *testing.T, tool string, arguments map[string]any) string {
	t.Helper()
	gone := m.called[tool] && strings.HasPrefix(tool, "get_") || strings.HasSuffix(tool, "_report") || tool == "get_report_by_name"
	m.called[tool] = true
	var result struct {
		IsError bool
		Content []struct{ Text string }
	}
	outer := m.session.t
	m.session.t = t
	answer := m.session.call("tools/call", map[string]any{"name": tool, "arguments": arguments})
	m.session.t = outer
	if err := json.Unmarshal(answer, &result); err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	text := ""
	if len(result.Content) > 0 {
		text = result.Content[0].Text
	}
	switch want := refusal(tool); {
	case result.IsError && strings.Contains(text, "HTTP 501"): // the recorder looks whether it is listed
	case want != "" && (!result.IsError || !strings.Contains(text, "HTTP "+want)):
		t.Errorf("%s: %s, want HTTP %s", tool, clip([]byte(text)), want)
	case want == "" && result.IsError && !(gone && strings.Contains(text, "HTTP 404")):
		t.Errorf("%s(%s): %s", tool, fmt.Sprint(arguments), clip([]byte(text)))
	}
	return text
}

// between is the text between two others, "" without them.
func between(text, before, after string) string {
	_, rest, found := strings.Cut(text, before)
	text, _, closed := strings.Cut(rest, after)
	if !found || !closed {
		return ""
	}
	return text
}
