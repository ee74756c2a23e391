package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// profilePoint is a profile as clients of the shared door read it.
type profilePoint struct {
	ID     string `json:"id"`
	Entity struct {
		ID  string `json:"id"`
		FQN string `json:"fullyQualifiedName"`
	} `json:"entityReference"`
	Timestamp int64          `json:"timestamp"`
	Data      map[string]any `json:"profileData"`
	Type      string         `json:"profileType"`
}

type profilePage struct {
	Data   []profilePoint `json:"data"`
	Paging struct {
		Total int    `json:"total"`
		After string `json:"after"`
	} `json:"paging"`
}

const profiles = "/entity/profiles"

func TestEntityProfiles(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a, b := h.table(s, "a", "id"), h.table(s, "b", "id")
	add := func(path, kind, data string, want int) answer {
		t.Helper()
		return h.do("POST", profiles+path, `{"entityType":"table","profileType":"`+kind+`","profileData":`+data+`}`, want)
	}
	list := func(path string) profilePage {
		t.Helper()
		var got profilePage
		h.do("GET", profiles+path, nil, 200).into(&got)
		return got
	}
	var made profilePoint
	add("/id/table/"+a, "table", `{"timestamp":1000,"rowCount":7}`, 201).into(&made)
	if made.ID == "" || made.Entity.ID != a || made.Timestamp != 1000 || made.Data["rowCount"] != 7.0 || made.Type != "table" {
		t.Errorf("made = %+v", made)
	}
	add("/name/table/"+s+".a", "table", `{"timestamp":2000,"rowCount":8}`, 201)
	add("/id/table/"+b, "table", `{"timestamp":1500,"rowCount":9}`, 201)
	add("/id/table/"+a, "column", `{"timestamp":1000,"name":"id","valuesCount":3}`, 201)
	add("/id/table/"+a, "system", `{"timestamp":1000,"operation":"INSERT","rowsAffected":2}`, 201)

	var times []int64
	for _, p := range list("/table?startTs=1&endTs=3000").Data {
		times = append(times, p.Timestamp)
	}
	if diff := cmp.Diff([]int64{2000, 1500, 1000}, times); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
	first := list("/table?limit=2")
	rest := list("/table?limit=2&after=" + first.Paging.After)
	if first.Paging.Total != 3 || len(first.Data) != 2 || len(rest.Data) != 1 || rest.Data[0].ID != made.ID {
		t.Errorf("pages = %+v, %+v", first, rest)
	}
	for path, want := range map[string]int{
		"/table/" + s + ".a":                           2,
		"/table/" + s + ".a?startTs=1500":              1,
		"/table/" + s + ".a?profileType=system":        1,
		"/table/" + s + ".a.id?profileType=column":     1,
		"/table/" + s + ".b?profileType=system":        0,
		"/table?profileType=system":                    1,
		"/table?startTs=1400&endTs=1600":               1,
		"/table/" + s + ".a?profileType=table&limit=0": 0,
	} {
		if got := list(path); len(got.Data) != want {
			t.Errorf("%s shows %d, want %d", path, len(got.Data), want)
		}
	}
	// The other door shows the same.
	var table struct {
		Profile struct {
			RowCount float64 `json:"rowCount"`
		} `json:"profile"`
	}
	h.do("GET", "/tables/"+s+".a/tableProfile/latest", nil, 200).into(&table)
	if table.Profile.RowCount != 8 {
		t.Errorf("the table shows %v rows", table.Profile.RowCount)
	}
	h.do("DELETE", profiles+"/id/table/"+a+"/2000", nil, 200)
	h.do("DELETE", profiles+"/id/table/"+a+"/2000", nil, 404)
	h.do("DELETE", profiles+"/name/table/"+s+".a.id/1000?profileType=column", nil, 200)
	h.do("DELETE", profiles+"/name/table/"+s+".a/1000?profileType=system", nil, 200)
	if got := list("/table/" + s + ".a"); got.Paging.Total != 1 {
		t.Errorf("%d left", got.Paging.Total)
	}
}

func TestEntityProfilesRefuse(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	a := h.table(s, "a", "id")
	for name, tc := range map[string]struct {
		method, path, body string
		want               int
	}{
		"another type":              {"GET", "/topic", "", 400},
		"another kind":              {"GET", "/table?profileType=row", "", 400},
		"columns of all tables":     {"GET", "/table?profileType=column", "", 400},
		"no such table":             {"GET", "/table/" + s + ".nope", "", 404},
		"a column by id":            {"DELETE", "/id/table/" + a + "/1?profileType=column", "", 400},
		"no time":                   {"DELETE", "/id/table/" + a + "/soon", "", 400},
		"another type in the body":  {"POST", "/id/table/" + a, `{"entityType":"topic","profileData":{"timestamp":1}}`, 400},
		"two times":                 {"POST", "/id/table/" + a, `{"entityType":"table","timestamp":2,"profileData":{"timestamp":1}}`, 400},
		"no such column":            {"POST", "/id/table/" + a, `{"entityType":"table","profileType":"column","profileData":{"timestamp":1,"name":"zz"}}`, 400},
		"data of another kind":      {"POST", "/id/table/" + a, `{"entityType":"table","profileType":"column","profileData":{"timestamp":1}}`, 400},
		"a table that is not there": {"POST", "/id/table/" + anyID, `{"entityType":"table","profileData":{"timestamp":1}}`, 404},
	} {
		t.Run(name, func(t *testing.T) {
			var body any
			if tc.body != "" {
				body = tc.body
			}
			h.do(tc.method, profiles+tc.path, body, tc.want)
		})
	}
	if got := h.as(h.person("guest"), "POST", profiles+"/id/table/"+a, `{"entityType":"table","profileData":{"timestamp":1}}`); got.status != 403 {
		t.Errorf("somebody without the right got %d", got.status)
	}
}

// TestEntityProfilesHideSensitiveColumns: this door shows no values that the other hides.
func TestEntityProfilesHideSensitiveColumns(t *testing.T) {
	h := newHarness(t)
	s := h.schema()
	h.do("POST", "/tables", fmt.Sprintf(`{"name":"people","databaseSchema":%q,"columns":[{"name":"mail","dataType":"STRING",
		"tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]}`, s), 201)
	h.do("POST", profiles+"/name/table/"+s+".people", `{"entityType":"table","profileType":"column","profileData":{"timestamp":1,"name":"mail","min":"ann@example.org","valuesCount":3}}`, 201)
	look := func(who caller) map[string]any {
		t.Helper()
		var got profilePage
		h.as(who, "GET", profiles+"/table/"+s+".people.mail?profileType=column", nil).want(200).into(&got)
		if len(got.Data) != 1 {
			t.Fatalf("%d points", len(got.Data))
		}
		return got.Data[0].Data
	}
	if got := look(h.admin); got["min"] != "ann@example.org" {
		t.Errorf("the administrator sees %v", got)
	}
	if got := look(h.person("guest")); got["min"] != nil || got["valuesCount"] != 3.0 {
		t.Errorf("a guest sees %v", got)
	}
}

func TestWhoIsOnline(t *testing.T) {
	h := newHarness(t)
	online := func(query string) map[string]float64 {
		t.Helper()
		var got struct {
			Data []struct {
				Name string  `json:"name"`
				Last float64 `json:"lastActivityTime"`
			} `json:"data"`
		}
		h.do("GET", "/users/online?limit=100"+query, nil, 200).into(&got)
		names := map[string]float64{}
		for _, user := range got.Data {
			names[user.Name] = user.Last
		}
		return names
	}
	ann := h.person("ann")
	h.as(h.bot(), "GET", "/tables", nil)
	h.as(ann, "GET", "/tables", nil).want(200)
	got := online("")
	if got["ann"] == 0 || got["admin"] == 0 || got["ingestion-bot"] != 0 {
		t.Errorf("online are %v", got)
	}
	h.pass(10 * 60e9)
	if got := online(""); got["ann"] != 0 || got["admin"] == 0 {
		t.Errorf("after ten minutes online are %v", got)
	}
	if got := online("&timeWindow=60"); got["ann"] == 0 {
		t.Errorf("within an hour online were %v", got)
	}
	h.do("GET", "/users/online?timeWindow=0", nil, 400)
	h.do("GET", "/users/online?timeWindow=100000", nil, 400)
	h.as(ann, "GET", "/users/online", nil).want(403)
}
