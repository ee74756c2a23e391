package crash

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// read gets an answer that must be there.
func (a *api) read(t *testing.T, path string, into any) {
	t.Helper()
	status, answer, err := a.do(http.MethodGet, path, "", "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d %.300s %v", path, status, answer, err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
}

// stored returns all tables as the list shows them, deleted ones among them.
func stored(t *testing.T, a *api) map[string]state {
	t.Helper()
	tables := map[string]state{}
	for after := ""; ; {
		var page struct {
			Data   []state `json:"data"`
			Paging struct {
				After string `json:"after"`
				Total int    `json:"total"`
			} `json:"paging"`
		}
		a.read(t, "/tables?limit=1000&include=all&after="+url.QueryEscape(after), &page)
		for _, s := range page.Data {
			tables[s.Name] = s
		}
		if after = page.Paging.After; after == "" {
			if len(tables) != page.Paging.Total {
				t.Errorf("the pages hold %d tables, the total says %d", len(tables), page.Paging.Total)
			}
			return tables
		}
	}
}

// check compares what is served with what was acknowledged, and takes the served
// state over where a write got no answer.
func (l *ledger) check(t *testing.T, a *api) {
	t.Helper()
	for _, failure := range l.failed {
		t.Errorf("a write was refused: %s", failure)
	}
	tables := stored(t, a)
	for name := range tables {
		if l.entries[name] == nil {
			t.Errorf("%s is served, but nobody wrote it", name)
		}
	}
	for name, e := range l.entries {
		var got *state
		if s, ok := tables[name]; ok {
			got = &s
		}
		switch {
		case e.matches(got):
		case e.pending != nil && e.pending.admits(got):
			e.acked, e.gone = got, got == nil
		default:
			t.Errorf("%s: acknowledged %v (gone %t), unanswered %+v, served %v", name, e.acked, e.gone, e.pending, got)
		}
		if e.pending != nil && got != nil && !e.gone {
			checkVersions(t, a, got.ID, e.history)
		}
		e.pending = nil
	}
}

func (e *entry) matches(got *state) bool {
	if e.acked == nil || got == nil {
		return e.acked == nil && got == nil
	}
	want := *e.acked
	if want.ID == "" { // from a bulk answer
		want.ID = got.ID
	}
	return cmp.Equal(want, *got)
}

// checkVersions looks for every version that an answer has shown.
func checkVersions(t *testing.T, a *api, id string, history []string) {
	t.Helper()
	var answer struct {
		Versions []string `json:"versions"`
	}
	a.read(t, "/tables/"+id+"/versions", &answer)
	var kept []string
	for _, text := range answer.Versions {
		var s state
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatalf("versions of %s: %v", id, err)
		}
		kept = append(kept, string(s.Version))
	}
	for _, version := range history {
		if !slices.Contains(kept, version) {
			t.Errorf("table %s has lost version %s: %v are left of %v", id, version, kept, history)
		}
	}
}

// checkSearch waits until the index shows what the store shows.
func checkSearch(t *testing.T, a *api) {
	t.Helper()
	want := stored(t, a)
	deadline := time.Now().Add(20 * time.Second)
	for {
		got := indexed(t, a)
		diff := cmp.Diff(want, got)
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("search does not agree with the store (-stored +found):\n%s", diff)
		}
	}
}

// indexed returns all tables that searches find.
func indexed(t *testing.T, a *api) map[string]state {
	t.Helper()
	tables := map[string]state{}
	for _, deleted := range []bool{false, true} {
		const window = 10_000
		var answer struct {
			Hits struct {
				Total struct {
					Value int `json:"value"`
				} `json:"total"`
				Hits []struct {
					Source jsontext.Value `json:"_source"`
				} `json:"hits"`
			} `json:"hits"`
		}
		a.read(t, fmt.Sprintf("/search/query?q=*&index=table_search_index&from=0&size=%d&deleted=%t&include_source_fields=id,name,version,description,deleted", window, deleted), &answer)
		if answer.Hits.Total.Value != len(answer.Hits.Hits) {
			t.Fatalf("search finds %d tables and shows %d", answer.Hits.Total.Value, len(answer.Hits.Hits))
		}
		for _, hit := range answer.Hits.Hits {
			var s state
			if err := json.Unmarshal(hit.Source, &s); err != nil {
				t.Fatal(err)
			}
			tables[s.Name] = s
		}
	}
	return tables
}

// appeared waits until a file is there, or the server is ready.
func appeared(t *testing.T, path string, ready <-chan string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ready:
			return
		case <-deadline:
			t.Fatalf("%s was not there within 30 s", path)
		}
	}
}
