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

// TestNobodyOwnsWhatIsNotThereYet has somebody create things by naming themselves as
// their owner or reviewer.
func TestNobodyOwnsWhatIsNotThereYet(t *testing.T) {
	b := tableBed(t)
	self := `[{"id":"` + b.plain.UserID.String() + `","type":"user"}]`
	for typ, body := range map[string]string{
		"databaseService": `{"name":"mine","serviceType":"Mysql","owners":` + self + `}`,
		"glossary":        `{"name":"mine","description":"d","owners":` + self + `,"reviewers":` + self + `}`,
		"metric":          `{"name":"mine","owners":` + self + `}`,
		"table":           tableRequest("mine", `"owners":`+self+`,`, idColumn),
	} {
		_, err := b.e.Create(t.Context(), b.plain, b.typ(typ), []byte(body), engine.View{})
		wantKind(t, err, entity.KindForbidden, "operations [Create] not allowed")
		_, err = b.put(b.plain, typ, body)
		wantKind(t, err, entity.KindForbidden, "operations [Create] not allowed")
	}
	// What lies above decides.
	schema := b.get(b.admin, "databaseSchema", "svc.db.sales", "").ID
	b.mustPatch(b.admin, "databaseSchema", schema, `[{"op":"add","path":"/owners","value":`+self+`}]`)
	if _, err := b.put(b.plain, "table", tableRequest("mine", "", idColumn)); err != nil {
		t.Error(err)
	}
}

// TestPatchesTellNothing has a bot without rights guess at values by patches that fit
// or do not fit.
func TestPatchesTellNothing(t *testing.T) {
	b := tableBed(t)
	id := b.create("table", tableRequest("secret", `"description":"the answer",`, idColumn)).ID
	stranger := b.caller("governance-bot")
	for name, patch := range map[string]string{
		"a test that holds":     `[{"op":"test","path":"/description","value":"the answer"}]`,
		"a test that does not":  `[{"op":"test","path":"/description","value":"a guess"}]`,
		"a member that is not":  `[{"op":"remove","path":"/displayName"}]`,
		"a value of wrong kind": `[{"op":"add","path":"/columns/0/dataType","value":"FROB"}]`,
		"an unknown owner":      `[{"op":"add","path":"/owners/0","value":{"id":"00000000-0000-4000-8000-00000000ffff","type":"user"}}]`,
		"nothing":               `[]`,
	} {
		_, err := b.patch(stranger, "table", id, patch)
		wantKind(t, err, entity.KindForbidden, "operations [ViewBasic] not allowed")
		if _, err := b.patch(b.plain, "table", id, patch); name == "a test that does not" {
			wantKind(t, err, entity.KindBadRequest, "does not fit")
		}
	}
	_, err := b.e.Patch(t.Context(), stranger, b.typ("table"), engine.ByID(id), []byte(`[]`), entity.FirstVersion.Next(true), engine.View{})
	wantKind(t, err, entity.KindForbidden, "operations [ViewBasic] not allowed")
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
	wantKind(t, err, entity.KindForbidden, "accounts of other people")
	b.mustPatch(b.admin, "user", other, forbidden[0])
	if now := b.get(b.admin, "user", "plain", "roles,teams"); string(now.Rest["isAdmin"]) == "true" || now.DisplayName != "Me" {
		t.Errorf("the user became %s", asJSON(t, now))
	}
}

// TestBotsGiveNoRightsAway: not even one that is an administrator.
func TestBotsGiveNoRightsAway(t *testing.T) {
	b := newBed(t)
	victim := b.create("user", `{"name":"victim","email":"victim@example.com"}`).ID
	b.create("user", `{"name":"robot","email":"robot@example.com","isBot":true,"isAdmin":true}`)
	b.create("bot", `{"name":"robot","botUser":"robot"}`)
	robot := b.caller("robot")
	robot.TokenType = "BOT"
	if !robot.IsAdmin || !robot.IsBot {
		t.Fatalf("the caller is %+v", robot)
	}
	role := b.get(b.admin, "role", "DataSteward", "").ID.String()
	for _, id := range []entity.ID{victim, robot.UserID, b.admin.UserID} {
		for _, patch := range []string{
			`[{"op":"add","path":"/allowImpersonation","value":true}]`,
			`[{"op":"add","path":"/roles","value":[{"id":"` + role + `","type":"role"}]}]`,
			`[{"op":"replace","path":"/email","value":"new@example.com"}]`,
		} {
			_, err := b.patch(robot, "user", id, patch)
			wantKind(t, err, entity.KindForbidden, "is a bot")
		}
	}
	for _, patch := range []string{`[{"op":"replace","path":"/isAdmin","value":true}]`, `[{"op":"replace","path":"/isBot","value":true}]`} {
		_, err := b.patch(robot, "user", victim, patch)
		wantKind(t, err, entity.KindForbidden, "is a bot")
	}
	_, err := b.patch(robot, "user", b.admin.UserID, `[{"op":"replace","path":"/isAdmin","value":false}]`)
	wantKind(t, err, entity.KindForbidden, "is a bot")
	for _, body := range []string{
		`{"name":"evil","email":"evil@example.com","isAdmin":true}`, `{"name":"evil","email":"evil@example.com","isBot":true}`,
		`{"name":"evil","email":"evil@example.com","roles":["` + role + `"]}`, `{"name":"victim","email":"victim@example.com","isAdmin":true}`,
	} {
		_, err := b.put(robot, "user", body)
		wantKind(t, err, entity.KindForbidden, "is a bot")
	}
	_, err = b.put(robot, "team", `{"name":"gang","teamType":"Group","defaultRoles":["`+role+`"]}`)
	wantKind(t, err, entity.KindForbidden, "is a bot")
	// All else that administrators do it does.
	b.mustPatch(robot, "user", victim, `[{"op":"add","path":"/displayName","value":"Renamed"}]`)
	if _, err := b.put(robot, "user", `{"name":"plainone","email":"plainone@example.com"}`); err != nil {
		t.Error(err)
	}
}

// TestTheSystemBotStays: it can be switched off, not taken away.
func TestTheSystemBotStays(t *testing.T) {
	b := newBed(t)
	bot := b.get(b.admin, "bot", "ingestion-bot", "")
	for _, opts := range []engine.DeleteOptions{{}, {Recursive: true}, {Hard: true}, {Hard: true, Recursive: true}} {
		_, err := b.e.Delete(t.Context(), b.admin, b.typ("bot"), engine.ByID(bot.ID), opts, engine.View{})
		wantKind(t, err, entity.KindBadRequest, "can not be deleted")
		if opts.Hard {
			_, err := b.e.Delete(t.Context(), b.admin, b.typ("user"), engine.ByID(b.bot.UserID), opts, engine.View{})
			wantKind(t, err, entity.KindBadRequest, "can not be deleted for good")
		}
	}
	if _, err := b.e.Delete(t.Context(), b.admin, b.typ("user"), engine.ByID(b.bot.UserID), engine.DeleteOptions{}, engine.View{}); err != nil {
		t.Fatal(err)
	}
	_, err := b.e.Delete(t.Context(), b.admin, b.typ("user"), engine.ByID(b.bot.UserID), engine.DeleteOptions{Hard: true}, engine.View{})
	wantKind(t, err, entity.KindBadRequest, "can not be deleted for good")
	if _, err := b.e.Restore(t.Context(), b.admin, b.typ("user"), b.bot.UserID, engine.View{}); err != nil {
		t.Fatal(err)
	}
	// The account of any other bot goes.
	own := b.create("user", `{"name":"robot","email":"robot@example.com","isBot":true}`).ID
	b.create("bot", `{"name":"robot","botUser":"robot"}`)
	if _, err := b.e.Delete(t.Context(), b.admin, b.typ("user"), engine.ByID(own), engine.DeleteOptions{Hard: true}, engine.View{}); err != nil {
		t.Error(err)
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

func TestRightsAreGivenByAdministrators(t *testing.T) {
	b := newBed(t)
	ref := func(id entity.ID, typ string) string { return `{"id":"` + id.String() + `","type":"` + typ + `"}` }
	self := ref(b.plain.UserID, "user")
	organization := b.get(b.admin, "team", "Organization", "").ID
	everything := `{"name":"all","effect":"allow","operations":["All"],"resources":["all"]}`
	// Even what somebody owns gives no way to more rights.
	own := b.create("policy", `{"name":"own","owners":[`+self+`],"rules":[`+everything+`]}`).ID
	team := b.create("team", `{"name":"team","teamType":"Group","isJoinable":false,"owners":[`+self+`]}`).ID
	role := b.get(b.admin, "role", "DataConsumer", "").ID
	for _, caller := range []entity.Principal{b.plain, b.bot} {
		for _, try := range []struct {
			typ   string
			id    entity.ID
			patch string
		}{
			{"team", organization, `[{"op":"add","path":"/owners","value":[` + self + `]}]`},
			{"team", team, `[{"op":"add","path":"/policies","value":[` + ref(own, "policy") + `]}]`},
			{"team", team, `[{"op":"add","path":"/defaultRoles","value":[` + ref(role, "role") + `]}]`},
			{"team", team, `[{"op":"add","path":"/users","value":[` + self + `]}]`},
			{"team", team, `[{"op":"add","path":"/isJoinable","value":true}]`},
			{"policy", own, `[{"op":"add","path":"/rules/-","value":{"name":"two","effect":"allow","operations":["All"],"resources":["all"]}}]`},
			{"policy", own, `[{"op":"add","path":"/description","value":"x"}]`},
			{"policy", b.get(b.admin, "policy", "OrganizationPolicy", "").ID, `[{"op":"add","path":"/owners","value":[` + self + `]}]`},
			{"role", role, `[{"op":"add","path":"/policies/-","value":` + ref(own, "policy") + `}]`},
		} {
			_, err := b.patch(caller, try.typ, try.id, try.patch)
			if err == nil {
				t.Errorf("%s may change a %s by %s", caller.Name, try.typ, try.patch)
			}
			wantKind(t, err, entity.KindForbidden, "is not admin")
		}
		for _, try := range [][2]string{
			{"policy", `{"name":"mine","rules":[` + everything + `]}`}, {"role", `{"name":"mine","policies":["own"]}`},
			{"team", `{"name":"mine","teamType":"Group","defaultRoles":["` + role.String() + `"]}`},
			{"team", `{"name":"mine","teamType":"Group","policies":["` + own.String() + `"]}`},
			{"team", `{"name":"mine","teamType":"Group","users":["` + b.plain.UserID.String() + `"]}`},
			{"team", `{"name":"mine","teamType":"Group","parents":["` + team.String() + `"]}`},
		} {
			_, err := b.put(caller, try[0], try[1])
			wantKind(t, err, entity.KindForbidden, "")
		}
		for typ, id := range map[string]entity.ID{"policy": own, "role": role, "team": team, "user": b.admin.UserID} {
			_, err := b.e.Delete(t.Context(), caller, b.typ(typ), engine.ByID(id), engine.DeleteOptions{Hard: true, Recursive: true}, engine.View{})
			wantKind(t, err, entity.KindForbidden, "is not admin")
		}
	}
	b.mustPatch(b.plain, "team", team, `[{"op":"add","path":"/description","value":"What we do"}]`)
	b.mustPut(b.bot, "team", `{"name":"found","teamType":"Group"}`)
	b.mustPatch(b.admin, "team", team, `[{"op":"add","path":"/users","value":[`+self+`]}]`)
}

func TestWhoWasSentAwayIsBroughtBackByAdministrators(t *testing.T) {
	b := newBed(t)
	gone := b.create("user", `{"name":"gone","email":"gone@example.com","isAdmin":true}`).ID
	if _, err := b.e.Delete(t.Context(), b.admin, b.typ("user"), engine.ByID(gone), engine.DeleteOptions{}, engine.View{}); err != nil {
		t.Fatal(err)
	}
	for _, caller := range []entity.Principal{b.plain, b.bot} {
		_, err := b.e.Restore(t.Context(), caller, b.typ("user"), gone, engine.View{})
		wantKind(t, err, entity.KindForbidden, "")
	}
	if _, err := b.e.Restore(t.Context(), b.admin, b.typ("user"), gone, engine.View{}); err != nil {
		t.Error(err)
	}
}

// TestT43TheLastAdministratorStays: neither by PATCH nor by deleting oneself.
func TestT43TheLastAdministratorStays(t *testing.T) {
	b := newBed(t)
	demote := `[{"op":"replace","path":"/isAdmin","value":false}]`
	remove := func(id entity.ID) error {
		_, err := b.e.Delete(t.Context(), b.admin, b.typ("user"), engine.ByID(id), engine.DeleteOptions{}, engine.View{})
		return err
	}
	page, err := b.e.List(t.Context(), b.admin, b.typ("user"), engine.ListRequest{Limit: 100, View: engine.View{Fields: engine.AllFields()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range page.Items {
		if user.ID != b.admin.UserID && string(user.Rest["isAdmin"]) == "true" {
			b.mustPatch(b.admin, "user", user.ID, demote)
		}
	}
	_, err = b.patch(b.admin, "user", b.admin.UserID, demote)
	wantKind(t, err, entity.KindBadRequest, "last administrator")
	wantKind(t, remove(b.admin.UserID), entity.KindBadRequest, "last administrator")
	// Bots administer nothing, however many there are.
	for _, name := range []string{"bot-a", "bot-b", "bot-c"} {
		b.create("user", `{"name":"`+name+`","email":"`+name+`@example.com","isBot":true,"isAdmin":true}`)
	}
	_, err = b.patch(b.admin, "user", b.admin.UserID, demote)
	wantKind(t, err, entity.KindBadRequest, "last administrator")
	wantKind(t, remove(b.admin.UserID), entity.KindBadRequest, "last administrator")
	second := b.create("user", `{"name":"second","email":"second@example.com","isAdmin":true}`).ID
	if err := remove(second); err != nil {
		t.Fatal(err)
	}
	wantKind(t, remove(b.admin.UserID), entity.KindBadRequest, "last administrator")
}
