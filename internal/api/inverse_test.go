package api

import (
	"slices"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// refNames returns the names in a list of references.
func refNames(a answer, path ...string) []string {
	a.t.Helper()
	var doc map[string][]entity.Ref
	refs := a.member(path...)
	answer{t: a.t, what: a.what, body: append(append([]byte(`{"refs":`), refs...), '}')}.into(&doc)
	var names []string
	for _, ref := range doc["refs"] {
		names = append(names, ref.Name)
	}
	slices.Sort(names)
	return names
}

// A team may state its users; the users then list the team, and losing one takes
// it off the user again.
func TestATeamStatesItsUsers(t *testing.T) {
	h := newHarness(t)
	ann := h.do("POST", "/users", `{"name":"ann","email":"ann@example.org"}`, 201).id()
	bob := h.do("POST", "/users", `{"name":"bob","email":"bob@example.org"}`, 201).id()
	team := h.do("POST", "/teams", map[string]any{"name": "growers", "teamType": "Group", "users": []string{ann, bob}}, 201).id()

	if got := refNames(h.do("GET", "/teams/"+team+"?fields=users", nil, 200), "users"); !slices.Equal(got, []string{"ann", "bob"}) {
		t.Errorf("the team shows the users %v", got)
	}
	if got := refNames(h.do("GET", "/users/"+ann+"?fields=teams", nil, 200), "teams"); !slices.Equal(got, []string{"growers"}) {
		t.Errorf("ann shows the teams %v", got)
	}

	patched := h.do("PATCH", "/teams/"+team, []map[string]any{{"op": "replace", "path": "/users", "value": []map[string]string{{"id": bob, "type": "user"}}}}, 200)
	if got := string(patched.member("version")); got != "0.2" {
		t.Errorf("a change of the users makes version %s, want 0.2", got)
	}
	if got := refNames(h.do("GET", "/users/"+ann+"?fields=teams", nil, 200), "teams"); slices.Contains(got, "growers") {
		t.Errorf("ann is still in %v after the team let her go", got)
	}
	if got := refNames(h.do("GET", "/teams/"+team+"?fields=users", nil, 200), "users"); !slices.Equal(got, []string{"bob"}) {
		t.Errorf("the team shows the users %v, want bob alone", got)
	}
}

func TestAShortLabelIsCompleted(t *testing.T) {
	h := newHarness(t)
	h.do("PUT", "/services/databaseServices", `{"name":"s","serviceType":"Mysql"}`, 201)
	tagged := h.do("PUT", "/databases", `{"name":"d","service":"s","tags":[{"tagFQN":"PII.Sensitive"}]}`, 201)
	var tags struct {
		Tags []entity.TagLabel `json:"tags"`
	}
	tagged.into(&tags)
	if len(tags.Tags) != 1 || tags.Tags[0].Source != "Classification" || tags.Tags[0].LabelType != "Manual" || tags.Tags[0].State != "Confirmed" {
		t.Errorf("the label came out as %+v", tags.Tags)
	}
}
