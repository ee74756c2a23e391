package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const piiLabel = `{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}`

// blind makes somebody with all rights from whom a rule hides tables with personal
// data.
func (b *bed) blind() entity.Principal {
	b.t.Helper()
	b.create("policy", `{"name":"blind","rules":[{"name":"hide","effect":"deny","operations":["ViewAll"],"resources":["table"],"condition":"matchAnyTag('PII.Sensitive')"},
		{"name":"rest","effect":"allow","operations":["All"],"resources":["all"]}]}`)
	b.create("role", `{"name":"blind","policies":["blind"]}`)
	b.create("user", `{"name":"ben","email":"ben@example.com","roles":["`+b.get(b.admin, "role", "blind", "").ID.String()+`"]}`)
	return b.caller("ben")
}

// Tests and contracts of a table are hidden with it, in single reads and in filters.
func TestWhatIsAboutSomethingHidden(t *testing.T) {
	b := tableBed(t)
	ben := b.blind()
	for _, name := range []string{"open", "secret"} {
		tags := ""
		if name == "secret" {
			tags = `"tags":[` + piiLabel + `],`
		}
		table := b.create("table", tableRequest(name, tags, idColumn)).ID
		b.create("testCase", fmt.Sprintf(`{"name":"rows","entityLink":"<#E::table::svc.db.sales.%s>","testDefinition":"tableRowCountToBeBetween","parameterValues":[{"name":"minValue","value":"1"}]}`, name))
		b.create("dataContract", fmt.Sprintf(`{"name":"terms","entity":{"id":%q,"type":"table"}}`, table))
	}
	b.create("testSuite", `{"name":"gathered","description":"tests of many tables"}`)
	fqns := map[string]map[string]bool{
		"testCase":     {"svc.db.sales.open.rows": true, "svc.db.sales.secret.rows": false},
		"testSuite":    {"svc.db.sales.open.testSuite": true, "svc.db.sales.secret.testSuite": false, "gathered": true},
		"dataContract": {"svc.db.sales.open.dataContract_terms": true, "svc.db.sales.secret.dataContract_terms": false},
	}
	look := func() {
		t.Helper()
		for typ, wanted := range fqns {
			page, err := b.e.List(t.Context(), ben, b.typ(typ), engine.ListRequest{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			listed := map[string]bool{}
			for _, ent := range page.Items {
				listed[ent.FullyQualifiedName] = true
			}
			for fqn, seen := range wanted {
				for _, op := range []policy.Operation{policy.ViewBasic, policy.EditDescription, policy.Delete} {
					if _, err := b.e.AuthorizeEntity(t.Context(), ben, b.typ(typ), engine.ByFQN(fqn), op); (err == nil) != seen {
						t.Errorf("%v on %s %s: %v, want seen %v", op, typ, fqn, err, seen)
					}
				}
				if listed[fqn] != seen {
					t.Errorf("%s %s is listed: %v, want %v", typ, fqn, listed[fqn], seen)
				}
			}
		}
	}
	look()
	_, err := b.e.Create(t.Context(), ben, b.typ("testCase"), []byte(`{"name":"more","entityLink":"<#E::table::svc.db.sales.secret>","testDefinition":"tableRowCountToBeBetween","parameterValues":[{"name":"minValue","value":"1"}]}`), engine.View{})
	wantKind(t, err, entity.KindForbidden, "forbids ViewBasic on table")

	// It ends with the tag, and begins with one on a column.
	b.mustPatch(b.admin, "table", b.get(b.admin, "table", "svc.db.sales.secret", "").ID, `[{"op":"remove","path":"/tags"}]`)
	for typ := range fqns {
		for fqn := range fqns[typ] {
			fqns[typ][fqn] = true
		}
	}
	look()
	b.mustPatch(b.admin, "table", b.get(b.admin, "table", "svc.db.sales.open", "").ID, `[{"op":"add","path":"/columns/0/tags","value":[`+piiLabel+`]}]`)
	fqns["testCase"]["svc.db.sales.open.rows"] = false
	fqns["testSuite"]["svc.db.sales.open.testSuite"] = false
	fqns["dataContract"]["svc.db.sales.open.dataContract_terms"] = false
	look()
}

// Whoever may not see something changes it in no way, however many rights there are:
// taking away the tag that hides it would show it.
func TestWhatIsHiddenCannotBeChanged(t *testing.T) {
	b := tableBed(t)
	ben := b.blind()
	table := b.create("table", tableRequest("secret", `"tags":[`+piiLabel+`],"owners":[`+refJSON(ben.UserID, "user")+`],`, idColumn)).ID
	typ := b.typ("table")
	patch := func(doc string) error { _, err := b.patch(ben, "table", table, doc); return err }
	put := func() error { _, err := b.put(ben, "table", tableRequest("secret", "", idColumn)); return err }
	for name, err := range map[string]error{
		"describing it":      patch(`[{"op":"add","path":"/description","value":"x"}]`),
		"taking the tag off": patch(`[{"op":"remove","path":"/tags"}]`),
		"changing nothing":   patch(`[]`),
		"putting it":         put(),
	} {
		if entity.KindOf(err) != entity.KindForbidden || err == nil {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	_, err := b.e.Delete(t.Context(), ben, typ, engine.ByID(table), engine.DeleteOptions{}, engine.View{})
	wantKind(t, err, entity.KindForbidden, "hide")
	if err := func() error { _, err := b.e.Follow(t.Context(), ben, typ, table, ben.UserID); return err }(); entity.KindOf(err) != entity.KindForbidden || err == nil {
		t.Errorf("following it: %v, want a refusal", err)
	}
}

// The right to delete what holds something is none to delete what is in it.
func TestDeletingAlongNeedsTheRight(t *testing.T) {
	b := tableBed(t)
	ben := b.blind()
	b.create("table", tableRequest("open", "", idColumn))
	secret := b.create("table", tableRequest("secret", `"tags":[`+piiLabel+`],`, idColumn)).ID
	for _, hard := range []bool{false, true} {
		for typ, fqn := range map[string]string{"databaseSchema": "svc.db.sales", "databaseService": "svc"} {
			_, err := b.e.Delete(t.Context(), ben, b.typ(typ), engine.ByFQN(fqn), engine.DeleteOptions{Hard: hard, Recursive: true}, engine.View{})
			wantKind(t, err, entity.KindForbidden, "also delete a table")
		}
	}
	b.create("policy", `{"name":"schemas","rules":[{"name":"r","effect":"allow","operations":["All"],"resources":["databaseSchema"]}]}`)
	b.create("role", `{"name":"schemas","policies":["schemas"]}`)
	b.create("user", `{"name":"sue","email":"sue@example.com","roles":["`+b.get(b.admin, "role", "schemas", "").ID.String()+`"]}`)
	_, err := b.e.Delete(t.Context(), b.caller("sue"), b.typ("databaseSchema"), engine.ByFQN("svc.db.sales"), engine.DeleteOptions{Recursive: true}, engine.View{})
	wantKind(t, err, entity.KindForbidden, "table svc.db.sales.")

	b.mustPatch(b.admin, "table", secret, `[{"op":"remove","path":"/tags"}]`)
	if _, err := b.e.Delete(t.Context(), ben, b.typ("databaseSchema"), engine.ByFQN("svc.db.sales"), engine.DeleteOptions{Recursive: true}, engine.View{}); err != nil {
		t.Error(err)
	}
}

// putRecord stores a field kept beside the document.
func (b *bed) putRecord(typ, field string, id entity.ID, doc string) {
	b.t.Helper()
	err := b.store.Update(b.t.Context(), func(tx store.Tx) error {
		return tx.PutRecord(b.t.Context(), store.Record{Kind: engine.RecordKind(typ, field), Owner: id.String(), Doc: []byte(doc)})
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// Samples are decided on table by table, in lists too: who may see them at all, and
// who sees what is tagged as personal.
func TestSamplesInLists(t *testing.T) {
	b := tableBed(t)
	b.create("policy", `{"name":"no-samples","rules":[{"name":"r","effect":"deny","operations":["ViewSampleData"],"resources":["table"],"condition":"matchAnyTag('PII.Sensitive')"}]}`)
	b.create("role", `{"name":"careful","policies":["no-samples"]}`)
	b.create("user", `{"name":"ann","email":"ann@example.com","roles":["`+b.get(b.admin, "role", "careful", "").ID.String()+`"]}`)
	for name, more := range map[string]string{"open": "", "secret": "", "mine": `"owners":[` + refJSON(b.plain.UserID, "user") + `],`} {
		tags := ""
		if name != "open" {
			tags = `,"tags":[` + piiLabel + `]`
		}
		table := b.create("table", tableRequest(name, more, `{"name":"id","dataType":"INT"},{"name":"mail","dataType":"STRING"`+tags+`}`))
		b.putRecord("table", "sampleData", table.ID, `{"columns":["id","mail"],"rows":[["1","me@`+name+`"]]}`)
	}
	for _, tc := range []struct {
		by   entity.Principal
		want map[string]string
	}{
		{b.caller("ann"), map[string]string{"open": "me@open", "secret": "", "mine": ""}},
		{b.plain, map[string]string{"open": "me@open", "secret": engine.MaskedValue, "mine": "me@mine"}},
		{b.admin, map[string]string{"open": "me@open", "secret": "me@secret", "mine": "me@mine"}},
	} {
		for _, fields := range []string{"sampleData", "*"} {
			f, err := b.e.ParseFields(b.typ("table"), fields)
			if err != nil {
				t.Fatal(err)
			}
			page, err := b.e.List(t.Context(), tc.by, b.typ("table"), engine.ListRequest{Limit: 10, View: engine.View{Fields: f}})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) != 3 {
				t.Errorf("%s sees %d tables of 3 with fields=%s", tc.by.Name, len(page.Items), fields)
			}
			for _, ent := range page.Items {
				got := string(ent.Rest["sampleData"])
				if want := tc.want[ent.Name]; want == "" && got != "" || !strings.Contains(got, want) {
					t.Errorf("%s sees with fields=%s of %s the samples %q, want %q", tc.by.Name, fields, ent.Name, got, want)
				}
			}
		}
	}
}
