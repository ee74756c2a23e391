package registry

// assetTypes lists the other data assets.
func assetTypes() []*Type {
	return []*Type{
		{
			Name: "dashboard", Plural: "dashboards", Collection: "/v1/dashboards",
			Schema: "entity/data/dashboard.json", Create: "api/data/createDashboard.json",
			Parents:   []ParentField{{"service", "dashboardService"}},
			Ancestors: []string{"serviceType"},
			Relations: []Relation{
				{Field: "charts", Types: []string{"chart"}, Many: true},
				{Field: "dataModels", Types: []string{"dashboardDataModel"}, Many: true},
			},
			Records: []string{"usageSummary"},
			Expand: []string{
				"owners", "charts", "followers", "tags", "usageSummary", "extension", "dataModels", "domains",
				"dataProducts", "sourceHash", "certification", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"dashboardService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "chart", Plural: "charts", Collection: "/v1/charts",
			Schema: "entity/data/chart.json", Create: "api/data/createChart.json",
			Parents:   []ParentField{{"service", "dashboardService"}},
			Ancestors: []string{"serviceType"},
			Relations: []Relation{
				{Field: "dashboards", Types: []string{"dashboard"}, Many: true, Inverse: true, Of: "charts"},
			},
			Records: []string{"usageSummary"},
			Expand: []string{
				"owners", "followers", "tags", "domains", "dataProducts", "sourceHash", "dashboards", "extension",
				"certification", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"dashboardService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "dashboardDataModel", Plural: "datamodels", Collection: "/v1/dashboard/datamodels",
			Schema: "entity/data/dashboardDataModel.json", Create: "api/data/createDashboardDataModel.json",
			Parents:   []ParentField{{"service", "dashboardService"}},
			FQNInfix:  "model",
			Ancestors: []string{"serviceType"},
			Expand: []string{
				"owners", "tags", "followers", "domains", "sourceHash", "extension", "certification",
				"dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"dashboardService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
			Hooks:    columnHooks("columns"),
		},
		{
			Name: "pipeline", Plural: "pipelines", Collection: "/v1/pipelines",
			Schema: "entity/data/pipeline.json", Create: "api/data/createPipeline.json",
			Parents:   []ParentField{{"service", "pipelineService"}},
			Ancestors: []string{"serviceType"},
			Records:   []string{"pipelineStatus", "usageSummary"},
			Expand: []string{
				"owners", "tasks", "pipelineStatus", "followers", "tags", "extension", "domains", "sourceHash",
				"scheduleInterval", "certification", "dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"pipelineService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "topic", Plural: "topics", Collection: "/v1/topics",
			Schema: "entity/data/topic.json", Create: "api/data/createTopic.json",
			Parents:   []ParentField{{"service", "messagingService"}},
			Ancestors: []string{"serviceType"},
			Records:   []string{"sampleData"},
			Expand: []string{
				"owners", "followers", "tags", "extension", "domains", "dataProducts", "sourceHash",
				"certification", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"messagingService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "mlmodel", Plural: "mlmodels", Collection: "/v1/mlmodels",
			Schema: "entity/data/mlmodel.json", Create: "api/data/createMlModel.json",
			Parents:   []ParentField{{"service", "mlmodelService"}},
			Ancestors: []string{"serviceType"},
			Relations: []Relation{
				{Field: "dashboard", Types: []string{"dashboard"}},
			},
			Records: []string{"usageSummary"},
			Expand: []string{
				"owners", "dashboard", "followers", "tags", "usageSummary", "extension", "domains", "sourceHash",
				"certification", "dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"mlmodelService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "container", Plural: "containers", Collection: "/v1/containers",
			Schema: "entity/data/container.json", Create: "api/data/createContainer.json",
			Parents:   []ParentField{{"parent", "container"}, {"service", "storageService"}},
			Ancestors: []string{"service", "serviceType"},
			Children:  []Child{{"children", "container"}},
			Expand: []string{
				"parent", "children", "dataModel", "owners", "tags", "followers", "extension", "domains",
				"sourceHash", "certification", "dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"storageService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
			Hooks:    columnHooks("dataModel", "columns"),
		},
		{
			Name: "searchIndex", Plural: "searchIndexes", Collection: "/v1/searchIndexes",
			Schema: "entity/data/searchIndex.json", Create: "api/data/createSearchIndex.json",
			Parents:   []ParentField{{"service", "searchService"}},
			Ancestors: []string{"serviceType"},
			Records:   []string{"sampleData"},
			Expand: []string{
				"owners", "followers", "tags", "extension", "domains", "dataProducts", "sourceHash",
				"certification", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"searchService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "apiCollection", Plural: "apiCollections", Collection: "/v1/apiCollections",
			Schema: "entity/data/apiCollection.json", Create: "api/data/createAPICollection.json",
			Parents:   []ParentField{{"service", "apiService"}},
			Ancestors: []string{"serviceType"},
			Children:  []Child{{"apiEndpoints", "apiEndpoint"}},
			Expand: []string{
				"owners", "apiEndpoints", "tags", "extension", "domains", "sourceHash", "certification",
				"dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"apiService"}},
			},
			Supports: routes(bulk | restore | async | vote | patchByName),
		},
		{
			Name: "apiEndpoint", Plural: "apiEndpoints", Collection: "/v1/apiEndpoints",
			Schema: "entity/data/apiEndpoint.json", Create: "api/data/createAPIEndpoint.json",
			Parents:   []ParentField{{"apiCollection", "apiCollection"}},
			Ancestors: []string{"service", "serviceType"},
			Expand: []string{
				"owners", "followers", "tags", "extension", "domains", "dataProducts", "sourceHash",
				"certification", "votes",
			},
			Filters: []Filter{
				{Param: "apiCollection", Kind: FilterUnder, Types: []string{"apiCollection"}},
				{Param: "service", Kind: FilterUnder, Types: []string{"apiService"}},
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "metric", Plural: "metrics", Collection: "/v1/metrics",
			Schema: "entity/data/metric.json", Create: "api/data/createMetric.json",
			Relations: []Relation{
				{Field: "relatedMetrics", Types: []string{"metric"}, Many: true},
			},
			Expand: []string{
				"owners", "relatedMetrics", "followers", "tags", "extension", "domains", "dataProducts",
				"reviewers", "certification", "votes",
			},
			Supports: routes(bulk | restore | async | followers | vote | patchByName),
		},
		{
			Name: "report", Plural: "reports", Collection: "/v1/reports",
			Schema: "entity/data/report.json",
			Relations: []Relation{
				{Field: "service", Types: []string{"dashboardService"}},
			},
			Records:  []string{"usageSummary"},
			Expand:   []string{"owners", "usageSummary", "votes"},
			Supports: routes(vote | notCreated),
		},
	}
}
