package registry_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
)

// smallest holds, for each type, the least that a create request says.
var smallest = map[string]string{
	"aiApplication":            `{"applicationType": "Chatbot", "name": "n"}`,
	"aiGovernancePolicy":       `{"name": "n", "policyType": "ModelApproval"}`,
	"apiCollection":            `{"name": "n", "service": "svc"}`,
	"apiEndpoint":              `{"apiCollection": "x", "name": "n"}`,
	"apiService":               `{"name": "n", "serviceType": "Rest"}`,
	"app":                      `{}`,
	"appMarketPlaceDefinition": `{"appType": "internal", "className": "x", "name": "n", "permission": "All", "scheduleType": "Live"}`,
	"bot":                      `{"botUser": "x", "name": "n"}`,
	"chart":                    `{"name": "n", "service": "svc"}`,
	"classification":           `{"description": "x", "name": "n"}`,
	"container":                `{"name": "n", "service": "svc"}`,
	"dashboard":                `{"name": "n", "service": "svc"}`,
	"dashboardDataModel":       `{"columns": [{"dataType": "NUMBER", "name": "n"}], "dataModelType": "TableauDataModel", "name": "n", "service": "svc"}`,
	"dashboardService":         `{"name": "n", "serviceType": "Superset"}`,
	"dataContract":             `{"entity": {"id": "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "type": "x"}, "name": "n"}`,
	"dataInsightChart":         `{"name": "n"}`,
	"dataProduct":              `{"description": "x", "domains": ["x"], "name": "n"}`,
	"database":                 `{"name": "n", "service": "svc"}`,
	"databaseSchema":           `{"database": "s.d", "name": "n"}`,
	"databaseService":          `{"name": "n", "serviceType": "BigQuery"}`,
	"directory":                `{"name": "n", "service": "svc"}`,
	"document":                 `{"data": {}, "entityType": "x", "fullyQualifiedName": "x", "name": "n"}`,
	"domain":                   `{"description": "x", "domainType": "Source-aligned", "name": "n"}`,
	"driveService":             `{"name": "n", "serviceType": "GoogleDrive"}`,
	"eventsubscription":        `{"alertType": "Notification", "name": "n"}`,
	"file":                     `{"name": "n", "service": "svc"}`,
	"glossary":                 `{"description": "x", "name": "n"}`,
	"glossaryTerm":             `{"description": "x", "glossary": "x", "name": "n"}`,
	"ingestionPipeline":        `{"airflowConfig": {}, "name": "n", "pipelineType": "metadata", "service": {"id": "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "type": "x"}, "sourceConfig": {}}`,
	"kpi":                      `{"dataInsightChart": "percentage_of_data_asset_with_description_kpi", "description": "x", "endDate": 1795477529578, "metricType": "NUMBER", "name": "n", "startDate": 1795477529578, "targetValue": 1}`,
	"learningResource":         `{"categories": ["Discovery"], "contexts": [{"pageId": "x"}], "name": "n", "resourceType": "Storylane", "source": {"url": "http://x"}}`,
	"llmModel":                 `{"baseModel": "x", "name": "n", "service": "svc"}`,
	"llmService":               `{"name": "n", "serviceType": "OpenAI"}`,
	"messagingService":         `{"name": "n", "serviceType": "Kafka"}`,
	"metadataService":          `{"name": "n", "serviceType": "Amundsen"}`,
	"metric":                   `{"name": "n"}`,
	"mlmodel":                  `{"name": "n", "service": "svc"}`,
	"mlmodelService":           `{"name": "n", "serviceType": "Mlflow"}`,
	"notificationTemplate":     `{"name": "n", "templateBody": "x", "templateSubject": "x"}`,
	"persona":                  `{"name": "n"}`,
	"pipeline":                 `{"name": "n", "service": "svc"}`,
	"pipelineService":          `{"name": "n", "serviceType": "Airflow"}`,
	"policy":                   `{"name": "n", "rules": [{"effect": "allow", "name": "n", "operations": ["All"], "resources": ["x"]}]}`,
	"promptTemplate":           `{"name": "n", "templateContent": "x"}`,
	"query":                    `{"query": "x", "service": "svc"}`,
	"role":                     `{"name": "n", "policies": ["x"]}`,
	"searchIndex":              `{"fields": [{"dataType": "NUMBER", "name": "n"}], "name": "n", "service": "svc"}`,
	"searchService":            `{"name": "n", "serviceType": "ElasticSearch"}`,
	"securityService":          `{"name": "n", "serviceType": "Ranger"}`,
	"spreadsheet":              `{"name": "n", "service": "svc"}`,
	"storageService":           `{"name": "n", "serviceType": "S3"}`,
	"storedProcedure":          `{"name": "n", "storedProcedureCode": {}}`,
	"table":                    `{"columns": [{"dataType": "NUMBER", "name": "n"}], "databaseSchema": "s.d.p", "name": "n"}`,
	"tag":                      `{"description": "x", "name": "n"}`,
	"team":                     `{"name": "n", "teamType": "Group"}`,
	"testCase":                 `{"entityLink": "<#E::table::a.b.c.d>", "name": "n", "testDefinition": "x"}`,
	"testDefinition":           `{"entityType": "TABLE", "name": "n", "testPlatforms": ["OpenMetadata"]}`,
	"testSuite":                `{"name": "n"}`,
	"topic":                    `{"name": "n", "partitions": 1, "service": "svc"}`,
	"type":                     `{"description": "x", "name": "n", "nameSpace": "x", "schema": "x"}`,
	"user":                     `{"email": "ada@example.com", "name": "n"}`,
	"webAnalyticEvent":         `{"eventType": "PageView", "name": "n"}`,
	"workflow":                 `{"name": "n", "request": {}, "workflowType": "TEST_CONNECTION"}`,
	"workflowDefinition":       `{"description": "x", "name": "n"}`,
	"worksheet":                `{"name": "n", "spreadsheet": "x"}`,
}

// request returns the smallest request for a type as its members.
func request(t *testing.T, name string) map[string]jsontext.Value {
	t.Helper()
	var members map[string]jsontext.Value
	if err := json.Unmarshal([]byte(smallest[name]), &members); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return members
}

// validate checks a request given by its members.
func validate(t *testing.T, set *jsonschema.Set, schema string, members map[string]jsontext.Value) error {
	t.Helper()
	doc, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return set.Validate(schema, doc)
}

func TestSmallestRequests(t *testing.T) {
	r, set := load(t)
	for _, entry := range r.All() {
		if entry.Create == "" {
			continue
		}
		members := request(t, entry.Name)
		if err := validate(t, set, entry.Create, members); err != nil {
			t.Errorf("%s: %v", entry.Name, err)
		}
		var required []string
		for _, name := range set.Properties(entry.Create) {
			if p, _ := set.Property(entry.Create, name); p.Required {
				required = append(required, name)
			}
		}
		for name := range members {
			if !slices.Contains(required, name) {
				t.Errorf("%s: the smallest request needs no %s", entry.Name, name)
			}
		}
	}
}

func TestRequestsWithoutARequiredMember(t *testing.T) {
	r, set := load(t)
	for _, entry := range r.All() {
		if entry.Create == "" {
			continue
		}
		for name := range request(t, entry.Name) {
			want := "[" + name + " must not be null]"
			without := request(t, entry.Name)
			delete(without, name)
			if err := validate(t, set, entry.Create, without); err == nil || err.Error() != want {
				t.Errorf("%s without %s: %v", entry.Name, name, err)
			}
			without[name] = jsontext.Value("null")
			if err := validate(t, set, entry.Create, without); err == nil || err.Error() != want {
				t.Errorf("%s with null for %s: %v", entry.Name, name, err)
			}
		}
	}
}

func TestRequestsMayHaveNulls(t *testing.T) {
	r, set := load(t)
	for _, entry := range r.All() {
		if entry.Create == "" {
			continue
		}
		members := request(t, entry.Name)
		for _, name := range set.Properties(entry.Create) {
			if members[name] == nil {
				members[name] = jsontext.Value("null")
			}
		}
		if err := validate(t, set, entry.Create, members); err != nil {
			t.Errorf("%s: %v", entry.Name, err)
		}
	}
}

func TestRequestsWithUnknownMembers(t *testing.T) {
	r, set := load(t)
	for _, entry := range r.All() {
		if entry.Create == "" {
			continue
		}
		members := request(t, entry.Name)
		members["frobnicated"] = jsontext.Value("1")
		err := validate(t, set, entry.Create, members)
		if err == nil || !strings.HasPrefix(err.Error(), `[Unrecognized field "frobnicated" (`) {
			t.Errorf("%s: %v", entry.Name, err)
		}
	}
}

// TestNamesAreLimited: names are texts that are not empty and not endless. The
// three types without a limit of their own are stopped by the limit of FQNs.
func TestNamesAreLimited(t *testing.T) {
	r, set := load(t)
	for _, entry := range r.All() {
		if entry.Create == "" {
			continue
		}
		members := request(t, entry.Name)
		bads := []string{`""`, `5`, `{}`, `"` + strings.Repeat("x", 4000) + `"`}
		if slices.Contains([]string{"testCase", "testDefinition", "type"}, entry.Name) {
			bads = bads[:2]
		}
		for _, bad := range bads {
			members["name"] = jsontext.Value(bad)
			if err := validate(t, set, entry.Create, members); err == nil {
				t.Errorf("%s: the name %.20s was accepted", entry.Name, bad)
			}
		}
	}
}
