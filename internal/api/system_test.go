package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// requestOf is a request for code that needs one and no more.
func requestOf(t testing.TB) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
}

func TestTheServerTellsStrangersTheLeast(t *testing.T) {
	h := newHarness(t)
	stranger := caller{}
	h.as(stranger, "GET", "/system/version", nil).want(200).shows("version", "1.12.14", "revision", "test")
	h.as(stranger, "GET", "/system/health", nil).want(200).shows("status", "healthy")
	h.as(stranger, "GET", "/system/config/auth", nil).want(200).shows("provider", "basic", "enableSelfSignup", "false").lacks("rincipals\":[\"admin")
	h.as(stranger, "GET", "/system/config/loginConfig", nil).want(200).shows("jwtTokenExpiryTime", "3600")
	keys := h.as(stranger, "GET", "/system/config/jwks", nil).want(200).shows("keys.0.kty", "RSA")
	for _, private := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"qi"`} {
		keys.lacks(private + ":")
	}
	h.as(stranger, "GET", "/system/config/authorizer", nil).want(401)
	h.as(h.nobody, "GET", "/system/config/authorizer", nil).want(200)
	h.as(stranger, "GET", "/system/status", nil).want(401)
	h.as(h.nobody, "GET", "/system/status", nil).want(403)
}

func TestStatusSaysThatTheIndexIsBehind(t *testing.T) {
	h := newHarness(t)
	h.schema()
	h.do("GET", "/system/status", nil, 200).shows("database.passed", "true", "jwks.passed", "true", "searchInstance.passed", "false",
		"searchInstance.message", "the index is behind the store and catching up")
	check(t, h.api.index.Apply(t.Context(), search.Batch{Position: h.lastSeq()}))
	h.do("GET", "/system/status", nil, 200).shows("searchInstance.passed", "true")
}

func TestCountsFollowTheCatalog(t *testing.T) {
	h := newHarness(t)
	h.do("GET", "/system/entities/count", nil, 200).shows("tableCount", "0", "servicesCount", "0")
	s := h.schema()
	a := h.table(s, "a", "id")
	h.table(s, "b", "id")
	h.do("POST", "/services/messagingServices", `{"name":"bus","serviceType":"Kafka"}`, 201)
	h.as(h.nobody, "GET", "/system/entities/count", nil).want(200).shows("tableCount", "2", "servicesCount", "2", "topicCount", "0")
	h.as(h.nobody, "GET", "/system/services/count", nil).want(200).shows("databaseServiceCount", "1", "messagingServiceCount", "1", "storageServiceCount", "0")

	h.do("DELETE", "/tables/"+a, nil, 200)
	for include, want := range map[string]string{"": "1", "non-deleted": "1", "deleted": "1", "all": "2"} {
		h.do("GET", "/system/entities/count?include="+include, nil, 200).shows("tableCount", want)
	}
	h.do("DELETE", "/tables/"+a+"?hardDelete=true", nil, 200)
	h.do("GET", "/system/entities/count?include=all", nil, 200).shows("tableCount", "1")
	h.do("GET", "/system/entities/count?include=some", nil, 400)
	h.do("GET", "/system/services/count?include=some", nil, 400)
}

func TestTheFeedOfChangesIsFiltered(t *testing.T) {
	h := newHarness(t)
	id := h.table(h.schema(), "orders", "id")
	h.do("PATCH", "/tables/"+id, `[{"op":"add","path":"/description","value":"x"}]`, 200)
	h.do("PUT", "/tables/"+id+"/followers", h.admin.id.String(), 200)
	h.do("DELETE", "/tables/"+id, nil, 200)
	h.do("PUT", "/tables/restore", `{"id":"`+id+`"}`, 200)
	for query, want := range map[string]string{
		"entityCreated=table":                              "1",
		"entityCreated=table,databaseSchema":               "2",
		"entityUpdated=table":                              "2",
		"entityDeleted=table":                              "1",
		"entityRestored=table":                             "1",
		"entityRestored=database":                          "0",
		"entityCreated=teapot":                             "0",
		"entityCreated=table&entityDeleted=table":          "2",
		"entityCreated=table&timestamp=99999999999999":     "0",
		"entityCreated=table&entityUpdated=table&limit=2":  "2",
		"entityCreated=table&timestamp=0&entityRestored=x": "1",
	} {
		h.do("GET", "/events?"+query, nil, 200).shows("paging.total", want)
	}
	h.do("GET", "/events?entityCreated=table", nil, 200).shows("data.0.eventType", entity.EventCreated, "data.0.entityType", "table", "data.0.entityId", id, "data.0.userName", "admin")
	for _, query := range []string{"limit=0", "limit=10001", "limit=x", "timestamp=-1", "timestamp=soon", "timestamp=1e300", "timestamp=NaN"} {
		h.do("GET", "/events?"+query, nil, 400)
	}
	h.forbid(h.nobody, "ViewAll")
	h.as(h.nobody, "GET", "/events?entityCreated=table", nil).want(200).shows("paging.total", "0")
}
