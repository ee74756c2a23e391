package registry

import "github.com/catalpa-metadata/catalpa/internal/jsonschema"

// serviceTypes lists the services that assets come from, and the steps of their connection tests.
func serviceTypes(set *jsonschema.Set) []*Type {
	return []*Type{
		{
			Name: "apiService", Plural: "apiServices", Collection: "/v1/services/apiServices",
			Schema: "entity/services/apiService.json", Create: "api/services/createApiService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "apiService"),
		},
		{
			Name: "dashboardService", Plural: "dashboardServices", Collection: "/v1/services/dashboardServices",
			Schema: "entity/services/dashboardService.json", Create: "api/services/createDashboardService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"owners", "domains", "tags", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "dashboardService"),
		},
		{
			Name: "databaseService", Plural: "databaseServices", Collection: "/v1/services/databaseServices",
			Schema: "entity/services/databaseService.json", Create: "api/services/createDatabaseService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(csv | restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "databaseService"),
		},
		{
			Name: "driveService", Plural: "driveServices", Collection: "/v1/services/driveServices",
			Schema: "entity/services/driveService.json", Create: "api/services/createDriveService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(csv | restore | async | followers),
			Hooks:    serviceHooks(set, "driveService"),
		},
		{
			Name: "llmService", Plural: "llmServices", Collection: "/v1/services/llmServices",
			Schema: "entity/services/llmService.json", Create: "api/services/createLLMService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}, {"models", "llmModel"}},
			Expand:   []string{"pipelines", "owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "llmService"),
		},
		{
			Name: "messagingService", Plural: "messagingServices", Collection: "/v1/services/messagingServices",
			Schema: "entity/services/messagingService.json", Create: "api/services/createMessagingService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"owners", "domains", "tags", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "messagingService"),
		},
		{
			Name: "metadataService", Plural: "metadataServices", Collection: "/v1/services/metadataServices",
			Schema: "entity/services/metadataService.json", Create: "api/services/createMetadataService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "tags", "followers"},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "metadataService"),
		},
		{
			Name: "mlmodelService", Plural: "mlmodelServices", Collection: "/v1/services/mlmodelServices",
			Schema: "entity/services/mlmodelService.json", Create: "api/services/createMlModelService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "mlmodelService"),
		},
		{
			Name: "pipelineService", Plural: "pipelineServices", Collection: "/v1/services/pipelineServices",
			Schema: "entity/services/pipelineService.json", Create: "api/services/createPipelineService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "domains", "followers", "tags", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "pipelineService"),
		},
		{
			Name: "searchService", Plural: "searchServices", Collection: "/v1/services/searchServices",
			Schema: "entity/services/searchService.json", Create: "api/services/createSearchService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "searchService"),
		},
		{
			Name: "securityService", Plural: "securityServices", Collection: "/v1/services/securityServices",
			Schema: "entity/services/securityService.json", Create: "api/services/createSecurityService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(csv | restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "securityService"),
		},
		{
			Name: "storageService", Plural: "storageServices", Collection: "/v1/services/storageServices",
			Schema: "entity/services/storageService.json", Create: "api/services/createStorageService.json",
			Children: []Child{{"pipelines", "ingestionPipeline"}},
			Expand:   []string{"pipelines", "owners", "tags", "domains", "followers", "dataProducts"},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(restore | async | followers | patchByName),
			Hooks:    serviceHooks(set, "storageService"),
		},
		{
			Name: "testConnectionDefinition", Plural: "testConnectionDefinitions", Collection: "/v1/services/testConnectionDefinitions",
			Schema:   "entity/services/connections/testConnectionDefinition.json",
			Expand:   []string{"owners"},
			Supports: routes(readOnly),
		},
	}
}
