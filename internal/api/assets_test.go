package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// assets returns the names of a page of assets, and how many there are.
func (h *harness) assets(path string) ([]string, int) {
	h.t.Helper()
	var page struct {
		Data   []entity.Ref `json:"data"`
		Paging struct {
			Total int `json:"total"`
		} `json:"paging"`
	}
	h.do("GET", path, nil, 200).into(&page)
	return names(page.Data), page.Paging.Total
}

func (h *harness) bulk(who caller, path string, body any) engine.BulkResult {
	h.t.Helper()
	var out engine.BulkResult
	h.as(who, "PUT", path, body).want(200).into(&out)
	return out
}

func TestAssetsOfEachHolder(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b, c := h.table(s, "a", "id"), h.table(s, "b", "id"), h.table(s, "c", "id")
	all := []any{ref("table", a), ref("table", b), ref("table", c)}
	h.do("PUT", "/domains", map[string]any{"name": "sales", "description": "x", "domainType": "Aggregate"}, 201)
	h.do("PUT", "/dataProducts", map[string]any{"name": "orders", "description": "x", "domains": []string{"sales"}}, 201)
	h.do("PUT", "/teams", map[string]any{"name": "crew", "teamType": "Group"}, 201)
	h.do("PUT", "/glossaries", map[string]any{"name": "words", "description": "x"}, 201)
	term := h.do("PUT", "/glossaryTerms", map[string]any{"name": "order", "glossary": "words", "description": "x"}, 201).id()
	tag := h.do("GET", "/tags/name/PII.Sensitive", nil, 200).id()
	for _, tc := range []struct{ add, list, listed string }{
		{"/domains/sales", "/domains/name/sales", "domains"},
		{"/dataProducts/orders", "/dataProducts/name/orders", "dataProducts"},
		{"/teams/crew", "/teams/name/crew", "owners"},
		{"/tags/" + tag, "/tags/name/PII.Sensitive", "tags"},
		{"/glossaryTerms/" + term, "/glossaryTerms/" + term, "tags"},
	} {
		t.Run(tc.add, func(t *testing.T) {
			dry := h.bulk(h.admin, tc.add+"/assets/add", map[string]any{"assets": all, "dryRun": true})
			if got, _ := h.assets(tc.list + "/assets"); len(got) != 0 || !dry.DryRun || dry.NumberOfRowsPassed != 3 {
				t.Errorf("a dry run changed %v: %+v", got, dry)
			}
			done := h.bulk(h.admin, tc.add+"/assets/add", map[string]any{"assets": all, "dryRun": false})
			if done.Status != "success" || done.NumberOfRowsPassed != 3 {
				t.Errorf("result = %+v", done)
			}
			got, total := h.assets(tc.list + "/assets?limit=2&offset=1")
			if diff := cmp.Diff([]string{"b", "c"}, got); diff != "" || total != 3 {
				t.Errorf("total %d, page (-want +got):\n%s", total, diff)
			}
			table := h.do("GET", "/tables/"+a+"?fields=owners,domains,dataProducts,tags", nil, 200)
			if field := string(table.member(tc.listed)); field == "[]" || field == "" {
				t.Errorf("%s of the table = %s", tc.listed, field)
			}
			h.bulk(h.admin, tc.add+"/assets/remove", map[string]any{"assets": all[:2], "dryRun": false})
			if got, _ := h.assets(tc.list + "/assets"); !cmp.Equal(got, []string{"c"}) {
				t.Errorf("left = %v", got)
			}
		})
	}
	version := h.do("GET", "/tables/"+a, nil, 200).member("version")
	if string(version) == "0.1" {
		t.Error("the changes of the table made no versions")
	}
}

func TestAssetsThatFailAlone(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a := h.table(s, "a", "id")
	h.do("PUT", "/domains", map[string]any{"name": "sales", "description": "x", "domainType": "Aggregate"}, 201)
	body := map[string]any{"assets": []any{
		ref("table", a), ref("table", uuid.NewString()), ref("nonsense", a), ref("policy", a),
	}}
	got := h.bulk(h.admin, "/domains/sales/assets/add", body)
	if got.Status != "partialSuccess" || got.NumberOfRowsPassed != 1 || got.NumberOfRowsFailed != 3 {
		t.Errorf("result = %+v", got)
	}
	refused := h.bulk(h.nobody, "/domains/sales/assets/remove", map[string]any{"assets": []any{ref("table", a)}})
	if refused.Status != "failure" || refused.FailedRequest[0].Status != 403 {
		t.Errorf("somebody without the right: %+v", refused)
	}
	h.do("PUT", "/domains/nowhere/assets/add", body, 404)
	h.do("PUT", "/domains/sales/assets/add", `{"assets":"all"}`, 400)
	h.do("GET", "/domains/name/nowhere/assets", nil, 404)
	h.do("DELETE", "/tables/"+a, nil, 200)
	if left, total := h.assets("/domains/name/sales/assets"); total != 0 {
		t.Errorf("a deleted asset is listed: %v", left)
	}
}

func TestAssetsOfAUser(t *testing.T) {
	h := newHarness(t)
	a := h.table(h.schema(), "a", "id")
	h.do("PATCH", "/tables/"+a, []any{map[string]any{"op": "add", "path": "/owners", "value": []any{ref("user", h.nobody.id.String())}}}, 200)
	if got, _ := h.assets("/users/name/somebody/assets?limit=5&offset=0"); !cmp.Equal(got, []string{"a"}) {
		t.Errorf("assets = %v", got)
	}
	if got, _ := h.assets("/users/" + h.nobody.id.String() + "/assets"); !cmp.Equal(got, []string{"a"}) {
		t.Errorf("assets = %v", got)
	}
}
