package api

import (
	"fmt"
	"strings"
	"testing"
)

// odcsText is a document as people write it: with numbers where texts belong, a team
// in an object, a text for a list, and two objects.
const odcsText = `apiVersion: v3.0.2
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
name: imported
version: 1.0
status: active
contractCreatedTs: 2026-01-31T10:00:00Z
description: {purpose: Who buys, usage: For reports, limitations: No mail}
team:
  members:
    - {username: %s, role: Owner}
    - {username: nobody-we-know, role: owner}
    - {username: somebody, role: analyst}
roles:
  - {role: readers, access: read, firstLevelApprovers: crew}
  - {role: classification-PII}
slaProperties:
  - {property: freshness, value: 2, unit: d}
  - {property: latency, value: 4, unit: h}
  - {property: retention, value: "1", unit: years}
  - {property: availabilityTime, value: "09:00", valueExt: "GMT+01:00 (Europe/Paris)"}
quality:
  - {type: sql, query: SELECT 1, mustBe: 0}
schema:
  - name: orders
    logicalType: object
    properties: [{name: number, logicalType: integer}]
  - name: Customers
    logicalType: object
    properties:
      - {name: id, logicalType: integer, physicalType: BIGINT, primaryKey: true}
      - name: email
        logicalType: string
        physicalType: varchar(20)
        required: true
        logicalTypeOptions: {maxLength: 20}
        quality: [{metric: nullValues, mustBe: 0}]
`

const yamlMedia = "application/x-yaml" // as the Python client says

func TestContractsAsDocumentsOfTheStandard(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	text := fmt.Sprintf(odcsText, h.admin.name)
	of := "?entityType=table&entityId=" + table
	h.sends(h.admin, "POST", "/dataContracts/odcs/parse/yaml", yamlMedia, text).want(200).
		shows("name", "imported", "version", "1.0", "status", "active", "schemaObjects.0", "orders", "schemaObjects.1", "Customers", "hasMultipleObjects", "true")
	h.sends(h.admin, "POST", "/dataContracts/odcs/validate/yaml"+of, yamlMedia, text).want(200).shows("valid", "true", "schemaValidation.total", "2")
	h.sends(h.admin, "POST", "/dataContracts/odcs/validate/yaml"+of+"&objectName=ORDERS", yamlMedia, text).want(200).shows("valid", "false", "schemaValidation.failedFields.0", "number")
	h.do("GET", "/dataContracts?limit=10", nil, 200).shows("paging.total", "0")

	made := h.sends(h.admin, "POST", "/dataContracts/odcs/yaml"+of, yamlMedia, text).want(201).shows("name", "imported", "entityStatus", "Approved", "entity.id", table,
		"description", "Who buys\n\n**Limitations:**\nNo mail\n\n**Usage:**\nFor reports", "owners.0.id", h.admin.id.String(), "owners.1", "",
		"schema.0.dataType", "BIGINT", "schema.0.constraint", "PRIMARY_KEY", "schema.1.dataType", "VARCHAR", "schema.1.dataLength", "20", "schema.1.constraint", "NOT_NULL",
		"security.policies.0.identities.0", "crew", "security.dataClassification", "PII", "sla.refreshFrequency.interval", "2", "sla.refreshFrequency.unit", "day",
		"sla.maxLatency.value", "4", "sla.retention.unit", "year", "sla.availabilityTime", "09:00", "odcsQualityRules.0.query", "SELECT 1", "odcsQualityRules.1.column", "email")
	id := made.id()
	h.sends(h.admin, "POST", "/dataContracts/odcs/yaml"+of, yamlMedia, text).want(409)

	exported := h.do("GET", "/dataContracts/"+id+"/odcs", nil, 200).shows("apiVersion", "v3.1.0", "kind", "DataContract", "id", id, "version", "0.1", "status", "active", "description.purpose", made.at("description"),
		"schema.0.name", "customers", "schema.0.logicalType", "object", "schema.0.properties.0.logicalType", "long", "schema.0.properties.1.quality.0.metric", "nullValues", "quality.0.query", "SELECT 1",
		"team.0.username", h.admin.name, "roles.0.firstLevelApprovers.0", "crew", "slaProperties.0.property", "freshness", "slaProperties.3.valueExt", "GMT+01:00 (Europe/Paris)")
	asYAML := h.do("GET", "/dataContracts/name/"+esc(customersFQN+".dataContract_imported")+"/odcs/yaml", nil, 200)
	if got := asYAML.header.Get("Content-Type"); got != "application/yaml" || !strings.HasPrefix(string(asYAML.body), "apiVersion: v3.1.0\n") {
		t.Errorf("%s: %s", got, asYAML.body)
	}
	// What was exported can be imported, in both forms, and is the same.
	for media, body := range map[string]string{"application/json": string(exported.body), yamlMedia: string(asYAML.body)} {
		path := "/dataContracts/odcs"
		if media == yamlMedia {
			path += "/yaml"
		}
		again := h.sends(h.admin, "PUT", path+of, media, body).want(200).shows("id", id, "name", "imported")
		for _, part := range []string{"schema", "security", "sla", "odcsQualityRules", "owners.0.id", "description"} {
			again.shows(part, made.at(part))
		}
	}
}

func TestImportsMergeAndReplace(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	of := "/dataContracts/odcs?entityType=table&entityId=" + table
	h.do("PUT", of, `{"apiVersion":"v3.1.0","kind":"DataContract","id":"x","version":"1","status":"draft","slaProperties":[{"property":"retention","value":2,"unit":"weeks"}]}`, 201).shows("name", "customers_contract", "entityStatus", "Draft")
	id := h.do("GET", "/dataContracts/entity?entityType=table&entityId="+table, nil, 200).id()
	h.do("PATCH", "/dataContracts/"+id, `[{"op":"add","path":"/semantics","value":`+semantics("r", `true`)+`},{"op":"add","path":"/description","value":"kept"}]`, 200)
	h.do("POST", "/dataContracts/"+id+"/validate", nil, 200)
	const other = `{"apiVersion":"v3.1.0","kind":"DataContract","id":"x","name":"else","version":"1","status":"deprecated","slaProperties":[{"property":"latency","value":"5","unit":"minutes"}]}`
	h.do("PUT", of, other, 200).shows("id", id, "name", "customers_contract", "entityStatus", "Deprecated", "description", "kept", "semantics.0.name", "r", "sla.retention.period", "2", "sla.maxLatency.unit", "minute")
	h.do("PUT", of+"&mode=replace", other, 200).shows("id", id, "name", "customers_contract", "description", "", "semantics", "", "sla.retention", "", "sla.maxLatency.value", "5", "latestResult.status", "Success")

	h.do("PUT", of+"&mode=odd", other, 400)
	h.do("PUT", of+"&objectName=none", strings.Replace(other, `"name":"else"`, `"schema":[{"name":"a","logicalType":"object"}]`, 1), 400)
	for _, bad := range []string{`[]`, `{}`, `{"kind":"DataContract"}`, `{`, strings.Replace(other, `"5"`, `"soon"`, 1), strings.Replace(other, "minutes", "fortnights", 1), strings.Replace(other, "v3.1.0", "v9", 1)} {
		h.do("PUT", of, bad, 400)
	}
	h.do("PUT", "/dataContracts/odcs?entityType=table", other, 400)
	h.do("PUT", "/dataContracts/odcs?entityType=table&entityId="+h.admin.id.String(), other, 404)
	reader := h.consumer("reader")
	h.as(reader, "PUT", of, strings.Replace(other, "deprecated", "draft", 1)).want(403)
	h.as(reader, "POST", of, other).want(403)
}

func TestYAMLThatIsNotToBeRead(t *testing.T) {
	h := newHarness(t)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, text := range map[string]string{
		"references that multiply": bomb, "a circle": "a: &a [*a]\n", "deep": strings.Repeat("[", 2000) + strings.Repeat("]", 2000), "a key twice": "a: 1\na: 2\n", "no text": "", "a list as a key": "? [a]\n: b\n",
		"not YAML": "a: [", "no number": "a: .nan\n", "merge": "a: &a {b: c}\nd:\n  <<: *a\n", "not UTF-8": "a: \xff\n", "plain": "x",
	} {
		t.Run(name, func(t *testing.T) {
			h.sends(h.admin, "POST", "/dataContracts/odcs/parse/yaml", yamlMedia, text).want(400)
		})
	}
	h.sends(h.admin, "POST", "/dataContracts/odcs/parse/yaml", yamlMedia, strings.Repeat("#", maxContract+1)).want(413)
}
