package registry

// teamTypes lists people, teams and their rights.
func teamTypes() []*Type {
	return []*Type{
		{
			Name: "user", Plural: "users", Collection: "/v1/users",
			Schema: "entity/teams/user.json", Create: "api/teams/createUser.json",
			LowerFQN: true,
			Relations: []Relation{
				{Field: "teams", Types: []string{"team"}, Many: true},
				{Field: "roles", Types: []string{"role"}, Many: true},
				{Field: "personas", Types: []string{"persona"}, Many: true},
				{Field: "defaultPersona", Types: []string{"persona"}},
				{Field: "owns", Types: []string{"*"}, Many: true, Inverse: true, Of: "owners"},
				{Field: "follows", Types: []string{"*"}, Many: true, Inverse: true, Of: "follows"},
			},
			Expand:   []string{"profile", "roles", "teams", "follows", "owns", "domains", "personas", "defaultPersona"},
			Computed: []string{"inheritedRoles", "inheritedPersonas"},
			Filters: []Filter{
				{Param: "team", Kind: FilterRelation, Field: "teams", Types: []string{"team"}},
				{Param: "isAdmin", Kind: FilterField, Field: "isAdmin"},
				{Param: "isBot", Kind: FilterField, Field: "isBot"},
			},
			Supports: routes(restore | async),
			Hooks:    Hooks{Prepare: prepareUser},
		},
		{
			Name: "team", Plural: "teams", Collection: "/v1/teams",
			Schema: "entity/teams/team.json", Create: "api/teams/createTeam.json",
			Parents: []ParentField{{"parents", "team"}}, ParentOptional: true,
			FlatFQN: true,
			Relations: []Relation{
				{Field: "parents", Types: []string{"team"}, Many: true},
				{Field: "children", Types: []string{"team"}, Many: true, Inverse: true, Of: "parents"},
				{Field: "users", Types: []string{"user"}, Many: true, Inverse: true, Of: "teams"},
				{Field: "defaultRoles", Types: []string{"role"}, Many: true},
				{Field: "defaultPersona", Types: []string{"persona"}},
				{Field: "policies", Types: []string{"policy"}, Many: true},
				{Field: "owns", Types: []string{"*"}, Many: true, Inverse: true, Of: "owners"},
			},
			Expand: []string{
				"owners", "profile", "users", "owns", "defaultRoles", "parents", "children", "policies",
				"userCount", "childrenCount", "domains",
			},
			Computed: []string{"inheritedRoles", "userCount", "childrenCount"},
			Filters: []Filter{
				{Param: "parentTeam", Kind: FilterRelation, Field: "parents", Types: []string{"team"}},
				{Param: "isJoinable", Kind: FilterField, Field: "isJoinable"},
			},
			Supports: routes(csv | restore | async | patchByName),
			Hooks:    Hooks{Validate: validateTeam},
		},
		{
			Name: "role", Plural: "roles", Collection: "/v1/roles",
			Schema: "entity/teams/role.json", Create: "api/teams/createRole.json",
			Relations: []Relation{
				{Field: "policies", Types: []string{"policy"}, Many: true},
				{Field: "teams", Types: []string{"team"}, Many: true, Inverse: true, Of: "defaultRoles"},
				{Field: "users", Types: []string{"user"}, Many: true, Inverse: true, Of: "roles"},
			},
			Expand:   []string{"policies", "teams", "users"},
			Supports: routes(restore | async | patchByName),
			Hooks:    Hooks{Validate: validateRole},
		},
		{
			Name: "policy", Plural: "policies", Collection: "/v1/policies",
			Schema: "entity/policies/policy.json", Create: "api/policies/createPolicy.json",
			Relations: []Relation{
				{Field: "location", Types: []string{"*"}},
				{Field: "teams", Types: []string{"team"}, Many: true, Inverse: true, Of: "policies"},
				{Field: "roles", Types: []string{"role"}, Many: true, Inverse: true, Of: "policies"},
			},
			Expand:   []string{"owners", "location", "teams", "roles"},
			Supports: routes(restore | async | patchByName),
			Hooks:    Hooks{Validate: validatePolicy},
		},
		{
			Name: "persona", Plural: "personas", Collection: "/v1/personas",
			Schema: "entity/teams/persona.json", Create: "api/teams/createPersona.json",
			Relations: []Relation{
				{Field: "users", Types: []string{"user"}, Many: true, Inverse: true, Of: "personas"},
				{Field: "uiCustomization", Types: []string{"document"}},
			},
			Expand:   []string{"users"},
			Supports: routes(async | patchByName),
		},
		{
			Name: "bot", Plural: "bots", Collection: "/v1/bots",
			Schema: "entity/bot.json", Create: "api/createBot.json",
			Relations: []Relation{
				{Field: "botUser", Types: []string{"user"}},
			},
			Supports: routes(restore | async | patchByName),
		},
	}
}
