package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func (h *harness) wideTable() (id, fqn string) {
	h.t.Helper()
	s := h.schema()
	made := h.do("PUT", "/tables", map[string]any{"name": "wide", "databaseSchema": s, "columns": []any{
		map[string]any{"name": "b", "dataType": "INT", "ordinalPosition": 1, "constraint": "NOT_NULL"},
		map[string]any{"name": "a", "dataType": "INT", "ordinalPosition": 2, "tags": []any{map[string]any{
			"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Manual", "state": "Confirmed",
		}}},
		map[string]any{"name": "c", "dataType": "STRUCT", "dataTypeDisplay": "struct<inner:int>", "ordinalPosition": 3, "children": []any{
			map[string]any{"name": "inner", "dataType": "INT"},
		}},
	}}, 201)
	return made.id(), s + ".wide"
}

func (h *harness) columns(path string) ([]string, int) {
	h.t.Helper()
	var out struct {
		Data   []column `json:"data"`
		Paging struct {
			Total int `json:"total"`
		} `json:"paging"`
	}
	h.do("GET", path, nil, 200).into(&out)
	got := []string{}
	for _, col := range out.Data {
		got = append(got, col.Name)
	}
	return got, out.Paging.Total
}

func TestListColumns(t *testing.T) {
	h := newHarness(t)
	id, fqn := h.wideTable()
	for _, tc := range []struct {
		path  string
		want  []string
		total int
	}{
		{"/tables/" + id + "/columns", []string{"b", "a", "c"}, 3},
		{"/tables/name/" + fqn + "/columns?fields=tags&limit=1&offset=1", []string{"a"}, 3},
		{"/tables/name/" + fqn + "/columns?offset=9", []string{}, 3},
		{"/tables/" + id + "/columns?sortBy=name&sortOrder=desc", []string{"c", "b", "a"}, 3},
		{"/tables/" + id + "/columns/search?q=INN", []string{"inner"}, 1},
		{"/tables/name/" + fqn + "/columns/search?q=nothing", []string{}, 0},
	} {
		got, total := h.columns(tc.path)
		if diff := cmp.Diff(tc.want, got); diff != "" || total != tc.total {
			t.Errorf("%s: total %d, columns (-want +got):\n%s", tc.path, total, diff)
		}
	}
	h.do("GET", "/tables/"+id+"/columns?sortBy=size", nil, 400)
	h.do("GET", "/tables/"+id+"/columns?limit=-1", nil, 400)
	h.do("GET", "/tables/name/"+fqn+"x/columns", nil, 404)
}

func TestChangeColumn(t *testing.T) {
	h := newHarness(t)
	id, fqn := h.wideTable()
	inner := "/columns/name/" + fqn + ".c.inner?entityType=table"
	changed := h.do("PUT", inner, map[string]any{"displayName": "Inside", "description": "deep"}, 200)
	if string(changed.member("displayName")) != `"Inside"` || string(changed.member("description")) != `"deep"` {
		t.Errorf("column = %s", changed.body)
	}
	h.do("PUT", "/columns/name/"+fqn+".b", map[string]any{"removeConstraint": true, "tags": []any{map[string]any{
		"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Manual", "state": "Confirmed",
	}}}, 200)
	var table struct {
		Version entity.Version `json:"version"`
		Columns []column       `json:"columns"`
	}
	h.do("GET", "/tables/"+id+"?fields=columns,tags", nil, 200).into(&table)
	b := findColumn(table.Columns, fqn+".b")
	if b.Constraint != "" || len(b.Tags) != 1 || b.Tags[0].Description == "" || table.Columns[2].Children[0].Description != "deep" {
		t.Errorf("columns = %+v", table.Columns)
	}
	if table.Version < 3 {
		t.Errorf("version %s: a change made none", table.Version)
	}
	h.do("PUT", "/columns/name/"+fqn+".nope", map[string]any{"description": "x"}, 404)
	h.do("PUT", "/columns/name/"+fqn, map[string]any{"description": "x"}, 400)
	h.do("PUT", inner, map[string]any{"unknown": "x"}, 400)
	h.do("PUT", "/columns/name/"+fqn+".b?entityType=pipeline", map[string]any{"description": "x"}, 400)
	h.as(h.nobody, "PUT", "/columns/name/"+fqn+".a", map[string]any{"constraint": "UNIQUE"}).want(403)
}
