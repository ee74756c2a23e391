package seed_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/seed"
	"github.com/catalpa-metadata/catalpa/schema"
)

// catalog is a Writer in memory. It checks every document against the schemas
// of the API and every reference by name against what is there already.
type catalog struct {
	t        *testing.T
	set      *jsonschema.Set
	ids      map[string]map[string]string // type, FQN
	bodies   map[string]map[string]map[string]any
	settings map[string]string
	edges    map[string]bool
	calls    int
	fail     string // type whose writes fail
}

func newCatalog(t *testing.T) *catalog {
	t.Helper()
	set, err := jsonschema.Load(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	return &catalog{t: t, set: set, ids: map[string]map[string]string{}, bodies: map[string]map[string]map[string]any{},
		settings: map[string]string{}, edges: map[string]bool{}}
}

// schemas names the schema of each type's create requests and documents.
func schemas(typ string) (create, document string) {
	switch typ {
	case "policy":
		return "api/policies/createPolicy.json", "entity/policies/policy.json"
	case "role":
		return "api/teams/createRole.json", "entity/teams/role.json"
	case "team":
		return "api/teams/createTeam.json", "entity/teams/team.json"
	case "user":
		return "api/teams/createUser.json", "entity/teams/user.json"
	case "bot":
		return "api/createBot.json", "entity/bot.json"
	case "classification":
		return "api/classification/createClassification.json", "entity/classification/classification.json"
	case "tag":
		return "api/classification/createTag.json", "entity/classification/tag.json"
	case "testDefinition":
		return "api/tests/createTestDefinition.json", "tests/testDefinition.json"
	case "testConnectionDefinition":
		return "", "entity/services/connections/testConnectionDefinition.json"
	case "type":
		return "", "entity/type.json"
	case "eventsubscription":
		return "events/api/createEventSubscription.json", "events/eventSubscription.json"
	case "app":
		return "", "entity/applications/app.json"
	case "appMarketPlaceDefinition":
		return "", "entity/applications/marketplace/appMarketPlaceDefinition.json"
	case "domain", "dataProduct":
		return "api/domains/create" + strings.ToUpper(typ[:1]) + typ[1:] + ".json", ""
	case "databaseService", "messagingService", "dashboardService", "pipelineService":
		return "api/services/create" + strings.ToUpper(typ[:1]) + typ[1:] + ".json", ""
	default:
		return "api/data/create" + strings.ToUpper(typ[:1]) + typ[1:] + ".json", ""
	}
}

func (c *catalog) EnsureAll(_ context.Context, typ string, requests [][]byte) (int, error) {
	create, _ := schemas(typ)
	return c.ensure(typ, create, requests, false)
}

func (c *catalog) EnsureDocuments(_ context.Context, typ string, documents [][]byte) (int, error) {
	_, document := schemas(typ)
	return c.ensure(typ, document, documents, true)
}

func (c *catalog) ensure(typ, schemaName string, docs [][]byte, whole bool) (int, error) {
	c.calls++
	if typ == c.fail {
		return 0, fmt.Errorf("%s cannot be written", typ)
	}
	if c.ids[typ] == nil {
		c.ids[typ], c.bodies[typ] = map[string]string{}, map[string]map[string]any{}
	}
	fresh := map[string]map[string]any{} // documents of one call may not refer to each other
	for _, doc := range docs {
		var body map[string]any
		if err := json.Unmarshal(doc, &body); err != nil {
			return 0, err
		}
		if whole {
			body["id"] = uuid.NewString()
			doc, _ = json.Marshal(body)
		}
		if err := c.set.Validate(schemaName, conforming(typ, doc)); err != nil {
			c.t.Errorf("%s %v: %v", typ, body["name"], err)
		}
		fqn := c.fqn(typ, body)
		if fresh[fqn] != nil {
			c.t.Errorf("%s %s stands twice in one batch", typ, fqn)
		}
		c.references(typ, fqn, body)
		fresh[fqn] = body
	}
	created := 0
	for fqn, body := range fresh {
		if c.ids[typ][fqn] == "" {
			c.ids[typ][fqn], c.bodies[typ][fqn] = uuid.NewString(), body
			created++
		}
	}
	return created, nil
}

// conforming hides the one known departure: clients know five field types by
// names such as date-cp, which the schema of types has no dash for.
func conforming(typ string, doc []byte) []byte {
	if typ != "type" {
		return doc
	}
	return bytes.ReplaceAll(doc, []byte(`-cp"`), []byte(`_cp"`))
}

// parents lists the members that may name the parent, with its type.
func parents(typ string) [][2]string {
	switch typ {
	case "tag":
		return [][2]string{{"parent", "tag"}, {"classification", "classification"}}
	case "glossaryTerm":
		return [][2]string{{"parent", "glossaryTerm"}, {"glossary", "glossary"}}
	case "domain":
		return [][2]string{{"parent", "domain"}}
	case "database":
		return [][2]string{{"service", "databaseService"}}
	case "databaseSchema":
		return [][2]string{{"database", "database"}}
	case "table":
		return [][2]string{{"databaseSchema", "databaseSchema"}}
	case "topic":
		return [][2]string{{"service", "messagingService"}}
	case "chart", "dashboard":
		return [][2]string{{"service", "dashboardService"}}
	case "pipeline":
		return [][2]string{{"service", "pipelineService"}}
	}
	return nil
}

func (c *catalog) fqn(typ string, body map[string]any) string {
	name, _ := body["name"].(string)
	for _, parent := range parents(typ) {
		if fqn, _ := body[parent[0]].(string); fqn != "" {
			c.must(parent[1], fqn, typ+" "+name)
			return entity.JoinFQN(fqn, name)
		}
	}
	if typ == "user" {
		return entity.QuoteName(strings.ToLower(name))
	}
	return entity.QuoteName(name)
}

func (c *catalog) must(typ, fqn, from string) {
	if c.ids[typ][fqn] == "" {
		c.t.Errorf("%s refers to %s %s, which is not there", from, typ, fqn)
	}
}

// references checks the members that name other entities.
func (c *catalog) references(typ, fqn string, body map[string]any) {
	from := typ + " " + fqn
	for member, target := range map[string]string{"domains": "domain", "dataProducts": "dataProduct", "charts": "chart", "experts": "user", "relatedTerms": "glossaryTerm"} {
		list, _ := body[member].([]any)
		for _, item := range list {
			if name, ok := item.(string); ok {
				c.must(target, name, from)
			}
		}
	}
	if name, ok := body["botUser"].(string); ok {
		c.must("user", name, from)
	}
	c.tagged(from, body)
	columns := map[string]bool{}
	list, _ := body["columns"].([]any)
	for _, item := range list {
		column, _ := item.(map[string]any)
		columns[column["name"].(string)] = true
		c.tagged(from, column)
	}
	constraints, _ := body["tableConstraints"].([]any)
	for _, item := range constraints {
		constraint, _ := item.(map[string]any)
		for _, name := range constraint["columns"].([]any) {
			if !columns[name.(string)] {
				c.t.Errorf("%s: constraint on the unknown column %s", from, name)
			}
		}
		referred, _ := constraint["referredColumns"].([]any)
		for _, name := range referred {
			c.column(from, name.(string))
		}
	}
}

func (c *catalog) tagged(from string, body map[string]any) {
	tags, _ := body["tags"].([]any)
	for _, item := range tags {
		label, _ := item.(map[string]any)
		target := "tag"
		if label["source"] == "Glossary" {
			target = "glossaryTerm"
		}
		c.must(target, label["tagFQN"].(string), from)
	}
}

// column checks that the FQN names a column of a table that is there.
func (c *catalog) column(from, fqn string) {
	table := entity.ParentFQN(fqn)
	list, _ := c.bodies["table"][table]["columns"].([]any)
	for _, item := range list {
		if column, _ := item.(map[string]any); entity.JoinFQN(table, column["name"].(string)) == fqn {
			return
		}
	}
	c.t.Errorf("%s refers to the column %s, which is not there", from, fqn)
}

func (c *catalog) EnsureSettings(_ context.Context, settings []seed.Setting) (int, error) {
	created := 0
	for _, setting := range settings {
		if _, ok := c.settings[setting.Type]; !ok {
			c.settings[setting.Type] = string(setting.Value)
			created++
		}
	}
	return created, nil
}

func (c *catalog) EnsureLineage(_ context.Context, requests [][]byte) (int, error) {
	created := 0
	for _, request := range requests {
		if err := c.set.Validate("api/lineage/addLineage.json", request); err != nil {
			c.t.Errorf("lineage: %v", err)
		}
		var body struct {
			Edge struct {
				FromEntity, ToEntity struct{ ID, Type string }
				LineageDetails       struct {
					ColumnsLineage []struct {
						FromColumns []string
						ToColumn    string
					}
				}
			}
		}
		if err := json.Unmarshal(request, &body, json.MatchCaseInsensitiveNames(true)); err != nil {
			return 0, err
		}
		for _, columns := range body.Edge.LineageDetails.ColumnsLineage {
			for _, name := range append(columns.FromColumns, columns.ToColumn) {
				c.column("lineage", name)
			}
		}
		if key := body.Edge.FromEntity.ID + ">" + body.Edge.ToEntity.ID; !c.edges[key] {
			c.edges[key] = true
			created++
		} else if created > 0 {
			c.t.Errorf("the edge %s stands twice", key)
		}
	}
	return created, nil
}

func (c *catalog) Lookup(_ context.Context, typ string, fqns []string) (map[string]string, error) {
	found := map[string]string{}
	for _, fqn := range fqns {
		if id := c.ids[typ][fqn]; id != "" {
			found[fqn] = id
		}
	}
	return found, nil
}
