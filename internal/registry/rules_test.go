package registry_test

import (
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestValidateService(t *testing.T) {
	const mysql = `"serviceType":"Mysql"`
	sound := `{` + mysql + `,"connection":{"config":{"type":"Mysql","username":"u","hostPort":"h:1"}}}`
	tests := []struct{ name, typ, old, next, want string }{
		{"sound", "databaseService", "", sound, ""},
		{"no connection", "databaseService", "", `{` + mysql + `}`, ""},
		{"empty connection", "databaseService", "", `{` + mysql + `,"connection":{}}`, ""},
		{"null settings", "databaseService", "", `{` + mysql + `,"connection":{"config":null}}`, ""},
		{"missing member", "databaseService", "", `{` + mysql + `,"connection":{"config":{"hostPort":"h"}}}`, "[connection.config.username must not be null]"},
		{"of another category", "dashboardService", "", sound, `"Mysql" is no service type of a dashboardService`},
		{"dashboard", "dashboardService", "", `{"serviceType":"Superset","connection":{"config":{"hostPort":"http://h","connection":{"provider":"db","username":"u","password":"p"}}}}`, ""},
		{"connection is no object", "databaseService", "", `{` + mysql + `,"connection":5}`, "connection cannot be read"},
		{"same again", "databaseService", sound, sound, ""},
		{"other product", "databaseService", sound, `{"serviceType":"Postgres"}`, "The service type of svc cannot change from Mysql to Postgres"},
		{"unsound state that did not change", "databaseService", `{` + mysql + `,"connection":{"config":{"x":1}}}`, `{` + mysql + `,"connection":{"config":{"x":1}}}`, ""},
		{"change to an unsound one", "databaseService", sound, `{` + mysql + `,"connection":{"config":{}}}`,
			"[connection.config.username must not be null, connection.config.hostPort must not be null]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var old *entity.Entity
			if test.old != "" {
				old = document(t, "svc", test.old)
			}
			next := document(t, "svc", test.next)
			next.FullyQualifiedName = "svc"
			expect(t, typ(t, test.typ).Hooks.Validate(old, next), test.want)
		})
	}
}

func TestPrepareUser(t *testing.T) {
	prepare := typ(t, "user").Hooks.Prepare
	e := document(t, "Ada.Lovelace", `{"email":"Ada@Example.COM"}`)
	if err := prepare(e, nil); err != nil || e.Name != "ada.lovelace" || string(e.Rest["email"]) != `"ada@example.com"` {
		t.Errorf("%s, %s, %v", e.Name, e.Rest["email"], err)
	}
	plain := document(t, "bob", `{"email":"bob@example.com","isBot":true}`)
	if err := prepare(plain, nil); err != nil || plain.Name != "bob" || string(plain.Rest["email"]) != `"bob@example.com"` {
		t.Errorf("%s, %s, %v", plain.Name, plain.Rest["email"], err)
	}
	if !typ(t, "user").LowerFQN {
		t.Error("names of users are case sensitive")
	}
}

func TestValidateTeam(t *testing.T) {
	validate := typ(t, "team").Hooks.Validate
	const only = "Only the team Organization has the type Organization"
	for _, test := range []struct{ name, rest, want string }{
		{"red", `{"teamType":"Group"}`, ""},
		{"Organization", `{"teamType":"Organization"}`, ""},
		{"red", `{"teamType":"Organization"}`, only},
		{"Organization", `{"teamType":"Group"}`, only},
	} {
		expect(t, validate(nil, document(t, test.name, test.rest)), test.want)
	}
}

func TestValidatePolicy(t *testing.T) {
	validate := typ(t, "policy").Hooks.Validate
	rule := func(name string) string {
		return `{"name":"` + name + `","operations":["ViewAll"],"resources":["all"],"effect":"allow"}`
	}
	for _, test := range []struct{ rules, want string }{
		{`[` + rule("a") + `,` + rule("b") + `]`, ""},
		{`[]`, "A policy needs at least one rule"},
		{`[` + rule("a") + `,` + rule("a") + `]`, "Rule name a is repeated"},
		{`[` + rule(" ") + `]`, "A rule of policy p has no name"},
		{`[{"name":"a","operations":[],"resources":["all"]}]`, "Rule a needs operations and resources"},
		{`[{"name":"a","operations":["ViewAll"]}]`, "Rule a needs operations and resources"},
		{`[5]`, "rules cannot be read"},
	} {
		expect(t, validate(nil, document(t, "p", `{"rules":`+test.rules+`}`)), test.want)
	}
}

// TestOperationsOfRules: the request's schema knows the operations by name.
func TestOperationsOfRules(t *testing.T) {
	_, set := load(t)
	body := func(operation string) []byte {
		return []byte(`{"name":"p","rules":[{"name":"r","effect":"allow","resources":["all"],"operations":["` + operation + `"]}]}`)
	}
	for _, operation := range []string{"All", "ViewAll", "EditTags", "CreateTests", "Deploy"} {
		if err := set.Validate(typ(t, "policy").Create, body(operation)); err != nil {
			t.Errorf("%s: %v", operation, err)
		}
	}
	if err := set.Validate(typ(t, "policy").Create, body("Frob")); entity.KindOf(err) != entity.KindBadRequest || err == nil {
		t.Errorf("got %v", err)
	}
}

func TestStatusOfTerms(t *testing.T) {
	prepare := typ(t, "glossaryTerm").Hooks.Prepare
	reviewers := []entity.Ref{{ID: entity.NewID(), Type: "user"}}
	tests := []struct {
		name, rest   string
		own, parents []entity.Ref
		want         string
	}{
		{"nobody reviews", `{}`, nil, nil, `"Approved"`},
		{"default of the schema", `{"entityStatus":"Unprocessed"}`, nil, nil, `"Approved"`},
		{"reviewers", `{"entityStatus":"Unprocessed"}`, reviewers, nil, `"Draft"`},
		{"reviewers of the glossary", `{}`, nil, reviewers, `"Draft"`},
		{"said", `{"entityStatus":"In Review"}`, nil, nil, `"In Review"`},
		{"rejected", `{"entityStatus":"Rejected"}`, reviewers, nil, `"Rejected"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := document(t, "term", test.rest)
			e.Reviewers = test.own
			if err := prepare(e, &entity.Entity{Reviewers: test.parents}); err != nil || string(e.Rest["entityStatus"]) != test.want {
				t.Errorf("%s, %v", e.Rest["entityStatus"], err)
			}
		})
	}
}

func TestValidateRole(t *testing.T) {
	validate := typ(t, "role").Hooks.Validate
	none, some := document(t, "r", `{"policies":[]}`), document(t, "r", `{"policies":[{"id":"x","type":"policy"}]}`)
	const empty = "A role needs at least one policy"
	expect(t, validate(nil, some), "")
	expect(t, validate(nil, none), empty)
	expect(t, validate(nil, document(t, "r", `{}`)), empty)
	expect(t, validate(some, none), empty)
	expect(t, validate(none, none), "")
}
