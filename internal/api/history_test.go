package api

import (
	"fmt"
	"math"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func TestHistoryPagesThroughStates(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/services/databaseServices", `{"name":"s","serviceType":"Mysql"}`, 201)
	id := h.do("PUT", "/databases", `{"name":"d","service":"s"}`, 201).id()
	for i := range 3 {
		h.do("PATCH", "/databases/"+id, fmt.Sprintf(`[{"op":"add","path":"/description","value":"text %d"}]`, i), 200)
	}
	h.do("PUT", "/databases/"+id+"/followers", `"`+h.admin.id.String()+`"`, 200)

	const path = "/databases/history?startTs=0&endTs=99999999999999&limit=3"
	var first, second struct {
		Data   []entity.Entity `json:"data"`
		Paging paging          `json:"paging"`
	}
	h.do("GET", path, nil, 200).into(&first)
	h.do("GET", path+"&after="+first.Paging.After, nil, 200).into(&second)
	var got []string
	for _, e := range append(first.Data, second.Data...) {
		got = append(got, e.Version.String()+" "+e.Description)
	}
	if want := "[0.1  0.2 text 0 0.3 text 1 0.4 text 2]"; fmt.Sprint(got) != want {
		t.Errorf("the states are %v, want %s", got, want)
	}
	if second.Paging.After != "" {
		t.Errorf("the last page has the cursor %s", second.Paging.After)
	}
	h.do("GET", "/databases/history?startTs=5", nil, 400)
	h.do("GET", path+"&after=x", nil, 400)
}

// The change feed reads the states of its events in batches.
func TestEventsCostTheSameForFewAndMany(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/services/databaseServices", `{"name":"s","serviceType":"Mysql"}`, 201)
	id := h.do("PUT", "/databases", `{"name":"d","service":"s"}`, 201).id()
	for i := range 20 {
		h.do("PATCH", "/databases/"+id, fmt.Sprintf(`[{"op":"add","path":"/description","value":"text %d"}]`, i), 200)
	}
	// The least of several: a cache stays cold when something else commits just then.
	cost := func(limit int) int64 {
		least := int64(math.MaxInt64)
		for range 5 {
			ctx, statements := store.WithStatements(t.Context())
			_, err := h.engine.Changes(ctx, entity.System(), store.EventQuery{Limit: limit, Types: map[string][]string{"entityUpdated": {"database"}}}, "")
			check(t, err)
			least = min(least, statements.Count())
		}
		return least
	}
	if few, many := cost(2), cost(20); few != many {
		t.Errorf("2 events cost %d statements, 20 cost %d", few, many)
	}
}
