package registry

import "github.com/catalpa-metadata/catalpa/internal/jsonschema"

// serviceTypes lists the services that assets come from, and the steps of their connection tests.
func serviceTypes(set *jsonschema.Set) []*Type {
	const usual = restore | async | followers | patchByName
	llm := service(set, "llmService", "createLLMService", usual, "pipelines", "owners", "tags", "domains", "followers", "dataProducts")
	llm.Children = append(llm.Children, Child{"models", "llmModel"})
	metadata := service(set, "metadataService", "createMetadataService", usual, "pipelines", "owners", "tags", "followers")
	metadata.Filters = nil // its list has no parameter for the domain
	return []*Type{
		service(set, "apiService", "createApiService", usual, "pipelines", "owners", "tags", "domains", "followers", "dataProducts"),
		service(set, "dashboardService", "createDashboardService", usual, "owners", "domains", "tags", "followers", "dataProducts"),
		service(set, "databaseService", "createDatabaseService", usual|csv, "pipelines", "owners", "tags", "domains", "followers", "dataProducts"),
		service(set, "driveService", "createDriveService", csv|restore|async|followers, "pipelines", "owners", "tags", "domains", "followers", "dataProducts"),
		llm,
		service(set, "messagingService", "createMessagingService", usual, "owners", "domains", "tags", "followers", "dataProducts"),
		metadata,
		service(set, "mlmodelService", "createMlModelService", usual, "pipelines", "owners", "tags", "domains", "followers", "dataProducts"),
		service(set, "pipelineService", "createPipelineService", usual, "pipelines", "owners", "domains", "followers", "tags", "dataProducts"),
		service(set, "searchService", "createSearchService", usual, "pipelines", "owners", "tags", "domains", "followers", "dataProducts"),
		service(set, "securityService", "createSecurityService", usual|csv, "owners", "tags", "domains", "followers", "dataProducts"),
		service(set, "storageService", "createStorageService", usual, "pipelines", "owners", "tags", "domains", "followers", "dataProducts"),
		{
			Name: "testConnectionDefinition", Plural: "testConnectionDefinitions", Collection: "/v1/services/testConnectionDefinitions",
			Schema:   "entity/services/connections/testConnectionDefinition.json",
			Expand:   []string{"owners"},
			Supports: routes(readOnly),
		},
	}
}

// service is the entry of one kind of service; create names the schema of its
// create requests, and expand the fields that are filled only when asked for.
func service(set *jsonschema.Set, name, create string, has route, expand ...string) *Type {
	return &Type{
		Name: name, Plural: name + "s", Collection: "/v1/services/" + name + "s",
		Schema: "entity/services/" + name + ".json", Create: "api/services/" + create + ".json",
		Children: []Child{{"pipelines", "ingestionPipeline"}},
		Expand:   expand,
		Filters:  []Filter{{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}}},
		Supports: routes(has),
		Hooks:    serviceHooks(set, name),
	}
}
