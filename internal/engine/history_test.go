package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Columns of the tables whose history a real server recorded.
const (
	idColumn    = `{"name":"id","dataType":"BIGINT","constraint":"PRIMARY_KEY","ordinalPosition":1}`
	emailColumn = `{"name":"email","dataType":"VARCHAR","dataLength":100,"description":"An e-mail address"}`
	addrColumn  = `{"name":"addr","dataType":"STRUCT","dataTypeDisplay":"struct<zip:string,city:string>","children":[{"name":"zip","dataType":"STRING"},{"name":"city","dataType":"STRING"}]}`
	allColumns  = idColumn + "," + emailColumn + "," + addrColumn
)

func tableRequest(name, extra, columns string) string {
	return `{"name":"` + name + `",` + extra + `"columns":[` + columns + `],"databaseSchema":"svc.db.sales"}`
}

// outcome is what a write did, in short.
type outcome struct {
	Event   string
	Version string
	Added   []string
	Updated []string
	Deleted []string
}

func outcomeOf(r engine.Result) outcome {
	out := outcome{Event: r.Event, Version: r.Entity.Version.String()}
	c := r.Entity.ChangeDescription
	if c == nil {
		return out
	}
	text := func(f entity.FieldChange) string {
		s := f.Name
		if f.OldValue != nil {
			s += " from " + string(f.OldValue)
		}
		if f.NewValue != nil {
			s += " to " + string(f.NewValue)
		}
		return s
	}
	collect := func(fields []entity.FieldChange) []string {
		var list []string
		for _, f := range fields {
			list = append(list, text(f))
		}
		slices.Sort(list)
		return list
	}
	out.Added, out.Updated, out.Deleted = collect(c.FieldsAdded), collect(c.FieldsUpdated), collect(c.FieldsDeleted)
	return out
}

// wantOutcome compares, with long values given by a prefix that ends in "...".
func wantOutcome(t *testing.T, what string, got engine.Result, want outcome) {
	t.Helper()
	o := outcomeOf(got)
	for _, lists := range [][2][]string{{o.Added, want.Added}, {o.Updated, want.Updated}, {o.Deleted, want.Deleted}} {
		for i := range lists[0] {
			if i < len(lists[1]) && strings.HasSuffix(lists[1][i], "...") && strings.HasPrefix(lists[0][i], strings.TrimSuffix(lists[1][i], "...")) {
				lists[0][i] = lists[1][i]
			}
		}
	}
	if d := cmp.Diff(want, o); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// TestHistoryOfPuts follows what a real server answered to the same requests.
func TestHistoryOfPuts(t *testing.T) {
	b := tableBed(t)
	for _, step := range []struct {
		name, body string
		want       outcome
	}{
		{"first", tableRequest("customers", "", allColumns), outcome{Event: "entityCreated", Version: "0.1"}},
		{"the same again", tableRequest("customers", "", allColumns), outcome{Event: "entityNoChange", Version: "0.1"}},
		{"a description", tableRequest("customers", `"description":"Customers",`, allColumns),
			outcome{Event: "entityUpdated", Version: "0.2", Added: []string{`description to "Customers"`}}},
		{"another description by the same user", tableRequest("customers", `"description":"Customers changed",`, allColumns),
			outcome{Event: "entityUpdated", Version: "0.3", Updated: []string{`description from "Customers" to "Customers changed"`}}},
		{"two columns dropped, one added", tableRequest("customers", `"description":"Customers",`, idColumn+`,{"name":"phone","dataType":"INT"}`),
			outcome{
				Event: "entityUpdated", Version: "1.3", Updated: []string{`description from "Customers changed" to "Customers"`},
				Added:   []string{`columns to "[{\"name\":\"phone\",\"dataType\":\"INT\",\"dataTypeDisplay\":\"int\",\"fullyQualifiedName\":\"svc.db.sales.customers.phone\"}]"`},
				Deleted: []string{`columns from "[{\"name\":\"email\"...`},
			}},
		{"a length", tableRequest("customers", `"description":"Customers",`, idColumn+`,{"name":"phone","dataType":"INT"},{"name":"c","dataType":"CHAR","dataLength":5}`),
			outcome{Event: "entityUpdated", Version: "1.4", Added: []string{`columns to "[{\"name\":\"c\"...`}}},
		{"another length", tableRequest("customers", `"description":"Customers",`, idColumn+`,{"name":"phone","dataType":"INT"},{"name":"c","dataType":"CHAR","dataLength":7}`),
			outcome{Event: "entityUpdated", Version: "1.5", Updated: []string{`columns.c.dataLength from 5 to 7`}}},
	} {
		wantOutcome(t, step.name, b.mustPut(b.admin, "table", step.body), step.want)
	}
	wantOutcome(t, "a bot's other text", b.mustPut(b.bot, "table",
		tableRequest("customers", `"description":"From the source",`, idColumn+`,{"name":"phone","dataType":"INT"},{"name":"c","dataType":"CHAR","dataLength":7}`)),
		outcome{Event: "entityNoChange", Version: "1.5"})
}

// TestHistoryOfPatches does the same for patches, deletes and restores.
func TestHistoryOfPatches(t *testing.T) {
	b := tableBed(t)
	table := b.create("table", tableRequest("orders", `"displayName":"Orders","description":"All orders","tableType":"Regular","tableConstraints":[{"constraintType":"UNIQUE","columns":["email"]}],`, allColumns))
	id := table.ID
	const label = `{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}`
	labelText := `"[{\"tagFQN\":\"PII.Sensitive\",\"source\":\"Classification\",\"labelType\":\"Manual\",\"state\":\"Confirmed\"}]"`
	admin := b.admin.UserID.String()
	for _, step := range []struct {
		name  string
		by    entity.Principal
		patch string
		want  outcome
	}{
		{"description", b.admin, `[{"op":"replace","path":"/description","value":"All orders, patched"}]`,
			outcome{Event: "entityUpdated", Version: "0.2", Updated: []string{`description from "All orders" to "All orders, patched"`}}},
		{"no change", b.admin, `[{"op":"replace","path":"/description","value":"All orders, patched"}]`, outcome{Event: "entityNoChange", Version: "0.2"}},
		{"display name", b.admin, `[{"op":"add","path":"/displayName","value":"Orders 2"}]`,
			outcome{Event: "entityUpdated", Version: "0.3", Updated: []string{`displayName from "Orders" to "Orders 2"`}}},
		{"by a bot", b.bot, `[{"op":"add","path":"/description","value":"By bot"}]`,
			outcome{Event: "entityUpdated", Version: "0.4", Updated: []string{`description from "All orders, patched" to "By bot"`}}},
		{"tag", b.admin, `[{"op":"add","path":"/tags/0","value":` + label + `}]`,
			outcome{Event: "entityUpdated", Version: "0.5", Added: []string{"tags to " + labelText}}},
		{"tag and description of a column", b.admin,
			`[{"op":"add","path":"/columns/1/tags/0","value":` + label + `},{"op":"replace","path":"/columns/1/description","value":"E-mail, patched"}]`,
			outcome{
				Event: "entityUpdated", Version: "0.6", Added: []string{"columns.email.tags to " + labelText},
				Updated: []string{`columns.email.description from "An e-mail address" to "E-mail, patched"`},
			}},
		{"owner", b.admin, `[{"op":"add","path":"/owners","value":[{"id":"` + admin + `","type":"user"}]}]`,
			outcome{Event: "entityUpdated", Version: "0.7", Added: []string{`owners to "[{\"id\":\"` + admin + `\",\"type\":\"user\",\"name\":\"root\",\"fullyQualifiedName\":\"root\"...`}}},
		{"column removed", b.admin, `[{"op":"remove","path":"/columns/2"}]`,
			outcome{Event: "entityUpdated", Version: "1.7", Deleted: []string{`columns from "[{\"name\":\"addr\"...`}}},
	} {
		wantOutcome(t, step.name, b.mustPatch(step.by, "table", id, step.patch), step.want)
	}

	deleted := func(from, to string) []string { return []string{"deleted from " + from + " to " + to} }
	gone, err := b.e.Delete(t.Context(), b.admin, b.typ("table"), engine.ByID(id), engine.DeleteOptions{}, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, "soft delete", gone, outcome{Event: "entitySoftDeleted", Version: "1.8", Updated: deleted("false", "true")})

	back := b.mustPut(b.admin, "table", tableRequest("orders", "", idColumn+","+emailColumn))
	wantOutcome(t, "PUT of a deleted table", back, outcome{
		Event: "entityUpdated", Version: "1.9",
		Updated: []string{`columns.email.description from "E-mail, patched" to "An e-mail address"`, "deleted from true to false"},
		Deleted: []string{
			`description from "By bot"`, `displayName from "Orders 2"`,
			`tableConstraints from "[{\"constraintType\":\"UNIQUE\",\"columns\":[\"email\"]}]"`, `tableType from "Regular"`,
		},
	})
	if back.Entity.ID != id || back.Entity.IsDeleted() {
		t.Errorf("the PUT brought back %v, deleted %v", back.Entity.ID, back.Entity.IsDeleted())
	}
	if _, err = b.e.Delete(t.Context(), b.admin, b.typ("table"), engine.ByFQN("svc.db.sales.orders"), engine.DeleteOptions{}, engine.View{}); err != nil {
		t.Fatal(err)
	}
	restored, err := b.e.Restore(t.Context(), b.admin, b.typ("table"), id, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, "restore", restored, outcome{Event: "entityRestored", Version: "2.1", Updated: deleted("true", "false")})
	_, err = b.e.Restore(t.Context(), b.admin, b.typ("table"), id, engine.View{})
	wantKind(t, err, entity.KindNotFound, "table instance for "+id.String()+" not found")
	checkVersions(t, b, id)
}

// checkVersions makes sure that every state is kept, newest first.
func checkVersions(t *testing.T, b *bed, id entity.ID) {
	t.Helper()
	states, err := b.e.Versions(t.Context(), b.admin, b.typ("table"), id, engine.View{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, state := range states {
		got = append(got, state.Version.String())
	}
	want := []string{"2.1", "2.0", "1.9", "1.8", "1.7", "0.7", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("versions (-want +got):\n%s", d)
	}
	first, err := b.e.Version(t.Context(), b.admin, b.typ("table"), id, entity.FirstVersion, engine.View{})
	if err != nil || first.Description != "All orders" || first.DisplayName != "Orders" {
		t.Errorf("version 0.1 is %v %v, %v", first.Description, first.DisplayName, err)
	}
}

func TestDeletingWhatIsAbove(t *testing.T) {
	b := tableBed(t)
	b.create("table", tableRequest("customers", "", idColumn))
	service := b.get(b.admin, "databaseService", "svc", "")
	_, err := b.e.Delete(t.Context(), b.admin, b.typ("databaseService"), engine.ByID(service.ID), engine.DeleteOptions{}, engine.View{})
	wantKind(t, err, entity.KindBadRequest, "databaseService is not empty")

	if _, err = b.e.Delete(t.Context(), b.admin, b.typ("databaseService"), engine.ByID(service.ID), engine.DeleteOptions{Recursive: true}, engine.View{}); err != nil {
		t.Fatal(err)
	}
	_, err = b.e.Get(t.Context(), b.admin, b.typ("table"), engine.ByFQN("svc.db.sales.customers"), engine.View{})
	wantKind(t, err, entity.KindNotFound, "table instance for svc.db.sales.customers not found")
	_, err = b.put(b.bot, "table", tableRequest("late", "", idColumn))
	wantKind(t, err, entity.KindNotFound, "databaseSchema instance for svc.db.sales not found")
	schema := engine.ByFQN("svc.db.sales")
	found, err := b.e.Get(t.Context(), b.admin, b.typ("databaseSchema"), schema, engine.View{Include: store.All})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.e.Restore(t.Context(), b.admin, b.typ("databaseSchema"), found.ID, engine.View{})
	wantKind(t, err, entity.KindBadRequest, "restore it first")

	back, err := b.e.Restore(t.Context(), b.admin, b.typ("databaseService"), service.ID, engine.View{})
	if err != nil || back.Entity.Version.String() != "0.3" {
		t.Fatalf("restored at version %v: %v", back.Entity, err)
	}
	if table := b.get(b.admin, "table", "svc.db.sales.customers", ""); table.Version.String() != "0.3" {
		t.Errorf("the table came back at version %s", table.Version)
	}
	if _, err := b.e.Delete(t.Context(), b.admin, b.typ("databaseService"), engine.ByFQN("svc"), engine.DeleteOptions{Hard: true, Recursive: true}, engine.View{}); err != nil {
		t.Fatal(err)
	}
	_, err = b.e.Get(t.Context(), b.admin, b.typ("table"), engine.ByFQN("svc.db.sales.customers"), engine.View{Include: store.All})
	wantKind(t, err, entity.KindNotFound, "not found")
}
