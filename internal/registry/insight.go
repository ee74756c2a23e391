package registry

// insightTypes lists reports on the catalog itself, and small things of the user interface.
func insightTypes() []*Type {
	return []*Type{
		{
			Name: "kpi", Plural: "kpi", Collection: "/v1/kpi",
			Schema: "dataInsight/kpi/kpi.json", Create: "api/dataInsight/kpi/createKpiRequest.json",
			Relations: []Relation{
				{Field: "dataInsightChart", Types: []string{"dataInsightChart"}},
			},
			Records:  []string{"kpiResult"},
			Expand:   []string{"owners", "dataInsightChart", "kpiResult"},
			Supports: routes(restore | async | patchByName),
		},
		{
			Name: "dataInsightChart", Plural: "charts", Collection: "/v1/analytics/dataInsights/charts",
			Schema: "dataInsight/dataInsightChart.json", Create: "api/dataInsight/createDataInsightChart.json",
			Expand:   []string{"owners"},
			Supports: routes(restore | async | patchByName),
		},
		{
			Name: "webAnalyticEvent", Plural: "events", Collection: "/v1/analytics/web/events",
			Schema: "analytics/webAnalyticEvent.json", Create: "api/analytics/createWebAnalyticEvent.json",
			Expand:   []string{"owners"},
			Supports: routes(restore | async | patchByName),
		},
		{
			Name: "document", Plural: "docStore", Collection: "/v1/docStore",
			Schema: "entity/docStore/document.json", Create: "api/docStore/createDocument.json",
			FQN: documentFQN,
			Filters: []Filter{
				{Param: "entityType", Kind: FilterField, Field: "entityType"},
				{Param: "fqnPrefix", Kind: FilterUnder},
			},
			Supports: routes(async | patchByName),
		},
		{
			Name: "type", Plural: "types", Collection: "/v1/metadata/types",
			Schema: "entity/type.json", Create: "api/createType.json",
			Expand: []string{"customProperties", "dataProducts"},
			Filters: []Filter{
				{Param: "category", Kind: FilterField, Field: "category"},
			},
			Supports: routes(async | patchByName),
		},
		{
			Name: "learningResource", Plural: "resources", Collection: "/v1/learning/resources",
			Schema: "entity/learning/learningResource.json", Create: "api/learning/createLearningResource.json",
			Expand: []string{"owners", "reviewers", "tags", "followers", "contexts", "categories", "extension"},
			Filters: []Filter{
				{Param: "difficulty", Kind: FilterField, Field: "difficulty"},
				{Param: "status", Kind: FilterField, Field: "status"},
				{Param: "resourceType", Kind: FilterField, Field: "resourceType"},
			},
			Supports: routes(restore),
		},
	}
}
