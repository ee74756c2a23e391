package engine_test

import (
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// rawMembers decodes an object.
func rawMembers(t *testing.T, raw jsontext.Value) map[string]jsontext.Value {
	t.Helper()
	out := map[string]jsontext.Value{}
	unmarshal(t, raw, &out)
	return out
}

// qualityBed is a bed with a table and a test definition.
func qualityBed(t *testing.T) *bed {
	t.Helper()
	b := tableBed(t)
	b.create("table", tableRequest("orders", "", idColumn))
	b.create("testDefinition", `{"name":"rowCount","description":"Counts rows","entityType":"TABLE","testPlatforms":["OpenMetadata"]}`)
	return b
}

func caseRequest(name, link string) string {
	return fmt.Sprintf(`{"name":%q,"entityLink":%q,"testDefinition":"rowCount"}`, name, link)
}

const (
	ordersLink  = "<#E::table::svc.db.sales.orders>"
	ordersSuite = "svc.db.sales.orders.testSuite"
)

func TestCasesFindTheirBasicSuite(t *testing.T) {
	b := qualityBed(t)
	_, err := b.e.Get(t.Context(), b.admin, b.typ("testSuite"), engine.ByFQN(ordersSuite), engine.View{})
	wantKind(t, err, entity.KindNotFound, "testSuite")
	first := b.create("testCase", caseRequest("first", ordersLink))
	second := b.create("testCase", caseRequest("second", "<#E::table::svc.db.sales.orders::columns::id>"))
	suite := b.get(b.admin, "testSuite", ordersSuite, "tests,owners")
	if string(suite.Rest["basic"]) != "true" || suite.Version != entity.FirstVersion {
		t.Errorf("the suite is %s", asJSON(t, suite))
	}
	var tests []entity.Ref
	unmarshal(t, suite.Rest["tests"], &tests)
	if d := cmp.Diff([]string{"first", "second"}, namesOf(tests)); d != "" {
		t.Errorf("tests (-want +got):\n%s", d)
	}
	for _, one := range []*entity.Entity{first, second} {
		var ref entity.Ref
		unmarshal(t, b.get(b.admin, "testCase", one.FullyQualifiedName, "testSuite").Rest["testSuite"], &ref)
		if ref.ID != suite.ID {
			t.Errorf("%s is in suite %+v", one.FullyQualifiedName, ref)
		}
	}
}

func TestCasesThatAreRefused(t *testing.T) {
	b := qualityBed(t)
	b.create("table", tableRequest("gone", "", idColumn))
	b.remove("table", b.get(b.admin, "table", "svc.db.sales.gone", "").ID, false)
	for _, tc := range []struct {
		name, link string
		kind       entity.Kind
		part       string
	}{
		{"no link", "orders", entity.KindBadRequest, ""},
		{"an unknown type", "<#E::frobnicator::a>", entity.KindBadRequest, `unknown type "frobnicator"`},
		{"an unknown table", "<#E::table::svc.db.sales.none>", entity.KindNotFound, "table instance for svc.db.sales.none not found"},
		{"a deleted table", "<#E::table::svc.db.sales.gone>", entity.KindNotFound, "table instance for svc.db.sales.gone not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := b.put(b.admin, "testCase", caseRequest("c", tc.link))
			wantKind(t, err, tc.kind, tc.part)
		})
	}
	// A refused case leaves no suite behind.
	_, err := b.put(b.admin, "testCase", `{"name":"c","entityLink":"`+ordersLink+`","testDefinition":"none"}`)
	wantKind(t, err, entity.KindNotFound, "testDefinition instance for none not found")
	_, err = b.e.Get(t.Context(), b.admin, b.typ("testSuite"), engine.ByFQN(ordersSuite), engine.View{Include: store.All})
	wantKind(t, err, entity.KindNotFound, "testSuite")
}

// TestSuitesCountTheLastResults: the summary counts each case once, by its last
// result, and cases without one only in the total.
func TestSuitesCountTheLastResults(t *testing.T) {
	b := qualityBed(t)
	statuses := []string{"Success", "Failed", "Aborted", "Queued", "Success", ""}
	logical := b.create("testSuite", `{"name":"release"}`).ID
	for i, status := range statuses {
		one := b.create("testCase", caseRequest(fmt.Sprintf("c%d", i), ordersLink))
		err := b.store.Update(t.Context(), func(tx store.Tx) error {
			if i < 2 {
				rel := store.Relation{From: logical, FromType: "testSuite", To: one.ID, ToType: "testCase", Kind: engine.RelationTests}
				if err := tx.Relate(t.Context(), rel); err != nil {
					return err
				}
			}
			if status == "" {
				return nil
			}
			doc := fmt.Sprintf(`{"testCaseFQN":%q,"testCaseStatus":%q,"timestamp":%d}`, one.FullyQualifiedName, status, 1000+i)
			return tx.PutRecord(t.Context(), store.Record{Kind: engine.LatestResultKind(), Owner: one.ID.String(), At: int64(1000 + i), Doc: []byte(doc)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	type summary struct {
		Total   int `json:"total"`
		Success int `json:"success"`
		Failed  int `json:"failed"`
		Aborted int `json:"aborted"`
		Queued  int `json:"queued"`
	}
	check := func(fqn string, want summary) {
		t.Helper()
		var got summary
		unmarshal(t, b.get(b.plain, "testSuite", fqn, "summary").Rest["summary"], &got)
		if got != want {
			t.Errorf("%s: %+v, want %+v", fqn, got, want)
		}
	}
	check(ordersSuite, summary{Total: 6, Success: 2, Failed: 1, Aborted: 1, Queued: 1})
	check("release", summary{Total: 2, Success: 1, Failed: 1})
	b.remove("testCase", b.get(b.admin, "testCase", "svc.db.sales.orders.c1", "").ID, false)
	check(ordersSuite, summary{Total: 5, Success: 2, Aborted: 1, Queued: 1})

	suitesOf := func() map[string]bool {
		t.Helper()
		var suites []struct {
			Name  string `json:"name"`
			Basic bool   `json:"basic"`
		}
		unmarshal(t, b.get(b.plain, "testCase", "svc.db.sales.orders.c0", "testSuites").Rest["testSuites"], &suites)
		basic := map[string]bool{}
		for _, s := range suites {
			basic[s.Name] = s.Basic
		}
		return basic
	}
	if d := cmp.Diff(map[string]bool{ordersSuite: true, "release": false}, suitesOf()); d != "" {
		t.Errorf("suites of c0 (-want +got):\n%s", d)
	}
	b.remove("testSuite", logical, false)
	if d := cmp.Diff(map[string]bool{ordersSuite: true}, suitesOf()); d != "" {
		t.Errorf("suites after one was deleted (-want +got):\n%s", d)
	}
}
