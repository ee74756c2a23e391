package registry

// aiTypes lists models, prompts and applications of artificial intelligence.
func aiTypes() []*Type {
	return []*Type{
		{
			Name: "llmModel", Plural: "llmModels", Collection: "/v1/llmModels",
			Schema: "entity/ai/llmModel.json", Create: "api/ai/createLLMModel.json",
			Parents: []ParentField{{"service", "llmService"}},
			Relations: []Relation{
				{Field: "usedByAgents", Types: []string{"aiApplication"}, Many: true, Inverse: true, Of: "primaryModel"},
			},
			Expand: []string{"owners", "followers", "tags", "extension", "domains", "certification", "dataProducts", "votes"},
			Filters: []Filter{
				{Param: "service", Kind: FilterUnder, Types: []string{"llmService"}},
			},
			Supports: routes(restore | async | followers | patchByName),
		},
		{
			Name: "aiApplication", Plural: "aiApplications", Collection: "/v1/aiApplications",
			Schema: "entity/ai/aiApplication.json", Create: "api/ai/createAIApplication.json",
			Relations: []Relation{
				{Field: "primaryModel", Types: []string{"llmModel"}},
				{Field: "promptTemplates", Types: []string{"promptTemplate"}, Many: true},
				{Field: "tools", Types: []string{"*"}, Many: true},
				{Field: "dataSources", Types: []string{"*"}, Many: true},
				{Field: "knowledgeBases", Types: []string{"*"}, Many: true},
				{Field: "upstreamApplications", Types: []string{"aiApplication"}, Many: true},
				{Field: "downstreamApplications", Types: []string{"aiApplication"}, Many: true},
				{Field: "testSuites", Types: []string{"testSuite"}, Many: true},
			},
			Expand:   []string{"owners", "followers", "tags", "extension", "domains", "certification", "dataProducts", "votes"},
			Supports: routes(restore | async | followers | patchByName),
		},
		{
			Name: "promptTemplate", Plural: "promptTemplates", Collection: "/v1/promptTemplates",
			Schema: "entity/ai/promptTemplate.json", Create: "api/ai/createPromptTemplate.json",
			Relations: []Relation{
				{Field: "parentTemplate", Types: []string{"promptTemplate"}},
				{Field: "usedByAgents", Types: []string{"aiApplication"}, Many: true, Inverse: true, Of: "promptTemplates"},
			},
			Expand:   []string{"owners", "tags", "extension", "followers", "votes"},
			Supports: routes(restore | async | followers | patchByName),
		},
		{
			Name: "aiGovernancePolicy", Plural: "aiGovernancePolicies", Collection: "/v1/aiGovernancePolicies",
			Schema: "entity/ai/aiGovernancePolicy.json", Create: "api/ai/createAIGovernancePolicy.json",
			Relations: []Relation{
				{Field: "appliesTo", Types: []string{"*"}, Many: true},
			},
			Expand:   []string{"owners", "followers", "tags", "extension", "domains", "votes"},
			Supports: routes(restore | async | followers | patchByName),
		},
	}
}
