package api

import (
	"strings"
	"testing"
)

func TestPortsOfADataProduct(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	other := h.table("shop.db.public", "orders", "id")
	h.do("POST", "/domains", `{"name":"Retail","domainType":"Aggregate","description":"-"}`, 201)
	product := h.do("POST", "/dataProducts", `{"name":"Baskets","domains":["Retail"],"description":"-"}`, 201).id()
	ref := func(id string) string { return `{"id":"` + id + `","type":"table"}` }
	add := `{"assets":[` + ref(table) + `,` + ref(other) + `,{"id":"` + product + `","type":"user"}]}`
	h.do("PUT", "/dataProducts/Baskets/inputPorts/add", `{"assets":[`+ref(table)+`],"dryRun":true}`, 200).shows("dryRun", "true", "numberOfRowsPassed", "1")
	h.do("GET", "/dataProducts/"+product+"/inputPorts", nil, 200).shows("paging.total", "0")
	h.do("PUT", "/dataProducts/Baskets/inputPorts/add", add, 200).shows("status", "partialSuccess", "numberOfRowsPassed", "2", "failedRequest.0.status", "400")
	h.do("PUT", "/dataProducts/name/Baskets/outputPorts/add", `{"assets":[`+ref(table)+`]}`, 200).shows("status", "success")
	h.do("GET", "/dataProducts/name/Baskets/inputPorts?limit=1&offset=1", nil, 200).shows("paging.total", "2", "data.0.name", "orders", "data.1", "")
	h.do("GET", "/dataProducts/"+product+"/portsView?inputLimit=1", nil, 200).
		shows("entity.name", "Baskets", "inputPorts.paging.total", "2", "inputPorts.data.1", "", "outputPorts.data.0.id", table)
	events := string(h.do("GET", "/events?entityUpdated=dataProduct&timestamp=0", nil, 200).body)
	if !strings.Contains(events, `"inputPorts"`) || !strings.Contains(events, `"outputPorts"`) {
		t.Errorf("the feed of changes does not tell of the ports: %s", events)
	}

	reader := h.consumer("reader")
	h.as(reader, "PUT", "/dataProducts/Baskets/inputPorts/remove", `{"assets":[`+ref(table)+`]}`).want(403)
	h.do("PUT", "/dataProducts/"+product+"/inputPorts/remove", `{"assets":[`+ref(table)+`]}`, 200)
	h.do("GET", "/dataProducts/"+product+"/inputPorts", nil, 200).shows("paging.total", "1", "data.0.id", other)
	h.do("DELETE", "/tables/"+other+"?hardDelete=true", nil, 200)
	h.do("GET", "/dataProducts/"+product+"/inputPorts", nil, 200).shows("paging.total", "0")
	h.do("GET", "/dataProducts/name/None/portsView", nil, 404)
}

func TestHierarchyOfDomains(t *testing.T) {
	h := newHarness(t)
	for _, domain := range []string{`"A"`, `"B","parent":"A"`, `"C","parent":"A.B"`, `"D"`} {
		h.do("POST", "/domains", `{"domainType":"Aggregate","description":"-","name":`+domain+`}`, 201)
	}
	h.do("GET", "/domains/hierarchy", nil, 200).
		shows("paging.total", "2", "data.0.name", "A", "data.0.children.0.fullyQualifiedName", "A.B", "data.0.children.0.children.0.name", "C", "data.1.name", "D")
	h.do("GET", "/domains/hierarchy?directChildrenOf=A", nil, 200).shows("paging.total", "1", "data.0.name", "B", "data.0.children.0.name", "C")
	h.do("GET", "/domains/hierarchy?limit=1&offset=1", nil, 200).shows("paging.total", "2", "data.0.name", "D", "data.1", "")
}

func TestCountsOfAssetsShowWhatTheCallerSees(t *testing.T) {
	h := newHarness(t)
	ann := h.person("ann")
	h.rightsOf(ann, "Careful", `{"name":"noPII","effect":"deny","resources":["table"],"operations":["ViewBasic","ViewAll"],"condition":"matchAnyTag('PII.Sensitive')"}`)
	s := h.schema()
	open, secret := h.table(s, "open", "id"), h.table(s, "secret", "id")
	h.do("POST", "/domains", `{"name":"Retail","domainType":"Aggregate","description":"-"}`, 201)
	domain := h.do("GET", "/domains/name/Retail", nil, 200).id()
	team := h.do("POST", "/teams", `{"name":"shops","teamType":"Group"}`, 201).id()
	for _, id := range []string{open, secret} {
		h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/domains","value":[{"id":"`+domain+`","type":"domain"}]},{"op":"add","path":"/owners","value":[{"id":"`+team+`","type":"team"}]}]`, 200)
	}
	h.do("PATCH", "/tables/"+secret, `[{"op":"add","path":"/tags","value":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]`, 200)
	h.indexed("table", "/tables/"+open, "/tables/"+secret)
	for path, want := range map[string][2]string{
		"/domains/assets/counts": {`{"Retail":2}`, `{"Retail":1}`}, "/teams/assets/counts": {`{"shops":2}`, `{"shops":1}`},
		"/tags/assets/counts": {`{"PII.Sensitive":1}`, `{}`}, "/glossaryTerms/assets/counts": {`{}`, `{}`}, "/dataProducts/assets/counts": {`{}`, `{}`},
	} {
		for i, who := range []caller{h.admin, ann} {
			if got := string(h.as(who, "GET", path, nil).want(200).body); strings.TrimSpace(got) != want[i] {
				t.Errorf("%s answers %s the counts %s, want %s", path, who.name, got, want[i])
			}
		}
	}
}
