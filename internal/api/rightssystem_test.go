package api

import (
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/job"
)

// lookTries are the calls of search, lineage, events and permissions.
func lookTries() map[string][]rightsTry {
	const edge = `{"edge":{"fromEntity":{"id":"$id","type":"table"},"toEntity":{"id":"$table","type":"table"}}}`
	linked := both(with("table"), func(s *scene) {
		s.t.Helper()
		s.admin("PUT", "/lineage", edge, http.StatusOK)
	})
	ends := map[string]string{"fromEntity": "table", "toEntity": "table", "fromId": "$id", "toId": "$table", "fromFQN": "$fqn", "toFQN": "$table_fqn"}
	table := map[string]string{"entity": "table", "lineageSource": "Manual", "direction": "Downstream"}
	around := "fqn=$fqn&type=table"
	found := showing("$findable")
	condition := map[string]string{"expression": "isOwner()"}
	resource := map[string]string{"resource": "table", "entityType": "table"}
	begunJob := map[string]string{"jobId": "$job"}
	event := strings.NewReplacer("db.in", "$fqn", "db.out", "$table_fqn").Replace(runEvent("COMPLETE", dataset("db.in", ""), dataset("db.out", "")))
	listening := both(with("table"), func(s *scene) {
		s.t.Helper()
		s.admin("PUT", "/system/settings", `{"config_type":"openLineageSettings","config_value":{"enabled":true,"autoCreateEntities":false}}`, http.StatusOK)
	})
	return map[string][]rightsTry{
		"POST /openlineage/lineage":                                           {{before: listening, body: event}},
		"POST /openlineage/lineage/batch":                                     {{before: listening, body: `{"events":[` + event + `]}`}},
		"PUT /lineage":                                                        {{before: with("table"), body: edge}},
		"GET /lineage/export":                                                 {{before: linked, query: around}},
		"GET /lineage/exportAsync":                                            {{before: linked, query: around, class: classOfJob(classOf)}},
		"GET /lineage/exportByEntityCountAsync":                               {{before: linked, query: around + "&direction=Downstream&nodeDepth=1", class: classOfJob(classOf)}},
		"GET /jobs/{jobId}":                                                   {{variant: "own", before: begun(true), params: begunJob}, {variant: "else", before: begun(false), params: begunJob, why: "404: nobody's business but an administrator's"}},
		"GET /jobs/{jobId}/result":                                            {{variant: "own", before: begun(true), params: begunJob}, {variant: "else", before: begun(false), params: begunJob, why: "404: nobody's business but an administrator's"}},
		"GET /lineage/getLineage":                                             {{before: linked, query: around}},
		"GET /lineage/getLineage/{direction}":                                 {{before: linked, query: around, params: table}},
		"GET /lineage/getPaginationInfo":                                      {{before: linked, query: around}},
		"GET /lineage/getLineageByEntityCount":                                {{before: linked, query: around + "&direction=Downstream&nodeDepth=1"}},
		"GET /lineage/getDataQualityLineage":                                  {{before: linked, query: around}},
		"GET /lineage/getPlatformLineage":                                     {{query: "view=service", class: showing("databaseService")}},
		"GET /lineage/getLineageEdge/{fromId}/{toId}":                         {{before: linked, params: ends}},
		"GET /lineage/{entity}/{id}":                                          {{params: table}},
		"GET /lineage/{entity}/name/{fqn}":                                    {{params: table}},
		"DELETE /lineage/{entity}/{id}/type/{lineageSource}":                  {{before: linked, params: table}},
		"PATCH /lineage/{fromEntity}/{fromId}/{toEntity}/{toId}":              {{before: linked, params: ends, body: `[{"op":"add","path":"/description","value":"$n"}]`}},
		"DELETE /lineage/{fromEntity}/{fromId}/{toEntity}/{toId}":             {{before: linked, params: ends}},
		"DELETE /lineage/{fromEntity}/name/{fromFQN}/{toEntity}/name/{toFQN}": {{before: linked, params: ends}},

		"GET /search/query":                {{query: "q=findable&index=table", class: found}},
		"GET /search/fieldQuery":           {{query: "fieldName=name&fieldValue=findable&index=table", class: found}},
		"GET /search/sourceUrl":            {{query: "sourceUrl=http://findable", class: found}},
		"GET /search/suggest":              {{query: "q=find&index=table", class: found}},
		"GET /search/aggregate":            {{query: "index=table&field=name.keyword&value=", class: showing("findable")}},
		"POST /search/aggregate":           {{body: `{"index":"table","fieldName":"name.keyword","size":10,"query":"*"}`, class: showing("findable")}},
		"GET /search/get/{index}/doc/{id}": {{params: map[string]string{"index": "table", "id": "$findable"}, why: "404 is none"}},
		"GET /search/nlq/query":            {{query: "q=findable&index=table", class: found}},
		"GET /search/entityTypeCounts":     {{query: "q=findable&index=table", class: total("hits", "total", "value")}},
		"GET /search/stats":                {{}},
		"POST /search/preview":             {{body: `{"query":"findable","index":"table","searchSettings":{}}`, class: found}},
		"DELETE /search/stats/orphan":      {{}},
		"GET /search/check":                {{}},
		"POST /search/check":               {{}},
		"GET /search/reindex/failures":     {{}},
		"POST /search/reindexEntities":     {{body: `[{"id":"$findable","type":"table"}]`}},
		"POST /search/vector/query":        {{body: `{"query":"findable"}`, why: "501: there are no vectors"}},
		"GET /search/vector/fingerprint":   {{query: "parentId=$findable", why: "501: there are no vectors"}},
		"GET /system/search/nlq":           {{}},
		"GET /audit/logs":                  {{query: "limit=1"}},
		"GET /events":                      {{query: "entityCreated=table&timestamp=1", class: total("paging", "total")}},

		"GET /permissions":                       {{variant: "own"}, {variant: "else", query: "user=victim"}},
		"GET /permissions/{resource}":            {{variant: "own", params: resource}, {variant: "else", params: resource, query: "user=victim"}},
		"GET /permissions/{resource}/{id}":       {{variant: "own", params: resource}, {variant: "else", params: resource, query: "user=victim"}},
		"GET /permissions/{resource}/name/{fqn}": {{variant: "own", params: resource}, {variant: "else", params: resource, query: "user=victim"}},
		"GET /permissions/debug/evaluate": {
			{variant: "own", query: "operation=ViewAll&resource=table"}, {variant: "else", query: "operation=ViewAll&resource=table&user=victim"},
		},
		"GET /permissions/debug/me":                       {{}},
		"GET /permissions/debug/user/{username}":          {{variant: "own", params: map[string]string{"username": "$myname"}}, {variant: "else", params: map[string]string{"username": "victim"}}},
		"GET /permissions/policies":                       {{query: "ids=$base_policy"}},
		"GET /permissions/view/{entityType}":              {{params: resource}},
		"GET /policies/functions":                         {{}},
		"GET /policies/resources":                         {{}},
		"GET /policies/validation/condition/{expression}": {{params: condition}},
	}
}

const victimsPassword = "Green-Leaf-4711!" // as harness.person has it

// accountTries are the calls about accounts, credentials and sessions.
func accountTries() map[string][]rightsTry {
	const (
		tokens   = "/users/security/token"
		unsigned = "nobody may register here"
	)
	bot := both(with("bot"), func(s *scene) {
		s.t.Helper()
		s.keep("account", s.admin("GET", "/users/name/$bot_fqn", "", http.StatusOK))
	})
	issued := both(bot, func(s *scene) {
		s.t.Helper()
		s.admin("PUT", "/users/generateToken/$account", `{"JWTTokenExpiry":"7"}`, http.StatusOK)
	})
	account := map[string]string{"id": "$account"}
	mail := `{"email":"victim@example.org"}`
	return map[string][]rightsTry{
		"GET /users/loggedInUser":            {{}},
		"GET /users/online":                  {{}},
		"GET /users/loggedInUser/groupTeams": {{}},
		"POST /users/logout":                 {{as: freshPerson}},
		"PUT /users/changePassword": {
			{variant: "self", as: freshPerson, body: `{"requestType":"SELF","oldPassword":"` + victimsPassword + `","newPassword":"Brown-Bark-0815!","confirmPassword":"Brown-Bark-0815!"}`},
			{variant: "else", body: `{"requestType":"USER","username":"patsy","newPassword":"Brown-Bark-0815!","confirmPassword":"Brown-Bark-0815!"}`},
		},
		"GET /users/generateRandomPwd":          {{}},
		"PUT /users/generateToken/{id}":         {{before: bot, params: account, body: `{"JWTTokenExpiry":"7"}`}},
		"PUT /users/revokeToken":                {{before: issued, body: `{"id":"$account"}`}},
		"GET /users/token/{id}":                 {{before: issued, params: account, why: "no copies of tokens are kept"}},
		"GET /users/auth-mechanism/{id}":        {{before: issued, params: account}},
		"GET " + tokens:                         {{variant: "own"}, {variant: "else", query: "username=victim"}},
		"PUT " + tokens:                         {{body: `{"tokenName":"t$n","JWTTokenExpiry":"1"}`}},
		"PUT " + tokens + "/revoke":             {{variant: "own", query: "removeAll=true"}, {variant: "else", query: "removeAll=true&username=victim"}},
		"POST /users/login":                     {{body: `{"email":"victim","password":"` + inBase64(victimsPassword) + `"}`}},
		"POST /users/refresh":                   {{body: `{"refreshToken":"nonsense"}`, why: "wants the token itself"}},
		"POST /users/signup":                    {{body: `{"firstName":"A","lastName":"B","email":"$n@example.org","password":"` + inBase64(victimsPassword) + `"}`, why: unsigned}},
		"PUT /users/registrationConfirmation":   {{query: "token=nonsense", why: unsigned}},
		"PUT /users/resendRegistrationToken":    {{query: "user=victim", why: unsigned}},
		"POST /users/checkEmailInUse":           {{body: mail, why: unsigned}},
		"POST /users/checkEmailVerified":        {{body: mail, why: unsigned}},
		"POST /users/generatePasswordResetLink": {{body: mail, why: "no mail leaves this server"}},
		"POST /users/password/reset":            {{body: `{"username":"victim","password":"x","confirmPassword":"x","token":"nonsense"}`, why: "wants the token of a mail"}},

		"GET /auth/sessions":    {{variant: "own"}, {variant: "else", query: "user=victim"}},
		"DELETE /auth/sessions": {{variant: "own", query: "keepCurrent=true"}, {variant: "else", query: "user=patsy"}},
		"DELETE /auth/sessions/{id}": {
			{variant: "own", before: sessionOf(""), params: map[string]string{"id": "$session"}, why: "a bot has no sessions"},
			{variant: "else", before: sessionOf("victim"), params: map[string]string{"id": "$session"}, query: "user=victim"},
		},
		"DELETE /auth/identities":       {{query: "user=victim", as: lately}},
		"GET /auth/refresh":             {{why: "wants the cookie of a session"}},
		"POST /auth/session":            {{body: `{"refreshToken":"nonsense"}`, why: "wants the token itself, from our own page"}},
		"GET /system/security/arrival":  {{why: "wants a question of the doctor"}},
		"GET /auth/login":               {{why: "there is no provider"}},
		"GET /auth/logout":              {{}},
		"POST /auth/logout":             {{}},
		"GET /auth/callback":            {{why: "no sign-in was begun"}},
		"POST /auth/backchannel-logout": {{media: "application/x-www-form-urlencoded", body: "logout_token=x", why: "there is no provider"}},
		"POST /saml/acs":                {{media: "application/x-www-form-urlencoded", body: "SAMLResponse=x", why: "there is no provider"}},
		"GET /saml/login":               {{why: "there is no provider"}},
		"GET /saml/logout":              {{}},
		"GET /saml/metadata":            {{why: "there is no provider"}},
	}
}

// freshPerson signs somebody in who is good for one call; bots and nobody call as
// themselves.
func freshPerson(s *scene) caller {
	s.t.Helper()
	if s.who.token == "" || s.who.name == "bare" || s.who.name == "ingestion-bot" {
		return s.who
	}
	name := s.w.next()
	s.admin("POST", "/users", `{"name":"`+name+`","email":"`+name+`@example.org","password":"`+victimsPassword+`","confirmPassword":"`+victimsPassword+`"}`, http.StatusCreated)
	return s.signIn(name)
}

func (s *scene) signIn(name string) caller {
	s.t.Helper()
	got := s.as(caller{}, "POST", "/users/login", `{"email":"`+name+`","password":"`+inBase64(victimsPassword)+`"}`, http.StatusOK)
	return caller{name: name, token: unquote(got.member("accessToken"))}
}

// sessionOf opens another session of a user, or of the caller, and keeps its id.
func sessionOf(user string) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		name := user
		if name == "" {
			name = s.who.name
		}
		s.set("session", "nonsense")
		if name == "nobody" || name == "bare" || name == "ingestion-bot" {
			return
		}
		var list page[sessionView]
		s.as(s.signIn(name), "GET", "/auth/sessions", "", http.StatusOK).into(&list)
		for _, session := range list.Data {
			if session.Current {
				s.set("session", session.ID)
			}
		}
	}
}

// truthTries are the calls about what Catalpa has in another form, or has not.
func truthTries() map[string][]rightsTry {
	tries := map[string][]rightsTry{
		"GET /limits/features/{name}":                           {{params: map[string]string{"name": "bot"}}},
		"GET /system/settings/entityRulesSettings/{entityType}": {{params: map[string]string{"entityType": "table"}}},
		"PUT /system/mcp/config":                                {{body: `{"enabled":false}`}},
		"PUT /system/settings/reset/{name}":                     {{params: map[string]string{"name": "searchSettings"}}},
		"PUT /system/restore/default/email":                     {{}},
		"POST /automations/workflows/trigger/{id}":              {{before: with("workflow"), params: map[string]string{"id": "$workflow"}, why: "nothing tries connections here"}},
	}
	for _, path := range []string{
		"/limits/config", "/system/config", "/system/config/pipeline-service-client", "/system/cache/stats", "/system/search/nlq", "/system/mcp/config", "/system/settings/customLogicOps",
	} {
		tries["GET "+path] = []rightsTry{{}}
	}
	return tries
}

// appTries are the calls that run applications. What is run is there for all.
func appTries() map[string][]rightsTry {
	named := map[string]string{"name": retentionApp}
	ran := func(s *scene) {
		s.t.Helper()
		s.as(s.w.callers["admin"], "POST", "/apps/trigger/"+retentionApp, "", http.StatusOK, http.StatusConflict)
	}
	tries := map[string][]rightsTry{
		"GET /apps/installed":               {{class: showing(retentionApp)}},
		"GET /apps/name/{name}/status":      {{params: named}},
		"GET /apps/name/{name}/extension":   {{params: named}},
		"GET /apps/name/{name}/runs/latest": {{params: named, before: ran}},
		"GET /apps/name/{name}/logs":        {{params: named, before: ran}},
		"POST /apps/trigger/{name}":         {{params: named, class: classOfRun}},
		"POST /apps/stop/{name}":            {{params: named, class: classOfRun}},
	}
	for _, what := range []string{"schedule", "configure", "deploy"} {
		tries["POST /apps/"+what+"/{name}"] = []rightsTry{{params: named}}
	}
	return tries
}

// classOfRun takes those for let in who find the application running already, or not
// any more: calls come side by side, and nobody knows how long a run takes.
func classOfRun(_ *scene, a answer) string {
	if a.status == http.StatusConflict || a.status == http.StatusBadRequest {
		return cellPast
	}
	return classOf(a)
}

// systemTries are the calls about the server itself.
func systemTries() map[string][]rightsTry {
	const security = "/system/security"
	tries := map[string][]rightsTry{}
	for _, path := range []string{
		"/system/config/auth", "/system/config/authorizer", "/system/config/customUiThemePreference", "/system/config/jwks", "/system/config/loginConfig",
		"/system/version", "/system/health", "/system/status", "/system/entities/count", "/system/services/count", "/system/settings", "/system/settings/profilerConfiguration",
		security + "/audit", security + "/codes", security + "/config", security + "/doctor", security + "/refusals", security + "/sources",
	} {
		tries["GET "+path] = []rightsTry{{}}
	}
	tries["GET /system/entities/count"] = []rightsTry{{class: total("tableCount")}}
	maps.Copy(tries, appTries())
	maps.Copy(tries, truthTries())
	tries["GET /system/services/count"] = []rightsTry{{class: total("databaseServiceCount")}}
	const setting = `{"config_type":"lineageSettings","config_value":{"n":"$n"}}`
	set := func(s *scene) {
		s.t.Helper()
		s.admin("PUT", "/system/settings", setting, http.StatusOK)
	}
	name := map[string]string{"name": "lineageSettings"}
	tries["PUT /system/settings"] = []rightsTry{{body: setting}}
	tries["GET /system/settings/{name}"] = []rightsTry{{before: set, params: name, why: "bots read what they work by, without its secrets"}}
	tries["PATCH /system/settings/{name}"] = []rightsTry{{before: set, params: name, body: `[{"op":"replace","path":"/n","value":"$n"}]`}}
	tries["PUT /system/email/test"] = []rightsTry{{body: `{"email":"a@example.org"}`, why: "no mail leaves this server"}}

	// document keeps the settings of signing in as they are.
	document := func(s *scene) {
		s.t.Helper()
		s.set("document", string(s.as(s.signIn("chief"), "GET", security+"/config", "", http.StatusOK).body))
	}
	tries["PUT "+security+"/config"] = []rightsTry{{before: document, body: "$document"}}
	tries["PATCH "+security+"/config"] = []rightsTry{{body: "[]"}}
	tries["POST "+security+"/validate"] = []rightsTry{{before: document, body: "$document"}}
	tries["POST "+security+"/restore"] = []rightsTry{{before: document}}
	tries["POST "+security+"/doctor/token"] = []rightsTry{{body: `{"token":"nonsense"}`}}
	tries["POST "+security+"/test-login/start"] = []rightsTry{{before: document, body: "$document", why: "there is no provider"}}
	tries["POST "+security+"/test-login/password"] = []rightsTry{{before: document, body: `{"settings":$document,"name":"victim","password":"x"}`, why: "there is no directory"}}
	tries["GET "+security+"/test-login/{id}"] = []rightsTry{{params: map[string]string{"id": "nonsense"}, why: "no test was begun"}}
	tries["POST "+security+"/wipe-passwords"] = []rightsTry{{body: `{"confirm":true}`, why: "people sign in with passwords here"}}
	for route := range tries {
		if strings.Contains(route, security) {
			tries[route][0].as = lately
		}
	}
	return tries
}

// lately signs the administrator in anew, as changes of security want it.
func lately(s *scene) caller {
	s.t.Helper()
	if s.who.name != "chief" {
		return s.who
	}
	return s.signIn("chief")
}

var assetPath = regexp.MustCompile(`/assets/([^/"]+)/([^/"]+)`)

// pageTries are the pages of signing in, which hold nothing of the catalog.
func pageTries() map[string][]rightsTry {
	tries := map[string][]rightsTry{}
	for _, path := range []string{
		"/", "/signin", "/signed-out", "/settings/sign-in", "/forgot-password", "/users/password/reset", "/users/registrationConfirmation", "/silent-callback",
		"/swagger.json", "/openapi.json", "/healthz", "/readyz",
	} {
		tries["GET "+path] = []rightsTry{{}}
	}
	tries["GET /register"] = []rightsTry{{why: "nobody may register here"}}
	for _, path := range []string{"/callback", "/auth/callback"} {
		tries["GET "+path] = []rightsTry{{why: "no sign-in was begun"}}
	}
	tries["GET /assets/{build}/{name}"] = []rightsTry{{
		params: map[string]string{"build": "$build", "name": "$file"},
		before: func(s *scene) {
			s.t.Helper()
			got := s.w.call(s.t, caller{}, http.MethodGet, "/signin", "", "")
			match := assetPath.FindStringSubmatch(string(got.body))
			if match == nil {
				s.t.Fatalf("/signin loads nothing: %s", got.body)
			}
			s.set("build", match[1])
			s.set("file", match[2])
		},
	}}
	return tries
}

// begun makes a job that has ended, of the caller or of the administrator: $job is its
// id.
func begun(own bool) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		who := s.w.admin
		if own {
			who = s.who
		}
		s.set("job", s.w.api.jobs.Note(who.id, "test", job.Result{Media: textMedia, Body: []byte("done")}))
	}
}
