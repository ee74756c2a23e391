package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/usage"
)

// queryAnswer is a query as clients read it.
type queryAnswer struct {
	Version float64      `json:"version"`
	UsedIn  []entity.Ref `json:"queryUsedIn"`
	Users   []entity.Ref `json:"users"`
	UsedBy  []string     `json:"usedBy"`
}

func (h *harness) query(text string) string {
	h.t.Helper()
	return h.do("PUT", "/queries", map[string]any{"query": text, "service": "shop"}, 200, 201).id()
}

func TestQueryLinks(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	q := h.query("select * from a join b")
	other := h.query("select 1")
	read := func() queryAnswer {
		t.Helper()
		var out queryAnswer
		h.do("GET", "/queries/"+q+"?fields=users,queryUsedIn", nil, 200).into(&out)
		return out
	}
	h.do("PUT", "/queries/"+q+"/usage", []any{ref("table", a), ref("table", b)}, 200)
	h.do("PUT", "/queries/"+q+"/users", []string{"admin"}, 200)
	h.do("PUT", "/queries/"+q+"/usedBy", []string{"postgres", "etl"}, 200)
	again := h.do("PUT", "/queries/"+q+"/usedBy", []string{"etl"}, 200)
	if got := string(again.member("eventType")); got != `"entityNoChange"` {
		t.Errorf("nothing new answered %s", got)
	}
	got := read()
	if diff := cmp.Diff([]string{"a", "b"}, names(got.UsedIn)); diff != "" {
		t.Errorf("used in (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"admin"}, names(got.Users)); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"postgres", "etl"}, got.UsedBy); diff != "" || got.Version != 0.4 {
		t.Errorf("version %v, used by (-want +got):\n%s", got.Version, diff)
	}
	of := func(table string) []string {
		t.Helper()
		var page struct {
			Data []struct {
				ID string `json:"id"`
			} `json:"data"`
		}
		h.do("GET", "/queries?entityId="+table+"&limit=10", nil, 200).into(&page)
		var ids []string
		for _, item := range page.Data {
			ids = append(ids, item.ID)
		}
		return ids
	}
	if diff := cmp.Diff([]string{q}, of(b)); diff != "" {
		t.Errorf("queries of the table (-want +got):\n%s", diff)
	}
	h.do("DELETE", "/queries/"+q+"/usage", []any{ref("table", b)}, 200)
	if got := of(b); len(got) != 0 {
		t.Errorf("queries of the table after the removal: %v; the other is %s", got, other)
	}
	h.do("PUT", "/queries/"+q+"/usage", []any{ref("table", uuid.NewString())}, 404)
	h.do("PUT", "/queries/"+q+"/users", []string{"stranger"}, 404)
	h.do("PUT", "/queries/"+q+"/users", `{"name":"admin"}`, 400)
	h.do("PUT", "/queries/"+uuid.NewString()+"/usedBy", []string{"x"}, 404)
	h.as(h.nobody, "PUT", "/queries/"+q+"/usedBy", []string{"x"}).want(403)
}

func TestQueryCost(t *testing.T) {
	h := newHarness(t)
	h.schema()
	q := h.query("select 1")
	body := map[string]any{"queryReference": ref("query", q), "timestamp": 1795477537466, "cost": 1.5, "count": 3, "totalDuration": 0.25}
	made := h.do("POST", "/queryCostRecord", body, 200)
	h.do("POST", "/queryCostRecord", body, 409)
	body["timestamp"] = 1795477537467
	h.do("POST", "/queryCostRecord", body, 200)
	var cost usage.Cost
	h.do("GET", "/queryCostRecord/"+made.id(), nil, 200).into(&cost)
	if cost.Cost != 1.5 || cost.Count != 3 || cost.Query.ID.String() != q || cost.Query.Name == "" || cost.UpdatedBy.Name != "admin" {
		t.Errorf("cost = %+v", cost)
	}
	h.do("GET", "/queryCostRecord/"+uuid.NewString(), nil, 404)
	body["cost"] = "much"
	h.do("POST", "/queryCostRecord", body, 400)
	h.do("POST", "/queryCostRecord", map[string]any{"queryReference": ref("query", uuid.NewString()), "timestamp": 1, "cost": 1, "count": 1}, 404)
}
