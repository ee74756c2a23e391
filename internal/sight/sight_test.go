package sight_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/sight"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// asset is an entity with what policy knows of it.
type asset struct {
	typ, fqn string
	id       entity.ID
	resource *policy.Resource
}

// assets reads what rights are about.
func (b *bed) assets(types ...string) []asset {
	b.Helper()
	var out []asset
	b.must(b.e.Store().View(b.Context(), func(r store.Reader) error {
		for _, typ := range types {
			rows, err := r.List(b.Context(), store.ListQuery{Type: typ, Limit: 100_000})
			if err != nil {
				return err
			}
			for _, row := range rows {
				out = append(out, asset{typ: typ, fqn: row.FQN, id: row.ID})
			}
		}
		return nil
	}))
	for i := range out {
		var err error
		out[i].resource, err = b.e.Resource(b.Context(), b.typ(out[i].typ), engine.ByID(out[i].id))
		b.must(err)
	}
	return out
}

func (b *bed) typ(name string) *registry.Type {
	t, ok := b.e.Registry().ByName(name)
	if !ok {
		b.Fatalf("there is no type %s", name)
	}
	return t
}

var compared = []string{"table", "databaseSchema", "database", "databaseService", "user", "testCase", "testSuite"}

// caughtUp waits until the index knows all that was written.
func (b *bed) caughtUp() {
	b.Helper()
	exact, err := b.indexer.CatchUp(b.Context(), time.Minute)
	b.must(err)
	if !exact {
		b.Fatal("the index says that it may be out of date")
	}
}

// agree compares for one user what single decisions, search, lists and counts
// say of every entity; every page of the lists, or the first one. It returns how
// many entities the user sees.
func (b *bed) agree(name string, assets []asset, allPages bool) int {
	b.Helper()
	by := b.principal(name)
	subject, err := b.e.Subject(b.Context(), by)
	b.must(err)
	want := map[string][]entity.ID{}
	for _, a := range assets {
		seen := policy.Decide(subject, a.resource, policy.ViewBasic).Allowed
		if seen && (a.typ == "testCase" || a.typ == "testSuite") { // what it is about counts too
			_, err := b.e.AuthorizeEntity(b.Context(), by, b.typ(a.typ), engine.ByID(a.id), policy.ViewBasic)
			seen = err == nil
		}
		if a.typ == "user" && a.id == by.UserID || seen {
			want[a.typ] = append(want[a.typ], a.id)
		}
	}
	sum := 0
	var filters []policy.Filter
	var indexes []string
	for _, typ := range compared {
		index, _ := b.catalog.IndexOf(typ)
		indexes = append(indexes, index)
		f, err := b.e.Sight(b.Context(), by, typ)
		b.must(err)
		filters = append(filters, f)
		b.listsAgree(by, typ, want[typ], f, allPages)
		sum += len(want[typ])
	}
	names, visible := sight.ByIndex(indexes, filters)
	if len(names) == 0 {
		if sum != 0 {
			b.Errorf("%s: search shows nothing, single reads show %d", name, sum)
		}
		return sum
	}
	result, err := b.index.Search(b.Context(), search.Request{
		Indexes: names, Visible: visible, Size: search.MaxWindow, NoSource: true,
		Aggregations: map[string]search.Aggregation{"types": {Kind: search.AggTerms, Field: "entityType", Size: 100}},
	})
	b.must(err)
	if result.Total != sum || len(result.Hits) != sum {
		b.Errorf("%s: search finds %d and counts %d, single reads show %d: %v", name, len(result.Hits), result.Total, sum, filters)
	}
	found := map[entity.ID]bool{}
	for _, hit := range result.Hits {
		found[hit.ID] = true
	}
	for typ, ids := range want {
		for _, id := range ids {
			if !found[id] {
				b.Fatalf("%s may see %s %s, but search does not find it", name, typ, id)
			}
		}
	}
	for _, bucket := range result.Aggregations["types"].Buckets {
		if typ := fmt.Sprint(bucket.Key); bucket.Count != len(want[typ]) {
			b.Errorf("%s: the facet counts %d of %s, single reads show %d", name, bucket.Count, typ, len(want[typ]))
		}
	}
	return sum
}

// listsAgree pages through a list and back, or reads its first page.
func (b *bed) listsAgree(by entity.Principal, typ string, want []entity.ID, f policy.Filter, allPages bool) {
	b.Helper()
	limit := 30
	if allPages {
		limit = 1000
	}
	var got []entity.ID
	after, before := "", ""
	for {
		page, err := b.e.List(b.Context(), by, b.typ(typ), engine.ListRequest{Limit: limit, After: after})
		if entity.KindOf(err) == entity.KindForbidden && err != nil && f.Kind == policy.FilterNone {
			break
		}
		b.must(err)
		if page.Total != len(want) {
			b.Errorf("%s: the list of %s counts %d, single reads show %d: %s", by.Name, typ, page.Total, len(want), f)
		}
		for _, item := range page.Items {
			got = append(got, item.ID)
		}
		if !allPages {
			if len(got) != min(limit, len(want)) || slices.ContainsFunc(got, func(id entity.ID) bool { return !slices.Contains(want, id) }) {
				b.Errorf("%s: the first page of %s shows %v, which is not %d of what single reads show", by.Name, typ, got, limit)
			}
			return
		}
		if page.After == "" {
			break
		}
		after, before = page.After, page.Before
	}
	byID := func(a, b entity.ID) int { return slices.Compare(a[:], b[:]) }
	if sorted, wanted := slices.SortedFunc(slices.Values(got), byID), slices.SortedFunc(slices.Values(want), byID); !slices.Equal(sorted, wanted) {
		b.Errorf("%s: the list of %s shows %d, single reads %d: %s", by.Name, typ, len(got), len(want), f)
	}
	if before == "" || len(got) < 2*limit {
		return
	}
	page, err := b.e.List(b.Context(), by, b.typ(typ), engine.ListRequest{Limit: limit, Before: before})
	b.must(err)
	at := slices.Index(got, page.Items[0].ID)
	if at < 0 || len(page.Items) != limit {
		b.Fatalf("%s: the page before holds %d entities", by.Name, len(page.Items))
	}
	for i, item := range page.Items {
		if got[at+i] != item.ID {
			b.Fatalf("%s: the page before is not what it was on the way there", by.Name)
		}
	}
}

// TestAgreement holds search hits, facets, lists and counts to what single
// decisions say, for every pair of a user and an entity, with random rights, and
// again after rights and inherited facts have changed.
func TestAgreement(t *testing.T) {
	b := newBed(t, 7)
	b.populate(usersCompared, tablesCompared)
	b.caughtUp()
	assets := b.assets(compared...)
	some := 0
	for i, name := range b.users {
		if n := b.agree(name, assets, i%20 == 0); n > 0 && n < len(assets) {
			some++
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if some < len(b.users)/4 {
		t.Fatalf("only %d of %d users see a part: the comparison proves little", some, len(b.users))
	}

	admin := b.principal("u0")
	admin.IsAdmin = true
	patch := func(typ, fqn, doc string) {
		t.Helper()
		_, err := b.e.Patch(b.Context(), admin, b.typ(typ), engine.ByFQN(fqn), []byte(doc), 0, engine.View{})
		b.must(err)
	}
	patch("databaseService", "s0", fmt.Sprintf(`[{"op":"add","path":"/owners","value":[%s]}]`, b.ref("user", "u7")))
	patch("database", "s1.d1", fmt.Sprintf(`[{"op":"add","path":"/domains","value":[%s]}]`, b.ref("domain", "d2")))
	patch("user", "u9", fmt.Sprintf(`[{"op":"add","path":"/teams","value":[%s]}]`, b.ref("team", "t1")))
	patch("team", "t2", fmt.Sprintf(`[{"op":"add","path":"/policies","value":[%s]}]`, b.ref("policy", "p3")))
	patch("policy", "p5", `[{"op":"add","path":"/rules","value":[{"name":"x","effect":"allow","resources":["table"],"operations":["ViewAll"],"condition":"matchTeam()"}]}]`)
	patch("team", "Organization", fmt.Sprintf(`[{"op":"add","path":"/policies","value":[%s]}]`, b.ref("policy", "p5")))
	patch("team", "t0", fmt.Sprintf(`[{"op":"add","path":"/domains","value":[%s]}]`, b.ref("domain", "d3")))
	patch("table", tableIn(assets), `[{"op":"add","path":"/columns/0/tags","value":[{"tagFQN":"C.b","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`)
	_, err := b.e.Delete(b.Context(), admin, b.typ("user"), engine.ByFQN("u11"), engine.DeleteOptions{Hard: true}, engine.View{})
	b.must(err)
	b.caughtUp()
	assets = b.assets(compared...)
	for i, name := range b.users {
		if i%5 == 2 || name == "u9" || name == "u7" {
			b.agree(name, assets, false)
		}
	}
}

// TestListFilters narrows lists of somebody who sees a part.
func TestListFilters(t *testing.T) {
	b := newBed(t, 3)
	b.populate(4, 300)
	b.add("policy", `{"name":"own","rules":[{"name":"x","effect":"allow","resources":["All"],"operations":["ViewAll"],"condition":"noOwner() || matchAnyTag('C.a')"}]}`)
	b.add("role", `{"name":"own","policies":["own"]}`)
	b.add("user", fmt.Sprintf(`{"name":"ann","email":"ann@example.com","roles":[%q],"teams":[%q]}`, b.id("role", "own"), b.id("team", "t9")))
	by := b.principal("ann")
	subject, err := b.e.Subject(b.Context(), by)
	b.must(err)
	assets := b.assets("table", "user")
	query := func(typ string, q store.ListQuery, in func(asset) bool) {
		t.Helper()
		want := 0
		for _, a := range assets {
			if a.typ == typ && in(a) && (a.id == by.UserID || policy.Decide(subject, a.resource, policy.ViewBasic).Allowed) {
				want++
			}
		}
		page, err := b.e.List(b.Context(), by, b.typ(typ), engine.ListRequest{Query: q, Limit: 1000})
		b.must(err)
		if page.Total != want || len(page.Items) != want || want == 0 {
			t.Errorf("%+v: a page of %d, a total of %d; single reads show %d", q, len(page.Items), page.Total, want)
		}
	}
	query("table", store.ListQuery{Under: "s1.d0"}, func(a asset) bool { return len(a.fqn) > 6 && a.fqn[:6] == "s1.d0." })
	query("table", store.ListQuery{Parent: b.id("databaseSchema", "s1.d0.c1")}, func(a asset) bool { return len(a.fqn) > 9 && a.fqn[:9] == "s1.d0.c1." })
	ids := []entity.ID{assets[0].id, assets[5].id, assets[9].id, assets[20].id}
	query("table", store.ListQuery{IDs: ids}, func(a asset) bool { return slices.Contains(ids, a.id) })
	query("user", store.ListQuery{RelatedFrom: &store.RelationFilter{From: b.id("team", "t9"), Kind: "teams"}}, func(a asset) bool { return a.fqn == "ann" })
	query("user", store.ListQuery{Members: map[string]string{"email": "ann@example.com"}}, func(a asset) bool { return a.fqn == "ann" })

	_, err = b.e.List(b.Context(), by, b.typ("table"), engine.ListRequest{Query: store.ListQuery{Under: "s1.d0"}})
	b.must(err)
}

// tableIn is the FQN of some table.
func tableIn(assets []asset) string {
	i := slices.IndexFunc(assets, func(a asset) bool { return a.typ == "table" })
	return assets[i].fqn
}
