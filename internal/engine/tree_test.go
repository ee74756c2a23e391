package engine_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// node is an entity of a random tree of containers.
type node struct {
	id      entity.ID
	parent  *node
	fqn     string
	exists  bool
	deleted bool
}

func (n *node) within(top *node) bool {
	for ; n != nil; n = n.parent {
		if n == top {
			return true
		}
	}
	return false
}

// containerTree makes containers below a service, each in an earlier one or at
// the top.
func containerTree(rt *rapid.T, b *bed, service string) []*node {
	b.create("storageService", `{"name":"`+service+`","serviceType":"S3"}`)
	nodes := make([]*node, rapid.IntRange(2, 7).Draw(rt, "size"))
	for i := range nodes {
		n := &node{exists: true, fqn: fmt.Sprintf("%s.c%d", service, i)}
		body := fmt.Sprintf(`{"name":"c%d","service":%q}`, i, service)
		if up := rapid.IntRange(-1, i-1).Draw(rt, "parent"); up >= 0 {
			n.parent = nodes[up]
			n.fqn = fmt.Sprintf("%s.c%d", n.parent.fqn, i)
			body = fmt.Sprintf(`{"name":"c%d","service":%q,"parent":{"id":%q,"type":"container"}}`, i, service, n.parent.id)
		}
		n.id = b.create("container", body).ID
		nodes[i] = n
	}
	return nodes
}

// treeModel says what a delete or restore of one node should do.
type treeModel []*node

func (m treeModel) remove(top *node, opts engine.DeleteOptions) (entity.Kind, bool) {
	if !top.exists || top.deleted && !opts.Hard {
		return entity.KindNotFound, false
	}
	for _, n := range m {
		if n.exists && n.parent == top && !opts.Recursive && (opts.Hard || !n.deleted) {
			return entity.KindBadRequest, false
		}
	}
	for _, n := range m {
		if n.within(top) {
			n.exists, n.deleted = n.exists && !opts.Hard, true
		}
	}
	return 0, true
}

func (m treeModel) restore(top *node) (entity.Kind, bool) {
	if !top.exists || !top.deleted {
		return entity.KindNotFound, false
	}
	if top.parent != nil && top.parent.deleted {
		return entity.KindBadRequest, false
	}
	for _, n := range m {
		if n.within(top) && n.exists {
			n.deleted = false
		}
	}
	return 0, true
}

// TestTreesAreDeletedAndRestoredWhole compares random deletes and restores with
// a model: nothing that is shown lies below something that is not.
func TestTreesAreDeletedAndRestoredWhole(t *testing.T) {
	b := newBed(t)
	typ, trees := b.typ("container"), 0
	rapid.Check(t, func(rt *rapid.T) {
		trees++
		nodes := treeModel(containerTree(rt, b, fmt.Sprintf("s%d", trees)))
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			top := rapid.SampledFrom(nodes).Draw(rt, "node")
			var err error
			var kind entity.Kind
			var works bool
			if rapid.Bool().Draw(rt, "restore") {
				kind, works = nodes.restore(top)
				_, err = b.e.Restore(t.Context(), b.admin, typ, top.id, engine.View{})
			} else {
				opts := engine.DeleteOptions{Hard: rapid.IntRange(0, 3).Draw(rt, "hard") == 0, Recursive: rapid.Bool().Draw(rt, "recursive")}
				kind, works = nodes.remove(top, opts)
				_, err = b.e.Delete(t.Context(), b.admin, typ, engine.ByID(top.id), opts, engine.View{})
			}
			if works != (err == nil) || err != nil && entity.KindOf(err) != kind {
				rt.Fatalf("%s: got %v, want success %v or kind %d", top.fqn, err, works, kind)
			}
		}
		for _, n := range nodes {
			for include, want := range map[store.Include]bool{store.All: n.exists, store.NonDeleted: n.exists && !n.deleted, store.Deleted: n.exists && n.deleted} {
				_, err := b.e.Get(t.Context(), b.admin, typ, engine.ByFQN(n.fqn), engine.View{Include: include})
				if want != (err == nil) {
					rt.Errorf("%s with include %v: %v, want it shown: %v", n.fqn, include, err, want)
				}
			}
		}
	})
}

// Whatever goes for good is announced, each with its last state.
func TestHardDeleteAnnouncesEverythingBelow(t *testing.T) {
	b := tableBed(t)
	table := b.create("table", tableRequest("orders", `"description":"The last words",`, idColumn))
	b.remove("databaseService", b.get(b.admin, "databaseService", "svc", "").ID, true)
	events, err := b.e.Changes(t.Context(), entity.System(), store.EventQuery{Types: map[string][]string{entity.EventDeleted: {"*"}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, ev := range events {
		got[ev.EntityType+" "+ev.EntityFullyQualifiedName] = true
		if ev.EntityID != table.ID {
			continue
		}
		var state string
		unmarshal(t, ev.Entity, &state)
		var last entity.Entity
		unmarshal(t, []byte(state), &last)
		if last.Description != "The last words" || ev.UserName != "root" {
			t.Errorf("the event tells %s by %s", state, ev.UserName)
		}
	}
	want := map[string]bool{"databaseService svc": true, "database svc.db": true, "databaseSchema svc.db.sales": true, "table svc.db.sales.orders": true}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("deleted (-want +got):\n%s", d)
	}
	_, err = b.e.Versions(t.Context(), b.admin, b.typ("table"), table.ID, engine.View{})
	wantKind(t, err, entity.KindNotFound, "not found")
	if again := b.rebuilt(); again.ID == table.ID || again.Version != entity.FirstVersion || again.Description != "" {
		t.Errorf("a table of the same name is %s", asJSON(t, again))
	}
}

// rebuilt makes svc.db.sales.orders anew.
func (b *bed) rebuilt() *entity.Entity {
	b.create("databaseService", `{"name":"svc","serviceType":"Postgres"}`)
	b.create("database", `{"name":"db","service":"svc"}`)
	b.create("databaseSchema", `{"name":"sales","database":"svc.db"}`)
	return b.create("table", tableRequest("orders", "", idColumn))
}

func TestWhatTheServerRestsOnStays(t *testing.T) {
	b := newBed(t)
	for typ, fqn := range map[string]string{"team": "Organization", "policy": "OrganizationPolicy", "role": "DataConsumer", "classification": "PII", "tag": "PII.Sensitive"} {
		for _, opts := range []engine.DeleteOptions{{}, {Recursive: true}, {Hard: true, Recursive: true}} {
			_, err := b.e.Delete(t.Context(), b.admin, b.typ(typ), engine.ByFQN(fqn), opts, engine.View{})
			wantKind(t, err, entity.KindBadRequest, "can not be deleted")
		}
		b.get(b.admin, typ, fqn, "")
	}
}

// In a bulk request a term may come before those below it, and only then.
func TestBulkOfATreeKeepsTheOrder(t *testing.T) {
	b := newBed(t)
	b.create("glossary", `{"name":"g","description":"d"}`)
	body, fqn := "", "g"
	for i := range 12 {
		parent := ""
		if i > 0 {
			parent = fmt.Sprintf(`"parent":%q,`, fqn)
		}
		body += fmt.Sprintf(`,{"name":"t%d","glossary":"g",%s"description":"d"}`, i, parent)
		fqn += fmt.Sprintf(".t%d", i)
	}
	got, err := b.e.Bulk(t.Context(), b.admin, b.typ("glossaryTerm"), []byte("["+body[1:]+"]"), func(error) int { return 404 })
	if err != nil || got.Status != "success" || got.NumberOfRowsPassed != 12 {
		t.Fatalf("%+v, %v", got.FailedRequest, err)
	}
	b.get(b.admin, "glossaryTerm", fqn, "")

	got, err = b.e.Bulk(t.Context(), b.admin, b.typ("glossaryTerm"), []byte(`[{"name":"low","glossary":"g","parent":"g.up","description":"d"},{"name":"up","glossary":"g","description":"d"}]`), func(error) int { return 404 })
	if err != nil || got.Status != "partialSuccess" || len(got.FailedRequest) != 1 || got.FailedRequest[0].Status != 404 || got.FailedRequest[0].Message != "glossaryTerm instance for g.up not found" {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = b.e.Bulk(t.Context(), b.plain, b.typ("glossaryTerm"), []byte(`[{"name":"x","glossary":"g","description":"d"}]`), func(error) int { return 403 })
	if err != nil || got.Status != "failure" || got.NumberOfRowsFailed != 1 {
		t.Errorf("without the right: %+v, %v", got, err)
	}
}
