package engine_test

import (
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestLabelsExcludeEachOther(t *testing.T) {
	b := tableBed(t)
	table := b.create("table", tableRequest("orders", "", idColumn))
	add := func(path, fqn, source string) string {
		return `[{"op":"add","path":"` + path + `","value":{"tagFQN":"` + fqn + `","source":"` + source + `","labelType":"Manual","state":"Confirmed"}}]`
	}
	b.mustPatch(b.admin, "table", table.ID, add("/tags/0", "Tier.Tier1", "Classification"))
	b.mustPatch(b.admin, "table", table.ID, add("/columns/0/tags/0", "Tier.Tier2", "Classification")) // a column is another matter
	b.mustPatch(b.admin, "table", table.ID, add("/tags/1", "PII.Sensitive", "Classification"))
	_, err := b.patch(b.admin, "table", table.ID, add("/tags/1", "Tier.Tier2", "Classification"))
	wantKind(t, err, entity.KindBadRequest, "Tag labels Tier.Tier1 and Tier.Tier2 are mutually exclusive")
	_, err = b.patch(b.admin, "table", table.ID, add("/columns/0/tags/1", "Tier.Tier3", "Classification"))
	wantKind(t, err, entity.KindBadRequest, "mutually exclusive")
	b.mustPatch(b.admin, "table", table.ID, `[{"op":"replace","path":"/tags/1/tagFQN","value":"Tier.Tier4"},{"op":"remove","path":"/tags/0"}]`)

	// What the source says does not beat what people decided, and does not stop ingestion.
	b.mustPut(b.bot, "table", tableRequest("orders", `"tags":[{"tagFQN":"Tier.Tier5","source":"Classification","labelType":"Automated","state":"Suggested"}],"description":"new",`, idColumn))
	got := b.get(b.admin, "table", "svc.db.sales.orders", "tags")
	if got.Description != "new" || len(got.Tags) != 1 || got.Tags[0].TagFQN == "Tier.Tier5" {
		t.Errorf("after the bot's PUT: %s", asJSON(t, got))
	}
	_, err = b.put(b.admin, "table", tableRequest("orders", `"tags":[{"tagFQN":"Tier.Tier5","source":"Classification","labelType":"Manual","state":"Confirmed"}],`, idColumn))
	wantKind(t, err, entity.KindBadRequest, "mutually exclusive")

	// Terms exclude each other below a term that says so; what was there before may stay.
	b.create("glossary", `{"name":"G","description":"-"}`)
	for _, name := range []string{"a", "b", "c"} {
		b.create("glossaryTerm", `{"name":"`+name+`","glossary":"G","description":"-"}`)
	}
	b.mustPatch(b.admin, "table", table.ID, add("/tags/0", "G.a", "Glossary"))
	b.mustPatch(b.admin, "table", table.ID, add("/tags/0", "G.b", "Glossary"))
	b.mustPatch(b.admin, "glossary", b.get(b.admin, "glossary", "G", "").ID, `[{"op":"add","path":"/mutuallyExclusive","value":true}]`)
	b.mustPatch(b.admin, "table", table.ID, `[{"op":"add","path":"/displayName","value":"Orders"}]`)
	_, err = b.patch(b.admin, "table", table.ID, add("/tags/0", "G.c", "Glossary"))
	wantKind(t, err, entity.KindBadRequest, "mutually exclusive")
}

func TestDisabledTagsAreNotAdded(t *testing.T) {
	b := tableBed(t)
	b.create("classification", `{"name":"Old","description":"-"}`)
	b.create("tag", `{"name":"x","classification":"Old","description":"-"}`)
	b.create("tag", `{"name":"y","classification":"Old","description":"-"}`)
	const x = `"tags":[{"tagFQN":"Old.x","source":"Classification","labelType":"Manual","state":"Confirmed"}],`
	table := b.create("table", tableRequest("orders", x, idColumn))
	b.mustPatch(b.admin, "classification", b.get(b.admin, "classification", "Old", "").ID, `[{"op":"add","path":"/disabled","value":true}]`)
	b.mustPatch(b.admin, "table", table.ID, `[{"op":"add","path":"/displayName","value":"Orders"}]`)
	_, err := b.patch(b.admin, "table", table.ID, `[{"op":"add","path":"/tags/0","value":{"tagFQN":"Old.y","source":"Classification","labelType":"Manual","state":"Confirmed"}}]`)
	wantKind(t, err, entity.KindBadRequest, "Tag label Old.y is disabled")
	_, err = b.put(b.admin, "table", tableRequest("other", x, idColumn))
	wantKind(t, err, entity.KindBadRequest, "disabled")
	b.mustPut(b.bot, "table", tableRequest("ingested", x, idColumn))
	if got := b.get(b.admin, "table", "svc.db.sales.ingested", "tags"); len(got.Tags) != 0 {
		t.Errorf("a bot added a tag that is disabled: %v", got.Tags)
	}
}
