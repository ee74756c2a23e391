package engine_test

import (
	"fmt"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestPlainUsersMayEditWhatPoliciesSay(t *testing.T) {
	b := tableBed(t)
	table := b.create("table", tableRequest("customers", `"owners":[{"id":"`+b.admin.UserID.String()+`","type":"user"}],`, idColumn+`,{"name":"a","dataType":"INT"}`))
	for _, refused := range []struct{ operation, patch string }{
		{"EditDisplayName", `[{"op":"add","path":"/displayName","value":"x"}]`},
		{"EditAll", `[{"op":"remove","path":"/columns/1"}]`},
		{"EditAll", `[{"op":"add","path":"/retentionPeriod","value":"P1D"}]`},
		{"EditOwners", `[{"op":"add","path":"/owners/0","value":{"id":"` + b.plain.UserID.String() + `","type":"user"}}]`},
		{"EditDisplayName", `[{"op":"add","path":"/columns/1/displayName","value":"x"}]`},
		// A path that looks harmless does not matter: the result counts.
		{"EditDisplayName", `[{"op":"copy","from":"/name","path":"/displayName"}]`},
	} {
		_, err := b.patch(b.plain, "table", table.ID, refused.patch)
		wantKind(t, err, entity.KindForbidden, fmt.Sprintf("Principal: CatalogPrincipal{name='plain'} operations [%s] not allowed", refused.operation))
	}
	got := b.mustPatch(b.plain, "table", table.ID, `[{"op":"add","path":"/description","value":"by user"},{"op":"add","path":"/columns/1/description","value":"col"}]`)
	if got.Entity.UpdatedBy != "plain" || got.Entity.Version.String() != "0.2" {
		t.Errorf("updated by %s to %s", got.Entity.UpdatedBy, got.Entity.Version)
	}
	_, err := b.put(b.plain, "table", tableRequest("nn", "", idColumn))
	wantKind(t, err, entity.KindForbidden, "[Create]")
	_, err = b.put(b.plain, "table", tableRequest("customers", "", idColumn))
	wantKind(t, err, entity.KindForbidden, "not allowed")
	_, err = b.e.Delete(t.Context(), b.plain, b.typ("table"), engine.ByID(table.ID), engine.DeleteOptions{}, engine.View{})
	wantKind(t, err, entity.KindForbidden, "[Delete]")
	if now := b.get(b.admin, "table", "svc.db.sales.customers", ""); now.Version.String() != "0.2" || now.DisplayName != "" {
		t.Errorf("a refused write left version %s, %q", now.Version, now.DisplayName)
	}
}

func TestOwnersMayDoEverything(t *testing.T) {
	b := tableBed(t)
	owner := `{"id":"` + b.plain.UserID.String() + `","type":"user"}`
	own := b.create("table", tableRequest("own", `"owners":[`+owner+`],`, idColumn))
	b.mustPatch(b.plain, "table", own.ID, `[{"op":"add","path":"/displayName","value":"Mine"}]`)

	// Ownership is inherited from above, and so is what it allows.
	b.mustPatch(b.admin, "databaseSchema", b.get(b.admin, "databaseSchema", "svc.db.sales", "").ID, `[{"op":"add","path":"/owners","value":[`+owner+`]}]`)
	below := b.create("table", tableRequest("below", "", idColumn))
	b.mustPatch(b.plain, "table", below.ID, `[{"op":"add","path":"/displayName","value":"Mine too"}]`)
}

func TestAccountsAreChangedByAdministrators(t *testing.T) {
	b := newBed(t)
	self, other := b.plain.UserID, b.create("user", `{"name":"other","email":"other@example.com"}`).ID
	role := b.get(b.admin, "role", "DataSteward", "").ID
	open := b.create("team", `{"name":"open","teamType":"Group","isJoinable":true}`).ID
	shut := b.create("team", `{"name":"shut","teamType":"Group","isJoinable":false}`).ID
	domain := b.create("domain", `{"name":"dom","description":"d","domainType":"Aggregate"}`).ID
	ref := func(id entity.ID, typ string) string { return `{"id":"` + id.String() + `","type":"` + typ + `"}` }

	forbidden := []string{
		`[{"op":"replace","path":"/isAdmin","value":true}]`,
		`[{"op":"add","path":"/isBot","value":true}]`,
		`[{"op":"add","path":"/roles","value":[` + ref(role, "role") + `]}]`,
		`[{"op":"add","path":"/roles/0","value":` + ref(role, "role") + `}]`,
		`[{"op":"add","path":"/teams","value":[` + ref(shut, "team") + `]}]`,
		`[{"op":"add","path":"/domains","value":[` + ref(domain, "domain") + `]}]`,
		`[{"op":"replace","path":"/email","value":"new@example.com"}]`,
		`[{"op":"add","path":"/allowImpersonation","value":true}]`,
		`[{"op":"add","path":"/authenticationMechanism","value":{"authType":"BASIC","config":{"password":"x"}}}]`,
		`[{"op":"test","path":"/name","value":"plain"},{"op":"copy","from":"/isEmailVerified","path":"/isAdmin"},{"op":"replace","path":"/isAdmin","value":true}]`,
	}
	for _, caller := range []entity.Principal{b.plain, b.bot} {
		for _, id := range []entity.ID{self, other} {
			for _, patch := range forbidden {
				if _, err := b.patch(caller, "user", id, patch); entity.KindOf(err) != entity.KindForbidden && entity.KindOf(err) != entity.KindBadRequest || err == nil {
					t.Errorf("%s may change %s by %s: %v", caller.Name, id, patch, err)
				}
			}
		}
	}
	for _, body := range []string{
		`{"name":"evil","email":"evil@example.com","isAdmin":true}`, `{"name":"evil","email":"evil@example.com","isBot":true}`,
		`{"name":"evil","email":"evil@example.com","roles":["` + role.String() + `"]}`,
		`{"name":"evil","email":"evil@example.com","teams":["` + shut.String() + `"]}`,
		`{"name":"plain","email":"plain@example.com","isAdmin":true}`,
		`{"name":"PLAIN","email":"plain@example.com","isBot":true}`,
	} {
		for _, caller := range []entity.Principal{b.plain, b.bot} {
			_, err := b.put(caller, "user", body)
			wantKind(t, err, entity.KindForbidden, "")
		}
	}
	b.mustPatch(b.plain, "user", self, `[{"op":"add","path":"/displayName","value":"Me"},{"op":"add","path":"/description","value":"About me"},{"op":"add","path":"/profile","value":{"images":{"image":"https://example.com/a.png"}}}]`)
	b.mustPatch(b.plain, "user", self, `[{"op":"add","path":"/teams","value":[`+ref(open, "team")+`]}]`)
	_, err := b.patch(b.plain, "user", other, `[{"op":"add","path":"/displayName","value":"You"}]`)
	wantKind(t, err, entity.KindForbidden, "EditDisplayName")
	b.mustPatch(b.admin, "user", other, forbidden[0])
	if now := b.get(b.admin, "user", "plain", "roles,teams"); string(now.Rest["isAdmin"]) == "true" || now.DisplayName != "Me" {
		t.Errorf("the user became %s", asJSON(t, now))
	}
}

func TestBotsAreChangedByAdministrators(t *testing.T) {
	b := newBed(t)
	bot := b.get(b.admin, "bot", "ingestion-bot", "")
	for _, caller := range []entity.Principal{b.plain, b.bot} {
		_, err := b.patch(caller, "bot", bot.ID, `[{"op":"replace","path":"/botUser","value":{"id":"`+b.plain.UserID.String()+`","type":"user"}}]`)
		wantKind(t, err, entity.KindForbidden, "is not admin")
		_, err = b.patch(caller, "bot", bot.ID, `[{"op":"add","path":"/description","value":"x"}]`)
		wantKind(t, err, entity.KindForbidden, "is not admin")
		_, err = b.put(caller, "bot", `{"name":"mine","botUser":"ingestion-bot"}`)
		wantKind(t, err, entity.KindForbidden, "is not admin")
		_, err = b.e.Delete(t.Context(), caller, b.typ("bot"), engine.ByID(bot.ID), engine.DeleteOptions{Hard: true}, engine.View{})
		wantKind(t, err, entity.KindForbidden, "is not admin")
	}
	b.mustPatch(b.admin, "bot", bot.ID, `[{"op":"add","path":"/description","value":"Brings metadata in"}]`)
}
