package engine_test

import (
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func refJSON(id entity.ID, typ string) string {
	return `{"id":"` + id.String() + `","type":"` + typ + `"}`
}

// wantOne checks the only reference in a list.
func wantOne(t *testing.T, what string, refs []entity.Ref, id entity.ID, name string, inherited bool) {
	t.Helper()
	if len(refs) != 1 || refs[0].ID != id || refs[0].Name != name || refs[0].Inherited != inherited {
		t.Errorf("%s: %+v, want %s %s, inherited %v", what, refs, name, id, inherited)
	}
}

func TestOwnersAndDomainsComeFromAbove(t *testing.T) {
	b := tableBed(t)
	b.create("table", tableRequest("orders", "", idColumn))
	domain := b.create("domain", `{"name":"dom","description":"d","domainType":"Aggregate"}`).ID
	service, schema := b.get(b.admin, "databaseService", "svc", "").ID, b.get(b.admin, "databaseSchema", "svc.db.sales", "").ID
	table := func() *entity.Entity { return b.get(b.admin, "table", "svc.db.sales.orders", "owners,domains") }
	if got := table(); len(got.Owners) != 0 || len(got.Domains) != 0 {
		t.Fatalf("owners %v, domains %v", got.Owners, got.Domains)
	}
	b.mustPatch(b.admin, "databaseService", service, `[{"op":"add","path":"/owners","value":[`+refJSON(b.admin.UserID, "user")+`]},{"op":"add","path":"/domains","value":[`+refJSON(domain, "domain")+`]}]`)
	wantOne(t, "owners from the service", table().Owners, b.admin.UserID, "root", true)
	wantOne(t, "domains from the service", table().Domains, domain, "dom", true)

	b.mustPatch(b.admin, "databaseSchema", schema, `[{"op":"add","path":"/owners","value":[`+refJSON(b.plain.UserID, "user")+`]}]`)
	wantOne(t, "owners from the schema, which is nearer", table().Owners, b.plain.UserID, "plain", true)
	wantOne(t, "domains, still from the service", table().Domains, domain, "dom", true)

	// A client that sends back what it was shown does not make it the table's own.
	got := b.mustPatch(b.admin, "table", table().ID, `[{"op":"add","path":"/description","value":"x"}]`)
	if c := got.Entity.ChangeDescription; len(c.FieldsAdded) != 1 || c.FieldsAdded[0].Name != "description" {
		t.Errorf("the patch changed %+v", c)
	}
	b.mustPatch(b.admin, "table", table().ID, `[{"op":"add","path":"/owners","value":[`+refJSON(b.admin.UserID, "user")+`]}]`)
	wantOne(t, "its own owner", table().Owners, b.admin.UserID, "root", false)
	b.mustPatch(b.admin, "table", table().ID, `[{"op":"remove","path":"/owners"}]`)
	wantOne(t, "inherited again", table().Owners, b.plain.UserID, "plain", true)

	if _, err := b.e.Delete(t.Context(), b.admin, b.typ("user"), engine.ByID(b.plain.UserID), engine.DeleteOptions{Hard: true}, engine.View{}); err != nil {
		t.Fatal(err)
	}
	for _, owner := range table().Owners {
		if owner.ID == b.plain.UserID {
			t.Errorf("an owner who is gone still shows: %+v", owner)
		}
	}
}

// column is what the tests look at in one.
type column struct {
	Name        string            `json:"name"`
	DisplayName string            `json:"displayName"`
	Description string            `json:"description"`
	Tags        []entity.TagLabel `json:"tags"`
	Children    []column          `json:"children"`
}

func TestTagsOfColumnsSurviveIngestion(t *testing.T) {
	b := tableBed(t)
	table := b.create("table", tableRequest("orders", "", allColumns))
	const label = `{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}`
	b.mustPatch(b.admin, "table", table.ID, `[
		{"op":"add","path":"/columns/1/tags/0","value":`+label+`},
		{"op":"add","path":"/columns/2/children/0/tags/0","value":`+label+`},
		{"op":"add","path":"/columns/2/children/0/description","value":"By a person"},
		{"op":"add","path":"/columns/1/displayName","value":"E-mail"}]`)

	// The source now has the columns in another order, one more, and other texts.
	b.mustPut(b.bot, "table", tableRequest("orders", "", `{"name":"new","dataType":"INT"},
		{"name":"addr","dataType":"STRUCT","dataTypeDisplay":"struct<zip:string,city:string>","children":[{"name":"city","dataType":"STRING"},{"name":"zip","dataType":"STRING","description":"By the source"}]},
		{"name":"email","dataType":"VARCHAR","dataLength":200,"description":"By the source","displayName":"MAIL"},`+idColumn))
	var columns []column
	unmarshal(t, b.get(b.admin, "table", "svc.db.sales.orders", "columns,tags").Rest["columns"], &columns)
	if len(columns) != 4 || columns[0].Name != "new" || columns[1].Name != "addr" || columns[2].Name != "email" {
		t.Fatalf("columns %+v", columns)
	}
	if email := columns[2]; len(email.Tags) != 1 || email.Description != "An e-mail address" || email.DisplayName != "E-mail" {
		t.Errorf("email became %+v", email)
	}
	if zip := columns[1].Children[1]; zip.Name != "zip" || len(zip.Tags) != 1 || zip.Tags[0].Name != "Sensitive" || zip.Description != "By a person" {
		t.Errorf("zip became %+v", zip)
	}

	// What a person takes away stays away when the source says nothing of it.
	b.mustPatch(b.admin, "table", table.ID, `[{"op":"remove","path":"/columns/2/tags/0"}]`)
	again := b.mustPut(b.bot, "table", tableRequest("orders", "", `{"name":"new","dataType":"INT"},
		{"name":"addr","dataType":"STRUCT","dataTypeDisplay":"struct<zip:string,city:string>","children":[{"name":"city","dataType":"STRING"},{"name":"zip","dataType":"STRING"}]},
		{"name":"email","dataType":"VARCHAR","dataLength":200},`+idColumn))
	if again.Event != entity.EventNoChange {
		t.Errorf("the second run changed %+v", again.Entity.ChangeDescription)
	}
}

func TestABotKeepsWhatPeopleWrote(t *testing.T) {
	b := tableBed(t)
	table := b.create("table", tableRequest("orders", `"description":"By a person","displayName":"Orders",`, idColumn))
	b.mustPatch(b.admin, "table", table.ID, `[{"op":"add","path":"/owners","value":[`+refJSON(b.plain.UserID, "user")+`]},
		{"op":"add","path":"/tags","value":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`)
	b.mustPut(b.bot, "table", tableRequest("orders", `"description":"By the source","displayName":"ORDERS","tags":[{"tagFQN":"Tier.Tier2","source":"Classification","labelType":"Automated","state":"Suggested"}],`, idColumn))
	got := b.get(b.admin, "table", "svc.db.sales.orders", "owners,tags")
	if got.Description != "By a person" || got.DisplayName != "Orders" || len(got.Tags) != 2 {
		t.Errorf("after the bot's PUT: %s", asJSON(t, got))
	}
	wantOne(t, "owners", got.Owners, b.plain.UserID, "plain", false)

	b.mustPut(b.admin, "table", tableRequest("orders", `"description":"By the administrator",`, idColumn))
	got = b.get(b.admin, "table", "svc.db.sales.orders", "owners,tags")
	if got.Description != "By the administrator" || got.DisplayName != "" || len(got.Tags) != 2 || len(got.Owners) != 1 {
		t.Errorf("after the administrator's PUT: %s", asJSON(t, got))
	}
}

func TestANewNameShowsEverywhere(t *testing.T) {
	b := tableBed(t)
	b.create("table", tableRequest("orders", `"owners":[`+refJSON(b.plain.UserID, "user")+`],"tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}],`, idColumn))
	typ := b.typ("table")
	fields, err := b.e.ParseFields(typ, "owners,tags,columns")
	if err != nil {
		t.Fatal(err)
	}
	shows := func() string {
		raw, _, err := b.e.GetJSON(t.Context(), b.plain, typ, engine.ByFQN("svc.db.sales.orders"), engine.View{Fields: fields})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	_ = shows() // now it is cached
	b.mustPatch(b.admin, "user", b.plain.UserID, `[{"op":"add","path":"/displayName","value":"Ann Example"}]`)
	tag := b.get(b.admin, "tag", "PII.Sensitive", "").ID
	b.mustPatch(b.admin, "tag", tag, `[{"op":"add","path":"/displayName","value":"Very personal"},{"op":"add","path":"/style","value":{"color":"#ff0000"}}]`)
	b.mustPatch(b.admin, "databaseSchema", b.get(b.admin, "databaseSchema", "svc.db.sales", "").ID, `[{"op":"add","path":"/displayName","value":"All sales"}]`)
	b.mustPatch(b.admin, "databaseService", b.get(b.admin, "databaseService", "svc", "").ID, `[{"op":"add","path":"/displayName","value":"The warehouse"}]`)
	for _, name := range []string{"Ann Example", "Very personal", "#ff0000", "All sales", "The warehouse"} {
		if got := shows(); !strings.Contains(got, name) {
			t.Errorf("%q does not show: %s", name, got)
		}
	}
}
