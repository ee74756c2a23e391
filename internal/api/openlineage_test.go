package api

import (
	"fmt"
	"testing"
)

// runEvent is an event of the job etl.load as the OpenLineage clients send it.
func runEvent(eventType, inputs, outputs string) string {
	return fmt.Sprintf(`{"eventType":%q,"eventTime":"2026-01-02T03:04:05.678Z","producer":"https://example.org/etl","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json",
		"run":{"runId":"01a22eaf-faae-7518-ab87-b7cc775e612c","facets":{}},
		"job":{"namespace":"etl","name":"load","facets":{"sql":{"_producer":"https://example.org","_schemaURL":"https://example.org/sql.json","query":"insert into orders select * from customers"}}},
		"inputs":[%s],"outputs":[%s]}`, eventType, inputs, outputs)
}

func dataset(name, facets string) string {
	return fmt.Sprintf(`{"namespace":"mysql://db:3306","name":%q,"facets":{%s}}`, name, facets)
}

func TestOpenLineageEventsBecomeEdges(t *testing.T) {
	h := newHarness(t)
	customers := h.customers()
	orders := h.table("shop.db.public", "orders", "id", "mail")
	const path = "/openlineage/lineage"
	in, out := dataset("db.public.customers", ""), dataset("db.public.orders", `"columnLineage":{"_producer":"https://example.org","_schemaURL":"https://example.org/c.json","fields":{
		"MAIL":{"inputFields":[{"namespace":"mysql://db:3306","name":"db.public.customers","field":"email"},{"namespace":"mysql://db:3306","name":"db.public.customers","field":"gone"}]}}}`)
	h.do("POST", path, runEvent("COMPLETE", in, out), 503)
	h.do("PUT", "/system/settings", `{"config_type":"openLineageSettings","config_value":{"enabled":true,"autoCreateEntities":true}}`, 200)

	h.do("POST", path, runEvent("START", in, out), 200).shows("status", "success", "summary.skipped", "1", "lineageEdgesCreated", "0")
	h.do("GET", "/lineage/table/"+customers, nil, 200).shows("downstreamEdges.0", "")
	h.do("POST", path, runEvent("COMPLETE", in, out), 200).shows("status", "success", "summary.successful", "1", "lineageEdgesCreated", "1")
	pipeline := h.do("GET", "/pipelines/name/openlineage.etl-load", nil, 200).shows("displayName", "load", "serviceType", "OpenLineage").id()
	h.do("GET", "/lineage/table/"+customers, nil, 200).shows("downstreamEdges.0.toEntity", orders,
		"downstreamEdges.0.lineageDetails.source", "OpenLineage", "downstreamEdges.0.lineageDetails.pipeline.id", pipeline,
		"downstreamEdges.0.lineageDetails.sqlQuery", "insert into orders select * from customers",
		"downstreamEdges.0.lineageDetails.columnsLineage.0.fromColumns.0", customersFQN+".email",
		"downstreamEdges.0.lineageDetails.columnsLineage.0.toColumn", "shop.db.public.orders.mail",
		"downstreamEdges.0.lineageDetails.columnsLineage.0.fromColumns.1", "")

	// A job that only reads is joined to its pipeline.
	h.do("POST", path, runEvent("COMPLETE", in, ""), 200).shows("lineageEdgesCreated", "1")
	h.do("GET", "/lineage/pipeline/"+pipeline, nil, 200).shows("upstreamEdges.0.fromEntity", customers)

	// What is unknown is told, and keeps nothing else back.
	h.do("POST", path, runEvent("COMPLETE", in+","+dataset("db.public.none", ""), out), 200).
		shows("status", "partial_success", "summary.failed", "1", "lineageEdgesCreated", "1", "failedEvents.0.index", "0")
	h.do("POST", path, runEvent("COMPLETE", dataset("none", ""), dataset("nothing", "")), 400).contains("is not in the catalog")
	h.do("POST", path, `{"eventType":"COMPLETE"}`, 400)
	h.do("POST", path+"/batch", `{"events":[`+runEvent("COMPLETE", in, out)+`,{"eventType":"COMPLETE"}]}`, 200).
		shows("status", "partial_success", "summary.received", "2", "summary.failed", "1", "failedEvents.0.index", "1")
	h.do("POST", path+"/batch", `{"events":[]}`, 400)
	h.as(h.consumer("reader"), "POST", path, runEvent("COMPLETE", in, out)).want(403)

	// The same name below two services needs a word from the administrator.
	h.do("PUT", "/services/databaseServices", `{"name":"shop2","serviceType":"Mysql"}`, 201)
	h.do("PUT", "/databases", `{"name":"db","service":"shop2"}`, 201)
	h.do("PUT", "/databaseSchemas", `{"name":"public","database":"shop2.db"}`, 201)
	h.table("shop2.db.public", "customers", "id")
	h.do("POST", path, runEvent("COMPLETE", in, out), 400).contains("may be one of 2")
	h.do("PUT", "/system/settings", `{"config_type":"openLineageSettings","config_value":{"enabled":true,"autoCreateEntities":true,"namespaceToServiceMapping":{"mysql://db:3306":"shop"}}}`, 200)
	h.do("POST", path, runEvent("COMPLETE", in, out), 200).shows("status", "success", "lineageEdgesCreated", "1")
}
