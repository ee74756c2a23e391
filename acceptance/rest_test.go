//go:build acceptance

package acceptance

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openAPI is the description of an HTTP API with two collections and an endpoint
// that is in none.
func openAPI() map[string]any {
	type object = map[string]any
	reply := func(schema string) object {
		return object{"200": object{"description": "Fine", "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/" + schema}}}}}
	}
	return object{
		"openapi": "3.0.3", "info": object{"title": "Shop", "version": "1"},
		"tags": []object{{"name": "orders", "description": "What was bought"}, {"name": "customers"}},
		"paths": object{
			"/orders/{id}": object{
				"get": object{
					"tags": []string{"orders"}, "operationId": "getOrder", "description": "One order",
					"parameters": []object{{"name": "id", "in": "path", "schema": object{"type": "integer"}}}, "responses": reply("Order"),
				},
				"put": object{
					"tags": []string{"orders"}, "operationId": "putOrder", "responses": reply("Order"),
					"requestBody": object{"content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Order"}}}},
				},
			},
			"/customers": object{"get": object{"tags": []string{"customers"}, "operationId": "listCustomers", "responses": reply("Customer")}},
			"/health":    object{"get": object{"operationId": "health", "responses": object{"200": object{"description": "Fine"}}}},
		},
		"components": object{"schemas": object{
			"Order": object{"type": "object", "properties": object{
				"id": object{"type": "integer"}, "note": object{"type": "string"}, "customer": object{"$ref": "#/components/schemas/Customer"},
			}},
			"Customer": object{"type": "object", "properties": object{"name": object{"type": "string"}}},
		}},
	}
}

// TestREST ingests an OpenAPI description: collections, endpoints, and the fields
// of what they take and give.
func TestREST(t *testing.T) {
	t.Parallel()
	c := startCatalpa(t)
	bot := c.asBot()
	source := startFake(t, map[string]any{"GET /openapi.json": openAPI()})
	ingest := func() workflow {
		t.Helper()
		return c.metadata(t, "ingest", "rest.yaml", map[string]any{"Source": source.url})
	}

	first := ingest()
	c.assertKnown(t, first, "shop_api", "apiCollections", "service", "customers", "default", "orders")
	c.assertKnown(t, first, "shop_api", "apiEndpoints", "apiCollection",
		"customers./customers/get", "default./health/get", "orders./orders/{id}/get", "orders./orders/{id}/put")
	type field struct {
		Name, DataType string
		Children       []field
	}
	var put struct {
		RequestMethod, EndpointURL    string
		RequestSchema, ResponseSchema struct{ SchemaFields []field }
	}
	bot.get("/apiEndpoints/name/shop_api.orders.%2Forders%2F%7Bid%7D%2Fput?fields=*", &put)
	// The client knows no type for an object that is described elsewhere, only its members.
	want := map[string]string{"id": "INT", "note": "STRING", "customer": "UNKNOWN"}
	got := map[string]string{}
	for _, f := range put.RequestSchema.SchemaFields {
		got[f.Name] = f.DataType
		if f.Name == "customer" && (len(f.Children) != 1 || f.Children[0].Name != "name") {
			t.Errorf("the members of customer became %+v", f.Children)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || put.RequestMethod != "PUT" || len(put.ResponseSchema.SchemaFields) != 3 {
		t.Errorf("the endpoint became %+v\n%s", put, diff)
	}

	// Nothing new but what people wrote; then an endpoint goes away.
	kept := c.curate(t, "apiEndpoints", "shop_api.customers./customers/get")
	collectionKept := c.curate(t, "apiCollections", "shop_api.orders")
	before := bot.state("shop_api", "apiCollections", "apiEndpoints")
	ingest()
	if got := changed(before, bot.state("shop_api", "apiCollections", "apiEndpoints")); len(got) != 0 {
		t.Errorf("a run with nothing new changed %v", got)
	}
	smaller := openAPI()
	smaller["tags"] = smaller["tags"].([]map[string]any)[:1]
	delete(smaller["paths"].(map[string]any), "/customers")
	source.set("GET /openapi.json", smaller)
	ingest()
	if got := bot.entity("apiCollections", "shop_api.customers"); !got.Deleted {
		t.Errorf("the collection that went away became %+v", got)
	}
	if got := bot.entity("apiEndpoints", "shop_api.customers./customers/get"); !got.Deleted {
		t.Errorf("the endpoint that went away became %+v", got)
	}
	source.set("GET /openapi.json", openAPI())
	ingest()
	kept()
	collectionKept()
}
