package api

import (
	"net/http"

	"github.com/go-json-experiment/json"
)

// qualityTries are the calls about data tests.
func qualityTries() map[string][]rightsTry {
	const (
		suites  = "/dataQuality/testSuites"
		cases   = "/dataQuality/testCases"
		results = cases + "/testCaseResults"
		stages  = cases + "/testCaseIncidentStatus"
		rows    = `{"columns":["id"],"rows":[["1"]]}`
		result  = `{"timestamp":1700000000000,"testCaseStatus":"Success"}`
		stage   = `{"testCaseReference":"$fqn","testCaseResolutionStatusType":"Ack"}`
		basic   = `{"name":"$fresh","basicEntityReference":"$table_fqn"}`
		gather  = `{"testSuiteId":"$testSuite","testCaseIds":["$id"]}`
	)
	at := map[string]string{"timestamp": "1700000000000"}
	resulted := made("", "POST", results+"/$fqn", result)
	dimensions := made("", "POST", results+"/$fqn", `{"timestamp":1700000000001,"testCaseStatus":"Success","dimensionResults":[{"id":"$id","testCaseResultId":"$id","timestamp":1,"dimensionValues":[{"name":"country","value":"ES"}],"dimensionKey":"country=ES","testCaseStatus":"Success"}]}`)
	suite := with("testSuite")
	table := with("table")
	failed := made("", "PUT", cases+"/$id/failedRowsSample", rows)
	// incident opens one and keeps the ids of its stage and its own.
	incident := func(s *scene) {
		s.t.Helper()
		var made struct{ ID, StateID string }
		check(s.t, json.Unmarshal(s.admin("POST", stages, stage, http.StatusOK).body, &made, json.MatchCaseInsensitiveNames(true)))
		s.set("stage", made.ID)
		s.set("state", made.StateID)
	}
	byID := map[string]string{"id": "$stage"}
	tries := map[string][]rightsTry{
		"POST " + suites + "/basic":           {{before: table, body: basic}},
		"PUT " + suites + "/basic":            {{before: table, body: basic}},
		"PUT " + suites + "/executable":       {{before: table, body: basic}},
		"GET " + suites + "/search/list":      {{class: total("paging", "total")}},
		"GET " + suites + "/executionSummary": {{class: total("total")}, {variant: "suite", query: "testSuiteId=$id"}},
		"GET " + suites + "/dataQualityReport": {
			{variant: "cases", query: "index=testCase&aggregationQuery=bucketName=n:aggType=terms:field=deleted", class: showing("document_count")},
			{variant: "tables", query: "index=table&aggregationQuery=bucketName=n:aggType=terms:field=name.keyword", class: showing("findable")},
		},
		"GET " + cases + "/dimensionResults/{fqn}":            {{before: dimensions, class: total("paging", "total")}},
		"GET " + cases + "/dimensionResults/{fqn}/dimensions": {{before: dimensions, class: showing("country")}},

		"POST " + cases + "/createMany":                            {{body: `[$newRequest]`, class: classOfRows}},
		"GET " + cases + "/search/list":                            {{class: total("paging", "total")}},
		"PUT " + cases + "/logicalTestCases":                       {{before: suite, body: gather}},
		"DELETE " + cases + "/logicalTestCases/{testSuiteId}/{id}": {{before: both(suite, made("", "PUT", cases+"/logicalTestCases", gather)), params: map[string]string{"testSuiteId": "$testSuite"}}},
		"GET " + cases + "/{id}/failedRowsSample":                  {{before: failed}},
		"PUT " + cases + "/{id}/failedRowsSample":                  {{body: rows}},
		"DELETE " + cases + "/{id}/failedRowsSample":               {{before: failed}},
		"PUT " + cases + "/{id}/inspectionQuery":                   {{body: `"SELECT '$n'"`}},

		"POST " + results + "/{fqn}":               {{body: result}},
		"GET " + results + "/{fqn}":                {{before: resulted, query: "startTs=1&endTs=9999999999999", class: total("paging", "total")}},
		"PATCH " + results + "/{fqn}/{timestamp}":  {{before: resulted, params: at, body: `[{"op":"add","path":"/result","value":"$n"}]`}},
		"DELETE " + results + "/{fqn}/{timestamp}": {{before: resulted, params: at}},
		"GET " + results + "/search/list":          {{before: resulted, class: total("paging", "total")}},
		"GET " + results + "/search/latest":        {{before: resulted}},

		"POST " + stages:                       {{body: stage}},
		"GET " + stages:                        {{before: incident, class: total("paging", "total")}},
		"GET " + stages + "/search/list":       {{before: incident, class: total("paging", "total")}},
		"GET " + stages + "/stateId/{stateId}": {{before: incident, params: map[string]string{"stateId": "$state"}}},
		"GET " + stages + "/{id}":              {{before: incident, params: byID}},
		"PATCH " + stages + "/{id}":            {{before: incident, params: byID, body: `[{"op":"add","path":"/severity","value":"Severity1"}]`}},
	}
	for _, kind := range []string{"/basic", "/executable"} {
		tries["DELETE "+suites+kind+"/{id}"] = []rightsTry{{after: (*scene).revive}}
		tries["DELETE "+suites+kind+"/name/{fqn}"] = []rightsTry{{after: (*scene).revive}}
	}
	return tries
}

// talkTries are the calls about conversations, tasks and suggestions.
func talkTries() map[string][]rightsTry {
	tries := suggestionTries()
	const (
		talk = `{"message":"m","from":"x","about":"<#E::table::$fqn>"}`
		post = `{"message":"p","from":"x"}`
		edit = `[{"op":"replace","path":"/message","value":"$n"}]`
	)
	own, others := authored("thread", "POST", "/feed", talk), made("thread", "POST", "/feed", talk)
	thread := map[string]string{"id": "$thread"}
	// posted keeps the id of the newest post, by the caller or by somebody else.
	posted := func(own bool) func(*scene) {
		return func(s *scene) {
			s.t.Helper()
			others(s)
			say := made("", "POST", "/feed/$thread/posts", post)
			if own {
				say = authored("", "POST", "/feed/$thread/posts", post)
			}
			say(s)
			var answer struct {
				Posts []struct {
					ID string `json:"id"`
				} `json:"posts"`
				Rest map[string]any `json:",embed"`
			}
			s.admin("GET", "/feed/$thread", "", http.StatusOK).into(&answer)
			s.set("post", answer.Posts[len(answer.Posts)-1].ID)
		}
	}
	postParams := map[string]string{"id": "$thread", "postId": "$post"}
	tries["GET /feed"] = []rightsTry{{before: others, query: "entityLink=%3C%23E::table::$fqn%3E", class: total("paging", "total")}}
	tries["GET /feed/count"] = []rightsTry{{before: others, query: "entityLink=%3C%23E::table::$fqn%3E", class: total("paging", "total")}}
	tries["POST /feed"] = []rightsTry{{body: talk}}
	tries["GET /feed/{id}"] = []rightsTry{{before: others, params: thread}}
	tries["PATCH /feed/{id}"] = []rightsTry{{variant: "own", before: own, params: thread, body: edit}, {variant: "else", before: others, params: thread, body: edit}}
	tries["DELETE /feed/{id}"] = []rightsTry{{variant: "own", before: own, params: thread}, {variant: "else", before: others, params: thread}}
	tries["GET /feed/{id}/posts"] = []rightsTry{{before: others, params: thread}}
	tries["POST /feed/{id}/posts"] = []rightsTry{{before: others, params: thread, body: post}}
	tries["PATCH /feed/{id}/posts/{postId}"] = []rightsTry{
		{variant: "own", before: posted(true), params: postParams, body: edit}, {variant: "else", before: posted(false), params: postParams, body: edit},
	}
	tries["DELETE /feed/{id}/posts/{postId}"] = []rightsTry{
		{variant: "own", before: posted(true), params: postParams}, {variant: "else", before: posted(false), params: postParams},
	}
	task := map[string]string{"id": "$task"}
	tries["GET /feed/tasks/{id}"] = []rightsTry{{before: asked("UpdateDescription", "$base_user"), params: task}}
	tries["PUT /feed/tasks/{id}/resolve"] = []rightsTry{
		{variant: "description", before: asked("UpdateDescription", "$base_user"), params: task, body: `{"newValue":"$n"}`},
		{variant: "tags", before: asked("UpdateTag", "$base_user"), params: task, body: `{"newValue":"[]"}`},
		{variant: "assigned", before: asked("Generic", "$me"), params: task, body: `{"newValue":"$n"}`},
		{variant: "else", before: asked("Generic", "$base_user"), params: task, body: `{"newValue":"$n"}`},
	}
	tries["PUT /feed/tasks/{id}/close"] = []rightsTry{
		{variant: "assigned", before: asked("UpdateDescription", "$me"), params: task, body: `{"comment":"c"}`},
		{variant: "else", before: asked("UpdateDescription", "$base_user"), params: task, body: `{"comment":"c"}`},
	}
	return tries
}

// asked makes a task for somebody, as the administrator.
func asked(kind, assignee string) func(*scene) {
	about := "<#E::table::$fqn::description>"
	if kind == "UpdateTag" {
		about = "<#E::table::$fqn::tags>"
	}
	return func(s *scene) {
		s.t.Helper()
		got := s.admin("POST", "/feed", `{"message":"m","from":"x","type":"Task","about":"`+about+`","taskDetails":{
			"type":"`+kind+`","oldValue":"[]","suggestion":"[]","assignees":[{"id":"`+assignee+`","type":"user"}]}}`, http.StatusCreated)
		s.set("task", string(got.member("task", "id")))
	}
}

func suggestionTries() map[string][]rightsTry {
	const body = `{"type":"SuggestDescription","description":"d$n","entityLink":"<#E::table::$fqn>"}`
	own, others := authored("suggestion", "POST", "/suggestions", body), made("suggestion", "POST", "/suggestions", body)
	one := map[string]string{"id": "$suggestion"}
	query := "userId=$harness_admin&entityFQN=$fqn&suggestionType=SuggestDescription"
	// whole is what the suggestion says, with another description.
	whole := func(before func(*scene)) func(*scene) {
		return func(s *scene) {
			s.t.Helper()
			before(s)
			var doc map[string]any
			s.admin("GET", "/suggestions/$suggestion", "", http.StatusOK).into(&doc)
			doc["description"] = s.w.next()
			raw, err := json.Marshal(doc)
			check(s.t, err)
			s.set("whole", string(raw))
		}
	}
	return map[string][]rightsTry{
		"GET /suggestions":      {{before: others, query: "entityFQN=$fqn", class: total("paging", "total")}},
		"POST /suggestions":     {{body: body}},
		"GET /suggestions/{id}": {{before: others, params: one}},
		"PUT /suggestions/{id}": {
			{variant: "own", before: whole(own), params: one, body: "$whole"}, {variant: "else", before: whole(others), params: one, body: "$whole"},
		},
		"DELETE /suggestions/{id}": {
			{variant: "own", before: own, params: one}, {variant: "else", before: others, params: one},
		},
		"PUT /suggestions/{id}/accept":                {{before: others, params: one}},
		"PUT /suggestions/{id}/reject":                {{before: others, params: one}},
		"PUT /suggestions/accept-all":                 {{before: others, query: query, class: showing("Accepted")}},
		"PUT /suggestions/reject-all":                 {{before: others, query: query, class: showing("Rejected")}},
		"DELETE /suggestions/{entityType}/name/{fqn}": {{before: others, params: map[string]string{"entityType": "table"}}},
	}
}
