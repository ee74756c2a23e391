package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/usage"
)

func daysAgo(n int) string { return time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly) }

func TestUsageCounts(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a := h.table(s, "a", "id")
	post := func(date string, count int) {
		t.Helper()
		h.do("POST", "/usage/table/"+a, map[string]any{"date": date, "count": count}, 201)
	}
	post(daysAgo(20), 1)
	post(daysAgo(3), 2)
	post(daysAgo(0), 100)
	post(daysAgo(0), 5) // in place of the hundred
	h.do("PUT", "/usage/table/name/"+s+".a", map[string]any{"date": daysAgo(0), "count": 2}, 201)

	var got usage.EntityUsage
	h.do("GET", "/usage/table/"+a+"?days=30", nil, 200).into(&got)
	stats := func(n int64) usage.Stats { return usage.Stats{Count: n} }
	want := []usage.Details{
		{Daily: stats(7), Weekly: stats(9), Monthly: stats(10), Date: daysAgo(0)},
		{Daily: stats(2), Weekly: stats(2), Monthly: stats(3), Date: daysAgo(3)},
		{Daily: stats(1), Weekly: stats(1), Monthly: stats(1), Date: daysAgo(20)},
	}
	if diff := cmp.Diff(want, got.Usage); diff != "" || got.Entity.FullyQualifiedName != s+".a" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	var one usage.EntityUsage
	h.do("GET", "/usage/table/name/"+s+".a?date="+daysAgo(3), nil, 200).into(&one)
	if diff := cmp.Diff(want[1:2], one.Usage); diff != "" {
		t.Errorf("usage of one day (-want +got):\n%s", diff)
	}
	var table struct {
		Summary usage.Details `json:"usageSummary"`
	}
	h.do("GET", "/tables/"+a+"?fields=usageSummary", nil, 200).into(&table)
	if diff := cmp.Diff(want[0], table.Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	h.do("GET", "/databases/name/shop.db?fields=usageSummary", nil, 200).into(&table)
	if diff := cmp.Diff(want[0], table.Summary); diff != "" {
		t.Errorf("summary of the database (-want +got):\n%s", diff)
	}
}

func TestUsageRefuses(t *testing.T) {
	h := newHarness(t)
	a := h.table(h.schema(), "a", "id")
	for body, want := range map[string]int{
		`{"date":"yesterday","count":1}`:     400,
		`{"date":"2026-11-23"}`:              400,
		`{"date":"2026-11-23","count":-1}`:   400,
		`{"date":"2026-11-23","count":"x"}`:  400,
		`{"date":"9999-11-23","count":1}`:    400,
		`{"date":"2026-11-23","count":1,"q"`: 400,
	} {
		if got := h.as(h.admin, "POST", "/usage/table/"+a, body); got.status != want {
			t.Errorf("%s: status %d, want %d", body, got.status, want)
		}
	}
	good := map[string]any{"date": daysAgo(0), "count": 1}
	h.as(h.nobody, "POST", "/usage/table/"+a, good).want(403)
	h.do("POST", "/usage/role/"+a, good, 400)
	h.do("POST", "/usage/table/"+h.admin.id.String(), good, 404)
	h.do("GET", "/usage/table/"+a+"?days=31", nil, 400)
	h.as(h.nobody, "POST", "/usage/compute.percentile/table/"+daysAgo(0), nil).want(403)
	h.do("POST", "/usage/compute.percentile/table/soon", nil, 400)
	var none usage.EntityUsage
	h.do("GET", "/usage/table/"+a, nil, 200).into(&none)
	if none.Usage == nil || len(none.Usage) != 0 {
		t.Errorf("usage = %v, want an empty list", none.Usage)
	}
}

func TestUsagePercentile(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	for i, count := range []int{10, 30, 20, 30, 5} {
		id := h.table(s, fmt.Sprintf("t%d", i), "id")
		h.do("POST", "/usage/table/"+id, map[string]any{"date": daysAgo(1), "count": count}, 201)
	}
	idle := h.table(s, "idle", "id")
	h.do("POST", "/usage/table/"+idle, map[string]any{"date": daysAgo(2), "count": 1000}, 201)
	h.do("POST", "/usage/compute.percentile/table/"+daysAgo(1), nil, 201)
	var got []float64
	for i := range 5 {
		var table struct {
			Summary usage.Details `json:"usageSummary"`
		}
		h.do("GET", fmt.Sprintf("/tables/name/%s.t%d?fields=usageSummary", s, i), nil, 200).into(&table)
		got = append(got, table.Summary.Daily.PercentileRank)
		if table.Summary.Weekly.PercentileRank != got[i] {
			t.Errorf("t%d: weekly rank %v, daily %v", i, table.Summary.Weekly.PercentileRank, got[i])
		}
	}
	if diff := cmp.Diff([]float64{25, 75, 50, 75, 0}, got); diff != "" {
		t.Errorf("ranks (-want +got):\n%s", diff)
	}
}

func TestTableJoins(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a := h.table(s, "a", "id", "x")
	h.table(s, "b", "id")
	h.table(s, "c", "id")
	put := func(date string, count int, with string) {
		t.Helper()
		h.do("PUT", "/tables/"+a+"/joins", map[string]any{"startDate": date, "dayCount": 1, "columnJoins": []any{
			map[string]any{"columnName": "id", "joinedWith": []any{map[string]any{"fullyQualifiedName": with, "joinCount": count}}},
		}, "directTableJoins": []any{map[string]any{"fullyQualifiedName": s + ".b", "joinCount": 1}}}, 200)
	}
	put(daysAgo(1), 2, s+".b.id")
	put(daysAgo(0), 9, s+".b.id")
	put(daysAgo(0), 3, s+".b.id") // in place of the nine
	put(daysAgo(0), 7, s+".c.id")
	var table struct {
		Joins usage.Joins `json:"joins"`
	}
	h.do("GET", "/tables/"+a+"?fields=joins", nil, 200).into(&table)
	want := usage.Joins{
		StartDate: daysAgo(29), DayCount: 30, Tables: []usage.JoinedWith{{FQN: s + ".b", Count: 2}},
		Columns: []usage.ColumnJoins{{Column: "id", With: []usage.JoinedWith{{FQN: s + ".c.id", Count: 7}, {FQN: s + ".b.id", Count: 5}}}},
	}
	if diff := cmp.Diff(want, table.Joins); diff != "" {
		t.Errorf("joins (-want +got):\n%s", diff)
	}
	for name, tc := range map[string]struct {
		date, column, with string
		want               int
	}{
		"column that is not there": {daysAgo(0), "nope", s + ".b.id", 400},
		"table that is not there":  {daysAgo(0), "id", s + ".nope.id", 404},
		"no table":                 {daysAgo(0), "id", "b", 400},
		"too old":                  {daysAgo(40), "id", s + ".b.id", 400},
	} {
		body := map[string]any{"startDate": tc.date, "columnJoins": []any{
			map[string]any{"columnName": tc.column, "joinedWith": []any{map[string]any{"fullyQualifiedName": tc.with, "joinCount": 1}}},
		}}
		if got := h.as(h.admin, "PUT", "/tables/"+a+"/joins", body); got.status != tc.want {
			t.Errorf("%s: status %d, want %d: %s", name, got.status, tc.want, got.body)
		}
	}
}
