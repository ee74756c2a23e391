//go:build acceptance

package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// assertServed compares what a run sent in bulk with what the API serves: every
// member of every create request must be there.
func (c *catalpa) assertServed(t *testing.T, run workflow) {
	t.Helper()
	for collection, parent := range map[string]string{
		"databases": "service", "databaseSchemas": "database",
		"tables": "databaseSchema", "storedProcedures": "databaseSchema",
	} {
		for _, e := range matching(run.exchanges, http.MethodPut, "/"+collection+"/bulk") {
			var requests []map[string]any
			if err := json.Unmarshal(e.request, &requests); err != nil {
				t.Fatalf("%s: %v", e.path, err)
			}
			for _, request := range requests {
				fqn := fmt.Sprint(request[parent]) + "." + quoted(fmt.Sprint(request["name"]))
				var served map[string]any
				c.asBot().get("/"+collection+"/name/"+url.PathEscape(fqn)+"?fields=*", &served)
				for _, lack := range missing(request, served, collection+" "+fqn) {
					t.Error(lack)
				}
			}
		}
	}
}

// quoted is a name as it stands in an FQN.
func quoted(name string) string {
	if strings.ContainsAny(name, `."`) {
		return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return name
}

// missing says what of a sent value the served one lacks. Null and empty lists
// may be served as nothing; what was named by its FQN is served as a reference.
func missing(sent, served any, path string) []string {
	switch sent := sent.(type) {
	case nil:
		return nil
	case map[string]any:
		other, _ := served.(map[string]any)
		var lacks []string
		for key, value := range sent {
			lacks = append(lacks, missing(value, other[key], path+"."+key)...)
		}
		return lacks
	case []any:
		other, _ := served.([]any)
		if len(sent) != len(other) {
			return []string{fmt.Sprintf("%s: %d sent, %d served", path, len(sent), len(other))}
		}
		var lacks []string
		for i := range sent {
			lacks = append(lacks, missing(sent[i], other[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return lacks
	default:
		if reference, ok := served.(map[string]any); ok {
			served = reference["fullyQualifiedName"]
		}
		text, isText := sent.(string)
		if _, ok := served.(float64); ok && isText { // some clients write numbers as text
			sent, _ = strconv.ParseFloat(text, 64)
		}
		if sent != served {
			return []string{fmt.Sprintf("%s: sent %v, served %v", path, sent, served)}
		}
		return nil
	}
}

// editTable does what people do: the administrator describes a table and one of
// its columns, tags both, and gives the table an owner. It returns the table
// as it is then.
func (c *catalpa) editTable(t *testing.T, fqn, columnName string) table {
	t.Helper()
	admin := c.admin()
	var owner named
	admin.send(http.MethodPut, "/users", map[string]any{"name": "grace", "email": "grace@example.com"}, &owner, http.StatusOK, http.StatusCreated)
	before := admin.table(fqn)
	index := -1
	for i, col := range before.Columns {
		if col.Name == columnName {
			index = i
		}
	}
	if index < 0 {
		t.Fatalf("%s has no column %s", fqn, columnName)
	}
	label := func(fqn string) map[string]string {
		return map[string]string{"tagFQN": fqn, "source": "Classification", "labelType": "Manual", "state": "Confirmed"}
	}
	column := fmt.Sprintf("/columns/%d/", index)
	patch := []patchOp{
		{"add", "/description", "Written by a *person*."},
		{"add", "/displayName", "Customers, all of them"},
		{"add", "/tags/0", label("Tier.Tier2")},
		{"add", "/owners", []map[string]string{{"id": owner.ID, "type": "user"}}},
		{"add", column + "description", "The name people gave."},
		{"add", column + "tags/0", label("PII.Sensitive")},
	}
	var answer table
	admin.send(http.MethodPatch, "/tables/"+before.ID, patch, &answer, http.StatusOK)
	edited := admin.table(fqn)
	if edited.Description != "Written by a *person*." || len(edited.Owners) != 1 || edited.Owners[0].Name != "grace" || len(edited.Tags) != 1 {
		t.Fatalf("the edit did not take: %+v", edited)
	}
	return edited
}

// assertKept checks that what people wrote into a table is there still.
func assertKept(t *testing.T, edited, now table) {
	t.Helper()
	type written struct {
		ID, Description string
		Tags            []tagLabel
		Owners          []string
		Columns         map[string]column
	}
	pick := func(from table) written {
		w := written{ID: from.ID, Description: from.Description, Tags: from.Tags, Columns: map[string]column{}}
		for _, o := range from.Owners {
			w.Owners = append(w.Owners, o.FullyQualifiedName)
		}
		for _, old := range edited.Columns {
			if len(old.Tags) > 0 || old.Description != "" {
				w.Columns[old.Name], _ = from.column(old.Name)
			}
		}
		return w
	}
	if diff := cmp.Diff(pick(edited), pick(now)); diff != "" {
		t.Errorf("what people wrote changed (-before +after):\n%s", diff)
	}
}
