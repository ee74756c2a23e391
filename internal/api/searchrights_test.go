package api

import (
	"strings"
	"testing"
)

// TestSearchHidesWhatReadsRefuse has somebody search who may not see tables with
// personal data.
func TestSearchHidesWhatReadsRefuse(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	h.rightsOf(ann, "Careful", `{"name":"noPII","effect":"deny","resources":["table"],"operations":["ViewBasic","ViewAll"],"condition":"matchAnyTag('PII.Sensitive')"}`)
	s := h.schema()
	open, secret, late := h.table(s, "orders_open", "id"), h.table(s, "orders_secret", "id"), h.table(s, "orders_late", "id")
	tag := func(id string) {
		h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/tags","value":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`, 200)
	}
	tag(secret)
	h.indexed("table", "/tables/"+open, "/tables/"+secret, "/tables/"+late)

	find := func(who caller) answer { return h.as(who, "GET", "/search/query?q=orders&index=table", nil).want(200) }
	find(h.admin).shows("hits.total.value", "3")
	find(ann).shows("hits.total.value", "2").lacks("orders_secret").lacks(secret)
	h.as(ann, "GET", "/tables/"+secret, nil).want(403)
	h.as(ann, "GET", "/search/get/table/doc/"+secret, nil).want(404)
	h.as(ann, "GET", "/search/get/table/doc/"+open, nil).want(200)
	h.as(ann, "GET", "/search/fieldQuery?fieldName=name&fieldValue=orders_secret&index=table", nil).want(200).lacks(secret)
	for _, path := range []string{"/search/suggest?q=orders&index=table", "/search/aggregate?index=table&field=name.keyword&value=", "/search/query?q=orders&index=all"} {
		if !strings.Contains(string(h.do("GET", path, nil, 200).body), "orders_secret") {
			t.Errorf("%s shows nothing to an administrator, so that nothing can be hidden", path)
		}
		h.as(ann, "GET", path, nil).want(200).lacks("orders_secret")
	}

	// The index does not know yet that this one is hidden: it counts, but is not shown.
	tag(late)
	find(ann).lacks("orders_late").lacks(late)
	h.indexed("table", "/tables/"+late)
	find(ann).shows("hits.total.value", "1", "hits.hits.0._id", open)

	// Lists agree, and say the same total.
	h.as(ann, "GET", "/tables?databaseSchema="+s, nil).want(200).shows("paging.total", "1", "data.0.id", open)
	h.do("GET", "/tables?databaseSchema="+s, nil, 200).shows("paging.total", "3")
	h.as(ann, "GET", "/databaseSchemas/name/"+s+"?fields=tables", nil).want(200).lacks("orders_secret").lacks("orders_late")

	// OpenMetadata's switch.
	h.do("PUT", "/system/settings", `{"config_type":"searchSettings","config_value":{"globalSettings":{"enableAccessControl":false,"maxAggregateSize":10000,"maxResultHits":10000,"maxAnalyzedOffset":1000},"assetTypeConfigurations":[],"allowedFields":[]}}`, 200)
	find(ann).shows("hits.total.value", "3")
	h.do("PATCH", "/system/settings/searchSettings", `[{"op":"replace","path":"/globalSettings/enableAccessControl","value":true}]`, 200)
	find(ann).shows("hits.total.value", "1")
}
