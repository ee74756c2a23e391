package api

import "testing"

func TestAServiceKeepsItsConnectionTest(t *testing.T) {
	h := newHarness(t)
	id := h.do("PUT", "/services/databaseServices", `{"name":"s","serviceType":"Mysql"}`, 201).id()
	path := "/services/databaseServices/" + id + "/testConnectionResult"
	h.do("PUT", path, `{"lastUpdatedAt":1795477529578,"status":"Successful","steps":[{"name":"CheckAccess","mandatory":true,"passed":true}]}`, 200)
	if got := string(h.do("GET", "/services/databaseServices/"+id, nil, 200).member("testConnectionResult", "status")); got != `"Successful"` {
		t.Errorf("the service shows the status %s", got)
	}
	h.do("PUT", path, `{"steps":7}`, 400)
	h.as(h.nobody, "PUT", path, `{"steps":[]}`).want(403)
}
