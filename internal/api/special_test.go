package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// at returns the value at a path such as "data.0.name": the text of a string,
// other values as JSON, "" when there is none.
func (a answer) at(path string) string {
	a.t.Helper()
	value := jsontext.Value(a.body)
	for _, step := range strings.Split(path, ".") {
		switch value.Kind() {
		case '{':
			var members map[string]jsontext.Value
			check(a.t, json.Unmarshal(value, &members))
			value = members[step]
		case '[':
			var items []jsontext.Value
			check(a.t, json.Unmarshal(value, &items))
			var index int
			if _, err := fmt.Sscanf(step, "%d", &index); err != nil || index >= len(items) {
				return ""
			}
			value = items[index]
		default:
			return ""
		}
	}
	if value.Kind() != '"' {
		return string(value)
	}
	text, err := jsontext.AppendUnquote(nil, value)
	check(a.t, err)
	return string(text)
}

// shows reports the values that differ; pairs are path and value.
func (a answer) shows(pairs ...string) answer {
	a.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := a.at(pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s: %s is %q, want %q in %s", a.what, pairs[i], got, pairs[i+1], entity.Shorten(string(a.body), 1500))
		}
	}
	return a
}

// lacks reports a text that must not be in the answer.
func (a answer) lacks(text string) answer {
	a.t.Helper()
	if strings.Contains(string(a.body), text) {
		a.t.Errorf("%s shows %q: %s", a.what, text, entity.Shorten(string(a.body), 1500))
	}
	return a
}

func esc(name string) string { return url.PathEscape(name) }

// bot signs in as the seeded ingestion bot.
func (h *harness) bot() caller {
	h.t.Helper()
	user, err := testUsers{h.store}.ByName(h.t.Context(), "ingestion-bot")
	check(h.t, err)
	issued, err := h.api.auth.AddBotToken(h.t.Context(), entity.System(), user.ID, auth.ExpireOneHour)
	check(h.t, err)
	return caller{id: user.ID, name: user.Name, token: issued.Token}
}

// consumer signs in as a new user who holds the role DataConsumer.
func (h *harness) consumer(name string) caller {
	h.t.Helper()
	who := h.user(h.api.auth, name, false)
	role := h.do("GET", "/roles/name/DataConsumer", nil, 200).id()
	h.do("PATCH", "/users/"+who.id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role+`","type":"role"}]}]`, 200)
	return who
}

// customers makes a table whose column email is sensitive, and returns its id.
func (h *harness) customers() string {
	h.t.Helper()
	h.schema()
	return h.do("PUT", "/tables", `{"name":"customers","databaseSchema":"shop.db.public","columns":[{"name":"id","dataType":"BIGINT"},
		{"name":"email","dataType":"TEXT","tags":[{"tagFQN":"PII.Sensitive","source":"Classification","labelType":"Manual","state":"Confirmed"}]}]}`, 200, 201).id()
}

const customersFQN = "shop.db.public.customers"

// forbid makes a policy that denies the operation to everybody in a team, and
// puts the user in it.
func (h *harness) forbid(who caller, operation string) {
	h.t.Helper()
	policy := h.do("POST", "/policies", `{"name":"No`+operation+`","rules":[{"name":"deny","resources":["all"],"operations":["`+operation+`"],"effect":"deny"}]}`, 201).id()
	h.do("POST", "/teams", `{"name":"Shut`+operation+`","teamType":"Group","policies":["`+policy+`"],"users":["`+who.id.String()+`"]}`, 201)
	team := h.do("GET", "/teams/name/Shut"+operation, nil, 200).id()
	h.do("PATCH", "/users/"+who.id.String(), `[{"op":"add","path":"/teams","value":[{"id":"`+team+`","type":"team"}]}]`, 200)
}

// TestSpecialRoutesAreKnown makes sure that every special route is one of the
// wire contract.
func TestSpecialRoutesAreKnown(t *testing.T) {
	h := newHarness(t)
	known := map[string]bool{}
	for _, r := range ContractRoutes() {
		known[routeKey(r.Method, r.Path)] = true
	}
	for _, group := range [][]Route{h.api.tableDataRoutes(), h.api.qualityRoutes(), h.api.pipelineRoutes(), h.api.suggestionRoutes(), h.api.feedRoutes()} {
		for _, r := range group {
			if !known[routeKey(r.Method, r.Path)] {
				t.Errorf("%s %s is not of the contract", r.Method, r.Path)
			}
			if r.Access == closed || r.Access == Public {
				t.Errorf("%s %s is %s", r.Method, r.Path, r.Access)
			}
		}
	}
}
