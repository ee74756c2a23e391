package registry

// governanceTypes lists glossaries, classifications, domains and contracts.
func governanceTypes() []*Type {
	return []*Type{
		{
			Name: "glossary", Plural: "glossaries", Collection: "/v1/glossaries",
			Schema: "entity/data/glossary.json", Create: "api/data/createGlossary.json",
			Expand: []string{
				"owners", "tags", "reviewers", "usageCount", "termCount", "domains", "extension", "dataProducts",
				"votes",
			},
			Supports: routes(csv | restore | async | vote | patchByName | rename),
		},
		{
			Name: "glossaryTerm", Plural: "glossaryTerms", Collection: "/v1/glossaryTerms",
			Schema: "entity/data/glossaryTerm.json", Create: "api/data/createGlossaryTerm.json",
			Parents: []ParentField{{"parent", "glossaryTerm"}, {"glossary", "glossary"}},
			Relations: []Relation{
				{Field: "relatedTerms", Types: []string{"glossaryTerm"}, Many: true},
			},
			Children: []Child{{"children", "glossaryTerm"}},
			Expand: []string{
				"children", "relatedTerms", "reviewers", "owners", "tags", "usageCount", "domains", "extension",
				"childrenCount", "dataProducts", "votes",
			},
			Filters: []Filter{
				{Param: "glossary", Kind: FilterUnder, Types: []string{"glossary"}},
				{Param: "parent", Kind: FilterUnder, Types: []string{"glossaryTerm"}},
				{Param: "directChildrenOf", Kind: FilterParent, Types: []string{"glossaryTerm", "glossary"}},
			},
			Supports: routes(csv | restore | async | vote | patchByName | rename),
			Hooks:    Hooks{Prepare: prepareGlossaryTerm},
		},
		{
			Name: "classification", Plural: "classifications", Collection: "/v1/classifications",
			Schema: "entity/classification/classification.json", Create: "api/classification/createClassification.json",
			Expand: []string{"owners", "reviewers", "usageCount", "termCount", "domains"},
			Filters: []Filter{
				{Param: "disabled", Kind: FilterField, Field: "disabled"},
			},
			Supports: routes(restore | async | patchByName | rename),
		},
		{
			Name: "tag", Plural: "tags", Collection: "/v1/tags",
			Schema: "entity/classification/tag.json", Create: "api/classification/createTag.json",
			Parents:  []ParentField{{"parent", "tag"}, {"classification", "classification"}},
			Children: []Child{{"children", "tag"}},
			Expand:   []string{"owners", "domains", "children", "usageCount", "reviewers", "dataProducts"},
			Filters: []Filter{
				{Param: "parent", Kind: FilterUnder, Types: []string{"classification", "tag"}},
				{Param: "disabled", Kind: FilterField, Field: "disabled"},
			},
			Supports: routes(restore | async | patchByName | rename),
			Hooks:    Hooks{Prepare: prepareTag},
		},
		{
			Name: "domain", Plural: "domains", Collection: "/v1/domains",
			Schema: "entity/domains/domain.json", Create: "api/domains/createDomain.json",
			Parents: []ParentField{{"parent", "domain"}}, ParentOptional: true,
			Relations: []Relation{
				{Field: "assets", Types: []string{"*"}, Many: true, Inverse: true, Of: "domains"},
			},
			Children: []Child{{"children", "domain"}},
			Expand:   []string{"tags", "children", "owners", "experts", "extension", "followers", "certification", "votes"},
			Supports: routes(async | followers | patchByName | rename),
		},
		{
			Name: "dataProduct", Plural: "dataProducts", Collection: "/v1/dataProducts",
			Schema: "entity/domains/dataProduct.json", Create: "api/domains/createDataProduct.json",
			Parents: []ParentField{{"domains", "domain"}}, ParentOptional: true,
			FlatFQN: true,
			Relations: []Relation{
				{Field: "assets", Types: []string{"*"}, Many: true, Inverse: true, Of: "dataProducts"},
				{Field: "consumesFrom", Types: []string{"dataProduct"}, Many: true, KeepOnPut: true},
				{Field: "providesTo", Types: []string{"dataProduct"}, Many: true, KeepOnPut: true},
			},
			Expand: []string{
				"domains", "owners", "reviewers", "experts", "extension", "tags", "followers", "certification",
				"votes",
			},
			Filters: []Filter{
				{Param: "domain", Kind: FilterRelation, Field: "domains", Types: []string{"domain"}},
			},
			Supports: routes(async | followers | patchByName | rename),
		},
		{
			Name: "dataContract", Plural: "dataContracts", Collection: "/v1/dataContracts",
			Schema: "entity/data/dataContract.json", Create: "api/data/createDataContract.json",
			Parents: []ParentField{{"entity", "*"}},
			FQN:     dataContractFQN,
			Relations: []Relation{
				{Field: "testSuite", Types: []string{"testSuite"}},
				{Field: "qualityExpectations", Types: []string{"testCase"}, Many: true},
			},
			Expand: []string{"owners", "reviewers", "extension"},
			Filters: []Filter{
				{Param: "status", Kind: FilterField, Field: "entityStatus"},
				{Param: "entity", Kind: FilterParent, Types: []string{"*"}},
			},
			Supports: routes(restore | async),
			Hooks:    Hooks{Prepare: prepareDataContract},
		},
	}
}
