package search

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func rest(members map[string]string) map[string]jsontext.Value {
	raw := map[string]jsontext.Value{}
	for name, value := range members {
		raw[name] = jsontext.Value(value)
	}
	return raw
}

func build(t *testing.T, typ string, e *entity.Entity) (Document, map[string]any) {
	t.Helper()
	e.ID, e.Name = entity.NewID(), "n"
	doc, ok, err := NewCatalog([]string{typ}).Document(Loaded{Type: typ, Entity: e})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	var source map[string]any
	if err := json.Unmarshal(doc.Source, &source); err != nil {
		t.Fatal(err)
	}
	return doc, source
}

func TestDocumentHasWhatClientsRead(t *testing.T) {
	follower := entity.NewID()
	doc, source := build(t, "table", &entity.Entity{
		FullyQualifiedName: "s.d.n", Description: "x", Version: 3, UpdatedAt: 5,
		Tags:              []entity.TagLabel{{TagFQN: "Tier.Tier1", Source: "Classification"}, {TagFQN: "G.term", Source: "Glossary"}},
		Followers:         []entity.Ref{{ID: follower, Type: "user"}},
		Votes:             &entity.Votes{UpVotes: 3, DownVotes: 1},
		ChangeDescription: &entity.ChangeDescription{},
		Rest: rest(map[string]string{
			"columns": `[{"name":"a","children":[{"name":"b"}]},{"name":"c"}]`, "service": `{"name":"s","type":"databaseService"}`,
			"tableType": `"View"`, "processedLineage": `true`, "schemaDefinition": `"SELECT 1"`, "nothing": `null`,
		}),
	})
	if doc.Index != "table_search_index" || doc.Deleted {
		t.Errorf("index %s, deleted %t", doc.Index, doc.Deleted)
	}
	want := map[string]any{
		"entityType": "table", "name": "n", "fullyQualifiedName": "s.d.n", "deleted": false, "totalVotes": 2.0, "version": 0.3,
		"columnNames": []any{"a", "a.b", "c"}, "descriptionStatus": "COMPLETE", "followers": []any{follower.String()},
		"glossaryTags": []any{"G.term"}, "processedLineage": true, "schemaDefinition": "SELECT 1", "updatedAt": 5.0, "tableType": "View",
	}
	for name, value := range want {
		if diff := cmp.Diff(value, source[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if tier, ok := source["tier"].(map[string]any); !ok || tier["tagFQN"] != "Tier.Tier1" {
		t.Errorf("tier %v", source["tier"])
	}
	for _, name := range []string{"votes", "changeDescription", "nothing"} {
		if _, there := source[name]; there {
			t.Errorf("%s is in the document", name)
		}
	}
}

func TestTeamsAndUsersSayTheyAreNoBots(t *testing.T) {
	for typ, e := range map[string]*entity.Entity{"team": {}, "user": {}} {
		if _, source := build(t, typ, e); source["isBot"] != false {
			t.Errorf("%s: isBot is %v", typ, source["isBot"])
		}
	}
	if _, source := build(t, "user", &entity.Entity{Rest: rest(map[string]string{"isBot": "true"})}); source["isBot"] != true {
		t.Error("a bot's user is not shown as one")
	}
}

// Whatever the type and wherever the secret stands, it stays out.
func TestDocumentHoldsNoSecret(t *testing.T) {
	const secret = "hunter2-very-secret"
	nested := `{"config":{"type":"Mysql","password":"` + secret + `"},"x":["` + secret + `"]}`
	for typ, members := range map[string][]string{
		"databaseService":   {"connection", "somethingNew", "testConnectionResult"},
		"dashboardService":  {"connection"},
		"user":              {"authenticationMechanism", "somethingNew"},
		"bot":               {"somethingNew"},
		"ingestionPipeline": {"sourceConfig", "openMetadataServerConnection", "airflowConfig", "somethingNew"},
		"eventsubscription": {"destinations", "input"},
		"app":               {"appConfiguration", "privateConfiguration", "openMetadataServerConnection"},
		"workflow":          {"request", "response", "openMetadataServerConnection"},
		"table":             {"sampleData", "connection", "authenticationMechanism"},
	} {
		for _, member := range members {
			doc, _ := build(t, typ, &entity.Entity{Rest: rest(map[string]string{member: nested, "serviceType": `"Mysql"`})})
			if strings.Contains(string(doc.Source), secret) {
				t.Errorf("%s.%s is in the document", typ, member)
			}
		}
	}
	if _, source := build(t, "databaseService", &entity.Entity{Rest: rest(map[string]string{"serviceType": `"Mysql"`})}); source["serviceType"] != "Mysql" {
		t.Error("the type of a service is missing")
	}
}

func TestResolveIndexes(t *testing.T) {
	c := NewCatalog([]string{"table", "databaseSchema", "searchIndex", "mlmodel", "apiService", "testCase"})
	for names, want := range map[string][]string{
		"table_search_index":                 {"table_search_index"},
		"table":                              {"table_search_index"},
		"database_schema_search_index,table": {"database_schema_search_index", "table_search_index"},
		"databaseSchema":                     {"database_schema_search_index"},
		"search_entity_search_index":         {"search_entity_search_index"},
		"mlmodel_search_index":               {"mlmodel_search_index"},
		"entity_report_data_index":           {"entity_report_data_index"},
		"dataAsset":                          {"api_service_search_index", "database_schema_search_index", "mlmodel_search_index", "search_entity_search_index", "table_search_index"},
		"all":                                nil,
		"all_search_index":                   nil,
		"test_case_search_index, api_service_search_index": {"api_service_search_index", "test_case_search_index"},
	} {
		got, err := c.Resolve(names)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", names, err, diff)
		}
	}
	if _, err := c.Resolve("nope"); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("an unknown index: %v", err)
	}
}
