package seed_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/seed"
)

func TestLoad(t *testing.T) {
	c := newCatalog(t)
	report, err := seed.Load(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	least := map[string]int{"policy": 15, "role": 14, "team": 1, "user": 9, "bot": 9, "classification": 5, "tag": 16,
		"testDefinition": 25, "testConnectionDefinition": 130, "type": 90, "eventsubscription": 1, "settings": 8}
	for typ, count := range least {
		if report.ByType[typ] < count {
			t.Errorf("%d of %s, want %d at least", report.ByType[typ], typ, count)
		}
	}
	if report.Existing != 0 {
		t.Errorf("%d existing in an empty catalog", report.Existing)
	}
	for typ, fqn := range map[string]string{"bot": "ingestion-bot", "user": "ingestion-bot", "team": "Organization", "tag": "PII.Sensitive",
		"testConnectionDefinition": `"Postgres.testConnectionDefinition"`, "type": "table", "role": "DataConsumer", "testDefinition": "tableRowCountToEqual"} {
		c.must(typ, fqn, "a client")
	}
}

func TestLoadTwiceChangesNothing(t *testing.T) {
	c := newCatalog(t)
	first, err := seed.Load(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	delete(c.ids["role"], "DataSteward")
	c.settings["lineageSettings"] = "people's"
	policy := c.bodies["policy"]["DataConsumerPolicy"]
	policy["description"] = "people's"
	second, err := seed.Load(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if second.Created != 1 || second.ByType["role"] != 1 || second.Existing != first.Created-1 {
		t.Errorf("second load: %+v", second)
	}
	if c.settings["lineageSettings"] != "people's" || policy["description"] != "people's" {
		t.Error("what people wrote was overwritten")
	}
}

func TestLoadIsBatched(t *testing.T) {
	c := newCatalog(t)
	if _, err := seed.Load(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if c.calls > 15 {
		t.Errorf("%d calls of the writer", c.calls)
	}
}

func TestLoadReportsFailure(t *testing.T) {
	c := newCatalog(t)
	c.fail = "bot"
	report, err := seed.Load(context.Background(), c)
	if err == nil || !strings.Contains(err.Error(), "seed bots") {
		t.Fatalf("got %v", err)
	}
	if report.ByType["user"] == 0 || report.ByType["tag"] != 0 {
		t.Errorf("report %+v", report)
	}
}

func TestSample(t *testing.T) {
	c := newCatalog(t)
	if _, err := seed.LoadSample(context.Background(), c); err == nil {
		t.Fatal("the sample came in without what it refers to")
	}
	t.Run("after the seed", func(t *testing.T) {
		c := newCatalog(t)
		if _, err := seed.Load(context.Background(), c); err != nil {
			t.Fatal(err)
		}
		report, err := seed.LoadSample(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		for typ, count := range map[string]int{"table": 55, "databaseService": 2, "databaseSchema": 7, "dashboard": 3, "chart": 9, "pipeline": 3,
			"topic": 2, "glossaryTerm": 9, "domain": 4, "dataProduct": 3, "user": 6, "team": 10, "lineage": 45} {
			if report.ByType[typ] < count {
				t.Errorf("%d of %s, want %d at least", report.ByType[typ], typ, count)
			}
		}
		again, err := seed.LoadSample(context.Background(), c)
		if err != nil || again.Created != 0 {
			t.Errorf("second load: %+v, %v", again, err)
		}
		sampleIsDocumented(t, c)
	})
}

// sampleIsDocumented checks that nothing in the sample lacks what makes a
// catalog worth looking at.
func sampleIsDocumented(t *testing.T, c *catalog) {
	t.Helper()
	views := 0
	for fqn, body := range c.bodies["table"] {
		if text, _ := body["description"].(string); len(text) < 10 {
			t.Errorf("%s has no description", fqn)
		}
		if owners, _ := body["owners"].([]any); len(owners) == 0 {
			t.Errorf("%s has no owner", fqn)
		}
		for _, item := range body["columns"].([]any) {
			if column, _ := item.(map[string]any); column["description"] == nil {
				t.Errorf("%s.%s has no description", fqn, column["name"])
			}
		}
		if body["tableType"] == "View" {
			views++
			if body["schemaDefinition"] == nil {
				t.Errorf("the view %s has no definition", fqn)
			}
		}
	}
	if views < 5 {
		t.Errorf("%d views", views)
	}
}

func TestTestDefinitions(t *testing.T) {
	c := newCatalog(t)
	if _, err := seed.Load(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	for name, body := range c.bodies["testDefinition"] {
		if want := strings.ToUpper(name[:1]) + name[1:] + "Validator"; body["validatorClass"] != want {
			t.Errorf("%s: validator class %v", name, body["validatorClass"])
		}
		names := map[string]bool{}
		parameters, _ := body["parameterDefinition"].([]any)
		for _, item := range parameters {
			names[item.(map[string]any)["name"].(string)] = true
		}
		for _, item := range parameters {
			rule, ok := item.(map[string]any)["validationRule"].(map[string]any)
			if ok && !names[rule["parameterField"].(string)] {
				t.Errorf("%s: a rule compares with the unknown parameter %v", name, rule["parameterField"])
			}
		}
	}
}

// The steps that the ingestion client knows; another name ends its run.
func TestConnectionSteps(t *testing.T) {
	c := newCatalog(t)
	if _, err := seed.Load(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	plain := []string{"CheckAccess", "GetSchemas", "GetTables", "GetViews"}
	want := map[string][]string{
		"SQLite":   plain,
		"MariaDB":  plain,
		"Mysql":    append(slices.Clone(plain), "GetQueries"),
		"Postgres": append(slices.Clone(plain), "GetQueries", "GetDatabases", "GetTags", "GetColumnMetadata", "GetTableComments", "GetInformationSchemaColumns"),
		"Superset": {"CheckAccess", "GetDashboards", "GetCharts"},
		"Redpanda": {"GetTopics", "CheckSchemaRegistry"},
		"Airflow":  {"CheckAccess"},
	}
	for service, names := range want {
		var got []string
		steps, _ := c.bodies["testConnectionDefinition"][`"`+service+`.testConnectionDefinition"`]["steps"].([]any)
		for _, item := range steps {
			got = append(got, item.(map[string]any)["name"].(string))
		}
		if diff := cmp.Diff(names, got); diff != "" {
			t.Errorf("%s: %s", service, diff)
		}
	}
	for fqn, body := range c.bodies["testConnectionDefinition"] {
		steps, _ := body["steps"].([]any)
		if len(steps) == 0 || steps[0].(map[string]any)["mandatory"] != true {
			t.Errorf("%s: the first step must be mandatory", fqn)
		}
	}
}

func TestEveryConnectionHasATest(t *testing.T) {
	c := newCatalog(t)
	if _, err := seed.Load(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	data, err := c.set.Source("connections.json")
	if err != nil {
		t.Fatal(err)
	}
	var services map[string]map[string]any
	if err := json.Unmarshal(data, &services); err != nil {
		t.Fatal(err)
	}
	for category, types := range services {
		for _, service := range slices.Sorted(maps.Keys(types)) {
			where, err := c.set.ConnectionSchema(category, service)
			if err == nil && where != "" && c.ids["testConnectionDefinition"][`"`+service+`.testConnectionDefinition"`] == "" {
				t.Errorf("%s %s has a connection but no test of it", category, service)
			}
		}
	}
}

func TestFieldTypes(t *testing.T) {
	c := newCatalog(t)
	if _, err := seed.Load(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"string", "integer", "markdown", "date-cp", "dateTime-cp", "duration", "email", "entityReference", "entityReferenceList", "enum",
		"hyperlink-cp", "number", "sqlQuery", "table-cp", "time-cp", "timeInterval", "timestamp"} {
		if body := c.bodies["type"][name]; body == nil || body["category"] != "field" {
			t.Errorf("field type %s: %v", name, body)
		}
	}
}

// Rights of bots and people that nothing may widen by accident.
func TestPolicies(t *testing.T) {
	c := newCatalog(t)
	if _, err := seed.Load(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	for name, body := range c.bodies["policy"] {
		for _, item := range body["rules"].([]any) {
			rule := item.(map[string]any)
			everything := slices.Contains(rule["operations"].([]any), any("All"))
			if everything && rule["effect"] == "allow" && rule["condition"] == nil {
				t.Errorf("%s: %s allows everything to everybody", name, rule["name"])
			}
		}
	}
	consumer := c.bodies["policy"]["DataConsumerPolicy"]["rules"].([]any)[0].(map[string]any)
	for _, operation := range []string{"Delete", "Create", "EditAll", "EditOwners"} {
		if slices.Contains(consumer["operations"].([]any), any(operation)) {
			t.Errorf("data consumers may %s", operation)
		}
	}
}

func TestFingerprint(t *testing.T) {
	if got := seed.Fingerprint(); len(got) != 64 || got != seed.Fingerprint() {
		t.Errorf("fingerprint %q", got)
	}
}
