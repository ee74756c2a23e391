//go:build acceptance

package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

var httpClient = &http.Client{Timeout: 30 * time.Second}

// api talks to the server directly, past the recorder, for assertions and for
// what people do between the runs.
type api struct {
	t     *testing.T
	base  string
	token string
}

// reference, tagLabel and the types below hold of each entity what the tests look at.
type reference struct {
	ID                 string `json:"id"`
	Type               string `json:"type"`
	Name               string `json:"name"`
	FullyQualifiedName string `json:"fullyQualifiedName"`
}

type tagLabel struct {
	TagFQN    string `json:"tagFQN"`
	Source    string `json:"source"`
	LabelType string `json:"labelType"`
	State     string `json:"state"`
}

type column struct {
	Name               string     `json:"name"`
	DataType           string     `json:"dataType"`
	DataLength         int        `json:"dataLength"`
	Precision          int        `json:"precision"`
	Scale              int        `json:"scale"`
	DataTypeDisplay    string     `json:"dataTypeDisplay"`
	Constraint         string     `json:"constraint"`
	Description        string     `json:"description"`
	FullyQualifiedName string     `json:"fullyQualifiedName"`
	Tags               []tagLabel `json:"tags"`
}

type constraint struct {
	ConstraintType  string   `json:"constraintType"`
	Columns         []string `json:"columns"`
	ReferredColumns []string `json:"referredColumns"`
}

type table struct {
	ID                 string          `json:"id"`
	Name               string          `json:"name"`
	FullyQualifiedName string          `json:"fullyQualifiedName"`
	Description        string          `json:"description"`
	TableType          string          `json:"tableType"`
	Version            json.Number     `json:"version"`
	UpdatedAt          int64           `json:"updatedAt"`
	Deleted            bool            `json:"deleted"`
	SchemaDefinition   string          `json:"schemaDefinition"`
	SourceHash         string          `json:"sourceHash"`
	Columns            []column        `json:"columns"`
	TableConstraints   []constraint    `json:"tableConstraints"`
	Owners             []reference     `json:"owners"`
	Tags               []tagLabel      `json:"tags"`
	Database           reference       `json:"database"`
	DatabaseSchema     reference       `json:"databaseSchema"`
	Service            reference       `json:"service"`
	DataModel          json.RawMessage `json:"dataModel"`
	UsageSummary       struct {
		DailyStats struct {
			Count int `json:"count"`
		} `json:"dailyStats"`
	} `json:"usageSummary"`
	SampleData struct {
		Columns []string            `json:"columns"`
		Rows    [][]json.RawMessage `json:"rows"`
	} `json:"sampleData"`
	Profile map[string]any `json:"profile"`
}

func (t table) column(name string) (column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return column{}, false
}

// named is what all entities have.
type named struct {
	ID                 string      `json:"id"`
	Name               string      `json:"name"`
	FullyQualifiedName string      `json:"fullyQualifiedName"`
	Description        string      `json:"description"`
	Version            json.Number `json:"version"`
	Deleted            bool        `json:"deleted"`
}

type person struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

type page[T any] struct {
	Data   []T `json:"data"`
	Paging struct {
		Total int    `json:"total"`
		After string `json:"after"`
	} `json:"paging"`
}

// patchOp is one operation of a JSON Patch.
type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func (a *api) get(path string, into any) {
	a.t.Helper()
	a.send(http.MethodGet, path, nil, into, http.StatusOK)
}

// send makes one request below /api/v1 and fails the test on another status.
func (a *api) send(method, path string, body, into any, want ...int) {
	a.t.Helper()
	status, answer := a.exchange(method, path, body)
	for _, w := range want {
		if status != w {
			continue
		}
		if into != nil {
			if err := json.Unmarshal(answer, into); err != nil {
				a.t.Fatalf("%s %s: %v\n%s", method, path, err, clip(answer))
			}
		}
		return
	}
	a.t.Fatalf("%s %s: status %d, want %v\n%s", method, path, status, want, clip(answer))
}

func (a *api) exchange(method, path string, body any) (int, []byte) {
	a.t.Helper()
	var reader io.Reader
	contentType := "application/json"
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			a.t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
		if method == http.MethodPatch {
			contentType = "application/json-patch+json"
		}
	}
	request, err := http.NewRequest(method, a.base+"/api/v1"+path, reader)
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := httpClient.Do(request)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, answer
}

// table reads one table with everything it has.
func (a *api) table(fqn string) table {
	a.t.Helper()
	var found table
	a.get("/tables/name/"+url.PathEscape(fqn)+"?fields=*&include=all", &found)
	return found
}

// entity reads any entity by name.
func (a *api) entity(collection, fqn string) named {
	a.t.Helper()
	var found named
	a.get("/"+collection+"/name/"+url.PathEscape(fqn)+"?include=all", &found)
	return found
}

// list pages through a collection to its end, in small pages, and checks that
// the pages add up to the total.
func list[T any](a *api, collection, parameters string) []T {
	a.t.Helper()
	var all []T
	after := ""
	for {
		path := fmt.Sprintf("/%s?limit=3&%s", collection, parameters)
		if after != "" {
			path += "&after=" + url.QueryEscape(after)
		}
		var p page[T]
		a.get(path, &p)
		all = append(all, p.Data...)
		if p.Paging.After == "" {
			if len(all) != p.Paging.Total {
				a.t.Errorf("%s?%s: the pages hold %d, paging.total says %d", collection, parameters, len(all), p.Paging.Total)
			}
			return all
		}
		after = p.Paging.After
	}
}

// versions is the state of everything below a service: version and whether it
// is deleted, by collection and FQN. Two equal states mean that nothing was written.
func (a *api) versions(service string) map[string]string {
	a.t.Helper()
	state := map[string]string{}
	add := func(collection, parameters string) {
		for _, e := range list[named](a, collection, parameters) {
			state[collection+" "+e.FullyQualifiedName] = fmt.Sprintf("%s deleted=%v", e.Version, e.Deleted)
		}
	}
	add("databases", "include=all&service="+service)
	for _, d := range list[named](a, "databases", "include=all&service="+service) {
		q := url.QueryEscape(d.FullyQualifiedName)
		add("databaseSchemas", "include=all&database="+q)
		add("tables", "include=all&database="+q)
		for _, s := range list[named](a, "databaseSchemas", "include=all&database="+q) {
			add("storedProcedures", "include=all&databaseSchema="+url.QueryEscape(s.FullyQualifiedName))
		}
	}
	return state
}

// edge is one arrow of a lineage graph, by the FQNs of its ends.
type edge struct{ from, to string }

// lineage returns the edges that lead to a table and, down steps far, from it,
// each with the source it was found by.
func (a *api) lineage(fqn string, down int) map[edge]string {
	a.t.Helper()
	type arrow struct {
		FromEntity     json.RawMessage `json:"fromEntity"`
		ToEntity       json.RawMessage `json:"toEntity"`
		LineageDetails struct {
			Source string `json:"source"`
		} `json:"lineageDetails"`
	}
	var graph struct {
		Entity          reference   `json:"entity"`
		Nodes           []reference `json:"nodes"`
		UpstreamEdges   []arrow     `json:"upstreamEdges"`
		DownstreamEdges []arrow     `json:"downstreamEdges"`
	}
	a.get(fmt.Sprintf("/lineage/table/name/%s?upstreamDepth=1&downstreamDepth=%d", url.PathEscape(fqn), down), &graph)
	names := map[string]string{graph.Entity.ID: graph.Entity.FullyQualifiedName}
	for _, n := range graph.Nodes {
		names[n.ID] = n.FullyQualifiedName
	}
	found := map[edge]string{}
	for _, e := range append(graph.UpstreamEdges, graph.DownstreamEdges...) {
		var from, to string
		if json.Unmarshal(e.FromEntity, &from) != nil || json.Unmarshal(e.ToEntity, &to) != nil {
			a.t.Fatalf("lineage of %s: an edge's ends must be plain ids: %s -> %s", fqn, e.FromEntity, e.ToEntity)
		}
		found[edge{names[from], names[to]}] = e.LineageDetails.Source
	}
	return found
}
