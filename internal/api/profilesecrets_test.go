package api

import (
	"strings"
	"testing"
	"time"
)

// TestWebhooksOfProfiles: who knows the address of a chat's webhook may write there, so
// that the profiles of people and teams show it to nobody, not to themselves either.
func TestWebhooksOfProfiles(t *testing.T) {
	h := newHarness(t)
	h.searchable()
	const address = "https://chat.example/services/T0/unguessable"
	webhook := `{"subscription":{"slack":{"endpoint":"` + address + `","secretKey":"k3y-of-profile"}}}`
	for _, c := range []struct{ plural, typ, body string }{
		{"users", "user", `{"name":"vera","email":"vera@example.com","profile":` + webhook + `}`},
		{"teams", "team", `{"name":"hooked","teamType":"Group","profile":` + webhook + `}`},
	} {
		made := h.do("PUT", "/"+c.plural, c.body, 201)
		id := made.id()
		answers := map[string]string{"the write": string(made.body)}
		patched := h.do("PATCH", "/"+c.plural+"/"+id, `[{"op":"add","path":"/displayName","value":"Vera"}]`, 200)
		answers["a patch"] = string(patched.body)
		h.do("PATCH", "/"+c.plural+"/"+id, `[{"op":"add","path":"/profile/subscription/slack/httpMethod","value":"PUT"}]`, 200)
		for _, path := range []string{
			"/" + c.plural + "/" + id + "?fields=profile", "/" + c.plural + "?fields=profile&limit=100", "/" + c.plural + "/" + id + "/versions",
			"/" + c.plural + "/" + id + "/versions/0.1", "/events?entityUpdated=" + c.typ + "&entityCreated=" + c.typ + "&timestamp=0",
		} {
			answers[path] = string(h.do("GET", path, nil, 200).body)
		}
		if exact, err := h.api.indexer.CatchUp(t.Context(), time.Minute); err != nil || !exact {
			t.Fatalf("the index does not catch up: %v", err)
		}
		answers["search"] = string(h.do("GET", "/search/query?q=*&index="+c.typ+"_search_index&size=100", nil, 200).body)
		for where, text := range answers {
			if strings.Contains(text, "unguessable") || strings.Contains(text, "k3y-of-profile") {
				t.Errorf("%s: %s shows a secret: %.300s", c.plural, where, text)
			}
		}
		if got := h.do("GET", "/"+c.plural+"/"+id+"?fields=profile", nil, 200); got.at("profile.subscription.slack.endpoint") != "https://chat.example/"+mask {
			t.Errorf("%s: the address is shown as %v", c.plural, got.at("profile.subscription.slack.endpoint"))
		}
	}
}
