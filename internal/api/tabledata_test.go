package api

import (
	"fmt"
	"strings"
	"testing"
)

const customersSample = `{"columns":["id","email"],"rows":[[1,"ann@secret.example"],[2,null]]}`

func TestSampleDataIsKeptAndMasked(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	bot, reader := h.bot(), h.consumer("reader")
	h.as(bot, "PUT", "/tables/"+id+"/sampleData", customersSample).want(200).
		shows("name", "customers", "sampleData.rows.0.1", "ann@secret.example", "sampleData.columns.1", "email", "version", "0.1")
	h.as(bot, "GET", "/tables/"+id+"/sampleData", nil).want(200).shows("sampleData.rows.0.1", "ann@secret.example")

	for _, path := range []string{
		"/tables/" + id + "/sampleData", "/tables/" + id + "?fields=sampleData", "/tables/" + id + "?fields=*",
		"/tables/name/" + customersFQN + "?fields=sampleData",
	} {
		h.as(reader, "GET", path, nil).want(200).lacks("ann@secret").shows("sampleData.rows.0.0", "1", "sampleData.rows.0.1", "********")
	}
	h.as(reader, "GET", "/tables?fields=sampleData&limit=5", nil).want(200).lacks("ann@secret").shows("data.0.sampleData.rows.0.1", "********")
	h.as(h.nobody, "GET", "/tables/"+id+"/sampleData", nil).want(200).lacks("ann@secret")
	h.as(reader, "PUT", "/tables/"+id+"/sampleData", customersSample).want(403)
	h.do("GET", "/tables/"+id, nil, 200).lacks("sampleData")
	h.do("GET", "/events?timestamp=1", nil, 200).lacks("ann@secret")

	h.as(bot, "DELETE", "/tables/"+id+"/sampleData", nil).want(200).lacks("ann@secret")
	h.do("GET", "/tables/"+id+"/sampleData", nil, 200).lacks("rows")
}

func TestOwnersSeeSensitiveSamples(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	owner := h.consumer("owner")
	h.do("PUT", "/tables/"+id+"/sampleData", customersSample, 200)
	h.as(owner, "GET", "/tables/"+id+"/sampleData", nil).want(200).lacks("ann@secret")
	h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/owners","value":[{"id":"`+owner.id.String()+`","type":"user"}]}]`, 200)
	h.as(owner, "GET", "/tables/"+id+"/sampleData", nil).want(200).shows("sampleData.rows.0.1", "ann@secret.example")
}

func TestSamplesNeedTheirOwnRight(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	reader := h.consumer("reader")
	h.do("PUT", "/tables/"+id+"/sampleData", customersSample, 200)
	h.forbid(reader, "ViewSampleData")
	h.as(reader, "GET", "/tables/"+id+"/sampleData", nil).want(403)
	h.as(reader, "GET", "/tables/"+id+"?fields=sampleData", nil).want(403)
	h.as(reader, "GET", "/tables?fields=sampleData", nil).want(403)
	h.as(reader, "GET", "/tables/"+id+"?fields=*", nil).want(200).lacks("rows")
}

func TestMessagesAreSamplesToo(t *testing.T) {
	h := newHarness(t)
	reader := h.consumer("reader")
	h.do("PUT", "/services/messagingServices", `{"name":"bus","serviceType":"Kafka"}`, 201)
	id := h.do("PUT", "/topics", `{"name":"mails","service":"bus","partitions":1,"messageSchema":{"schemaType":"JSON","schemaFields":[{"name":"to","dataType":"STRING",
		"tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]}}`, 201).id()
	h.do("PUT", "/topics/"+id+"/sampleData", `{"messages":["{\"to\":\"ann@secret.example\"}"]}`, 200).shows("sampleData.messages.0", `{"to":"ann@secret.example"}`)
	h.as(reader, "GET", "/topics/"+id+"/sampleData", nil).want(200).lacks("ann@secret").shows("sampleData.messages.0", "********")
}

func TestBadSamplesAreRefused(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	many := strings.Repeat(`[1,"x"],`, 1001)
	for _, test := range []struct{ name, body, message string }{
		{"unknown column", `{"columns":["nope"],"rows":[[1]]}`, "Invalid column name nope"},
		{"short row", `{"columns":["id","email"],"rows":[[1]]}`, "row 0 has 1"},
		{"unknown member", `{"columns":["id"],"rows":[[1]],"x":1}`, "x"},
		{"no object", `[1]`, "object"},
		{"too many rows", `{"columns":["id","email"],"rows":[` + many[:len(many)-1] + `]}`, "at most 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := h.as(h.admin, "PUT", "/tables/"+id+"/sampleData", test.body).want(400)
			if !strings.Contains(got.at("message"), test.message) {
				t.Errorf("message %q", got.at("message"))
			}
		})
	}
	h.do("PUT", "/tables/11111111-2222-4333-8444-555555555555/sampleData", customersSample, 404)
}

func putProfile(h *harness, id string, at int64, rows int) answer {
	h.t.Helper()
	return h.as(h.bot(), "PUT", "/tables/"+id+"/tableProfile", fmt.Sprintf(`{"tableProfile":{"timestamp":%d,"columnCount":2,"rowCount":%d,"profileSample":null},
		"columnProfile":[{"name":"id","timestamp":%d,"valuesCount":%d},{"name":"email","timestamp":%d,"valuesCount":%d,"min":"ann@secret.example","max":"z"}],
		"systemProfile":[{"timestamp":%d,"operation":"INSERT","rowsAffected":3}]}`, at, rows, at, rows, at, rows, at)).want(200)
}

func TestProfilesAreSeries(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	for i := int64(1); i <= 3; i++ {
		putProfile(h, id, i*1000, int(i)).shows("profile.rowCount", fmt.Sprint(i), "version", "0.1")
	}
	putProfile(h, id, 2500, 9).shows("profile.rowCount", "3") // late news do not replace the latest

	h.do("GET", "/tables/"+customersFQN+"/tableProfile?startTs=1000&endTs=2500", nil, 200).
		shows("paging.total", "3", "data.0.timestamp", "2500", "data.2.timestamp", "1000")
	h.do("GET", "/tables/"+customersFQN+"/tableProfile?limit=3", nil, 200).shows("paging.after", "3", "data.0.rowCount", "3")
	h.do("GET", "/tables/"+customersFQN+"/tableProfile?limit=3&after=3", nil, 200).shows("data.0.timestamp", "1000", "paging.after", "")
	h.do("GET", "/tables/"+customersFQN+".email/columnProfile?startTs=1&endTs=9999", nil, 200).shows("paging.total", "4", "data.0.min", "ann@secret.example")
	h.do("GET", "/tables/"+customersFQN+"/systemProfile?startTs=1&endTs=9999", nil, 200).shows("data.0.operation", "INSERT")
	h.do("GET", "/tables/"+customersFQN+"/tableProfile/latest", nil, 200).
		shows("profile.rowCount", "3", "columns.0.profile.valuesCount", "3", "columns.1.profile.timestamp", "3000")
	h.do("GET", "/tables/"+customersFQN+"/tableProfile/latest?includeColumnProfile=false", nil, 200).shows("columns.0.profile", "")

	reader := h.consumer("reader")
	h.as(reader, "GET", "/tables/"+customersFQN+".email/columnProfile", nil).want(200).lacks("ann@secret").shows("data.0.valuesCount", "3")
	h.as(reader, "GET", "/tables/"+customersFQN+"/tableProfile/latest", nil).want(200).lacks("ann@secret").shows("columns.1.profile.valuesCount", "3")
	h.as(reader, "PUT", "/tables/"+id+"/tableProfile", `{"tableProfile":{"timestamp":1}}`).want(403)
	h.forbid(reader, "ViewDataProfile")
	h.as(reader, "GET", "/tables/"+customersFQN+"/tableProfile", nil).want(403)
	h.as(reader, "GET", "/tables/"+customersFQN+"/tableProfile/latest", nil).want(403)
	h.as(reader, "GET", "/tables/"+customersFQN+".email/columnProfile", nil).want(403)
}

func TestProfilesCanBeDeleted(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	putProfile(h, id, 1000, 1)
	putProfile(h, id, 2000, 2)
	h.do("DELETE", "/tables/"+customersFQN+"/table/2000/profile", nil, 200).shows("rowCount", "2")
	h.do("DELETE", "/tables/"+customersFQN+".email/column/2000/profile", nil, 200).shows("valuesCount", "2")
	h.do("GET", "/tables/"+customersFQN+"/tableProfile/latest", nil, 200).
		shows("profile.rowCount", "1", "columns.0.profile.valuesCount", "2", "columns.1.profile.valuesCount", "1")
	h.do("DELETE", "/tables/"+customersFQN+"/table/2000/profile", nil, 404)
	h.do("DELETE", "/tables/"+customersFQN+"/nothing/2000/profile", nil, 400)
	h.do("DELETE", "/tables/"+customersFQN+"/table/x/profile", nil, 400)
	h.do("DELETE", "/tables/"+customersFQN+"/table/1000/profile", nil, 200)
	h.do("GET", "/tables/"+customersFQN+"/tableProfile/latest", nil, 200).shows("profile", "")
}

func TestBadProfilesAreRefused(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	for _, body := range []string{
		`{}`, `{"tableProfile":{}}`, `{"tableProfile":{"timestamp":1},"columnProfile":[{"name":"nope","timestamp":1}]}`,
		`{"tableProfile":{"timestamp":1,"x":2}}`,
	} {
		h.do("PUT", "/tables/"+id+"/tableProfile", body, 400)
	}
	h.do("GET", "/tables/"+customersFQN+"/tableProfile", nil, 200).shows("paging.total", "0")
	h.do("GET", "/tables/"+customersFQN+"/tableProfile?startTs=5&endTs=1", nil, 400)
	h.do("GET", "/tables/"+customersFQN+"/columnProfile", nil, 400)
	h.do("GET", "/tables/"+customersFQN+".nope/columnProfile", nil, 404)
}

func TestProfilerConfigs(t *testing.T) {
	h := newHarness(t)
	table := h.customers()
	db := h.do("GET", "/databases/name/shop.db", nil, 200).id()
	schema := h.do("GET", "/databaseSchemas/name/shop.db.public", nil, 200).id()
	reader := h.consumer("reader")
	for _, test := range []struct{ path, field string }{
		{"/tables/" + table, "tableProfilerConfig"}, {"/databases/" + db, "databaseProfilerConfig"}, {"/databaseSchemas/" + schema, "databaseSchemaProfilerConfig"},
	} {
		t.Run(test.field, func(t *testing.T) {
			at := test.path + "/" + test.field
			h.as(reader, "PUT", at, `{"profileSample":50}`).want(403)
			h.do("PUT", at, `{"profileSample":50,"profileSampleType":"PERCENTAGE"}`, 200).shows(test.field+".profileSample", "50")
			h.do("GET", at, nil, 200).shows(test.field+".profileSample", "50")
			h.do("GET", test.path+"?fields="+test.field, nil, 200).shows(test.field+".profileSample", "50")
			h.do("PUT", at, `{"profileSample":"half"}`, 400)
			h.do("DELETE", at, nil, 200).shows(test.field, "")
		})
	}
}

func TestDataModelBringsItsTags(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	tag := func(fqn string) string {
		return `{"tagFQN":"` + fqn + `","source":"Classification","labelType":"Automated","state":"Suggested"}`
	}
	body := func(sql string) string {
		return `{"modelType":"DBT","resourceType":"model","sql":"` + sql + `","tags":[` + tag("Tier.Tier1") + `],"columns":[{"name":"id","dataType":"BIGINT","tags":[` + tag("PII.None") + `]}],"upstream":[]}`
	}
	h.as(h.bot(), "PUT", "/tables/"+id+"/dataModel", body("select 1")).want(200).shows("dataModel.sql", "select 1", "tags.0.tagFQN", "Tier.Tier1")
	h.as(h.bot(), "PUT", "/tables/"+id+"/dataModel", body("")).want(200).shows("dataModel.sql", "select 1")
	h.do("GET", "/tables/"+id+"?fields=tags,dataModel,columns", nil, 200).
		shows("tags.0.tagFQN", "Tier.Tier1", "columns.0.tags.0.tagFQN", "PII.None", "columns.1.tags.0.tagFQN", "PII.Sensitive", "dataModel.modelType", "DBT")
	h.do("PUT", "/tables/"+id+"/dataModel", strings.ReplaceAll(body("select 2"), "Tier.Tier1", "Tier.None"), 404)
	h.do("PUT", "/tables/"+id+"/dataModel", `{"sql":"select 1"}`, 400)
	h.as(h.consumer("reader"), "PUT", "/tables/"+id+"/dataModel", body("select 3")).want(403)
}

func TestCustomMetrics(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	h.do("PUT", "/tables/"+id+"/customMetric", `{"name":"adults","expression":"select 1"}`, 200).shows("customMetrics.0.expression", "select 1", "customMetrics.0.updatedBy", "admin")
	first := h.do("PUT", "/tables/"+id+"/customMetric", `{"name":"adults","expression":"select 2"}`, 200).shows("customMetrics.0.expression", "select 2", "customMetrics.1", "")
	h.do("PUT", "/tables/"+id+"/customMetric", `{"name":"dupes","columnName":"email","expression":"select 3"}`, 200).
		shows("columns.1.customMetrics.0.name", "dupes", "customMetrics.0.id", first.at("customMetrics.0.id"))
	h.do("PUT", "/tables/"+id+"/customMetric", `{"name":"x","columnName":"nope","expression":"select 3"}`, 404)
	h.do("GET", "/tables/"+id+"?fields=columns,customMetrics", nil, 200).shows("customMetrics.0.name", "adults", "columns.1.customMetrics.0.name", "dupes")
	h.do("DELETE", "/tables/"+id+"/customMetric/email/dupes", nil, 200)
	h.do("DELETE", "/tables/"+id+"/customMetric/email/dupes", nil, 404)
	h.do("DELETE", "/tables/"+id+"/customMetric/adults", nil, 200).shows("customMetrics.0", "")
}

func TestPipelineObservability(t *testing.T) {
	h := newHarness(t)
	id := h.customers()
	h.do("PUT", "/services/pipelineServices", `{"name":"air","serviceType":"Airflow"}`, 201)
	pipeline := h.do("PUT", "/pipelines", `{"name":"nightly","service":"air"}`, 201).id()
	one := `{"pipeline":{"id":"` + pipeline + `","type":"pipeline"},"lastRunStatus":"Successful","lastRunTime":1000}`
	h.do("PUT", "/tables/"+id+"/pipelineObservability", "["+one+"]", 200).shows("pipelineObservability.0.pipeline.name", "nightly")
	h.do("PUT", "/tables/"+id+"/pipelineObservability/air.nightly", strings.Replace(one, "1000", "2000", 1), 200).
		shows("pipelineObservability.0.lastRunTime", "2000", "pipelineObservability.1", "")
	h.do("GET", "/tables/name/"+customersFQN+"/pipelineObservability", nil, 200).shows("0.pipeline.fullyQualifiedName", "air.nightly")
	h.do("PUT", "/tables/"+id+"/pipelineObservability", `[{"pipeline":{"id":"11111111-2222-4333-8444-555555555555","type":"pipeline"}}]`, 404)
	h.do("DELETE", "/tables/"+id+"/pipelineObservability/air.nightly", nil, 200)
	h.do("DELETE", "/tables/"+id+"/pipelineObservability/air.nightly", nil, 404)
	h.do("GET", "/tables/"+id+"/pipelineObservability", nil, 200).shows("0", "")
}
