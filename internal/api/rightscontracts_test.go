package api

import "strings"

// contractTries are the calls about data contracts.
func contractTries() map[string][]rightsTry {
	const (
		base    = "/dataContracts"
		result  = `{"dataContractFQN":"x","timestamp":1700000000000,"contractExecutionStatus":"Success"}`
		request = `{"name":"$fresh","entity":{"id":"$table","type":"table"}}`
		inYAML  = "name: $fresh\nentity: {id: $table, type: table}\n"
		odcs    = `{"apiVersion":"v3.1.0","kind":"DataContract","id":"x","name":"$fresh","version":"1","status":"active","description":{"purpose":"$n"}}`
		of      = "entityType=table&entityId=$table"
		media   = "application/yaml"
	)
	table := with("table")
	covered := both(table, made("", "POST", base, `{"name":"c$n","entity":{"id":"$table","type":"table"}}`))
	resulted := made("result", "PUT", base+"/$id/results", result)
	at := map[string]string{"timestamp": "1700000000000"}
	asYAML := strings.NewReplacer(`"`, "", ":", ": ", ",", ", ").Replace(odcs) // flow style
	product := both(with("dataProduct"), made("", "POST", base, `{"name":"c$n","entity":{"id":"$dataProduct","type":"dataProduct"}}`))
	tries := map[string][]rightsTry{
		"GET " + base + "/entity":                             {{before: covered, query: of}},
		"GET /dataProducts/{id}/dataContract":                 {{before: product, params: map[string]string{"id": "$dataProduct"}}},
		"GET " + base + "/{id}/results":                       {{before: resulted, class: total("paging", "total")}},
		"PUT " + base + "/{id}/results":                       {{body: result}},
		"GET " + base + "/{id}/results/latest":                {{before: resulted}},
		"GET " + base + "/{id}/results/{resultId}":            {{before: resulted, params: map[string]string{"resultId": "$result"}}},
		"DELETE " + base + "/{id}/results/{timestamp}":        {{before: resulted, params: at}},
		"DELETE " + base + "/{id}/results/before/{timestamp}": {{before: resulted, params: at}},
		"POST " + base + "/{id}/validate":                     {{}},
		"POST " + base + "/entity/validate":                   {{before: covered, query: of}},
		"POST " + base + "/validate":                          {{before: table, body: request}},
		"POST " + base + "/validate/yaml":                     {{before: table, body: inYAML, media: media}},
		"POST " + base + "/odcs/parse/yaml":                   {{body: asYAML, media: media, why: "it only reads what the caller sent"}},
		"POST " + base + "/odcs/validate/yaml":                {{before: table, query: of, body: asYAML, media: media}},
		"POST " + base + "/odcs":                              {{before: table, query: of, body: odcs}},
		"POST " + base + "/odcs/yaml":                         {{before: table, query: of, body: asYAML, media: media}},
		"PUT " + base + "/odcs":                               {{variant: "new", before: table, query: of, body: odcs}, {variant: "change", before: covered, query: of, body: odcs}},
		"PUT " + base + "/odcs/yaml":                          {{variant: "new", before: table, query: of, body: asYAML, media: media}, {variant: "change", before: covered, query: of, body: asYAML, media: media}},
	}
	for _, path := range []string{"/{id}/odcs", "/name/{fqn}/odcs"} {
		tries["GET "+base+path] = []rightsTry{{}}
		tries["GET "+base+path+"/yaml"] = []rightsTry{{}}
	}
	return tries
}
