package registry

// databaseTypes lists databases, their schemas, tables and stored procedures, and queries.
func databaseTypes() []*Type {
	return []*Type{
		{
			Name: "database", Plural: "databases", Collection: "/v1/databases",
			Schema: "entity/data/database.json", Create: "api/data/createDatabase.json",
			Parents:   []ParentField{{"service", "databaseService"}},
			Ancestors: []string{"serviceType"},
			Relations: []Relation{
				{Field: "location", Types: []string{"container"}},
			},
			Children: []Child{{"databaseSchemas", "databaseSchema"}},
			Records:  []string{"usageSummary"},
			Expand: []string{
				"owners", "databaseSchemas", "usageSummary", "location", "tags", "certification", "extension",
				"domains", "sourceHash", "followers", "dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"databaseService"}},
			},
			Supports: routes(bulk | csv | restore | async | followers | vote | patchByName),
		},
		{
			Name: "databaseSchema", Plural: "databaseSchemas", Collection: "/v1/databaseSchemas",
			Schema: "entity/data/databaseSchema.json", Create: "api/data/createDatabaseSchema.json",
			Parents:   []ParentField{{"database", "database"}},
			Ancestors: []string{"service", "serviceType"},
			Children:  []Child{{"tables", "table"}},
			Records:   []string{"usageSummary"},
			Expand: []string{
				"owners", "tables", "usageSummary", "tags", "extension", "domains", "sourceHash", "followers",
				"certification", "dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "database", Kind: FilterUnder, Types: []string{"database"}},
				{Param: "service", Kind: FilterUnder, Types: []string{"databaseService"}},
			},
			Supports: routes(bulk | csv | restore | async | followers | vote | patchByName),
		},
		{
			Name: "table", Plural: "tables", Collection: "/v1/tables",
			Schema: "entity/data/table.json", Create: "api/data/createTable.json",
			Parents:   []ParentField{{"databaseSchema", "databaseSchema"}},
			Ancestors: []string{"database", "service", "serviceType"},
			Relations: []Relation{
				{Field: "location", Types: []string{"container"}},
				{Field: "testSuite", Types: []string{"testSuite"}, Inverse: true, Of: "basicEntityReference"},
			},
			Records: []string{"sampleData", "joins", "profile", "usageSummary", "pipelineObservability"},
			Expand: []string{
				"tableConstraints", "tablePartition", "usageSummary", "owners", "customMetrics", "columns",
				"sampleData", "tags", "followers", "joins", "schemaDefinition", "dataModel", "extension",
				"testSuite", "domains", "dataProducts", "lifeCycle", "sourceHash", "certification", "votes",
			},
			Filters: []Filter{
				{Param: "database", Kind: FilterUnder, Types: []string{"database", "databaseSchema"}},
				{Param: "databaseSchema", Kind: FilterUnder, Types: []string{"databaseSchema"}},
				{Param: "service", Kind: FilterUnder, Types: []string{"databaseService"}},
			},
			Supports: routes(bulk | csv | restore | async | followers | vote | patchByName),
			Hooks:    tableHooks(),
		},
		{
			Name: "storedProcedure", Plural: "storedProcedures", Collection: "/v1/storedProcedures",
			Schema: "entity/data/storedProcedure.json", Create: "api/data/createStoredProcedure.json",
			Parents:   []ParentField{{"databaseSchema", "databaseSchema"}},
			Ancestors: []string{"database", "service", "serviceType"},
			Expand: []string{
				"owners", "tags", "followers", "votes", "extension", "domains", "sourceHash", "certification",
				"dataProducts",
			},
			Filters: []Filter{
				{Param: "databaseSchema", Kind: FilterUnder, Types: []string{"databaseSchema"}},
				{Param: "service", Kind: FilterUnder, Types: []string{"databaseService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "query", Plural: "queries", Collection: "/v1/queries",
			Schema: "entity/data/query.json", Create: "api/data/createQuery.json",
			Parents: []ParentField{{"service", "databaseService"}},
			FQN:     queryFQN,
			Relations: []Relation{
				{Field: "users", Types: []string{"user"}, Many: true, KeepOnPut: true},
				{Field: "queryUsedIn", Types: []string{"*"}, Many: true, KeepOnPut: true},
				{Field: "triggeredBy", Types: []string{"*"}, KeepOnPut: true},
			},
			Expand: []string{"owners", "followers", "users", "votes", "tags", "queryUsedIn"},
			Filters: []Filter{
				{Param: "entityId", Kind: FilterRelation, Field: "queryUsedIn", Types: []string{"*"}},
				{Param: "service", Kind: FilterUnder, Types: []string{"databaseService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
			Hooks:    Hooks{Prepare: prepareQuery},
		},
	}
}
