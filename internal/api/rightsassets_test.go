package api

import (
	"maps"
	"net/http"
	"strings"
)

// assetTries are the calls about what belongs to a domain, a team, a tag and so on,
// and about services, types and queries.
func assetTries() map[string][]rightsTry {
	tries := map[string][]rightsTry{}
	for _, base := range []string{"/users", "/teams", "/domains", "/dataProducts", "/tags", "/glossaryTerms"} {
		tries["GET "+base+"/{id}/assets"] = []rightsTry{{}}
		tries["GET "+base+"/name/{fqn}/assets"] = []rightsTry{{}}
		if base == "/users" {
			continue
		}
		which := "/{id}"
		if base == "/teams" || base == "/domains" || base == "/dataProducts" {
			which = "/{fqn}"
		}
		for _, what := range []string{"add", "remove"} {
			tries["PUT "+base+which+"/assets/"+what] = []rightsTry{{
				body: `{"assets":[{"id":"$table","type":"table"}],"dryRun":false}`, before: with("table"), class: classOfRows,
			}}
		}
	}
	for _, kind := range []string{"api", "dashboard", "database", "drive", "llm", "messaging", "metadata", "mlmodel", "pipeline", "search", "security", "storage"} {
		tries["PUT /services/"+kind+"Services/{id}/testConnectionResult"] = []rightsTry{{body: `{"status":"Successful","steps":[{"name":"a","mandatory":true,"passed":true}]}`}}
	}
	csvTries(tries, "/services/databaseServices", "databaseService", "name*", "database")
	csvTries(tries, "/services/securityServices", "securityService", "name*", "securityService")
	csvTries(tries, "/services/driveServices", "driveService", "name*", "directory")
	csvTries(tries, "/databases", "databaseService.database", "name*", "databaseSchema")
	csvTries(tries, "/databaseSchemas", "databaseService.database.databaseSchema", "name*", "table")
	csvTries(tries, "/tables", "databaseService.database.databaseSchema.table", "column.name*", "id")
	csvTries(tries, "/glossaries", "glossary", "name*", "glossaryTerm")
	csvTries(tries, "/glossaryTerms", "glossary.glossaryTerm", "name*", "narrower")
	csvTries(tries, "/teams", "garden", "name*", "sprouts")
	csvTries(tries, "/dataQuality/testCases", "databaseService.database.databaseSchema.table", "name*", "testCase")
	byParameter(tries, "/users", "PUT", "team=growers", "victim")
	byParameter(tries, "/drives/directories", "POST", "name=driveService.directory", "deeper")
	growTries(tries)
	feedbackTries(tries)
	const whatTypes = "what members types have is no secret among those who sign in"
	tries["PUT /metadata/types/{id}"] = []rightsTry{{params: map[string]string{"id": "$type_table"}, body: `{"name":"p$n","description":"d","propertyType":{"id":"$type_string","type":"type"}}`}}
	tries["GET /metadata/types/customProperties"] = []rightsTry{{why: whatTypes}}
	tries["GET /metadata/types/fields/{entityType}"] = []rightsTry{{params: map[string]string{"entityType": "table"}, why: whatTypes}}
	tries["GET /metadata/types/name/{entityType}/customProperties"] = []rightsTry{{params: map[string]string{"entityType": "table"}, why: whatTypes}}
	return tries
}

// feedbackTries are the calls about recognizers of tags, and about tags of terms.
func feedbackTries(tries map[string][]rightsTry) {
	const (
		path = "/tags/name/$tag_fqn/feedback"
		body = `{"entityLink":"<#E::table::databaseService.database.databaseSchema.g$n>","tagFQN":"x","feedbackType":"FALSE_POSITIVE"}`
	)
	labelled := both(with("tag"), func(s *scene) {
		s.set("n", s.w.next())
		s.admin("POST", "/tables", `{"name":"g$n","databaseSchema":"databaseService.database.databaseSchema","columns":[],"owners":`+s.w.owners+`,"tags":[{"tagFQN":"$tag_fqn","source":"Classification","labelType":"Generated","state":"Suggested"}]}`, http.StatusCreated)
	})
	said := both(labelled, func(s *scene) { // so that it waits for somebody
		s.t.Helper()
		s.admin("PATCH", "/tags/name/$tag_fqn", `[{"op":"add","path":"/reviewers","value":[{"id":"$base_user","type":"user"}]}]`, http.StatusOK)
	}, made("feedback", "POST", path, body))
	tag := map[string]string{"fqn": "$tag_fqn"}
	tries["GET /tags/{id}/recognizers"] = []rightsTry{{}}
	tries["GET /tags/name/{fqn}/recognizers"] = []rightsTry{{}}
	tries["POST /tags/name/{fqn}/feedback"] = []rightsTry{{before: labelled, params: tag, body: body}}
	tries["GET /tags/name/{fqn}/feedback"] = []rightsTry{{before: said, params: tag, class: showing("FALSE_POSITIVE")}}
	tries["GET /tags/feedback/pending"] = []rightsTry{{before: said, class: showing("FALSE_POSITIVE")}}
	tries["GET /tags/feedback/{id}"] = []rightsTry{{before: said, params: map[string]string{"id": "$feedback"}}}
	tries["PUT /glossaryTerms/{id}/tags/validate"] = []rightsTry{{body: `{"glossaryTags":[]}`}}
}

// growTries are the calls about trees of things and about what goes in and out of
// data products.
func growTries(tries map[string][]rightsTry) {
	for _, base := range []string{"/teams", "/domains", "/dataProducts", "/tags", "/glossaryTerms"} {
		tries["GET "+base+"/assets/counts"] = []rightsTry{{}}
	}
	for _, base := range []string{"/drives/directories", "/drives/files"} {
		tries["PUT "+base+"/{id}/restore"] = []rightsTry{{before: (*scene).remove, always: (*scene).revive}}
	}
	const members = "/teams/$id/users"
	tries["GET /teams/hierarchy"] = []rightsTry{{class: total("paging", "total")}}
	tries["PUT /teams/{teamId}/users"] = []rightsTry{{params: map[string]string{"teamId": "$id"}, body: `[{"id":"$base_user","type":"user"}]`}}
	tries["DELETE /teams/{teamId}/users/{userId}"] = []rightsTry{
		{variant: "self", before: made("", "PUT", members, `[{"id":"$me","type":"user"}]`), params: map[string]string{"teamId": "$id", "userId": "$me"}},
		{variant: "else", before: made("", "PUT", members, `[{"id":"$base_user","type":"user"}]`), params: map[string]string{"teamId": "$id", "userId": "$base_user"}},
	}
	tries["GET /domains/hierarchy"] = []rightsTry{{class: total("paging", "total")}}
	tries["GET /containers/name/{fqn}/children"] = []rightsTry{{}}
	tries["GET /glossaryTerms/search"] = []rightsTry{{class: total("paging", "total")}}
	tries["POST /glossaryTerms/createMany"] = []rightsTry{{body: "[$newRequest]", class: classOfRows}}
	tries["PUT /glossaryTerms/{id}/moveAsync"] = []rightsTry{{
		before: with("glossary", "glossaryTerm"), params: map[string]string{"id": "$glossaryTerm"}, body: `{"parent":{"id":"$glossary","type":"glossary"}}`,
	}}
	const products = "/dataProducts"
	for _, one := range []string{"/{id}", "/name/{fqn}"} {
		tries["GET "+products+one+"/portsView"] = []rightsTry{{}}
		for _, ports := range []string{"/inputPorts", "/outputPorts"} {
			tries["GET "+products+one+ports] = []rightsTry{{}}
		}
	}
	for _, one := range []string{"/{fqn}", "/name/{fqn}"} {
		for _, ports := range []string{"/inputPorts", "/outputPorts"} {
			for _, what := range []string{"/add", "/remove"} {
				tries["PUT "+products+one+ports+what] = []rightsTry{{body: `{"assets":[{"id":"$base_table","type":"table"}]}`, class: classOfRows}}
			}
		}
	}
}

// byParameter is csvTries where the query says what the file is about.
func byParameter(tries map[string][]rightsTry, base, method, query, row string) {
	tries["GET "+base+"/documentation/csv"] = []rightsTry{{}}
	tries["GET "+base+"/export"] = []rightsTry{{query: query}}
	tries[method+" "+base+"/import"] = []rightsTry{{
		query: query + "&dryRun=false", media: "text/plain", body: "$csv",
		before: changedCSV(base+"/export?"+query, "name*", row), class: classOfCSV,
	}}
	if method == "PUT" {
		laterTries(tries, base)
	}
}

// tableTries are the calls about the data inside tables and the like.
func tableTries() map[string][]rightsTry {
	tries := map[string][]rightsTry{
		"PUT /columns/name/{fqn}": {
			{variant: "description", params: map[string]string{"fqn": "$fqn.id"}, body: `{"description":"$n"}`},
			{variant: "displayName", params: map[string]string{"fqn": "$fqn.id"}, body: `{"displayName":"$n"}`},
			{variant: "rest", params: map[string]string{"fqn": "$fqn.id"}, body: `{"constraint":"NOT_NULL"}`},
		},
		"GET /columns/grid":                 {{query: "columnNamePattern=findme", class: showing("groupId")}},
		"GET /columns/search":               {{query: "columnName=findme", class: showing("columnFQN")}},
		"GET /columns/export":               {{query: "columnName=findme", class: showing("findme")}},
		"POST /columns/import":              {{query: "dryRun=false", media: "text/plain", body: "column.name*\n", why: "each row asks for the right to change each column"}},
		"POST /columns/import-async":        {{media: "text/plain", body: "column.name*\n", why: "each row asks for the right to change each column"}},
		"POST /columns/bulk-update-async":   {{body: `{"columnUpdates":[{"columnFQN":"$fqn.id","entityType":"table","displayName":"$n"}]}`, class: classOfColumnJob}},
		"POST /columns/bulk-update-preview": {{body: `{"columnUpdates":[{"columnFQN":"$fqn.id","entityType":"table","displayName":"$n"}]}`}},

		"PUT /tables/{id}/sampleData":        {{body: `{"columns":["id"],"rows":[["1"]]}`}},
		"PUT /drives/files/{id}/sampleData":  {{body: `{"columns":["id"],"rows":[["1"]]}`}},
		"PUT /topics/{id}/sampleData":        {{body: `{"messages":["m"]}`}},
		"PUT /searchIndexes/{id}/sampleData": {{body: `{"messages":["m"]}`}},

		"PUT /tables/{id}/tableProfile":              {{body: profileBody}},
		"GET /tables/{fqn}/tableProfile":             {{before: made("", "PUT", "/tables/$id/tableProfile", profileBody), query: "startTs=1&endTs=9999999999999", class: total("paging", "total")}},
		"GET /tables/{fqn}/tableProfile/latest":      {{}},
		"GET /tables/{fqn}/systemProfile":            {{before: made("", "PUT", "/tables/$id/tableProfile", profileBody), query: "startTs=1&endTs=9999999999999", class: total("paging", "total")}},
		"GET /tables/{fqn}/columnProfile":            {{params: map[string]string{"fqn": "$fqn.id"}, before: made("", "PUT", "/tables/$id/tableProfile", profileBody), query: "startTs=1&endTs=9999999999999", class: total("paging", "total")}},
		"PUT /tables/{id}/customMetric":              {{body: `{"name":"m$n","expression":"SELECT 1"}`}},
		"PUT /tables/{id}/dataModel":                 {{body: `{"modelType":"DBT","sql":"SELECT '$n'"}`}},
		"PUT /tables/{id}/joins":                     {{body: `{"startDate":"$today","dayCount":1,"columnJoins":[]}`}},
		"GET /tables/{id}/pipelineObservability":     {{}},
		"PUT /tables/{id}/pipelineObservability":     {{body: `[{"pipeline":{"id":"$base_pipeline","type":"pipeline"}}]`}},
		"POST /queryCostRecord":                      {{before: with("query"), body: costBody}},
		"GET /queryCostRecord/service/{serviceName}": {{before: both(with("query"), made("cost", "POST", "/queryCostRecord", costBody)), params: map[string]string{"serviceName": "databaseService"}, class: showing("queryText")}},
		"GET /queryCostRecord/{id}":                  {{before: both(with("query"), made("cost", "POST", "/queryCostRecord", costBody)), params: map[string]string{"id": "$cost"}}},
		"PUT /queries/{id}/users":                    {{body: `["user"]`}},
		"PUT /queries/{id}/usedBy":                   {{body: `["u$n"]`}},
		"PUT /queries/{id}/usage":                    {{body: `[{"id":"$base_table","type":"table"}]`}},
		"DELETE /queries/{id}/usage":                 {{body: `[{"id":"$base_table","type":"table"}]`}},
	}
	for _, path := range []string{"/tables", "/dashboard/datamodels"} {
		for _, one := range []string{"/{id}", "/name/{fqn}"} {
			tries["GET "+path+one+"/columns"] = []rightsTry{{class: total("paging", "total")}}
			tries["GET "+path+one+"/columns/search"] = []rightsTry{{query: "q=id", class: total("paging", "total")}}
		}
	}
	around := "fqn=$fqn&upstreamDepth=1&downstreamDepth=1"
	tries["GET /tables/entityRelationship"] = []rightsTry{{query: around}}
	tries["GET /tables/entityRelationship/{direction}"] = []rightsTry{{query: around, params: map[string]string{"direction": "Upstream"}}}
	tries["GET /databaseSchemas/entityRelationship"] = []rightsTry{{query: "fqn=$fqn"}}
	maps.Copy(tries, entityProfileTries())
	tries["GET /tables/name/{fqn}/pipelineObservability"] = tries["GET /tables/{id}/pipelineObservability"]
	for _, path := range []string{"/tables", "/drives/files", "/topics", "/searchIndexes"} {
		put := tries["PUT "+path+"/{id}/sampleData"][0]
		tries["GET "+path+"/{id}/sampleData"] = []rightsTry{{before: made("", "PUT", path+"/$id/sampleData", put.body)}}
		if path != "/searchIndexes" {
			tries["DELETE "+path+"/{id}/sampleData"] = []rightsTry{{}}
		}
	}
	for path, config := range map[string]string{"/tables": "tableProfilerConfig", "/databaseSchemas": "databaseSchemaProfilerConfig", "/databases": "databaseProfilerConfig"} {
		path += "/{id}/" + config
		tries["GET "+path] = []rightsTry{{}}
		tries["PUT "+path] = []rightsTry{{body: `{"profileSample":50,"randomizedSample":false}`}}
		tries["DELETE "+path] = []rightsTry{{before: made("", "PUT", strings.Replace(path, "{id}", "$id", 1), `{"profileSample":50}`)}}
	}
	metric := func(body, name string) []rightsTry {
		return []rightsTry{{before: made("", "PUT", "/tables/$id/customMetric", body), params: map[string]string{"customMetricName": name, "columnName": "id"}}}
	}
	tries["DELETE /tables/{id}/customMetric/{customMetricName}"] = metric(`{"name":"gone","expression":"SELECT 1"}`, "gone")
	tries["DELETE /tables/{id}/customMetric/{columnName}/{customMetricName}"] = metric(`{"name":"gone","columnName":"id","expression":"SELECT 1"}`, "gone")
	tries["DELETE /tables/{fqn}/{entityType}/{timestamp}/profile"] = []rightsTry{{
		before: made("", "PUT", "/tables/$id/tableProfile", profileBody), params: map[string]string{"entityType": "table", "timestamp": "1700000000000"},
	}}
	observed := made("", "PUT", "/tables/$id/pipelineObservability", tries["PUT /tables/{id}/pipelineObservability"][0].body)
	byPipeline := map[string]string{"pipelineFqn": "pipelineService.pipeline"}
	tries["DELETE /tables/{id}/pipelineObservability"] = []rightsTry{{before: observed}}
	tries["PUT /tables/{id}/pipelineObservability/{pipelineFqn}"] = []rightsTry{{params: byPipeline, body: `{"pipeline":{"id":"$base_pipeline","type":"pipeline"}}`}}
	tries["DELETE /tables/{id}/pipelineObservability/{pipelineFqn}"] = []rightsTry{{before: observed, params: byPipeline}}
	return tries
}

// entityProfileTries are the calls about profiles by the door that all types share.
func entityProfileTries() map[string][]rightsTry {
	const base = "/entity/profiles"
	profiled := both(with("table"), made("", "PUT", "/tables/$table/tableProfile", profileBody))
	params := map[string]string{"entityType": "table", "id": "$table", "fqn": "$table_fqn", "timestamp": "1700000000000"}
	const body = `{"entityType":"table","profileData":{"timestamp":1700000000000,"rowCount":7}}`
	return map[string][]rightsTry{
		"GET " + base + "/{entityType}":                           {{before: profiled, params: params, query: "startTs=1&endTs=9999999999999", class: total("paging", "total")}},
		"GET " + base + "/{entityType}/{fqn}":                     {{before: profiled, params: params, class: total("paging", "total")}},
		"POST " + base + "/id/{entityType}/{id}":                  {{before: profiled, params: params, body: body}},
		"POST " + base + "/name/{entityType}/{fqn}":               {{before: profiled, params: params, body: body}},
		"DELETE " + base + "/id/{entityType}/{id}/{timestamp}":    {{before: profiled, params: params}},
		"DELETE " + base + "/name/{entityType}/{fqn}/{timestamp}": {{before: profiled, params: params}},
	}
}

const (
	profileBody = `{"tableProfile":{"timestamp":1700000000000,"rowCount":7},"columnProfile":[{"name":"id","timestamp":1700000000000}],
		"systemProfile":[{"timestamp":1700000000000,"operation":"INSERT"}]}`
	costBody = `{"timestamp":1700000000000,"queryReference":{"id":"$query","type":"query"},"cost":1,"count":1}`
)

// pipelineTries are the calls about runs of pipelines and about their logs.
func pipelineTries() map[string][]rightsTry {
	const (
		status    = `{"timestamp":1700000000000,"executionStatus":"Successful","taskStatus":[]}`
		ingestion = "/services/ingestionPipelines"
		logs      = ingestion + "/logs"
		run       = `{"runId":"r1","pipelineState":"success","startDate":1700000000000,"timestamp":1700000000000}`
		log       = `{"logs":"a line","timestamp":1700000000000}`
		unbuilt   = "nothing runs pipelines here"
	)
	at := map[string]string{"timestamp": "1700000000000"}
	one := map[string]string{"runId": "r1"}
	ran := made("", "PUT", ingestion+"/$fqn/pipelineStatus", run)
	logged := func(s *scene) {
		s.t.Helper()
		s.admin("POST", logs+"/$fqn/r1", log, 200)
	}
	closed := func(s *scene) {
		s.t.Helper()
		s.admin("POST", logs+"/$fqn/r1/close", "", 200)
	}
	period := "startTs=1&endTs=9999999999999"
	tries := map[string][]rightsTry{
		"PUT /pipelines/{fqn}/status":                          {{body: status}},
		"PUT /pipelines/{fqn}/status/bulk":                     {{body: "[" + status + "]"}},
		"GET /pipelines/{fqn}/status":                          {{before: made("", "PUT", "/pipelines/$fqn/status", status), query: period, class: total("paging", "total")}},
		"DELETE /pipelines/{fqn}/status/{timestamp}":           {{before: made("", "PUT", "/pipelines/$fqn/status", status), params: at}},
		"PUT " + ingestion + "/{fqn}/pipelineStatus":           {{body: run}},
		"GET " + ingestion + "/{fqn}/pipelineStatus":           {{before: ran, query: period, class: total("paging", "total")}},
		"GET " + ingestion + "/{fqn}/pipelineStatus/{runId}":   {{before: ran, params: one}},
		"DELETE " + ingestion + "/{id}/pipelineStatus":         {{}},
		"DELETE " + ingestion + "/{id}/pipelineStatus/{runId}": {{before: ran, params: one}},
		"POST " + ingestion + "/toggleIngestion/{id}":          {{}},
		"POST " + logs + "/{fqn}/{runId}":                      {{body: log, params: one}, {variant: "unborn", body: log, params: map[string]string{"fqn": "databaseService.unborn", "runId": "r1"}}},
		"POST " + logs + "/{fqn}/{runId}/close":                {{params: one}},
		"GET " + logs + "/{fqn}":                               {{before: logged, class: showing("r1")}},
		"GET " + logs + "/{fqn}/{runId}":                       {{before: logged, params: one, class: showing("a line")}},
		"GET " + logs + "/{fqn}/stream/{runId}":                {{before: both(logged, closed), params: one, class: showing("a line")}},
		"GET " + logs + "/{id}/last":                           {{before: logged, class: showing("a line")}},
		"GET " + logs + "/{id}/last/download":                  {{before: logged, class: showing("a line")}},
		"POST " + ingestion + "/bulk/deploy":                   {{body: `["$id"]`, why: unbuilt}},
		"GET " + ingestion + "/ip":                             {{why: unbuilt}},
		"GET " + ingestion + "/status":                         {{why: unbuilt}},
	}
	for _, what := range []string{"metrics", "summary"} {
		tries["GET /pipelines/"+what] = []rightsTry{{}}
	}
	for _, what := range []string{"executionTrend", "runtimeTrend"} {
		tries["GET /pipelines/"+what] = []rightsTry{{query: "startTs=1700000000000&endTs=1700000000001"}}
	}
	tries["GET /pipelines/name/{fqn}/observability"] = []rightsTry{{}}
	for _, what := range []string{"deploy", "trigger", "kill"} {
		tries["POST "+ingestion+"/"+what+"/{id}"] = []rightsTry{{why: unbuilt}}
	}
	return tries
}

// observationTries are the calls about points in time that are no entities, and about
// usage.
func observationTries() map[string][]rightsTry {
	const (
		agents  = `{"agent":{"id":"$aiApplication","type":"aiApplication"},"agentId":"$aiApplication","timestamp":1700000000000,"status":"Success"}`
		reports = "/analytics/dataInsights/data"
		report  = `{"timestamp":5,"reportDataType":"entityReportData","data":{"entityType":"table"}}`
		visits  = "/analytics/web/events/collect"
		visit   = `{"eventType":"PageView","timestamp":1000,"eventData":{"url":"/table/a","hostname":"localhost","sessionId":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"}}`
	)
	const kpiBody = `{"timestamp":1700000000000,"targetResult":[{"name":"n","value":"1"}]}`
	measured := made("", "PUT", "/kpi/$fqn/kpiResult", kpiBody)
	agent := with("aiApplication")
	ran := both(agent, made("point", "POST", "/agentExecutions", agents))
	group := map[string]string{"reportDataType": "entityReportData"}
	tries := map[string][]rightsTry{
		"POST /agentExecutions":                                        {{before: agent, body: agents}},
		"GET /agentExecutions":                                         {{before: ran, query: "agentId=$aiApplication", class: total("paging", "total")}},
		"GET /agentExecutions/{id}":                                    {{before: ran, params: map[string]string{"id": "$point"}}},
		"DELETE /agentExecutions/{id}":                                 {{before: ran, params: map[string]string{"id": "$point"}}},
		"POST " + reports:                                              {{body: report}},
		"GET " + reports:                                               {{before: made("", "POST", reports, report), query: "reportDataType=entityReportData", class: total("paging", "total")}},
		"DELETE " + reports + "/{reportDataType}":                      {{params: group}},
		"DELETE " + reports + "/{reportDataType}/{date}":               {{params: map[string]string{"reportDataType": "entityReportData", "date": "1970-01-01"}}},
		"PUT " + visits:                                                {{body: visit}},
		"GET " + visits:                                                {{before: made("", "PUT", visits, visit), query: "eventType=PageView", class: total("paging", "total")}},
		"DELETE /agentExecutions/{agentId}/{timestamp}":                {{before: ran, params: map[string]string{"agentId": "$aiApplication", "timestamp": "1700000000000"}}},
		"DELETE /analytics/web/events/{eventType}/{timestamp}/collect": {{params: map[string]string{"eventType": "PageView", "timestamp": "1"}}},
		"PUT /kpi/{fqn}/kpiResult":                                     {{body: kpiBody}},
		"GET /kpi/{fqn}/kpiResult":                                     {{before: measured, class: total("paging", "total")}},
		"GET /kpi/{fqn}/latestKpiResult":                               {{before: measured}},
		"GET /metrics/customUnits":                                     {{before: made("", "POST", "/metrics", `{"name":"m$n","unitOfMeasurement":"OTHER","customUnitOfMeasurement":"Kisses"}`), class: showing("Kisses")}},
		"POST /usage/compute.percentile/{entity}/{date}":               {{params: map[string]string{"entity": "table", "date": "2026-01-31"}}},
	}
	table := map[string]string{"entity": "table"}
	for _, path := range []string{"/usage/{entity}/{id}", "/usage/{entity}/name/{fqn}"} {
		tries["GET "+path] = []rightsTry{{params: table}}
		tries["POST "+path] = []rightsTry{{params: table, body: `{"date":"2026-01-31","count":1}`}}
		tries["PUT "+path] = []rightsTry{{params: table, body: `{"date":"2026-01-31","count":1}`}}
	}
	return tries
}

// classOfColumnJob looks at what became of the update of one column.
func classOfColumnJob(s *scene, a answer) string {
	return classOfJob(func(a answer) string {
		if a.status != 200 || strings.Contains(string(a.body), `"status":"success"`) {
			return classOf(a)
		}
		if strings.Contains(string(a.body), `"status":403`) {
			return cellRefused
		}
		return string(a.body)
	})(s, a)
}
