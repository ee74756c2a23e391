package api

import "net/http"

// alertTries are the calls about how event subscriptions fare.
func alertTries() map[string][]rightsTry {
	const (
		base        = "/events/subscriptions"
		destination = "a3bb189e-8bf9-4e0f-9a5d-0c8f3a2f6d11"
	)
	telling := func(s *scene) {
		s.t.Helper()
		s.admin("PATCH", base+"/$id", `[{"op":"add","path":"/destinations","value":[{"id":"`+destination+`","category":"External","type":"Webhook","config":{"endpoint":"https://hooks.example.org/x"}}]}]`, http.StatusOK)
	}
	at := map[string]string{"destinationId": destination}
	tries := map[string][]rightsTry{
		"GET " + base + "/{id}/status/{destinationId}":       {{before: telling, params: at}},
		"GET " + base + "/name/{fqn}/status/{destinationId}": {{before: telling, params: at}},
		"GET " + base + "/{id}/processedEvents":              {{}},
		"GET " + base + "/id/{id}/listEvents":                {{}},
		"GET " + base + "/listAllFailedEvents":               {{}},
		"GET " + base + "/{alertType}/resources":             {{params: map[string]string{"alertType": "Notification"}}},
		"PUT " + base + "/name/{fqn}/syncOffset":             {{}},
		"POST " + base + "/testDestination":                  {{body: `{"destinations":[{"category":"External","type":"Webhook","config":{"endpoint":"https://10.0.0.1/"}}]}`}},
	}
	for _, one := range []string{"/id/{id}", "/name/{fqn}"} {
		for _, what := range []string{"destinations", "failedEvents", "listSuccessfullySentChangeEvents", "diagnosticInfo", "eventsRecord"} {
			tries["GET "+base+one+"/"+what] = []rightsTry{{}}
		}
	}
	const (
		templates = "/notificationTemplates"
		text      = `"templateSubject":"s","templateBody":"b"`
	)
	tries["GET "+templates+"/helpers"] = []rightsTry{{}}
	tries["POST "+templates+"/validate"] = []rightsTry{{body: "{" + text + "}"}}
	tries["POST "+templates+"/render"] = []rightsTry{{body: `{"resource":"table",` + text + "}"}}
	tries["POST "+templates+"/send"] = []rightsTry{{
		body: `{"renderRequest":{"resource":"table",` + text + `},"destinations":[{"category":"External","type":"Slack","config":{"endpoint":"https://10.0.0.1/"}}]}`,
		why:  "400: the address is one of the inside",
	}}
	tries["PUT "+templates+"/{id}/reset"] = []rightsTry{{why: "400: the template is nobody's but its maker's"}}
	tries["PUT "+templates+"/name/{fqn}/reset"] = []rightsTry{{why: "400: the template is nobody's but its maker's"}}
	tries["GET /audit/logs/export"] = []rightsTry{{query: "startTs=1&endTs=2"}}
	tries["PUT /docStore/validateTemplate/{templateName}"] = []rightsTry{{params: map[string]string{"templateName": "x"}, body: `{"template":"x","placeHolders":[]}`}}
	tries["POST /docStore/resetEmailTemplate"] = []rightsTry{{}}
	return tries
}
