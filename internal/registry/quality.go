package registry

// qualityTypes lists data quality tests.
func qualityTypes() []*Type {
	return []*Type{
		{
			Name: "testDefinition", Plural: "testDefinitions", Collection: "/v1/dataQuality/testDefinitions",
			Schema: "tests/testDefinition.json", Create: "api/tests/createTestDefinition.json",
			Expand: []string{"owners"},
			Filters: []Filter{
				{Param: "entityType", Kind: FilterField, Field: "entityType"},
				{Param: "enabled", Kind: FilterField, Field: "enabled"},
			},
			Supports: routes(restore | async),
		},
		{
			Name: "testSuite", Plural: "testSuites", Collection: "/v1/dataQuality/testSuites",
			Schema: "tests/testSuite.json", Create: "api/tests/createTestSuite.json",
			Parents: []ParentField{{"basicEntityReference", "table"}}, ParentOptional: true,
			FQN: testSuiteFQN,
			Relations: []Relation{
				{Field: "basicEntityReference", Types: []string{"table"}, KeepOnPut: true},
				{Field: "executableEntityReference", Types: []string{"table"}},
				{Field: "dataContract", Types: []string{"dataContract"}},
			},
			Children: []Child{{"tests", "testCase"}, {"pipelines", "ingestionPipeline"}},
			Computed: []string{"summary", "testCaseResultSummary"},
			Expand:   []string{"owners", "tests", "summary", "domains", "tags", "reviewers"},
			Supports: routes(restore | async),
			Hooks:    Hooks{Prepare: prepareTestSuite},
		},
		{
			Name: "testCase", Plural: "testCases", Collection: "/v1/dataQuality/testCases",
			Schema: "tests/testCase.json", Create: "api/tests/createTestCase.json",
			Parents: []ParentField{{"testSuite", "testSuite"}},
			FQN:     testCaseFQN,
			Relations: []Relation{
				{Field: "testDefinition", Types: []string{"testDefinition"}},
				{Field: "testSuite", Types: []string{"testSuite"}, KeepOnPut: true},
			},
			Records:  []string{"testCaseResult"},
			Computed: []string{"testSuites", "failedRowsSample"},
			Expand: []string{
				"owners", "testSuite", "testDefinition", "testSuites", "incidentId", "domains", "tags",
				"followers", "reviewers",
			},
			Filters: []Filter{
				{Param: "testSuiteId", Kind: FilterParent, Types: []string{"testSuite"}},
				{Param: "testCaseStatus", Kind: FilterField, Field: "testCaseStatus"},
				{Param: "createdBy", Kind: FilterField, Field: "createdBy"},
			},
			Supports: routes(csv | restore | async),
			Hooks:    Hooks{Prepare: prepareTestCase},
		},
	}
}
